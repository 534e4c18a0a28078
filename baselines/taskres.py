"""TaskRes: Yu et al., CVPR 2023, pp. 10899-10909, "Task Residual for Tuning Vision-Language Models", arXiv 2211.10277.

A matrix is added to the text classifier, and both are L2-normalised again; nothing else is trained. The frame of heads that
learn a residual of the text at its own length stands here too.
"""

from torch import Tensor, nn, zeros_like

from baselines.coop import CoOp
from baselines.zero_shot import TextClassifier
from benchmark.core.digest import Json
from benchmark.methods import Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# geekyutao/TaskRes, configs/trainers/TaskRes, with Dassl's defaults: Adam's weight decay is an L2 penalty of 5e-4, the first
# epoch runs at 1e-5, and an incomplete last batch is left out.
RECIPE = Recipe(
    optimizer="adam",
    lr=2e-3,
    eps=1e-8,
    weight_decay=5e-4,
    batch_size=256,
    epochs=200,
    schedule="epoch",
    warmup_epochs=1,
    drop_last=True,
)


class TextResidual(Predictor):
    """s = s₀ + scale · f̂ · (ŵ_c - t̂_c), w_c = t_c + alpha · x_c, with the residual x trained from zero.

    t_c is the mean text embedding of a class: the unit row of the task at the length before normalisation. The released codes
    average the embeddings before normalising them, the task's rows are averaged after it; with one template both are equal.

    Args:
        alpha: Factor of the residual.
        recipe: Optimiser, schedule and epochs.
    """

    feature = "CLIP"
    predictor = "Text residual"
    wants = ("text_norms",)
    crops = CoOp.crops  # Dassl's

    rows: Tensor

    def __init__(self, *, alpha: float, recipe: Recipe) -> None:
        super().__init__()
        self.alpha = alpha
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Make the text rows t [C, D] at their own lengths, and the residual x [C, D] of zeros."""
        assert task.text_norms is not None
        self.classifier = TextClassifier(task)
        self.register_buffer("rows", task.text * task.text_norms[:, None])
        self.residual = nn.Parameter(zeros_like(task.text))

    def prepare(self, x: Features) -> Features:
        """s₀ [B, C] and the scaled unit features [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": self.classifier.scale * unit(x["clip"])}

    def combine(self, prepared: Features) -> Scores:
        """Add the bias, which is zero before training."""
        moved = unit(self.rows + self.alpha * self.residual) - unit(self.rows)
        s0, bias = prepared["s0"], product(prepared["clip"], moved)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + bias)

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.prepare(x))


class TaskRes(TextResidual):
    """TaskRes with the regular base: the text classifier itself.

    The enhanced base of the paper was trained beforehand on the same shots, and no code for that was released. The factor
    alpha scales what is learnt and not the bias, so that it cannot be changed after training.

    Args:
        alpha: Factor of the residual.
        recipe: Optimiser, schedule and epochs.
    """

    released = Released("geekyutao/TaskRes, trainers/taskres.py; Dassl's last step")
    note = "its augmented views repeat, where the released code crops anew every epoch"

    def __init__(
        self,
        *,
        alpha: float = 0.5,  # train_regular.sh
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__(alpha=alpha, recipe=recipe)

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """Epochs by shots, ImageNet's smaller learning rate and the factor on Flowers (train_regular.sh, configs)."""
        recipe = {"epochs": 200 if shots >= 8 else 100, **({"lr": 2e-4} if dataset == "imagenet" else {})}
        return {"recipe": recipe, **({"alpha": 1.0} if dataset == "flowers102" else {})}
