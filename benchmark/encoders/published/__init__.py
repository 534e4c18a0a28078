"""Published encoders: which file fills which slot, how it is read safely, and the networks that take the weights.

The loaders that suites name (`benchmark.encoders.published:clip`) are handed on by name when they are asked for, so that
`bench weights`, which needs no torch, does not import it.
"""

from typing import Any

LOADERS = ("auxiliary", "clip", "open_clip_pair", "timm_model")


def __getattr__(name: str) -> Any:
    """A loader, from the module that needs torch. AttributeError for any other name."""
    if name in LOADERS:
        from benchmark.encoders.published import loaders

        return getattr(loaders, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
