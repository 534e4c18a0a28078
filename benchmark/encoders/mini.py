"""The mini suite's encoders: built by benchmark.mini.networks, weights shipped with the package."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.encoders.clip import Clip
from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.mini import weights


def clip(role: str) -> Encoder:
    """A CLIP and its tokenizer; features are those of `encode_image`, not normalised."""

    def load() -> Loaded:
        from benchmark.mini import networks

        model, tokenizer = networks.build_clip(role)
        _fill(model, role)
        whole = Clip(model, tokenizer, _preprocessed(lambda images: images))
        return Loaded(
            _preprocessed(whole.model.encode_image),
            whole,
            _preprocessed(lambda images: networks.spatial(whole.model, images)),
        )

    return Encoder(role, weights.fingerprint(role), load)


def auxiliary(role: str) -> Encoder:
    """A self-supervised image encoder; features are its pooled output."""

    def load() -> Loaded:
        from benchmark.mini import networks

        model = networks.build_auxiliary(role)
        _fill(model, role)
        return Loaded(_preprocessed(model))

    return Encoder(role, weights.fingerprint(role), load)


def _fill(model: nn.Module, role: str) -> None:
    model.load_state_dict(weights.load(role), strict=True)
    # channels last: the small ResNets take 0.24 ms an image so, and 0.40 ms otherwise
    model.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _preprocessed(encode: Any) -> Callable[[Tensor], Tensor]:
    from benchmark.mini import networks

    return lambda images: encode(networks.preprocess(images.permute(0, 2, 3, 1)))
