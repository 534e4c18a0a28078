"""All methods of the zoo, which enter themselves when their modules are imported."""

from tests.benchmark.methods.contract.zoo import (  # noqa: F401
    of_declarations,
    of_global_state,
    of_inputs,
    of_scores,
    of_state,
    of_the_process,
    of_training,
    that_end,
    that_escape,
)
from tests.benchmark.methods.contract.zoo.sound import BROKEN, UNSEEN

__all__ = ["BROKEN", "UNSEEN"]
