"""CLIP's image tower with learned prompt tokens: a forward pass through the frozen blocks of open_clip's ViT."""

from collections.abc import Sequence
from itertools import zip_longest

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.prompts import Heads, finish, heads
from benchmark.methods.clip import Clip, Model
from benchmark.numerics.matmul import product


class PromptedViT:
    """Image features of a ViT with prompts after the patches, replaced in each of the first layers (MaPLe).

    It is not an nn.Module, so that CLIP's weights are not parameters of the predictor; they are not changed. A tower other
    than an open_clip VisionTransformer, or one whose features are not read at the class token, raises a ValueError.

    Args:
        clip: CLIP model.
    """

    def __init__(self, clip: Clip) -> None:
        from benchmark.core.libraries import open_clip  # seconds, which planning a run can do without

        tower = clip.model.visual
        if not isinstance(tower, open_clip.transformer.VisionTransformer):
            raise ValueError(
                f"prompts are tokens of a ViT, and this CLIP's image tower is a {type(tower).__name__};"
                " take a ViT backbone, e.g. ViT-B/16"
            )
        if tower.attn_pool is not None or tower.pool_type != "tok":
            raise ValueError("this ViT does not read its features at the class token, so prompts change what is read")
        self.tower: Model = tower
        self.blocks: list[Model] = list(tower.transformer.resblocks)
        self.width = len(tower.class_embedding)

    def __call__(self, images: Tensor, prompts: Sequence[Tensor]) -> Tensor:
        """Encode images with prompts.

        Prompts have no position embedding. Those of the first layer are normalised by ln_pre like the patches, those of
        further layers are not, as in MaPLe's released code.

        Args:
            images: Normalised images [B, 3, H, W].
            prompts: Prompts [M, width] for each of the first layers.

        Returns:
            Image features [B, D], not normalised.

        Raises:
            ValueError: There are no prompts, or prompts for more layers than the tower has.
        """
        if not 1 <= len(prompts) <= len(self.blocks):
            raise ValueError(f"prompts for {len(prompts)} layers of a ViT that has {len(self.blocks)}")
        tower, own = self.tower, self._embed(images)
        x = torch.cat([own, _repeat(tower.ln_pre(prompts[0]), own)], 1)
        for block, following in zip_longest(self.blocks[:-1], prompts[1:]):
            x = finish(block, x, _attend(heads(block, x)))
            if following is not None:
                x = torch.cat([x[:, : own.shape[1]], _repeat(following, x)], 1)
        block = self.blocks[-1]
        x = finish(block, x[:, :1], _attend(heads(block, x), asking=1))  # features are read at the class token only
        return product(tower.ln_post(x[:, 0]), tower.proj.T)

    @torch.no_grad()
    def _embed(self, images: Tensor) -> Tensor:
        """Class token and patches with position embeddings after ln_pre: inputs of the first block, [B, 1 + P, width]."""
        tower = self.tower
        patches = tower.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat([_repeat(tower.class_embedding[None], patches), patches], 1)
        return tower.ln_pre(x + tower.positional_embedding)


def _attend(x: Heads, asking: int | None = None) -> Tensor:
    """Attention of the first `asking` tokens to all tokens of their image, [B, asking, width]."""
    q, k, v = (t.transpose(1, 2) for t in x)
    return F.scaled_dot_product_attention(q[:, :, :asking], k, v).transpose(1, 2).flatten(2)


def _repeat(tokens: Tensor, batch: Tensor) -> Tensor:
    """Repeat tokens [M, width] for every image of a batch, [B, M, width]."""
    return tokens.expand(len(batch), -1, -1)
