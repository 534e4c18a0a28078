"""The encoders' architectures: open_clip's CLIP over a small timm ResNet, and the same ResNet alone."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmark.encoders.libraries import open_clip, timm
from benchmark.errors import BenchError
from benchmark.mini.captions import CONTEXT, Tokenizer
from benchmark.mini.render import SIZE

CLIP_ROLES = ("RN50",)
AUXILIARY_ROLES = ("mocov3", "dino")
ROLES = CLIP_ROLES + AUXILIARY_ROLES

EMBED = 128
WIDTHS = (32, 64, 128, 256)
TEXT = {"width": 128, "heads": 4, "layers": 2, "context_length": CONTEXT}

MEAN, STD = 0.5, 0.25  # round numbers near the world's own statistics, for all channels


def preprocess(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Pictures, uint8 [N, 48, 48, 3], as the encoders want them: float32 [N, 3, 48, 48], normalised."""
    return normalise(torch.as_tensor(images).permute(0, 3, 1, 2).float() / 255)


def normalise(images: Tensor) -> Tensor:
    """Images in 0 .. 1 to the encoders' range."""
    return (images - MEAN) / STD


@timm.models.register_model
def mini_rn10(**_: object) -> nn.Module:
    """timm's ResNet with one basic block a stage and a deep 3 x 3 stem: 48 x 48 -> 256 channels at 2 x 2.

    open_clip passes arguments of its own (a head, drop rates), which this tower does without.
    """
    tower = timm.models.resnet.ResNet(
        timm.models.resnet.BasicBlock,
        (1, 1, 1, 1),
        channels=WIDTHS,
        stem_type="deep",
        stem_width=16,
        num_classes=0,
    )
    tower.default_cfg = {"input_size": (3, SIZE, SIZE), "pool_size": (2, 2)}
    return tower


def build_auxiliary(role: str) -> nn.Module:
    """The encoder of an auxiliary role with random weights: [N, 3, 48, 48] -> [N, 256]."""
    _known(role, AUXILIARY_ROLES)
    return mini_rn10()


def build_clip(role: str) -> tuple[nn.Module, Tokenizer]:
    """open_clip's CLIP with random weights, and its tokenizer."""
    _known(role, CLIP_ROLES)
    tokenizer = Tokenizer()
    vision = {"timm_model_name": "mini_rn10", "timm_pool": "avg", "timm_proj": "linear", "image_size": SIZE}
    return open_clip.CLIP(EMBED, vision, {**TEXT, "vocab_size": len(tokenizer)}), tokenizer


def _known(role: str, roles: tuple[str, ...]) -> None:
    if role not in roles:
        raise BenchError(f"mini encoder {role!r} does not exist; there are {', '.join(roles)}")
