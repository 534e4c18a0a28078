"""The published networks, made in the sizes that their tensors have, and CLIP's features place by place.

Sizes are inferred, as OpenAI's own builder does, so one way leads from any checkpoint to its network. What tensors do not
show is fixed here: QuickGELU, 64 channels a head, and twelve heads in the auxiliary ViTs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.encoders.published.containers import blocks, depth

HEAD = 64  # channels of an attention head, in every CLIP of OpenAI's


def build_clip(tensors: Mapping[str, Tensor]) -> Any:
    """OpenAI's CLIP in the sizes of its tensors, weights random: the `*-quickgelu` configurations of open_clip.

    With plain GELU, which `open_clip.create_model("RN50", pretrained=path)` takes without a word, text features are wrong.
    """
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


def _vision(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    if "visual.proj" in tensors:
        width, _, patch, _ = tensors["visual.conv1.weight"].shape
        side = _side(tensors["visual.positional_embedding"])
        layers = depth(tensors, "visual.transformer.resblocks.")
        return {"layers": layers, "width": width, "patch_size": patch, "image_size": patch * side, "head_width": HEAD}
    width = tensors["visual.layer1.0.conv1.weight"].shape[0]
    side = _side(tensors["visual.attnpool.positional_embedding"])
    return {"layers": blocks(tensors, "visual."), "width": width, "image_size": 32 * side, "head_width": HEAD}


def _side(positions: Tensor) -> int:
    """Places along one side of the picture, from positions [1 + P, D] of which the first is no place."""
    return round((positions.shape[0] - 1) ** 0.5)


def build_auxiliary(tensors: Mapping[str, Tensor]) -> nn.Module:
    """timm's ResNet-50 ([B, 3, 224, 224] -> [B, 2048]) or ViT-B/16 (-> [B, 768]) in the widths of the tensors.

    Weights are random. A ViT's feature is the class token behind the last norm, which MAE, MILAN, MoCo v3 and DINO evaluate.
    """
    if "cls_token" in tensors:
        return timm.create_model("vit_base_patch16_224", num_classes=0, embed_dim=tensors["cls_token"].shape[-1])
    channels = tuple(tensors[f"layer{stage}.0.conv1.weight"].shape[0] for stage in (1, 2, 3, 4))
    return timm.create_model("resnet50", num_classes=0, channels=channels)


def fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load every tensor, none missing and none left over; half precision becomes float32 exactly. BenchError in one line."""
    try:
        model.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        lines = [" ".join(line.split())[:100] for line in str(error).splitlines()[1:3]]
        raise BenchError(f"{path}: does not fit its network, and is not used in part ({'; '.join(lines)})") from error
    model.eval().requires_grad_(False)


def text(model: Any, ids: Tensor) -> Tensor:
    """What a CLIP's `encode_text` gives, [N, L] -> [N, D], read no further than the last end of a text.

    Exact, for attention looks back only: nothing behind an end of text is seen at it. Of 77 places a prompt fills about ten.
    """
    ends = ids.argmax(dim=-1)
    length = int(ends.max()) + 1
    x = model.token_embedding(ids[:, :length]) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    return x[torch.arange(len(x), device=x.device), ends] @ model.text_projection


def patch_mean(model: Any, images: Tensor) -> Tensor:
    """A ViT's mean over the places instead of its class token: [B, 3, 224, 224] -> [B, D], behind the last norm too."""
    return model.forward_features(images)[:, 1:].mean(dim=1)


def spatial(model: Any, images: Tensor) -> Tensor:
    """What a CLIP sees at each place, in the joint space: float [B, 3, 224, 224] -> [B, P, D], not normalised.

    A ViT's last tokens go through the norm and projection that the class token goes through. In a ResNet each place asks the
    attention pool what the mean of all places asks for `encode_image`. P: 49 for the ResNets and patches of 32, 196 for 16.
    """
    return at_all_tokens(model, images)[:, 1:]


def has_places(model: Any) -> bool:
    """Whether a CLIP's image tower is of the two kinds that `spatial` knows: those of OpenAI's."""
    visual = model.visual
    if isinstance(visual, open_clip.transformer.VisionTransformer):
        return visual.attn_pool is None and visual.pool_type == "tok" and not visual.final_ln_after_pool
    return hasattr(visual, "attnpool")


def at_all_tokens(model: Any, images: Tensor) -> Tensor:
    """As `spatial`, [B, 1 + P, D], with the feature of `encode_image` first."""
    visual = model.visual
    if hasattr(visual, "attnpool"):
        maps = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))
        return _asked_everywhere(visual.attnpool, maps.flatten(2).transpose(1, 2))
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


def _asked_everywhere(pool: Any, places: Tensor) -> Tensor:
    """CLIP's attention pool, [B, P, C] -> [B, 1 + P, D]; the tower itself keeps the first answer only."""
    tokens = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1) + pool.positional_embedding

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)

    query, key, value = (heads(project(tokens)) for project in (pool.q_proj, pool.k_proj, pool.v_proj))
    return pool.c_proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
