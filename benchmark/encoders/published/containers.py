"""Safe reading of published checkpoints, without running code in them, and recognition of the encoder by content.

Six container formats are in use: OpenAI's TorchScript archives, torch's zip files and older pickles, each bare or wrapped
with the state of a training run, and safetensors. `read` reduces them to the tensors of the encoder, named as in open_clip
(CLIP) or timm (auxiliary encoders).

The kind of an encoder is decided by its tensors, in the order of `_reduced`. The bare ResNet-50 of DINO and that of SparK
have equal structure, as have the bare ViTs of MAE and MILAN. Such a file has a kind of its own ("bare ResNet"), and
benchmark/encoders/published/slots.py assigns it by name.
"""

import hashlib
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from benchmark.core import archives, regular, tensor_files
from benchmark.core.archives import shown
from benchmark.core.errors import BenchError
from benchmark.encoders.published import torch_files, torchscript

OPENAI_CLIP = "OpenAI's CLIP"
CLIP = "CLIP"
MOCO, DINO, SPARK, MAE, MILAN = "MoCo v3", "DINO", "SparK", "MAE", "MILAN"
RESNET = "bare ResNet"
VIT_FIXED, VIT_LEARNED = "bare ViT with fixed positions", "bare ViT with learned positions"
CLASSIFIER = "network with a classifier"
OTHER = "something else"

WRAPPERS = ("teacher", "state_dict", "model", "module")
"""Keys of the network in checkpoints: of DINO (the teacher, which is evaluated), MoCo v3, MAE and MILAN, SparK."""

NUMBERS = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
)
"""Types of the numbers of weights and buffers."""

_PARALLEL = ("module.", "_orig_mod.")
_NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")  # integers among the buffers of OpenAI's CLIPs


class Foreign(ValueError):
    """Content that is no state dict of an encoder; its text describes it."""


@dataclass(frozen=True)
class Container:
    """The encoder in a file.

    form: "TorchScript", "torch zip", "torch pickle" or "safetensors".
    kind: one of the constants of this module, such as MOCO.
    tensors: the state dict of the encoder, in the precision of the file.
    epochs: number of epochs that a training checkpoint says, as MoCo v3's published ones do; 0 for other files.
    """

    path: Path
    form: str
    kind: str
    tensors: dict[str, Tensor]
    epochs: int = 0

    @property
    def architecture(self) -> str:
        """Description of depth and patch size, such as "ResNet of 3-4-6-3 blocks"; "" for another design."""
        return architecture(self.tensors)


class NoWeights(BenchError):
    """A file that can be read and holds something else than the weights of an encoder.

    Attributes:
        held: Description of what it holds.
    """

    def __init__(self, path: Path, held: str) -> None:
        super().__init__(f"{path}: holds {held}")
        self.held = held


def read(path: Path) -> Container:
    """Read the encoder in a file; raises BenchError for an unreadable file or other content."""
    form, content = load(path)
    tensors = _state(path, content)
    with _readable(path):
        kind, tensors = _recognised(tensors, form)
    return Container(path, form, kind, tensors, _epochs(content))


def state(path: Path) -> dict[str, Tensor]:
    """The state dict in a file (`unwrapped`); raises BenchError for other content."""
    return _state(path, load(path)[1])


def _state(path: Path, content: Any) -> dict[str, Tensor]:
    with _readable(path):
        tensors = unwrapped(content)
        without = next((name for name, tensor in tensors.items() if tensor.is_meta), None)
        if without is not None:
            raise Foreign(f"{shown(without)} as a tensor without numbers")
    return tensors


def _epochs(content: Any) -> int:
    """The number of epochs in a training checkpoint; 0 if there is none, or it is no number of epochs."""
    said = content.get("epoch") if isinstance(content, Mapping) else None
    return said if type(said) is int and 0 < said < 1 << 20 else 0


# --- files


def load(path: Path, remedy: str = "fetch it again") -> tuple[str, Any]:
    """Load a file of tensors without executing code in it.

    A file that is missing, damaged or no regular file raises BenchError, as does one whose content is too large for its
    size, or that needs a global that tensors do not need.

    Args:
        path: the file.
        remedy: last words of the error on a damaged file.

    Returns:
        The container format and the content.
    """
    with _readable(path, remedy):
        form, content = _load(path, remedy)
        _check_size(content, path.stat().st_size)
    return form, content


@contextmanager
def _readable(path: Path, remedy: str = "fetch it again") -> Iterator[None]:
    """Convert whatever a broken or hostile file raises to a BenchError of one line."""
    try:
        yield
    except BenchError:
        raise
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Foreign as error:
        raise NoWeights(path, str(error)) from error
    except pickle.UnpicklingError as error:
        raise BenchError(f"{path}: {_refusal(error, path, remedy)}") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise BenchError(f"{path}: damaged or incomplete ({reason}); {remedy}") from error


def _load(path: Path, remedy: str) -> tuple[str, Any]:
    with regular.opened(path) as file:
        start = file.read(64)
        if start[8:9] == b"{":  # the JSON header follows its length of 8 bytes
            tensor_files.opened(path)
            return "safetensors", safetensors.torch.load_file(path)
        if start.lstrip().startswith((b"<", b"version https://git-lfs")):
            said = start.split(b"\n")[0].decode(errors="replace").strip()
            raise BenchError(f"{path}: not weights but a page or a pointer to them (it begins {said!r}); {remedy}")
        if not zipfile.is_zipfile(file):
            return torch_files.load(path, None)
        with archives.opened(file) as archive:
            folder = torchscript.folder(archive)
            if folder is None:
                return torch_files.load(path, archive)
            return "TorchScript", torchscript.tensors(archive, folder, regular.check(path))


def _refusal(error: Exception, path: Path, remedy: str) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    asked = named[1] if named else torch_files.first_global(path)
    if asked is None:
        return f"not a checkpoint, or damaged; {remedy}"
    return (
        f"refused: reading it would run {asked}, which tensors do not need; nothing was run. Get another copy, or, if you"
        " made it, save its state_dict or tensor alone with torch.save"
    )


def _check_size(content: Any, size: int) -> None:
    """Check that the tensors of a file, which may show one number many times, are not too large for its `size` in bytes."""
    parts = [content, *_values(content), *(inner for outer in _values(content) for inner in _values(outer))]
    bytes_of = sum(part.numel() * part.element_size() for part in parts if isinstance(part, Tensor))
    if archives.swells(bytes_of, size):
        raise ValueError(f"{size:,} bytes in it would become tensors of {bytes_of:,}")


def _values(content: Any) -> list[Any]:
    return list(content.values()) if isinstance(content, Mapping) else []


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
    return _recognised(unwrapped(content), form)


def _recognised(state: dict[str, Tensor], form: str) -> tuple[str, dict[str, Tensor]]:
    kind, tensors = _reduced(state)
    if kind == CLIP:
        tensors = {n: t for n, t in tensors.items() if n not in _NO_WEIGHTS and not n.endswith("attn_mask")}
        kind = OPENAI_CLIP if form == "TorchScript" else CLIP  # only OpenAI publishes CLIPs in this form
    return kind, tensors


def unwrapped(content: Any) -> dict[str, Tensor]:
    """The plain tensors of a state dict, bare or under one of the keys WRAPPERS; raises ValueError for other content."""
    if not isinstance(content, Mapping):
        raise Foreign(f"a {type(content).__name__}, not a state dict")
    inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    tensors = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    if not tensors:
        raise Foreign(f"no tensors (its keys: {', '.join(map(shown_key, list(content)[:6])) or 'none'})")
    return {_text(name): plain(name, value) for name, value in tensors.items()}


def _text(name: object) -> str:
    if not isinstance(name, str) or not name.isprintable() or len(name) > torchscript.LONGEST:
        raise Foreign(f"a tensor named {shown_key(name)}, which is no name of a weight")
    return name


def shown_key(key: object) -> str:
    """A key of a checkpoint in a few letters; its type if it is neither text nor a small number."""
    if isinstance(key, str):
        return shown(key)
    return str(key) if isinstance(key, int) and abs(key) < 1 << 63 else f"<{type(key).__name__}>"


def plain(name: str, tensor: Tensor) -> Tensor:
    """A tensor of numbers at their own places, without a gradient; Foreign if it is sparse, nested, quantised or complex."""
    if tensor.is_nested or tensor.layout != torch.strided or tensor.dtype not in NUMBERS:
        form = "nested" if tensor.is_nested else f"{tensor.layout} {tensor.dtype}".replace("torch.", "")
        raise Foreign(f"{shown(name)} as a tensor that is {form}, not plain numbers")
    return tensor.detach().resolve_conj().resolve_neg()


def _reduced(state: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    if moco := _under(state, "module.base_encoder."):
        return MOCO, _without(moco, "fc.", "head.")  # MoCo v3 stores its projector under the name of the classifier
    if (plain := bare(state)) is not state:
        return _reduced(plain)
    if backbone := _under(state, "backbone."):
        if "head.last_layer.weight_v" in state:
            return DINO, backbone
        raise Foreign("an OpenMMLab port, whose names and layout differ from the authors' own file")
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
    prefix = ""
    while state and (more := next((m for m in _PARALLEL if all(n.startswith(m, len(prefix)) for n in state)), "")):
        prefix += more
    return _under(state, prefix) if prefix else state


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
        The kind; OTHER for a table of another shape.
    """
    if table.ndim != 3 or min(table.shape) < 1 or table.shape[1] < 3:
        return OTHER
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


SIZE = 224
"""Side in pixels of the images that all published encoders are evaluated on."""


def architecture(tensors: Mapping[str, Tensor]) -> str:
    """Description of a network: kind, depth, patch size, and size of its images if not 224; "" for another design."""
    clip = "visual." if "visual.conv1.weight" in tensors else ""
    if f"{clip}layer1.0.conv1.weight" in tensors:
        basic = "" if f"{clip}layer1.0.conv3.weight" in tensors else "basic "  # 3-4-6-3 of both ResNet-50 and ResNet-34
        sized = _sized(tensors.get(f"{clip}attnpool.positional_embedding"), 32)
        return f"ResNet of {'-'.join(map(str, blocks(tensors, clip)))} {basic}blocks{sized}"
    patches = tensors.get("visual.conv1.weight" if clip else "patch_embed.proj.weight")
    if patches is None or patches.ndim != 4:
        return ""
    layers = depth(tensors, "visual.transformer.resblocks." if clip else "blocks.")
    sized = _sized(tensors.get("visual.positional_embedding" if clip else "pos_embed"), patches.shape[-1])
    return f"{_VIT_NAMES.get(patches.shape[0], 'ViT')} of {layers} layers, patch {patches.shape[-1]}{sized}"


def _sized(positions: Tensor | None, patch: int) -> str:
    """Words on the side of the images, from embeddings of the class token and of P positions; "" if it is `SIZE`."""
    if positions is None or positions.ndim < 2:
        return ""
    side = patch * round(max(positions.shape[-2] - 1, 0) ** 0.5)
    return "" if side == SIZE else f", images of {side} pixels"


def widths(tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    """Numbers of an image feature, and number of patch features of a CLIP; 0 for what the names do not tell."""
    if "text_projection" in tensors:
        table = tensors.get("visual.positional_embedding", tensors.get("visual.attnpool.positional_embedding"))
        return tensors["text_projection"].shape[-1], 0 if table is None else len(table) - 1
    if "cls_token" in tensors:
        return tensors["cls_token"].shape[-1], 0
    last = [t for name, t in tensors.items() if name.startswith("layer4.") and name.endswith(".conv3.weight")]
    return (len(last[0]) if last else 0), 0


def digest(tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of names, shapes and float32 values, independent of the container format and the stored precision."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        exact = tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64).contiguous()
        found.update(f"{name} {tuple(exact.shape)}\n".encode())
        found.update(exact.numpy().data if exact.numel() else b"")  # NumPy has no array of no numbers in 2^62 columns
    return found.hexdigest()
