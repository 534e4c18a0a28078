"""The imports of open_clip, timm and torchvision, with a workaround for mismatched builds of torchvision.

open_clip and timm import torchvision. A CUDA build of torchvision beside a CPU build of torch fails at import with "operator
torchvision::nms does not exist", because it registers shape functions for compiled operators that were not loaded. This
project uses none of those operators, so if the plain import fails, the import is repeated without the registration module.
"""

import sys
from types import ModuleType

_REGISTRATIONS = "torchvision._meta_registrations"


def mend_torchvision() -> bool:
    """Import torchvision, without its registration module if necessary; whether that was necessary."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return False
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    sys.modules[_REGISTRATIONS] = ModuleType(_REGISTRATIONS)
    import torchvision  # noqa: F401

    return True


TORCHVISION_MENDED = mend_torchvision()

import open_clip  # noqa: E402
import timm  # noqa: E402
from torchvision import transforms as torchvision_transforms  # noqa: E402

__all__ = ["TORCHVISION_MENDED", "open_clip", "timm", "torchvision_transforms"]
