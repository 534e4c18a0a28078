"""All methods of the zoo, which enter themselves when their modules are imported."""

from importlib import import_module

from tests.benchmark.methods.contract.zoo.sound import BROKEN, UNSEEN

KINDS = [
    import_module(f"tests.benchmark.methods.contract.zoo.{name}")
    for name in (
        "of_declarations", "of_global_state", "of_inputs", "of_scores", "of_state", "of_the_process", "of_training",
        "that_end", "that_escape",
    )
]  # fmt: skip

__all__ = ["BROKEN", "KINDS", "UNSEEN"]
