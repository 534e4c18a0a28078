"""torchvision's broken import is mended, and only that one."""

import builtins
import sys
from types import ModuleType
from typing import Any

import pytest

from benchmark.core import libraries

NMS = "operator torchvision::nms does not exist"


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What the next imports of torchvision raise, one after the other; an import beyond them succeeds."""
    raised: list[BaseException] = []
    original = builtins.__import__

    def fake(name: str, *arguments: Any, **more: Any) -> Any:
        if name != "torchvision":
            return original(name, *arguments, **more)
        if raised:
            sys.modules["torchvision.half_loaded"] = ModuleType("torchvision.half_loaded")
            raise raised.pop(0)
        return ModuleType("torchvision")

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("torchvision.half_loaded", libraries._REGISTRATIONS):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        del sys.modules[name]
    monkeypatch.setattr(builtins, "__import__", fake)
    return raised


def test_an_import_that_works_is_left_alone(imports: list[BaseException]) -> None:
    assert imports == []
    assert libraries.mend_torchvision() is False
    assert libraries._REGISTRATIONS not in sys.modules


def test_a_missing_operator_leaves_out_the_registrations_and_what_was_half_loaded(imports: list[BaseException]) -> None:
    imports.append(RuntimeError(NMS))
    assert libraries.mend_torchvision() is True
    assert "torchvision.half_loaded" not in sys.modules
    assert vars(sys.modules[libraries._REGISTRATIONS]).keys() <= vars(ModuleType("empty")).keys()


def test_another_failure_is_not_hidden(imports: list[BaseException]) -> None:
    imports.append(RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        libraries.mend_torchvision()


def test_a_mended_import_that_fails_again_is_not_hidden(imports: list[BaseException]) -> None:
    imports.extend([RuntimeError(NMS), RuntimeError(NMS)])
    with pytest.raises(RuntimeError, match="nms"):
        libraries.mend_torchvision()


def test_the_libraries_are_here() -> None:
    assert hasattr(libraries.open_clip, "CLIP")
    assert hasattr(libraries.timm, "create_model")
    assert hasattr(libraries.torchvision_transforms, "Compose")
    assert isinstance(libraries.TORCHVISION_MENDED, bool)
