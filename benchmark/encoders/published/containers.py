"""Published checkpoints, read without running anything that is in them, and recognised by what they hold.

Six containers are in use: OpenAI's TorchScript archives, torch's zip files and the pickles before them, each bare or
wrapped with the rest of a training run, and safetensors. `read` reduces all of them to the encoder's own tensors, named
as open_clip (CLIP) or timm (the others) names them.

What decides is the content, in the order of `_reduced`. Structure cannot tell DINO's bare ResNet-50 from SparK's, nor
MAE's bare ViT from MILAN's; such a file has a kind of its own ("bare ResNet"), and benchmark/encoders/published/slots.py says
whose it may be.
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

from benchmark.core.errors import BenchError

OPENAI_CLIP = "OpenAI's CLIP"
CLIP = "CLIP"
MOCO, DINO, SPARK, MAE, MILAN = "MoCo v3", "DINO", "SparK", "MAE", "MILAN"
RESNET = "bare ResNet"
VIT_FIXED, VIT_LEARNED = "bare ViT with fixed positions", "bare ViT with learned positions"
CLASSIFIER = "network with a classifier"
OTHER = "something else"

WRAPPERS = ("teacher", "state_dict", "model", "module")
"""Where training code keeps the network: DINO (its teacher is what is evaluated), MoCo v3, MAE and MILAN, SparK."""

_NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # whole numbers among OpenAI's buffers


@dataclass(frozen=True)
class Container:
    """What a file holds.

    kind: one of the constants above.  form: "TorchScript", "torch zip", "torch pickle" or "safetensors".
    tensors: the encoder's alone, as it names them itself; in the precision of the file.
    """

    path: Path
    form: str
    kind: str
    tensors: dict[str, Tensor]

    @property
    def architecture(self) -> str:
        """Depth and patches, for people and to compare: "ResNet of 3-4-6-3 blocks"; "" for another design."""
        return architecture(self.tensors)


def read(path: Path) -> Container:
    """The encoder in a file. BenchError names the file and says what is wrong with it."""
    form, content = load(path)
    try:
        kind, tensors = recognise(content, form)
    except ValueError as instead:
        raise BenchError(f"{path}: holds {instead}") from instead
    return Container(path, form, kind, tensors)


# --- files


def load(path: Path) -> tuple[str, Any]:
    """(form, content) of a file of tensors; nothing in it is executed.

    BenchError where it is damaged, no such file, or asks for a global that tensors do not need.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise BenchError(f"{path}: {_refusal(error, path)}") from error
    except BenchError:
        raise
    except Exception as error:  # what a broken or hostile file makes of a reader is no closed list
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise BenchError(f"{path}: damaged or incomplete ({reason}); fetch it again") from error


def _load(path: Path) -> tuple[str, Any]:
    with path.open("rb") as file:
        start = file.read(64)
    if start[8:9] == b"{":  # behind the length of the header, the header
        return "safetensors", safetensors.torch.load_file(path)
    if start.lstrip().startswith((b"<", b"version https://git-lfs")):
        shown = start.split(b"\n")[0].decode(errors="replace").strip()
        raise BenchError(f"{path}: not weights but a page or a pointer to them (it begins {shown!r}); fetch it again")
    is_zip = zipfile.is_zipfile(path)
    if is_zip and (tensors := _torchscript(path)) is not None:
        return "TorchScript", tensors
    # MAE, MILAN and DINO keep the run's arguments beside the weights: a Namespace, which is data
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    return ("torch zip" if is_zip else "torch pickle"), content


def _refusal(error: Exception, path: Path) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    asked = named[1] if named else _global_of_pickle(path)
    if asked is None:
        return "not a checkpoint, or damaged; fetch it again"
    return f"refused: reading it would run {asked}, which weights do not need; nothing was run. Get another copy"


def _global_of_pickle(path: Path) -> str | None:
    """The first global that a plain pickle, which is no torch file, asks for. Looks at its codes and follows none."""
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
    except Exception:  # no pickle at all
        return None
    return None


def _torchscript(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a TorchScript archive by name; None where the zip is not one.

    Neither torch.jit nor torch.load sees the file: its data.pkl is read by an unpickler that knows tensors and inert
    stand-ins for modules, and the code in the archive is never opened.
    """
    with zipfile.ZipFile(path) as archive:
        folders = [name.removesuffix("constants.pkl") for name in archive.namelist() if name.endswith("/constants.pkl")]
        if not folders:
            return None
        with archive.open(f"{folders[0]}data.pkl") as stream:
            root = _Archive(stream, archive, folders[0]).load()
    return dict(_walk(root, ""))


class _Module:
    """In the place of a TorchScript module: keeps its attributes, does nothing."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

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
    """A tensor in a storage; as_strided itself refuses to look outside."""
    return storage.as_strided(size, stride, offset)


def _same(value: Any, *_: object) -> Any:
    """TorchScript's typed lists, as the lists they are."""
    return value


class _Archive(pickle.Unpickler):
    """Reads data.pkl of a TorchScript archive: every global it may ask for is here, and none of them acts."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self.archive, self.folder = archive, folder
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a global; UnpicklingError for any that is not expected."""
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if module.split(".")[0] == "__torch__":
            return _Module
        if module == "torch.jit._pickle":
            return _same
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) in known:
            return known[module, name]
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name} is not needed for weights")

    def persistent_load(self, pid: Any) -> Tensor:
        """A storage, flat."""
        _, dtype, key, *_ = pid
        if key not in self.storages:
            info = self.archive.getinfo(f"{self.folder}data/{key}")
            if info.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile("compressed tensors, which torch does not write")
            content = bytearray(self.archive.read(info))
            self.storages[key] = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        return self.storages[key]


# --- what is in them


def recognise(content: Any, form: str = "") -> tuple[str, dict[str, Tensor]]:
    """(kind, the encoder's tensors) of a file's content. ValueError says what it holds where that is no state dict to read.

    Tensors without data (device meta) will do, except a ViT's positions.
    """
    kind, tensors = _reduced(unwrapped(content))
    if kind == CLIP:
        tensors = {n: t for n, t in tensors.items() if n not in _NO_WEIGHTS and not n.endswith("attn_mask")}
        kind = OPENAI_CLIP if form == "TorchScript" else CLIP  # nobody else publishes CLIPs in this form
    return kind, tensors


def unwrapped(content: Any) -> dict[str, Tensor]:
    """The state dict in a checkpoint: its own tensors, or those of the wrapper that training code put around them."""
    if not isinstance(content, Mapping):
        raise ValueError(f"a {type(content).__name__}, not a state dict")
    inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    tensors = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"no tensors (its keys: {', '.join(map(str, list(content)[:6])) or 'none'})")
    return tensors


def _reduced(state: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    if moco := _under(state, "module.base_encoder."):
        return MOCO, _without(moco, "fc.", "head.")  # its projection is called as the classifier was
    if all(name.startswith("module.") for name in state):
        return _reduced(_under(state, "module."))  # trained on several devices
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


def _bare(state: dict[str, Tensor]) -> str:
    if {"fc.weight", "head.weight"} & state.keys():
        return CLASSIFIER
    if {"cls_token", "pos_embed", "patch_embed.proj.weight"} <= state.keys():
        return _positions(state["pos_embed"])
    return RESNET if {"conv1.weight", "layer1.0.conv1.weight"} <= state.keys() else OTHER


def _positions(table: Tensor) -> str:
    """Whose positions [1, 1 + P, D] these are.

    Fixed ones leave the class token at zero. Of neighbours in a row MAE and MILAN tell the column in the first half of the
    channels, MoCo v3 in the second; so exactly one half is the same for both.
    """
    if table[0, 0].any():
        return VIT_LEARNED
    half = table.shape[-1] // 2
    return MOCO if torch.equal(table[0, 1, :half], table[0, 2, :half]) else VIT_FIXED


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}


def _without(state: Mapping[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    return {name: t for name, t in state.items() if not name.startswith(prefixes)}


# --- what the tensors are


def blocks(tensors: Mapping[str, Tensor], prefix: str = "") -> tuple[int, ...]:
    """Blocks in each of a ResNet's four stages: (3, 4, 6, 3) is 50 layers, (3, 4, 23, 3) is 101."""
    return tuple(_count(tensors, f"{prefix}layer{stage}.") for stage in (1, 2, 3, 4))


def depth(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """Layers of a transformer whose blocks are called `prefix`0, `prefix`1, ..."""
    return _count(tensors, prefix)


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    return len({name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix)})


_VIT_NAMES = {192: "ViT-Ti", 384: "ViT-S", 1024: "ViT-L", 1280: "ViT-H"}
"""Widths by which the other published ViTs are told from ViT-B, some of them just as deep."""


def architecture(tensors: Mapping[str, Tensor]) -> str:
    """The network that these tensors are of, as far as depth and patches go; "" for one of another design."""
    clip = "visual." if "visual.conv1.weight" in tensors else ""
    if f"{clip}layer1.0.conv1.weight" in tensors:
        basic = "" if f"{clip}layer1.0.conv3.weight" in tensors else "basic "  # as many as a ResNet-50 has a ResNet-34
        return f"ResNet of {'-'.join(map(str, blocks(tensors, clip)))} {basic}blocks"
    patches = tensors.get("visual.conv1.weight" if clip else "patch_embed.proj.weight")
    if patches is None or patches.ndim != 4:
        return ""
    layers = depth(tensors, "visual.transformer.resblocks." if clip else "blocks.")
    return f"{_VIT_NAMES.get(patches.shape[0], 'ViT')} of {layers} layers, patch {patches.shape[-1]}"


def digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 of names, shapes and float32 values: the same weights have one digest in whatever container and precision."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        exact = tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64).contiguous()
        found.update(f"{name} {tuple(exact.shape)}\n".encode())
        found.update(exact.numpy().data)
    return found.hexdigest()
