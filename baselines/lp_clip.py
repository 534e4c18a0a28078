"""LP-CLIP: a linear probe on CLIP's image features, Radford et al., ICML 2021,
https://arxiv.org/abs/2103.00020.

Multinomial logistic regression that never sees a class name. How strongly it is regularised is searched on
the few-shot validation set, the way of CoOp's repository (KaiyangZhou/CoOp, lpclip/).
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Samples, Scores, Task, training
from benchmark.numerics.matmul import product

POWERS = (6, 4, 2, 0, -2, -4, -6)  # lpclip/: C from 1e6 down to 1e-6
BISECTIONS = 8  # lpclip/
MAX_ITER = 1000  # lpclip/
TOLERANCE = 1e-4  # scikit-learn's default, which lpclip/ leaves alone
UNSEARCHED = 0.0  # log₁₀ C where there is no validation set: C = 1, scikit-learn's default


class LPCLIP(Predictor):
    """Logistic regression (L-BFGS) on un-normalised CLIP features of view 0, which is not augmented.

    C is the best on `task.val` of up to 15: seven powers of ten, then bisections around the best of them. Equal
    accuracy goes to the smaller C. Every fit is a milestone, the chosen one the last. Only `fused` is the probe's
    own: it knows no text, so the bias reported is what is left of it when the zero-shot logits are taken away.
    """

    feature = "CLIP"
    predictor = "LP"

    weight: nn.Parameter
    bias: nn.Parameter

    def build(self, task: Task) -> None:
        """Parameters at zero: weight [C, D] and bias [C]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(torch.zeros_like(task.text))
        self.bias = nn.Parameter(torch.zeros_like(task.text[:, 0]))

    def fit(self, task: Task) -> None:
        """Search C and end at the best fit. ValueError when a class has no support image."""
        self.build(task)
        features, labels = task.support.view()["clip"], task.support.labels
        fits: dict[float, tuple[float, Tensor, Tensor]] = {}

        def accuracy(power: float) -> float:
            """On validation at C = 10^power; the same power is fitted once."""
            if power not in fits:
                solution = logistic_regression(features, labels, task.classes, 10.0**power)
                self._set(*solution)
                fits[power] = (self._accuracy(task.val), *solution)
                training.milestone(self)
            return fits[power][0]

        if task.val is None:
            accuracy(UNSEARCHED)
        else:
            search(accuracy)
        best = max(fits, key=lambda power: (fits[power][0], -power))
        self._set(*fits[best][1:])
        training.milestone(self)
        self.eval()

    def scores(self, x: Features) -> Scores:
        """The probe's logits as `fused`."""
        s0 = self.classifier(x["clip"])
        fused = product(x["clip"], self.weight, self.bias)
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    @torch.no_grad()
    def _set(self, weight: Tensor, bias: Tensor) -> None:
        self.weight.copy_(weight)
        self.bias.copy_(bias)

    @torch.no_grad()
    def _accuracy(self, val: Samples | None) -> float:
        if val is None:
            return 0.0
        return (self(val.view()).argmax(1) == val.labels).double().mean().item()


def search(accuracy: Callable[[float], float]) -> None:
    """Ask for the accuracy at log₁₀ C of the powers of ten, then close in on the best of them.

    The bracket is one power to either side; of its ends the worse (of equals the larger C) moves to the middle.
    """
    peak = max(POWERS, key=lambda power: (accuracy(power), -power))
    left, right = peak - 1.0, peak + 1.0
    for _ in range(BISECTIONS):
        if accuracy(right) > accuracy(left):
            left = (left + right) / 2
        else:
            right = (left + right) / 2


def logistic_regression(
    x: Tensor, labels: Tensor, classes: int, c: float, tolerance: float = TOLERANCE
) -> tuple[Tensor, Tensor]:
    """Minimise Σ cross-entropy + ‖W‖² / 2C over images x [N, D] -> weight [classes, D], bias [classes].

    The features are centred and divided by one number s first. That is the same problem in other coordinates:
    the bias, which is not penalised, takes up the centre, and W/s with C·s² has the penalty of W with C.
    L-BFGS needs it: with the large common offset of CLIP's features it takes several times the iterations.
    ValueError when a class has no image.
    """
    absent = (labels.bincount(minlength=classes) == 0).nonzero()
    if len(absent):
        raise ValueError(f"class {int(absent[0])} has no support image; a linear probe needs one of each")
    mean = x.mean(0)
    scale = (x - mean).square().mean().sqrt().clamp_min(torch.finfo(x.dtype).tiny)
    from sklearn.linear_model import LogisticRegression  # a second that whoever only reads records need not spend

    model = LogisticRegression(C=c * float(scale) ** 2, max_iter=MAX_ITER, tol=tolerance)
    with warnings.catch_warnings():  # one image a class is no regression problem here
        warnings.filterwarnings("ignore", message="The number of unique classes")
        model.fit(((x - mean) / scale).cpu().numpy(), labels.cpu().numpy())
    weight = torch.from_numpy(model.coef_).to(x) / scale
    bias = torch.from_numpy(model.intercept_).to(x)
    if classes == 2:  # scikit-learn keeps one row w for two classes: the difference of these two
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    return weight, bias - weight @ mean
