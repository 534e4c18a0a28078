"""Which encoders of a suite have a text tower and so can be backbones, known without loading one."""

from functools import cache

from benchmark.core.errors import BenchError
from benchmark.core.names import meant, resolve
from benchmark.suites.suite import Suite


def text_tower(suite: Suite, role: str) -> bool | None:
    """Whether an encoder has a text tower, by the suite's `text` or else by its loader; None if neither says it."""
    said = suite.encoders[role]
    return said["text"] if "text" in said else _of_loader(said["loader"])


def backbones(suite: Suite) -> list[str]:
    """Roles of the encoders that have a text tower, as far as it is known."""
    return [role for role in suite.encoders if text_tower(suite, role) is not False]


def backbone(suite: Suite, role: str, besides: str = "") -> str:
    """The role of a backbone.

    An unknown role raises BenchError with the nearest one.

    Args:
        suite: Suite.
        role: Role of an encoder.
        besides: What else could be named, for the message.

    Returns:
        The role.

    Raises:
        BenchError: if the encoder has no text tower.
    """
    if role in suite.encoders and text_tower(suite, role) is False:
        raise BenchError(
            f"{role} has no text tower, so it cannot be a backbone; of suite {suite.name} these can: "
            f"{', '.join(backbones(suite)) or 'none'}"
        )
    return meant(role, backbones(suite), f"backbone of suite {suite.name}{besides}")


@cache
def _of_loader(loader: str) -> bool | None:
    try:
        return getattr(resolve(loader, "encoder"), "text_tower", None)
    except BenchError:  # raised again when the encoder is opened
        return None
