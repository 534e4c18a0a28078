"""Controls of AMU-Tuning's uncertainty-based fusion, not in the paper: is an image's own weight better than another's?

The weight of each image is replaced by that of a support image drawn at random, or by one constant of the same mean. In all
other respects, training included, the method is AMU-Tuning.
"""

import torch
from torch import Tensor

from amu.fusion import FUSIONS, WITHOUT_POWER
from amu.tuning import BETAS, AMUTuning
from benchmark.methods import Features, Recipe, Task

WEIGHTS = ("drawn", "mean")


class FusionControl(AMUTuning):
    """AMU-Tuning with the uncertainties of other images.

    The weights come from the support set as tested, on which zero-shot CLIP has learnt nothing. With "drawn" an image has
    the weight of one support image, chosen by the bits of its feature and the seed of the task, so that equal images have
    equal weights. With "mean" every image has the mean weight of the support set, so that beta alone is tuned. Unknown
    weights raise a ValueError.

    Args:
        weights: "drawn" or "mean".
        preset: As in AMUTuning, like the arguments below.
        aux: Feature space of the auxiliary encoder.
        beta: Weight of the bias.
        lam: Weight of the fused branch's loss.
        rho: Power of the uncertainty.
        fusion: Name of the uncertainty.
        init: Start of the probe.
        zscore: Whether the bias is standardised over the classes.
        recipe: Optimiser, schedule and epochs.
    """

    pool: Tensor
    factors: Tensor

    def __init__(
        self,
        *,
        weights: str = "drawn",
        preset: str = "paper",
        aux: str = "mocov3",
        beta: float | None = None,
        lam: float | None = None,
        rho: float | None = None,
        fusion: str | None = None,
        init: str | None = None,
        zscore: bool | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        if weights not in WEIGHTS:
            raise ValueError(f"weights {weights!r}; there are {' and '.join(WEIGHTS)}")
        super().__init__(
            preset=preset,
            aux=aux,
            beta=beta,
            lam=lam,
            rho=rho,
            fusion=fusion,
            init=init,
            zscore=zscore,
            recipe=recipe,
        )
        self.weights = weights
        if weights == "mean":
            self.tunes = {"beta": BETAS}

    def build(self, task: Task) -> None:
        """Keep the support set's s₀ [N, C], and draw the factors [D] of the choice among its images."""
        super().build(task)
        clip = task.support.view()["clip"][task.support.labels.argsort(stable=True)]
        self.register_buffer("pool", self.classifier(clip))
        drawn = torch.randint(2**62, (clip.shape[1],), generator=task.generator())
        self.register_buffer("factors", (2 * drawn + 1).to(clip.device))

    def among(self, classes: Tensor) -> "FusionControl":
        """A copy with `classes` [C'] only, over which the support set's uncertainties are computed too."""
        subset = super().among(classes)
        assert isinstance(subset, FusionControl)
        subset.pool = self.pool[:, classes]
        return subset

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C], f̂ [B, D] and the weight at ρ = 1 [B, 1] of each image, as `weights` says."""
        prepared = super().prepare(x)
        weight = self._drawn(x["clip"]) if self.weights == "drawn" else self._mean().expand(len(x["clip"]))
        return {**prepared, "weight": weight[:, None]}

    def _drawn(self, clip: Tensor) -> Tensor:
        """Uncertainty at ρ = 1 of one support image for each image [B], by a hash of the bits of its feature."""
        bits = clip.float().contiguous().view(torch.int32).long()
        places = (bits * self.factors).sum(1).abs() % len(self.pool)
        return FUSIONS[self.fusion](self.pool[places], 1.0)

    def _mean(self) -> Tensor:
        """The number whose power ρ is the mean weight of the support set."""
        power = 1.0 if self.fusion in WITHOUT_POWER else self.rho
        mean: Tensor = (FUSIONS[self.fusion](self.pool, 1.0) ** power).mean() ** (1 / power)
        return mean
