"""Published encoders: slots for weights files, safe reading of checkpoints, and networks to load them into.

Suites name loaders by this package (`benchmark.encoders.published:clip`). They are imported on access, so that
`bench weights` does not import torch.
"""

from typing import Any

LOADERS = ("auxiliary", "clip", "open_clip_pair", "timm_model")


def __getattr__(name: str) -> Any:
    """Import a loader by name; raises AttributeError for any other name."""
    if name in LOADERS:
        from benchmark.encoders.published import loaders

        return getattr(loaders, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
