"""Tensors of a TorchScript archive, read without torch.jit and torch.load; code in the archive is not opened.

An unpickler that knows only tensors and inert stand-ins for modules reads data.pkl, whose opcodes were looked at first.
"""

import pickle
import zipfile
from collections import OrderedDict, deque
from typing import Any, cast

import torch
from torch import Tensor

from benchmark.core import archives, pickles
from benchmark.core.digest import JsonDict

MODULES = 10_000
"""Modules of the largest network; OpenAI's ViT-L has 400."""

LONGEST = 1000
"""Letters of the longest name of a tensor."""


def folder(archive: zipfile.ZipFile) -> str | None:
    """Name of the folder in an archive, with "/" at its end; None if the archive is of another kind than TorchScript."""
    folders = [name.removesuffix("constants.pkl") for name in archive.namelist() if name.endswith("/constants.pkl")]
    return folders[0] if folders else None


def tensors(archive: zipfile.ZipFile, within: str, size: int) -> dict[str, Tensor]:
    """Read the tensors of an archive of `size` bytes, by name.

    Args:
        archive: The archive.
        within: Its `folder`.
        size: Size of the file.

    Returns:
        The tensors of its modules, by name.
    """
    read = [
        e for e in archive.infolist() if e.filename == f"{within}data.pkl" or e.filename.startswith(f"{within}data/")
    ]
    archives.check(read, size)
    with archive.open(f"{within}data.pkl") as stream:
        pickled = pickles.check(pickles.whole(cast(Any, stream)))
    return _walk(_Archive(pickled, archive, within).load())


class _Module:
    """Inert stand-in for a TorchScript module, which keeps its attributes."""

    def __init__(self) -> None:
        self.state: JsonDict = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


def _walk(root: _Module) -> dict[str, Tensor]:
    """The tensors of a module and of those in it, by names with dots; ValueError for more or deeper ones than a network's."""
    found: dict[str, Tensor] = {}
    todo = deque([("", root)])
    for _ in range(MODULES):
        if not todo:
            return found
        prefix, module = todo.popleft()
        if len(prefix) > LONGEST:
            raise ValueError("its modules are nested too deep for a network")
        found |= {prefix + name: value for name, value in module.state.items() if isinstance(value, Tensor)}
        todo += [(f"{prefix}{name}.", value) for name, value in module.state.items() if isinstance(value, _Module)]
    raise ValueError(f"it has more than {MODULES:,} modules, which is no network")


_STORAGES = {
    "HalfStorage": torch.float16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
}


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Tensor:
    """A tensor in a storage; as_strided refuses access outside of the storage."""
    return storage.as_strided(size, stride, offset)


def _typed_list(value: Any, *_: object) -> Any:
    """Return a typed list of TorchScript unchanged."""
    return value


class _Archive(pickle.Unpickler):
    """An unpickler for data.pkl of a TorchScript archive that knows inert globals only."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self.archive, self.folder = archive, folder
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The inert stand-in for a global.

        Args:
            module: module of the global.
            name: name of the global.

        Returns:
            The stand-in.

        Raises:
            pickle.UnpicklingError: for any global that weights do not need.
        """
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if module.split(".")[0] == "__torch__":
            return _Module
        if module == "torch.jit._pickle":
            return _typed_list
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) in known:
            return known[module, name]
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name} is not needed for weights")

    def persistent_load(self, pid: Any) -> Tensor:
        """A storage as a flat tensor.

        Args:
            pid: the identifier in the pickle, with type and key of the storage.

        Returns:
            The tensor.

        Raises:
            zipfile.BadZipFile: for a compressed storage.
        """
        _, dtype, key, *_ = pid
        if key not in self.storages:
            info = self.archive.getinfo(f"{self.folder}data/{key}")
            if info.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile("compressed tensors, which torch does not write")
            content = bytearray(self.archive.read(info))
            self.storages[key] = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        return self.storages[key]
