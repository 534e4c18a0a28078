"""The encoders of the mini suite: architectures of benchmark.mini.networks with the weights shipped in the package."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded, text_tower
from benchmark.methods.clip import Clip
from benchmark.mini import weights


@text_tower(True)
def clip(role: str, *, settings: Settings) -> Encoder:
    """A CLIP with its tokenizer; image features are the output of `encode_image`, not L2-normalised."""

    def load() -> Loaded:
        from benchmark.mini import networks

        model, tokenizer = networks.build_clip(role)
        _fill(model, role, settings.torch_device)
        whole = Clip(model, tokenizer, _preprocessed(lambda images: images))
        by_place = networks.places(model)
        spatial = _preprocessed(by_place or (lambda images: networks.spatial(model, images)))
        if by_place is None:  # the image feature of a ViT is its class token, not the mean of its patch features
            return Loaded(
                _preprocessed(networks.compiled(whole.model.visual)), whole, spatial, device=settings.torch_device
            )
        return Loaded(lambda images: _mean(spatial(images)), whole, spatial, _mean, device=settings.torch_device)

    return Encoder(role, weights.fingerprint(role), load)


@text_tower(False)
def auxiliary(role: str, *, settings: Settings) -> Encoder:
    """A self-supervised image encoder; image features are its pooled output."""

    def load() -> Loaded:
        from benchmark.mini import networks

        model = networks.build_auxiliary(role)
        _fill(model, role, settings.torch_device)
        return Loaded(_preprocessed(networks.compiled(model)), device=settings.torch_device)

    return Encoder(role, weights.fingerprint(role), load)


def _mean(places: Tensor) -> Tensor:
    """Image features [B, D] from patch features [B, P, D] of a ResNet: average pooling commutes with the projection."""
    return places.mean(1)


def _fill(model: nn.Module, role: str, device: torch.device) -> None:
    model.load_state_dict(weights.load(role), strict=True)
    model.eval().requires_grad_(False).to(device)


def _preprocessed(encode: Any) -> Callable[[Tensor], Tensor]:
    from benchmark.mini import networks

    return lambda images: encode(networks.preprocess(images.permute(0, 2, 3, 1)))
