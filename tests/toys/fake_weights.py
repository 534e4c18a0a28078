"""Small networks in every published container: the real depths, key names and wrappers, narrow widths, random weights.

Depths are the published ones, so that a ResNet-50 has its 318 keys and cannot be taken for a ResNet-101; widths are a
sixteenth or so. Images stay 224 x 224, texts 77 tokens of CLIP's own vocabulary.
"""

import argparse
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from benchmark.core.libraries import open_clip, timm

LAYERS = {"clip_rn50": (3, 4, 6, 3), "clip_rn101": (3, 4, 23, 3)}
PATCH = {"clip_vitb32": 32, "clip_vitb16": 16}
CLIP_FILES = {
    "clip_rn50": "RN50.pt",
    "clip_rn101": "RN101.pt",
    "clip_vitb32": "ViT-B-32.pt",
    "clip_vitb16": "ViT-B-16.pt",
}
VIT_WIDTH = 48  # twelve heads of four
DECODER = 16  # width of the masked autoencoders' decoders


def make(folder: Path, slots: Sequence[str] | None = None) -> None:
    """Write the file of each slot (all nine without `slots`), under its published name and in its published container."""
    folder.mkdir(parents=True, exist_ok=True)
    for slot in slots or PUBLISHED:
        name, write = PUBLISHED[slot]
        write(folder / name)


@cache
def network(slot: str) -> Any:
    """The network whose weights `make` writes for a slot, in float32 and eval mode: what a loader must give back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(sorted(PUBLISHED).index(slot))
        model = _clip(slot) if slot.startswith("clip") else _auxiliary(slot)
        _enliven(model)
    if slot.startswith("clip"):  # published in half precision: what float32 holds is what half precision can say
        open_clip.model.convert_weights_to_fp16(model)
    return model.float().eval().requires_grad_(False)


def state(slot: str) -> dict[str, Tensor]:
    """The bare state dict of a slot's network."""
    return dict(network(slot).state_dict())


def _clip(slot: str) -> nn.Module:
    vision = {"layers": LAYERS[slot], "width": 8} if slot in LAYERS else {"patch_size": PATCH[slot], "width": 64}
    text = {"width": 64, "heads": 1, "layers": 12}
    return open_clip.CLIP(32, {"image_size": 224, **vision}, text, quick_gelu=True, init_logit_scale=4.6052)


def _auxiliary(slot: str) -> nn.Module:
    if slot.endswith("rn50"):
        return timm.create_model("resnet50", num_classes=0, channels=(8, 16, 32, 64))
    model = timm.create_model("vit_base_patch16_224", num_classes=0, embed_dim=VIT_WIDTH)
    if not slot.startswith("dino"):  # DINO learns its positions, the others fix them
        model.pos_embed.data.copy_(sine_cosine(VIT_WIDTH, swapped=slot.startswith("mocov3")))
    return model


def sine_cosine(width: int, swapped: bool = False) -> Tensor:
    """Fixed positions [1, 197, width] with a class token at zero: MAE's order, or MoCo v3's with its halves swapped."""
    places = torch.from_numpy(open_clip.transformer.get_2d_sincos_pos_embed(width, 14, cls_token=True)).float()
    return (places.roll(width // 2, dims=1) if swapped else places)[None]


def _enliven(model: nn.Module) -> None:
    """Statistics and scales as training leaves them; at their first values a lost one would not show."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
            layer.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
        if isinstance(layer, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)


# --- CLIP


def torchscript(slot: str, path: Path) -> None:
    """OpenAI's container: a TorchScript archive in half precision, three whole numbers among its buffers."""
    half = _clip(slot)
    half.load_state_dict(network(slot).state_dict())
    open_clip.model.convert_weights_to_fp16(half)
    numbers = {"input_resolution": 224, "context_length": 77, "vocab_size": 49408}
    content = {**half.state_dict(), **{name: torch.tensor(number) for name, number in numbers.items()}}
    with warnings.catch_warnings():  # torch would rather not be asked for this form any more
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(_tree(content)).save(str(path))


class _Root(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def _tree(content: dict[str, Tensor]) -> nn.Module:
    """Modules nested as the dots in the names say, with the tensors as their parameters."""
    root = _Root()
    for name, tensor in content.items():
        *path, last = name.split(".")
        owner: nn.Module = root
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        if tensor.is_floating_point():
            owner.register_parameter(last, nn.Parameter(tensor.clone(), requires_grad=False))
        else:
            owner.register_buffer(last, tensor.clone())
    return root


# --- auxiliary encoders


def moco_wrapped(bare: dict[str, Tensor], new: Callable[..., Tensor] = torch.randn) -> dict[str, Any]:
    """MoCo v3's training checkpoint: base and momentum encoder, each with its projection, and the predictor."""
    vit = "cls_token" in bare
    head, layers, predictor = ("head", 3, 2) if vit else ("fc", 2, 2)
    tensors: dict[str, Tensor] = {}
    for tower in ("module.base_encoder", "module.momentum_encoder"):
        tensors |= {f"{tower}.{name}": tensor for name, tensor in bare.items()}
        tensors |= {f"{tower}.{head}.{name}": t for name, t in _projection(layers, True, new).items()}
    tensors |= {f"module.predictor.{name}": t for name, t in _projection(predictor, vit, new).items()}
    arch = "vit_base" if vit else "resnet50"
    return {"epoch": 1000, "arch": arch, "state_dict": tensors, "optimizer": {"state": {}, "param_groups": []}}


def _projection(layers: int, last_norm: bool, new: Callable[..., Tensor]) -> dict[str, Tensor]:
    """MoCo v3's MLP: linear layers without bias, each with batch norm and ReLU, the last norm without scale and shift."""
    found: dict[str, Tensor] = {}
    for layer in range(layers):
        found[f"{3 * layer}.weight"] = new(8, 8)
        last = layer == layers - 1
        if last and not last_norm:
            continue
        affine = () if last else ("weight", "bias")
        found |= {f"{3 * layer + 1}.{name}": new(8) for name in (*affine, "running_mean", "running_var")}
        found[f"{3 * layer + 1}.num_batches_tracked"] = new(1).squeeze().long()
    return found


def dino_wrapped(bare: dict[str, Tensor], new: Callable[..., Tensor] = torch.randn) -> dict[str, Any]:
    """DINO's full checkpoint: student and teacher with their heads, and the arguments of the run."""
    head = {f"head.mlp.{i}.{kind}": new(8) for i in (0, 2, 4) for kind in ("weight", "bias")}
    head |= {"head.last_layer.weight_g": new(8, 1), "head.last_layer.weight_v": new(8, 8)}
    teacher = {**{f"backbone.{name}": tensor for name, tensor in bare.items()}, **head}
    student = {f"module.{name}": tensor + 1 for name, tensor in teacher.items()}
    rest = {"optimizer": {}, "epoch": 800, "args": argparse.Namespace(arch="resnet50"), "dino_loss": {}}
    return {"student": student, "teacher": teacher, **rest}


def spark_wrapped(bare: dict[str, Tensor], new: Callable[..., Tensor] = torch.randn) -> dict[str, Any]:
    """SparK's checkpoint with its decoder; `module` also holds a dict among the tensors."""
    module: dict[str, Any] = {f"sparse_encoder.sp_cnn.{name}": tensor for name, tensor in bare.items()}
    module |= {"dense_decoder.dec.0.up_sample.weight": new(8, 8), "mask_tokens.0": new(1, 8, 1, 1), "config": {"a": 1}}
    return {"arch": "resnet50", "epoch": 1600, "input_size": 224, "module": module, "is_pretrain": True}


def masked_wrapped(
    bare: dict[str, Tensor], attention: Sequence[str] = ("qkv",), new: Callable[..., Tensor] = torch.randn
) -> dict[str, Any]:
    """MAE's full model, its decoder included (attention ("qkv",)), or MILAN's (attention ("q", "kv"))."""
    block = ["norm1", *(f"attn.{part}" for part in (*attention, "proj")), "norm2", "mlp.fc1", "mlp.fc2"]
    layers = ["decoder_embed", *(f"decoder_blocks.{i}.{part}" for i in range(8) for part in block)]
    layers += ["decoder_norm", "decoder_pred"]
    decoder = {f"{layer}.{kind}": new(DECODER) for layer in layers for kind in ("weight", "bias")}
    decoder |= {"mask_token": new(1, 1, DECODER), "decoder_pos_embed": new(1, 197, DECODER)}
    return {"model": {**bare, **decoder}}


def _mocov3(path: Path) -> None:
    torch.save(moco_wrapped(state("mocov3_rn50")), path)


def _dino(path: Path) -> None:
    torch.save(state("dino_rn50"), path)


def _mae(path: Path) -> None:
    torch.save({"model": state("mae_vitb16")}, path)


def _spark(path: Path) -> None:
    torch.save(state("spark_rn50"), path)


def _milan(path: Path) -> None:
    training = {"optimizer": {}, "epoch": 399, "scaler": {}, "args": argparse.Namespace(model="mim_vit_base_patch16")}
    torch.save({**masked_wrapped(state("milan_vitb16"), ("q", "kv")), **training}, path)


def _openai(slot: str) -> Callable[[Path], None]:
    return lambda path: torchscript(slot, path)


PUBLISHED: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{slot: (name, _openai(slot)) for slot, name in CLIP_FILES.items()},
    "mocov3_rn50": ("r-50-1000ep.pth.tar", _mocov3),
    "dino_rn50": ("dino_resnet50_pretrain.pth", _dino),
    "mae_vitb16": ("mae_pretrain_vit_base.pth", _mae),
    "spark_rn50": ("resnet50_1kpretrained_timm_style.pth", _spark),
    "milan_vitb16": ("checkpoint-399.pth", _milan),  # its page names no file; its training writes this name
}
"""Slot -> the name that its file has where it is published, and what writes it."""


def in_hub(hub: Path, repository: str, name: str, tensors: dict[str, Tensor]) -> None:
    """A file in a Hugging Face cache, as its client keeps it."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    safetensors.torch.save_file(tensors, folder / "snapshots" / "abc" / name)


def meta(names: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, Tensor]:
    """Tensors without content, for contracts at full size."""
    return {name: torch.empty(shape, device="meta") for name, shape in names}
