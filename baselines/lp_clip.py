"""LP-CLIP: a linear probe on CLIP's image features, Radford et al., ICML 2021, https://arxiv.org/abs/2103.00020.

Multinomial logistic regression that does not use class names. Its regularisation is searched on the few-shot validation set
as in CoOp's repository (KaiyangZhou/CoOp, lpclip/).
"""

import warnings
from collections.abc import Callable

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from baselines.zero_shot import TextClassifier
from benchmark.core import warned
from benchmark.methods import Features, Predictor, Released, Samples, Scores, Task, training
from benchmark.numerics.matmul import product

POWERS = (6, 4, 2, 0, -2, -4, -6)  # lpclip/: C from 1e6 down to 1e-6
BISECTIONS = 8  # lpclip/
MAX_ITER = 1000  # lpclip/
TOLERANCE = 1e-4  # scikit-learn's default, used by lpclip/; before version 1.4, of the gradient of the summed loss
UNSEARCHED = 0.0  # log₁₀ C without a validation set: C = 1, scikit-learn's default


class LPCLIP(Predictor):
    """Logistic regression (L-BFGS) on CLIP features of view 0, not augmented and not normalised.

    C is the value with the highest accuracy on `task.val` among up to 15: seven powers of ten, then bisections around the
    best of them (`search`). The epoch-end callback runs after every fit and again after the chosen one. The probe's logits
    are `fused`; `bias` is their difference to the zero-shot logits.
    """

    feature = "CLIP"
    predictor = "LP"
    crops = None  # lpclip/ augments nothing
    # The last fit is that of the C chosen on few-shot validation images; lpclip/ takes ImageNet's from its test images.
    released = Released("KaiyangZhou/CoOp, lpclip/")

    weight: nn.Parameter
    bias: nn.Parameter

    def build(self, task: Task) -> None:
        """Create the parameters, all zero: weight [C, D] and bias [C]."""
        self.classifier = TextClassifier(task)
        self.weight = nn.Parameter(torch.zeros_like(task.text))
        self.bias = nn.Parameter(torch.zeros_like(task.text[:, 0]))

    def fit(self, task: Task) -> None:
        """Search C and keep the best fit; a class without support images raises a ValueError."""
        self.build(task)
        features, labels = task.support.view()["clip"], task.support.labels
        fits: dict[float, tuple[float, Tensor, Tensor]] = {}

        def accuracy(power: float) -> float:
            """Validation accuracy at C = 10^power, fitted once for each power."""
            if power not in fits:
                solution = logistic_regression(features, labels, task.classes, 10.0**power)
                self._set(*solution)
                fits[power] = (self._accuracy(task.val), *solution)
                training.milestone(self)
            return fits[power][0]

        chosen = UNSEARCHED if task.val is None else search(accuracy)
        accuracy(chosen)
        self._set(*fits[chosen][1:])
        training.milestone(self)
        self.eval()

    def scores(self, x: Features) -> Scores:
        """Scores with the probe's logits as `fused`."""
        s0 = self.classifier(x["clip"])
        fused = product(x["clip"], self.weight, self.bias)
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    @torch.no_grad()
    def _set(self, weight: Tensor, bias: Tensor) -> None:
        """Copy a fit into the parameters."""
        self.weight.copy_(weight)
        self.bias.copy_(bias)

    @torch.no_grad()
    def _accuracy(self, val: Samples | None) -> float:
        """Accuracy on the validation set, 0 to 1; 0 without one."""
        if val is None:
            return 0.0
        return (self(val.view()).argmax(1) == val.labels).double().mean().item()


def search(accuracy: Callable[[float], float]) -> float:
    """Search C as lpclip/ does: evaluate the powers of ten, then bisect around the best of them, of equals the largest.

    The bracket extends from one power below the best to one power above. Its end with the lower accuracy (of equals the
    larger C) moves to the middle. The other end of the last bracket is as accurate as any C that was evaluated.

    Args:
        accuracy: Validation accuracy as a function of log₁₀ C; the caller keeps the fits.

    Returns:
        log₁₀ C of the better end of the last bracket.
    """
    better: float = max(POWERS, key=accuracy)  # they descend, and max keeps the first of equals
    left, right = better - 1.0, better + 1.0
    for _ in range(BISECTIONS):
        better, middle = right if accuracy(right) > accuracy(left) else left, (left + right) / 2
        left, right = (middle, right) if better == right else (left, middle)
    return better


def logistic_regression(
    x: Tensor, labels: Tensor, classes: int, c: float, tolerance: float = TOLERANCE
) -> tuple[Tensor, Tensor]:
    """Fit a linear classifier that minimises Σ cross-entropy + ‖W‖² / 2C.

    L-BFGS runs on centred features divided by one number s, because the large common offset of CLIP's features multiplies its
    iterations. The problem is equivalent: the bias, which is not penalised, absorbs the offset, and the penalty of W at C
    equals that of W · s at C · s². It is solved in float64, as scikit-learn did then: in float32 the gradient of a sum does
    not become as small as the tolerance.

    Args:
        x: Features [N, D].
        labels: Classes [N].
        classes: Number of classes.
        c: Inverse strength C of the regularisation.
        tolerance: L-BFGS stops where no component of the objective's gradient exceeds it.

    Returns:
        Weight [classes, D] and bias [classes] for features as given.

    Raises:
        ValueError: A class has no image.
    """
    absent = (labels.bincount(minlength=classes) == 0).nonzero()
    if len(absent):
        raise ValueError(f"class {int(absent[0])} has no support image; a linear probe needs one of each")
    points = x.cpu().double()
    mean = points.mean(0)
    scale = (points - mean).square().mean().sqrt().clamp_min(torch.finfo(x.dtype).tiny)
    from sklearn.exceptions import ConvergenceWarning  # imported here because it takes a second
    from sklearn.linear_model import LogisticRegression

    # Since version 1.4 scikit-learn divides the objective, and with it the gradient, by the number of images.
    model = LogisticRegression(C=c * float(scale) ** 2, max_iter=MAX_ITER, tol=tolerance / len(points))
    # SciPy's L-BFGS calls BLAS on some thousand numbers: on a busy machine two threads took thirty times as long as one.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # scikit-learn mistakes one image per class for a regression problem
        warnings.filterwarnings("ignore", message="The number of unique classes")
        warnings.filterwarnings("ignore", category=ConvergenceWarning)  # in three lines, of which none names C
        model.fit(((points - mean) / scale).numpy(), labels.cpu().numpy())
    if int(model.n_iter_.max()) >= MAX_ITER:
        warned.note(f"L-BFGS stopped after the {MAX_ITER} iterations of the released code, at C = {c:g}")
    weight, bias = torch.from_numpy(model.coef_) / scale, torch.from_numpy(model.intercept_)
    if classes == 2:  # for two classes scikit-learn returns the difference of their two rows
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    return weight.to(x), (bias - weight @ mean).to(x)
