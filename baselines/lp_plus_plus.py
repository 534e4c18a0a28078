"""LP++: Huang et al., CVPR 2024, pp. 23773-23782, "LP++: A Surprisingly Strong Linear Probe for Few-Shot CLIP".

arXiv 2404.02285. A linear probe to whose logits the text's are added with a learnt weight for each class. Learning rates and
the start are worked out from the data, so that no setting is searched.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bias_head import class_counts
from baselines.zero_shot import TextClassifier
from benchmark.methods import Choice, Features, Predictor, Released, Scores, Task, training
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product
from benchmark.numerics.sgd import SGD

PRESETS = ("paper", "official")

START = 250.0  # methods/linear_probe_p2.py: the start of every α is 250 times the mean cosine


class LPPlusPlus(Predictor):
    """s_c = f̂ · w_c + b_c + α_c · (f̂ · t_c) with learnt w, b and α, by full-batch gradient descent.

    w and b take a step with momentum every epoch, α a step every tenth. The paper's step for α uses the gradient of that
    epoch (preset "paper"). In the released code the gradient of α is never cleared, so that each step uses the sum over all
    epochs so far (preset "official"). The support set is learnt from one augmented view. `bias` is the difference to the
    zero-shot logits. An unknown preset, and a class without images, raise a ValueError.

    Args:
        preset: "paper" or "official".
        epochs: Number of steps of w and b.
        every: Epochs between two steps of α.
        momentum: Momentum of w and b.
    """

    feature = "CLIP"
    predictor = "LP + text"
    released = Released("FereshteShakeri/FewShot-CLIP-Strong-Baseline, methods/linear_probe_p2.py", Choice(epoch="val"))

    weight: nn.Parameter
    constant: nn.Parameter
    alpha: nn.Parameter

    def __init__(
        self,
        *,
        preset: str = "paper",
        epochs: int = 300,  # configs/base.yaml
        every: int = 10,  # methods/linear_probe_p2.py
        momentum: float = 0.9,  # the same
    ) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise ValueError(f"preset {preset!r}; there are {' and '.join(PRESETS)}")
        if epochs < 1 or every < 1:
            raise ValueError(f"epochs={epochs!r}, every={every!r}: both must be positive")
        self.preset = preset
        self.epochs = epochs
        self.every = every
        self.momentum = momentum

    def build(self, task: Task) -> None:
        """Start w [C, D] at the sums of the class's features, b [C] at a linear layer's draw, α [C] at `START` cosines."""
        self.classifier = TextClassifier(task)
        f, labels = _features(task), task.support.labels
        counts = class_counts(task.support, task.classes, "LP++")
        sums = f.new_zeros(task.text.shape).index_add(0, labels, f)
        cosines = f.new_zeros(task.classes).index_add(0, labels, (f * task.text[labels]).sum(1)) / counts
        bound = task.text.shape[1] ** -0.5
        drawn = torch.empty(task.classes).uniform_(-bound, bound, generator=task.generator())
        self.weight = nn.Parameter(sums)
        self.constant = nn.Parameter(drawn.to(task.text))
        self.alpha = nn.Parameter(torch.full_like(cosines, START) * cosines.mean())

    def fit(self, task: Task) -> None:
        """Train, with a milestone after every epoch."""
        self.build(task)
        training.by_epochs(self, self._epochs(task))

    def _epochs(self, task: Task) -> Iterator[None]:
        """Make the steps of one epoch at a time."""
        f, labels = _features(task), task.support.labels
        text = product(f, task.text)
        of_weights, of_alpha = rates(f, text)
        probe = [self.weight, self.constant]
        optimiser = SGD(probe, momentum=self.momentum, weight_decay=0.0)
        summed = torch.zeros_like(self.alpha)
        for epoch in range(self.epochs):
            loss = F.cross_entropy(product(f, self.weight, self.constant) + self.alpha * text, labels)
            *gradients, of_epoch = torch.autograd.grad(loss, [*probe, self.alpha])
            for parameter, gradient in zip(probe, gradients, strict=True):
                parameter.grad = gradient
            optimiser.step(of_weights)
            summed = summed + of_epoch if self.preset == "official" else of_epoch
            if (epoch + 1) % self.every == 0:
                with torch.no_grad():
                    self.alpha.sub_(of_alpha * summed)
            yield
        for parameter in probe:
            parameter.grad = None

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        s0 = self.classifier(x["clip"])
        text = s0 / self.classifier.scale
        fused = product(unit(x["clip"]), self.weight, self.constant) + self.alpha * text
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)


def _features(task: Task) -> Tensor:
    """Unit features [N, D] of the first augmented view, or of the only one."""
    return unit(task.support.view(1)["clip"])


def rates(f: Tensor, text: Tensor) -> tuple[float, float]:
    """Learning rates 4 N / λ_max(Fᵀ F) of w and b, and N / (4 max_c Σ_i (f_i · t_c)²) of α.

    Args:
        f: Unit features F [N, D].
        text: Cosines f_i · t_c [N, C].

    Returns:
        Both rates.

    Example:
        >>> rates(torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]]))  # 4 · 2 / 1, 2 / (4 · 2)
        (8.0, 0.25)
    """
    largest = torch.linalg.matrix_norm(f.double(), 2).square()
    return float(4 * len(f) / largest), float(len(f) / (4 * text.double().square().sum(0).max()))
