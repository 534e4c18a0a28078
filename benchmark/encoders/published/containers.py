"""Safe reading of published checkpoints, without running code in them, and recognition of the encoder by content.

Six container formats are in use: OpenAI's TorchScript archives, torch's zip files and older pickles, each bare or wrapped
with the state of a training run, and safetensors. `read` reduces them to the tensors of the encoder, named as in open_clip
(CLIP) or timm (auxiliary encoders).

The kind of an encoder is decided by its tensors, in the order of `_reduced`. The bare ResNet-50 of DINO and that of SparK
have equal structure, as have the bare ViTs of MAE and MILAN. Such a file has a kind of its own ("bare ResNet"), and
benchmark/encoders/published/slots.py assigns it by name.
"""

import argparse
import hashlib
import pickle
import pickletools
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError

OPENAI_CLIP = "OpenAI's CLIP"
CLIP = "CLIP"
MOCO, DINO, SPARK, MAE, MILAN = "MoCo v3", "DINO", "SparK", "MAE", "MILAN"
RESNET = "bare ResNet"
VIT_FIXED, VIT_LEARNED = "bare ViT with fixed positions", "bare ViT with learned positions"
CLASSIFIER = "network with a classifier"
OTHER = "something else"

WRAPPERS = ("teacher", "state_dict", "model", "module")
"""Keys of the network in checkpoints: of DINO (the teacher, which is evaluated), MoCo v3, MAE and MILAN, SparK."""

_NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # integers among the buffers of OpenAI's CLIPs


@dataclass(frozen=True)
class Container:
    """The encoder in a file.

    form: "TorchScript", "torch zip", "torch pickle" or "safetensors".
    kind: one of the constants of this module, such as MOCO.
    tensors: the state dict of the encoder, in the precision of the file.
    """

    path: Path
    form: str
    kind: str
    tensors: dict[str, Tensor]

    @property
    def architecture(self) -> str:
        """Description of depth and patch size, such as "ResNet of 3-4-6-3 blocks"; "" for another design."""
        return architecture(self.tensors)


def read(path: Path) -> Container:
    """Read the encoder in a file; raises BenchError for an unreadable file or other content."""
    form, content = load(path)
    try:
        kind, tensors = recognise(content, form)
    except ValueError as instead:
        raise BenchError(f"{path}: holds {instead}") from instead
    return Container(path, form, kind, tensors)


# --- files


def load(path: Path) -> tuple[str, Any]:
    """Load a file of tensors without executing code in it.

    Args:
        path: the file.

    Returns:
        The container format and the content.

    Raises:
        BenchError: if the file is missing or damaged, or needs a global that tensors do not need.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise BenchError(f"{path}: {_refusal(error, path)}") from error
    except BenchError:
        raise
    except Exception as error:  # a broken or hostile file may raise any exception
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise BenchError(f"{path}: damaged or incomplete ({reason}); fetch it again") from error


def _load(path: Path) -> tuple[str, Any]:
    with path.open("rb") as file:
        start = file.read(64)
    if start[8:9] == b"{":  # the JSON header follows its length of 8 bytes
        return "safetensors", safetensors.torch.load_file(path)
    if start.lstrip().startswith((b"<", b"version https://git-lfs")):
        shown = start.split(b"\n")[0].decode(errors="replace").strip()
        raise BenchError(f"{path}: not weights but a page or a pointer to them (it begins {shown!r}); fetch it again")
    is_zip = zipfile.is_zipfile(path)
    if is_zip and (tensors := _torchscript(path)) is not None:
        return "TorchScript", tensors
    # MAE, MILAN and DINO store the arguments of the run with the weights, as a Namespace, which is data
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    return ("torch zip" if is_zip else "torch pickle"), content


def _refusal(error: Exception, path: Path) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    asked = named[1] if named else _global_of_pickle(path)
    if asked is None:
        return "not a checkpoint, or damaged; fetch it again"
    return (
        f"refused: reading it would run {asked}, which tensors do not need; nothing was run. Get another copy, or, if you"
        " made it, save its state_dict or tensor alone with torch.save"
    )


def _global_of_pickle(path: Path) -> str | None:
    """The first global that a plain pickle needs, found by reading its opcodes without executing them."""
    strings: list[str] = []
    try:
        with path.open("rb") as stream:
            for code, argument, _ in pickletools.genops(stream):
                if code.name == "GLOBAL":
                    return str(argument).replace(" ", ".")
                if code.name == "STACK_GLOBAL":
                    return ".".join(strings[-2:])
                if isinstance(argument, str):
                    strings.append(argument)
    except Exception:  # not a pickle
        return None
    return None


def _torchscript(path: Path) -> dict[str, Tensor] | None:
    """Read the tensors of a TorchScript archive without torch.jit and torch.load.

    An unpickler that knows only tensors and inert stand-ins for modules reads data.pkl. Code in the archive is not opened.

    Args:
        path: a zip file.

    Returns:
        The tensors by name; None if the zip file is no TorchScript archive.
    """
    with zipfile.ZipFile(path) as archive:
        folders = [name.removesuffix("constants.pkl") for name in archive.namelist() if name.endswith("/constants.pkl")]
        if not folders:
            return None
        with archive.open(f"{folders[0]}data.pkl") as stream:
            root = _Archive(stream, archive, folders[0]).load()
    return dict(_walk(root, ""))


class _Module:
    """Inert stand-in for a TorchScript module, which keeps its attributes."""

    def __init__(self) -> None:
        self.state: JsonDict = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


def _walk(module: _Module, prefix: str) -> Iterable[tuple[str, Tensor]]:
    for name, value in module.state.items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _walk(value, f"{prefix}{name}.")


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


# --- recognition of the encoder


def recognise(content: Any, form: str = "") -> tuple[str, dict[str, Tensor]]:
    """Recognise the encoder in the content of a file; other content raises ValueError with a description of it.

    Tensors on the device "meta" suffice, except for the position embeddings of a ViT.

    Args:
        content: the loaded content.
        form: the container format.

    Returns:
        The kind of the encoder, and its tensors.
    """
    kind, tensors = _reduced(unwrapped(content))
    if kind == CLIP:
        tensors = {n: t for n, t in tensors.items() if n not in _NO_WEIGHTS and not n.endswith("attn_mask")}
        kind = OPENAI_CLIP if form == "TorchScript" else CLIP  # only OpenAI publishes CLIPs in this form
    return kind, tensors


def unwrapped(content: Any) -> dict[str, Tensor]:
    """The state dict in a checkpoint, bare or under one of the keys WRAPPERS; raises ValueError if there is none."""
    if not isinstance(content, Mapping):
        raise ValueError(f"a {type(content).__name__}, not a state dict")
    inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    tensors = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"no tensors (its keys: {', '.join(map(str, list(content)[:6])) or 'none'})")
    return tensors


def _reduced(state: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    if moco := _under(state, "module.base_encoder."):
        return MOCO, _without(moco, "fc.", "head.")  # MoCo v3 stores its projector under the name of the classifier
    if (plain := bare(state)) is not state:
        return _reduced(plain)
    if backbone := _under(state, "backbone."):
        if "head.last_layer.weight_v" in state:
            return DINO, backbone
        raise ValueError("an OpenMMLab port, whose names and layout differ from the authors' own file")
    if spark := _under(state, "sparse_encoder.sp_cnn."):
        return SPARK, spark
    for kind, mark in ((MILAN, "attn.kv"), (MAE, "attn.qkv")):
        if f"decoder_blocks.0.{mark}.weight" in state:
            return kind, _without(state, "mask_token", "decoder_")
    if {"visual.conv1.weight", "text_projection"} <= state.keys():
        return CLIP, state
    return _bare(state), state


def bare(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without the prefixes that DistributedDataParallel and torch.compile put before every name."""
    for prefix in ("module.", "_orig_mod."):
        if state and all(name.startswith(prefix) for name in state):
            return bare(_under(state, prefix))
    return state


def _bare(state: dict[str, Tensor]) -> str:
    if {"fc.weight", "head.weight"} & state.keys():
        return CLASSIFIER
    if {"cls_token", "pos_embed", "patch_embed.proj.weight"} <= state.keys():
        return _positions(state["pos_embed"])
    return RESNET if {"conv1.weight", "layer1.0.conv1.weight"} <= state.keys() else OTHER


def _positions(table: Tensor) -> str:
    """The kind of a bare ViT by its position embeddings.

    Fixed embeddings are zero for the class token. MAE and MILAN encode the column in the first half of the channels, MoCo v3
    in the second half. Two patches that are neighbours in a row therefore agree in the other half.

    Args:
        table: position embeddings, [1, 1 + P, D].

    Returns:
        The kind.
    """
    if table[0, 0].any():
        return VIT_LEARNED
    half = table.shape[-1] // 2
    return MOCO if torch.equal(table[0, 1, :half], table[0, 2, :half]) else VIT_FIXED


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}


def _without(state: Mapping[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    return {name: t for name, t in state.items() if not name.startswith(prefixes)}


# --- architecture and digest


def blocks(tensors: Mapping[str, Tensor], prefix: str = "") -> tuple[int, ...]:
    """Number of blocks in the four stages of a ResNet: (3, 4, 6, 3) for ResNet-50, (3, 4, 23, 3) for ResNet-101."""
    return tuple(_count(tensors, f"{prefix}layer{stage}.") for stage in (1, 2, 3, 4))


def depth(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """Number of layers of a transformer with blocks named `prefix`0, `prefix`1, ..."""
    return _count(tensors, prefix)


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return len({name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix)})


_VIT_NAMES = {192: "ViT-Ti", 384: "ViT-S", 1024: "ViT-L", 1280: "ViT-H"}
"""Names of published ViTs other than ViT-B by width; some have the depth of ViT-B."""


def architecture(tensors: Mapping[str, Tensor]) -> str:
    """Description of the network of a state dict: kind, depth and patch size; "" for another design."""
    clip = "visual." if "visual.conv1.weight" in tensors else ""
    if f"{clip}layer1.0.conv1.weight" in tensors:
        basic = "" if f"{clip}layer1.0.conv3.weight" in tensors else "basic "  # 3-4-6-3 of both ResNet-50 and ResNet-34
        return f"ResNet of {'-'.join(map(str, blocks(tensors, clip)))} {basic}blocks"
    patches = tensors.get("visual.conv1.weight" if clip else "patch_embed.proj.weight")
    if patches is None or patches.ndim != 4:
        return ""
    layers = depth(tensors, "visual.transformer.resblocks." if clip else "blocks.")
    return f"{_VIT_NAMES.get(patches.shape[0], 'ViT')} of {layers} layers, patch {patches.shape[-1]}"


def digest(tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of names, shapes and float32 values, independent of the container format and the stored precision."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        exact = tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64).contiguous()
        found.update(f"{name} {tuple(exact.shape)}\n".encode())
        found.update(exact.numpy().data)
    return found.hexdigest()
