"""A frozen CLIP model for predictors, which is not a submodule of the predictor."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from benchmark.numerics.logits import unit

Model = Any
"""A CLIP of open_clip, its image tower or a block of it: modules are reached by name, and open_clip annotates none."""


class Texts(Protocol):
    """A source of zero-shot text classifiers: a CLIP model or precomputed classifiers."""

    @property
    def logit_scale(self) -> float:
        """Factor of the cosines."""

    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Text classifier [C, D] of class names inserted into templates, rows L2-normalised."""

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """Text classifier [C, D] of several sentences for each class, rows L2-normalised."""

    def norms(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Lengths [C, 1] of the mean embeddings of class names inserted into templates, before any normalisation."""


class Clip:
    """A frozen open_clip model with its tokenizer, in eval mode.

    It is not an nn.Module, so that an attribute with a Clip adds nothing to a predictor's parameters or state_dict.

    Args:
        model: open_clip.CLIP with the standard text tower (token_embedding, positional_embedding, transformer.resblocks,
            ln_final, text_projection, attn_mask).
        tokenizer: Maps strings to token ids [N, L]. The end-of-text token has the largest id; text features are read at it.
        preprocess: Maps images of the space "pixels" to inputs of the image tower; required for using that tower.
        text: Maps token ids [N, L] to text features [N, D] faster than the model does; None uses the model.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable[[list[str]], Tensor],
        preprocess: Callable[[Tensor], Tensor] | None = None,
        text: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.model: Model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self._preprocess = preprocess
        self._text = text

    @property
    def logit_scale(self) -> float:
        """Factor of the cosines, exp(logit_scale) of the model."""
        return float(self.model.logit_scale.exp())

    def to(self, device: torch.device | str) -> "Clip":
        """Move the model to a device and return self."""
        self.model.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        device: torch.device = self.model.logit_scale.device
        return device

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids [N, L] on the model's device."""
        return self.tokenizer(list(texts)).to(self.device)

    def preprocess(self, pixels: Tensor) -> Tensor:
        """Convert images to inputs of the image tower.

        Args:
            pixels: Images, uint8 [B, 3, H, W].

        Returns:
            Normalised images, float [B, 3, H', W'].

        Raises:
            ValueError: This Clip was made without `preprocess`.
        """
        if self._preprocess is None:
            raise ValueError("this Clip cannot feed its tower pixels; make it Clip(model, tokenizer, preprocess)")
        return self._preprocess(pixels)

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Text features [N, D], not normalised."""
        encode = self._text or self.model.encode_text
        return encode(self.tokenize(texts))

    @torch.no_grad()
    def classifier(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Zero-shot text classifier: L2-normalised text features, averaged over the templates, L2-normalised again.

        Tip-Adapter, CaFo, AMU-Tuning and open_clip compute it in this way.

        Args:
            classnames: Names of the C classes; underscores are replaced by spaces.
            templates: Templates with one pair of braces for the class name.

        Returns:
            Classifier [C, D], rows L2-normalised.
        """
        names = [name.replace("_", " ") for name in classnames]
        per_template = [unit(self.encode_text([t.format(name) for name in names])) for t in templates]
        return unit(torch.stack(per_template).mean(0))

    def sentence_classifier(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """Text classifier of sentences (CaFo): L2-normalised text features, averaged for each class, L2-normalised again.

        Args:
            sentences: Sentences for each of the C classes.

        Returns:
            Classifier [C, D], rows L2-normalised.
        """
        return unit(torch.stack([unit(self.encode_text(written)).mean(0) for written in sentences]))

    def norms(self, classnames: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Lengths of the text features averaged over the templates before any normalisation (CLAP, TaskRes).

        Args:
            classnames: Names of the C classes; underscores are replaced by spaces.
            templates: Templates with one pair of braces for the class name.

        Returns:
            Lengths [C, 1].
        """
        names = [name.replace("_", " ") for name in classnames]
        mean = torch.stack([self.encode_text([t.format(name) for name in names]) for t in templates]).mean(0)
        lengths: Tensor = torch.linalg.vector_norm(mean, dim=1, keepdim=True)
        return lengths
