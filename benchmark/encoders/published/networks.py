"""The published networks, built in the sizes of the tensors of a checkpoint, and patch features of CLIP.

Sizes are inferred from the shapes of the tensors, as in OpenAI's builder. Properties that shapes do not determine are fixed
here: QuickGELU, 64 channels a head, and twelve heads in the auxiliary ViTs.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.encoders.published.containers import blocks, depth
from benchmark.methods.clip import Model

HEAD = 64  # channels of an attention head in all CLIPs of OpenAI

TOKENS = 1000
"""Tokens of the longest text of a CLIP; OpenAI's have 77."""


def build_clip(tensors: Mapping[str, Tensor]) -> Model:
    """OpenAI's CLIP with random weights, equal to the `*-quickgelu` configurations of open_clip.

    `open_clip.create_model("RN50", pretrained=path)` silently uses plain GELU, which gives wrong text features.

    Args:
        tensors: the state dict, which determines the sizes.

    Returns:
        An open_clip.CLIP.

    Raises:
        ValueError: for texts longer than any CLIP's.
    """
    if len(tensors["positional_embedding"]) > TOKENS:
        raise ValueError(f"texts of more than {TOKENS} tokens")
    embed = tensors["text_projection"].shape[1]
    width = tensors["ln_final.weight"].shape[0]
    text = {
        "context_length": tensors["positional_embedding"].shape[0],
        "vocab_size": tensors["token_embedding.weight"].shape[0],
        "width": width,
        "heads": width // HEAD,
        "layers": depth(tensors, "transformer.resblocks."),
    }
    return open_clip.CLIP(embed, _vision(tensors), text, quick_gelu=True)


def _vision(tensors: Mapping[str, Tensor]) -> JsonDict:
    if "visual.proj" in tensors:
        width, _, patch, _ = tensors["visual.conv1.weight"].shape
        side = _side(tensors["visual.positional_embedding"])
        layers = depth(tensors, "visual.transformer.resblocks.")
        return {"layers": layers, "width": width, "patch_size": patch, "image_size": patch * side, "head_width": HEAD}
    width = tensors["visual.layer1.0.conv1.weight"].shape[0]
    side = _side(tensors["visual.attnpool.positional_embedding"])
    return {"layers": blocks(tensors, "visual."), "width": width, "image_size": 32 * side, "head_width": HEAD}


def _side(positions: Tensor) -> int:
    """Number of patches along one side of the image, from position embeddings [1 + P, D] with the class token first."""
    return round((positions.shape[0] - 1) ** 0.5)


def build_auxiliary(tensors: Mapping[str, Tensor]) -> nn.Module:
    """timm's ResNet-50 or ViT-B/16 with random weights, in the widths of the tensors.

    Args:
        tensors: the state dict.

    Returns:
        A network, [B, 3, 224, 224] -> [B, 2048] for a ResNet-50. For a ViT-B/16 -> [B, 768], the class token after the last
        norm, which MAE, MILAN, MoCo v3 and DINO evaluate.
    """
    if "cls_token" in tensors:
        return timm.create_model("vit_base_patch16_224", num_classes=0, embed_dim=tensors["cls_token"].shape[-1])
    channels = tuple(tensors[f"layer{stage}.0.conv1.weight"].shape[0] for stage in (1, 2, 3, 4))
    return timm.create_model("resnet50", num_classes=0, channels=channels)


def made(build: Callable[[Mapping[str, Tensor]], Any], tensors: Mapping[str, Tensor], path: Path) -> Any:
    """A network in the sizes of the tensors of a file, filled with them.

    It is built without memory first, as tensors that are of no such network may ask for any amount.

    Args:
        build: `build_clip` or `build_auxiliary`.
        tensors: the state dict.
        path: file of the tensors, for messages.

    Returns:
        The network, frozen and in eval mode.

    Raises:
        BenchError: if the tensors do not fit the network.
    """
    try:
        with torch.device("meta"):
            fill(build(tensors), {name: tensor.to("meta") for name, tensor in tensors.items()}, path)
    except BenchError:
        raise
    except Exception as error:  # sizes that contradict one another may raise any exception
        reason = " ".join(str(error).split())[:100]
        raise BenchError(f"{path}: its tensors are of no network that is known ({reason}); fetch it again") from error
    model = build(tensors)
    fill(model, tensors, path)
    return model


def fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict strictly and freeze the network; half precision converts to float32 exactly.

    Args:
        model: the network, put in eval mode.
        tensors: the state dict.
        path: file of the tensors, for messages.

    Raises:
        BenchError: if tensors are missing, unexpected or of other shapes.
    """
    try:
        model.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        lines = [" ".join(line.split())[:100] for line in str(error).splitlines()[1:3]]
        raise BenchError(f"{path}: does not fit its network, and is not used in part ({'; '.join(lines)})") from error
    model.eval().requires_grad_(False)


def text(model: Model, ids: Tensor) -> Tensor:
    """Text features of a CLIP, equal to its `encode_text`, without the padding after the longest text.

    The result is exact, because attention is causal: no token attends to padding behind it. A prompt has about ten tokens of
    77 positions.

    Args:
        model: an open_clip.CLIP.
        ids: token ids, [N, L].

    Returns:
        Text features, [N, D], not L2-normalised.
    """
    ends = ids.argmax(dim=-1)
    length = int(ends.max()) + 1
    x = model.token_embedding(ids[:, :length]) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    return x[torch.arange(len(x), device=x.device), ends] @ model.text_projection


def patch_mean(model: Model, images: Tensor) -> Tensor:
    """The mean of the patch tokens of a ViT after the last norm: [B, 3, 224, 224] -> [B, D]."""
    return model.forward_features(images)[:, 1:].mean(dim=1)


def spatial(model: Model, images: Tensor) -> Tensor:
    """Patch features of a CLIP in the joint image-text space, not L2-normalised.

    The last tokens of a ViT go through the norm and projection of the class token. In a ResNet, each position is a query of
    the attention pool, as the mean of all positions is in `encode_image`.

    Args:
        model: an open_clip.CLIP for which `has_places` holds.
        images: standardised images, float [B, 3, 224, 224].

    Returns:
        Features, [B, P, D], with P = 49 for ResNets and ViT-B/32 and P = 196 for ViT-B/16.
    """
    return at_all_tokens(model, images)[:, 1:]


def has_openais_text_tower(model: Model) -> bool:
    """Whether the text tower of a CLIP is of OpenAI's design, whose features are read at the last token, as `text` does."""
    return isinstance(model, open_clip.CLIP) and model.text_pool_type == "argmax" and model.attn_mask is not None


def has_places(model: Model) -> bool:
    """Whether the image tower of a CLIP is a ResNet or ViT of OpenAI's designs, as `spatial` requires."""
    visual = model.visual
    if isinstance(visual, open_clip.transformer.VisionTransformer):
        return visual.attn_pool is None and visual.pool_type == "tok" and not visual.final_ln_after_pool
    return hasattr(visual, "attnpool")


def at_all_tokens(model: Model, images: Tensor) -> Tensor:
    """Features of all tokens of a CLIP's image tower in the joint space, not L2-normalised.

    Args:
        model: an open_clip.CLIP for which `has_places` holds.
        images: standardised images, float [B, 3, 224, 224].

    Returns:
        The image feature of `encode_image`, then P patch features, [B, 1 + P, D].
    """
    visual = model.visual
    if hasattr(visual, "attnpool"):
        maps = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))
        return _attention_pool(visual.attnpool, maps.flatten(2).transpose(1, 2))
    last = visual.forward_intermediates(
        images,
        indices=1,
        normalize_intermediates=True,
        intermediates_only=True,
        output_fmt="NLC",
        output_extra_tokens=True,
    )
    tokens = torch.cat([last["image_intermediates_prefix"][-1], last["image_intermediates"][-1]], dim=1)
    return tokens @ visual.proj


def _attention_pool(pool: Model, places: Tensor) -> Tensor:
    """CLIP's attention pool with all tokens as queries, [B, P, C] -> [B, 1 + P, D]; CLIP uses the first query only."""
    tokens = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1) + pool.positional_embedding

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)

    query, key, value = (heads(project(tokens)) for project in (pool.q_proj, pool.k_proj, pool.v_proj))
    return pool.c_proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
