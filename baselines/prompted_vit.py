"""CLIP's image tower with learned tokens among its own: a forward pass through the frozen blocks of open_clip's ViT."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.prompts import Heads, finish, heads
from benchmark.methods.clip import Clip
from benchmark.numerics.matmul import product


class PromptedViT:
    """Image features with prompts behind the patches, in the first layer and, if there are more, anew in those after it.

    Not an nn.Module: CLIP's weights are no parameters of the predictor that uses it, and nothing in them is changed.
    ValueError when the tower is no open_clip.VisionTransformer that reads its features at the class token, as CLIP's are.
    """

    def __init__(self, clip: Clip) -> None:
        from benchmark.core.libraries import open_clip  # seconds, which a plan that only names the method need not wait

        tower = clip.model.visual
        if not isinstance(tower, open_clip.transformer.VisionTransformer):
            raise ValueError(
                f"prompts are tokens of a ViT, and this CLIP's image tower is a {type(tower).__name__};"
                " take a ViT backbone, e.g. ViT-B/16"
            )
        if tower.attn_pool is not None or tower.pool_type != "tok":
            raise ValueError("this ViT does not read its features at the class token, so prompts change what is read")
        self.tower: Any = tower
        self.blocks: list[Any] = list(tower.transformer.resblocks)
        self.width = len(tower.class_embedding)

    def __call__(self, images: Tensor, prompts: Sequence[Tensor]) -> Tensor:
        """Images [B, 3, H, W], prompts [M, width] for each of the first layers -> features [B, D], not normalised.

        A prompt has no position. The first is normalised with the patches (ln_pre), the others enter as they are: so the
        released code. ValueError when there are more prompts than layers, or none.
        """
        if not 1 <= len(prompts) <= len(self.blocks):
            raise ValueError(f"prompts for {len(prompts)} layers of a ViT that has {len(self.blocks)}")
        tower, own = self.tower, self._embed(images)
        x = torch.cat([own, _each(tower.ln_pre(prompts[0]), own)], 1)
        for block, following in zip_longest(self.blocks[:-1], prompts[1:]):
            x = finish(block, x, _attend(heads(block, x)))
            if following is not None:
                x = torch.cat([x[:, : own.shape[1]], _each(following, x)], 1)
        block = self.blocks[-1]
        x = finish(block, x[:, :1], _attend(heads(block, x), asking=1))  # the class token alone is read
        return product(tower.ln_post(x[:, 0]), tower.proj.T)

    @torch.no_grad()
    def _embed(self, images: Tensor) -> Tensor:
        """Class token and patches at their positions, normalised: the tower's own first steps, [B, 1 + P, width]."""
        tower = self.tower
        patches = tower.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat([_each(tower.class_embedding[None], patches), patches], 1)
        return tower.ln_pre(x + tower.positional_embedding)


def _attend(x: Heads, asking: int | None = None) -> Tensor:
    """The first `asking` tokens look at all tokens of their image -> [B, asking, width]."""
    q, k, v = (t.transpose(1, 2) for t in x)
    return F.scaled_dot_product_attention(q[:, :, :asking], k, v).transpose(1, 2).flatten(2)


def _each(tokens: Tensor, batch: Tensor) -> Tensor:
    """The same tokens [M, width] for every image of a batch -> [B, M, width]."""
    return tokens.expand(len(batch), -1, -1)
