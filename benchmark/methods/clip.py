"""CLIP as a predictor may use it: frozen, in eval mode, and not a module of the predictor's own."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from benchmark.numerics.logits import unit


class Texts(Protocol):
    """What gives zero-shot classifiers: a CLIP, or a classifier that somebody else made."""

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied with."""

    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Of a data set's class names in its templates, [C, D] with unit rows."""

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """Of each class's sentences, [C, D] with unit rows."""


class Clip:
    """A frozen open_clip model with its tokenizer.

    Not an nn.Module, so that keeping one as an attribute adds nothing to a predictor's parameters or state.
    model: open_clip.CLIP with the standard text tower (token_embedding, positional_embedding, transformer.resblocks,
    ln_final, text_projection, attn_mask).
    tokenizer: list of strings -> [N, L] ids; the end-of-text token has the largest id, its position is where text is read.
    preprocess: images of the space "pixels" -> what the image tower takes; without it the tower cannot be fed.
    text: ids [N, L] -> text features [N, D], where there is a faster way than the model's own.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable[[list[str]], Tensor],
        preprocess: Callable[[Tensor], Tensor] | None = None,
        text: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.model: Any = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self._preprocess = preprocess
        self._text = text

    @property
    def logit_scale(self) -> float:
        """The model's own exp(logit_scale)."""
        return float(self.model.logit_scale.exp())

    def to(self, device: torch.device | str) -> "Clip":
        """Move the model."""
        self.model.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.logit_scale.device

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids, [N, L], where the model is."""
        return self.tokenizer(list(texts)).to(self.device)

    def preprocess(self, pixels: Tensor) -> Tensor:
        """Images, uint8 [B, 3, H, W], as the image tower takes them, float [B, 3, H', W']. ValueError if it has no way."""
        if self._preprocess is None:
            raise ValueError("this Clip cannot feed its tower pixels; make it Clip(model, tokenizer, preprocess)")
        return self._preprocess(pixels)

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Text features as the tower gives them, [N, D]."""
        encode = self._text or self.model.encode_text
        return encode(self.tokenize(texts))

    @torch.no_grad()
    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Zero-shot classifier [C, D] with unit rows: unit text features, averaged over the templates, made unit again.

        Tip-Adapter, CaFo, AMU and open_clip build it alike; underscores in a class name are read as spaces.
        """
        names = [name.replace("_", " ") for name in classnames]
        per_template = [unit(self.encode_text([t.format(name) for name in names])) for t in templates]
        return unit(torch.stack(per_template).mean(0))

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """A text classifier [C, D] with unit rows from several sentences of each class: unit text features, their mean, made
        unit again (CaFo).
        """
        return unit(torch.stack([unit(self.encode_text(written)).mean(0) for written in sentences]))
