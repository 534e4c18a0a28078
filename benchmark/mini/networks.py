"""Architectures of the encoders: open_clip's CLIP with small towers, and small timm encoders without a text tower."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.methods.clip import Model
from benchmark.mini.world.captions import CONTEXT, Tokenizer
from benchmark.mini.world.render import SIZE
from benchmark.numerics.matmul import product

CLIP_ROLES = ("RN50", "RN101", "ViT-B/32", "ViT-B/16")
AUXILIARY_ROLES = ("mocov3", "dino", "mae", "spark", "milan")
ROLES = CLIP_ROLES + AUXILIARY_ROLES

EMBED = 128
WIDTHS = (32, 64, 128, 256)
TEXT = {"width": 128, "heads": 4, "layers": 2, "context_length": CONTEXT}
PATCH, GRID = 8, SIZE // 8  # of the finer ViTs: patch side in pixels, patches a side
VIT_WIDTH, VIT_HEADS = 128, 4
MASKED_AUTOENCODERS = ("mae", "milan")  # auxiliary roles with a ViT; the other auxiliary roles use the ResNet

_RESNET = {"timm_pool": "avg", "timm_proj": "linear", "image_size": SIZE}
_VIT = {
    "image_size": SIZE,
    "width": VIT_WIDTH,
    "head_width": VIT_WIDTH // VIT_HEADS,
    "layers": 4,  # 12 in the originals; at this budget more steps of a shallower tower learn more
    "pos_embed_type": "sin_cos_2d",
}
# As in CLIP: RN101 is the deeper ResNet; B/32 and B/16 are one transformer over coarser and finer patches.
VISION: dict[str, JsonDict] = {
    "RN50": {"timm_model_name": "mini_rn10", **_RESNET},
    "RN101": {"timm_model_name": "mini_rn16", **_RESNET},
    "ViT-B/32": {"patch_size": 12, **_VIT},
    "ViT-B/16": {"patch_size": PATCH, **_VIT},
}

MEAN, STD = 0.5, 0.25  # for all channels: round numbers near the statistics of the rendered images


def preprocess(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Images, uint8 [N, 48, 48, 3], to standardised encoder input, float32 [N, 3, 48, 48]."""
    return normalise(torch.as_tensor(images).permute(0, 3, 1, 2).float() / 255)


def normalise(images: Tensor) -> Tensor:
    """Standardise images in 0 .. 1 by MEAN and STD, the input range of the encoders."""
    return (images - MEAN) / STD


@timm.models.register_model
def mini_rn10(**_: object) -> nn.Module:
    """timm's ResNet with one basic block a stage and a deep 3 x 3 stem: 48 x 48 pixels -> 256 channels at 2 x 2.

    Args:
        **_: arguments that open_clip passes (a head, drop rates), ignored.

    Returns:
        The network with random weights.
    """
    return _resnet(1, 1, 1, 1)


@timm.models.register_model
def mini_rn16(**_: object) -> nn.Module:
    """timm's ResNet with 2, 3, 1 and 1 basic blocks: the additional blocks stand where they cost few weights."""
    return _resnet(2, 3, 1, 1)


def _resnet(*blocks: int) -> nn.Module:
    tower = timm.models.resnet.ResNet(
        timm.models.resnet.BasicBlock,
        blocks,
        channels=WIDTHS,
        stem_type="deep",
        stem_width=16,
        num_classes=0,
    )
    tower.default_cfg = {"input_size": (3, SIZE, SIZE), "pool_size": (2, 2)}
    return tower


def mini_vit() -> nn.Module:
    """timm's ViT over 6 x 6 patches with fixed sine-cosine positions: [N, 3, 48, 48] -> mean patch token [N, 128].

    Returns:
        The network with random weights. It has no class token, because a masked autoencoder does not train one.
    """
    tower = timm.models.vision_transformer.VisionTransformer(
        img_size=SIZE,
        patch_size=PATCH,
        embed_dim=VIT_WIDTH,
        depth=6,
        num_heads=VIT_HEADS,
        num_classes=0,
        class_token=False,
        global_pool="avg",
        fc_norm=False,
    )
    positions = open_clip.transformer.get_2d_sincos_pos_embed(VIT_WIDTH, GRID)
    tower.pos_embed.data.copy_(torch.from_numpy(positions)[None])
    tower.pos_embed.requires_grad_(False)
    return tower


def build_auxiliary(role: str) -> nn.Module:
    """The encoder of an auxiliary role with random weights; raises BenchError for an unknown role.

    Args:
        role: one of AUXILIARY_ROLES.

    Returns:
        A network, [N, 3, 48, 48] -> [N, 256] for a ResNet, [N, 128] for a ViT.
    """
    _known(role, AUXILIARY_ROLES)
    return mini_vit() if role in MASKED_AUTOENCODERS else mini_rn10()


def build_clip(role: str) -> tuple[nn.Module, Tokenizer]:
    """open_clip's CLIP of a role with random weights, and its tokenizer; raises BenchError for an unknown role."""
    _known(role, CLIP_ROLES)
    tokenizer = Tokenizer()
    return open_clip.CLIP(EMBED, VISION[role], {**TEXT, "vocab_size": len(tokenizer)}), tokenizer


def spatial(model: Model, images: Tensor) -> Tensor:
    """Patch features of a CLIP in the joint image-text space, not L2-normalised.

    The last feature map of a ResNet or the last layer's patch tokens of a ViT, each through the projection of the pooled
    feature. The mean over the positions of a ResNet is its image feature.

    Args:
        model: a CLIP made by `build_clip`.
        images: standardised images, float [N, 3, 48, 48].

    Returns:
        Features, [N, P, 128], with P = 4 for a ResNet (2 x 2) and P = 16 or 36 for a ViT.
    """
    visual = model.visual
    if hasattr(visual, "trunk"):
        return visual.head(visual.trunk.forward_features(images).flatten(2).transpose(1, 2))
    last = visual.forward_intermediates(
        images, indices=1, normalize_intermediates=True, intermediates_only=True, output_fmt="NLC"
    )
    return last["image_intermediates"][-1] @ visual.proj


def compiled(tower: nn.Module) -> Callable[[Tensor], Tensor]:
    """A faster equivalent of a tower in eval mode, for inference; outputs agree to 1e-5.

    On a CPU, the batch norms of a ResNet are folded into the convolutions before them and its weights are laid out for
    oneDNN; the linear layers of a ViT run in oneDNN. performance/encoder_speed.py measures the gain. On an accelerator,
    where oneDNN does not exist, the tower is returned unchanged.

    Args:
        tower: an image encoder; it is not modified.

    Returns:
        A function from standardised images [N, 3, 48, 48] to the output of the tower.
    """
    if next(tower.parameters()).device.type != "cpu":
        return tower
    if not isinstance(tower, timm.models.resnet.ResNet):
        return _by_product(deepcopy(tower))
    with warnings.catch_warnings():  # in torch 2.13, these imports load a deprecated module of torch
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch.fx.experimental.optimization import fuse
        from torch.utils.mkldnn import to_mkldnn
    fast = to_mkldnn(fuse(tower))  # fuse works on a copy
    return lambda images: fast(images.contiguous().to_mkldnn()).to_dense()


class Product(nn.Module):
    """A linear layer computed by `benchmark.numerics.matmul.product`, with the parameters of an nn.Linear."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer, [..., D] -> [..., E]."""
        return product(x, self.weight, self.bias)


class SelfAttention(nn.Module):
    """Self-attention with the parameters of an nn.MultiheadAttention; attention weights are not returned."""

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        self.heads, self.weight, self.bias = layer.num_heads, layer.in_proj_weight, layer.in_proj_bias
        self.out = Product(layer.out_proj)

    def forward(self, x: Tensor, *_: Tensor, **__: Any) -> tuple[Tensor, None]:
        """Attend from every token to all tokens, [B, T, D] -> [B, T, D]; the second output stands for the weights."""
        q, k, v = product(x, self.weight, self.bias).unflatten(-1, (3, self.heads, -1)).transpose(1, 3).unbind(2)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(2)), None


def _by_product(tower: nn.Module) -> nn.Module:
    """Replace the linear layers and the attention of a tower by `Product` and `SelfAttention`, in place."""
    for name, layer in tower.named_children():
        if isinstance(layer, nn.MultiheadAttention):
            setattr(tower, name, SelfAttention(layer))
        elif isinstance(layer, nn.Linear):
            setattr(tower, name, Product(layer))
        else:
            _by_product(layer)
    return tower


def places(model: Model) -> Callable[[Tensor], Tensor] | None:
    """A faster `spatial` for a CLIP with a ResNet.

    Args:
        model: a CLIP made by `build_clip`.

    Returns:
        A function from standardised images [N, 3, 48, 48] to patch features [N, 4, 128]; None for a CLIP with a ViT.
    """
    if not hasattr(model.visual, "trunk"):
        return None
    trunk = deepcopy(model.visual.trunk)
    trunk.reset_classifier(0, "")  # the feature map, not its mean
    fast = compiled(trunk)
    return lambda images: model.visual.head(fast(images).flatten(2).transpose(1, 2))


def _known(role: str, roles: tuple[str, ...]) -> None:
    if role not in roles:
        raise BenchError(f"mini encoder {role!r} does not exist; there are {', '.join(roles)}")
