"""A simulated second device for tests: tensors report another device, while their values are kept on the CPU.

Operations that fail on a real device fail here: mixing tensors of two devices, conversion to NumPy, drawing with a generator
of the CPU. Code that runs here therefore places its tensors correctly for a GPU, and its results can be compared with those
of the CPU. torch's FakeTensorMode has no values, and no gradients for a device that the build does not support.

The simulated device uses the name of torch's "meta" device, which every build has and which has no kernels that could run by
mistake.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from benchmark.core.digest import Json

ELSEWHERE = torch.device("meta")

MIXING = ("aten::index", "aten::index_put_", "aten::_index_put_impl_", "aten::copy_", "aten::_foreach_copy_")
"""Operations that accept tensors of the CPU together with tensors of another device: copies and indexing."""

Types = Sequence[type]
"""Types of the tensors in a call, as torch passes them to `__torch_function__` and `__torch_dispatch__`."""

Named = Json
"""Keyword arguments of a call."""


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """Within the context, simulate a second device, to which `.to(device)` moves tensors."""
    with _TensorFunction(), _Dispatch():  # type: ignore[no-untyped-call]  # torch has no types here
        yield ELSEWHERE


class _SimulatedTensor(Tensor):
    """A tensor that reports the simulated device; `here` contains its values on the CPU."""

    here: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, here: Tensor) -> "_SimulatedTensor":
        made = Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            requires_grad=here.requires_grad,
            device=ELSEWHERE,
        )
        made.here = here
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"{self.here} (elsewhere)"

    def tolist(self) -> list[Any]:
        """Copy the values to the CPU and return them as a list."""
        return self.here.tolist()

    def new_tensor(self, data: object, **named: Any) -> Tensor:  # type: ignore[override]
        """Make a tensor on the simulated device; torch would make one without values."""
        return self.here.new_tensor(data, **named).to(ELSEWHERE)

    def numpy(self, **_: object) -> NoReturn:
        """Fail as on any device other than the CPU."""
        raise TypeError("can't convert a tensor of another device to numpy; use .cpu() first")

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operation: OpOverload, types: Types, arguments: Sequence[object] = (), named: Named | None = None
    ) -> object:
        return _run(operation, arguments, named or {})


class _TensorFunction(TorchFunctionMode):
    """Replace torch.tensor(…, device=…), which would make a tensor without values."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Types, arguments: Sequence[object] = (), named: Named | None = None
    ) -> object:
        named = dict(named or {})
        if function is torch.tensor and named.get("device") == ELSEWHERE:
            return function(*arguments, **{**named, "device": None}).to(ELSEWHERE)
        return function(*arguments, **named)


class _Dispatch(TorchDispatchMode):
    """Handle operations without an argument on the simulated device, which create tensors on it or move them to it."""

    def __torch_dispatch__(
        self, operation: OpOverload, types: Types, arguments: Sequence[object] = (), named: Named | None = None
    ) -> object:
        return _run(operation, arguments, named or {})


def _run(operation: OpOverload, arguments: Sequence[object], named: Named) -> object:
    """Run an operation on CPU values; its results are on the device of its arguments or on the one requested."""
    tensors = [value for value in tree_leaves((arguments, named)) if isinstance(value, Tensor)]
    there = {id(tensor.here): tensor for tensor in tensors if isinstance(tensor, _SimulatedTensor)}
    told = named.get("device")
    to_there = bool(there) if told is None else torch.device(told) == ELSEWHERE
    _refuse(operation, tensors, named, to_there)
    given = named if told is None else {**named, "device": torch.device("cpu")}
    found = operation(*tree_map(_cpu_values, arguments), **tree_map(_cpu_values, given))
    if not to_there:
        return found

    def wrapped(value: object) -> object:
        """Wrap a result; an in-place operation returns the tensor that it was given."""
        if id(value) in there:
            return there[id(value)]
        return _SimulatedTensor(value) if isinstance(value, Tensor) else value

    return tree_map(wrapped, found)


def _cpu_values(value: object) -> object:
    """Replace a simulated tensor by its values on the CPU."""
    return value.here if isinstance(value, _SimulatedTensor) else value


def _refuse(operation: OpOverload, tensors: Sequence[Tensor], named: Named, to_there: bool) -> None:
    """Raise a RuntimeError where a real device would; a scalar tensor of the CPU may be combined with its tensors."""
    if to_there and isinstance(named.get("generator"), torch.Generator):
        raise RuntimeError("Expected a generator of the device that is drawn on, but found one of the CPU")
    others = [tensor for tensor in tensors if not isinstance(tensor, _SimulatedTensor)]
    if any(tensor.device == ELSEWHERE for tensor in others):
        raise RuntimeError(f"{operation} was given a tensor that was made elsewhere and has no numbers")
    here = [tensor for tensor in others if tensor.ndim]
    if here and len(others) < len(tensors) and operation._schema.name not in MIXING:
        raise RuntimeError(f"Expected all tensors to be on the same device, but {operation} found two devices")
