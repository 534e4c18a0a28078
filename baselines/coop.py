"""CoOp: Zhou et al., "Learning to Prompt for Vision-Language Models", IJCV 2022, https://arxiv.org/abs/2109.01134.

The words in front of the class name are replaced by learned context vectors, shared by all classes. The image tower is
unchanged, so image features are precomputed and gradients run through the text tower only.
"""

import torch
from torch import Tensor, nn

from baselines.prompts import PromptEncoder, Remembered
from baselines.zero_shot import TextClassifier
from benchmark.core.digest import Json
from benchmark.methods import Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.logits import cosine_logits, unit

# KaiyangZhou/CoOp, configs/trainers/CoOp/rn50_ep50.yaml and Dassl's defaults. ImageNet has 50 epochs at any number of shots;
# the other data sets have 50 (1 shot), 100 (2, 4), 200 (8, 16).
RECIPE = Recipe(
    optimizer="sgd",
    lr=0.002,
    momentum=0.9,
    weight_decay=5e-4,
    batch_size=32,
    epochs=50,
    schedule="epoch",
    warmup_epochs=1,
    drop_last=True,
)


def published_epochs(dataset: str, shots: int) -> Json:
    """Epochs of CoOp's rn50_ep50, rn50_ep100 and rn50: 50 on ImageNet and at 1 shot, 100 at 2 and 4 shots, then 200."""
    if dataset == "imagenet" or shots <= 1:
        return {"recipe": {"epochs": 50}}
    return {"recipe": {"epochs": 100 if shots <= 4 else 200}}


class CoOp(Predictor):
    """CoOp with unified context and the class name at the end: s = scale · f̂ ĝ(v₁ … v_M, name)ᵀ with the text tower g.

    `bias` is the difference of these logits to the zero-shot logits of `task.text`. The released code runs in half precision
    with the checkpoint's logit scale; this implementation uses float32 and the task's logit scale.
    """

    wants = ("clip",)
    feature = "T_bias"
    predictor = "f_T"
    crops = (0.08, 1.0)  # Dassl's INPUT.RRCROP_SCALE, which is RandomResizedCrop's own default
    released = Released("KaiyangZhou/CoOp, with Dassl's TEST.FINAL_MODEL, last_step")

    context: nn.Parameter

    def __init__(
        self,
        *,
        n_ctx: int = 16,  # the paper's and the released default; its OOD numbers use 4
        ctx_std: float = 0.02,  # CoOp, trainers/coop.py; the paper's section 4.1
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        self.n_ctx = n_ctx
        self.ctx_std = ctx_std
        self.recipe = recipe

    @classmethod
    def published(cls, dataset: str, shots: int) -> Json:
        """Number of epochs of CoOp's configurations, as `published_epochs` gives it."""
        return published_epochs(dataset, shots)

    def build(self, task: Task) -> None:
        """Draw the context vectors [n_ctx, width].

        A class name that does not fit behind them raises a ValueError too.

        Args:
            task: Task with `clip`.

        Raises:
            ValueError: The task has no clip.
        """
        if task.clip is None:
            raise ValueError("CoOp learns prompts through CLIP's text tower, and this task has no clip")
        self.classifier = TextClassifier(task)
        self.encode = PromptEncoder(task.clip, task.classnames, self.n_ctx)
        drawn = torch.randn(self.n_ctx, self.encode.names.shape[1], generator=task.generator())
        self.context = nn.Parameter(self.ctx_std * drawn.to(self.encode.names))
        self.remembered = Remembered(self._encode)

    def weights(self) -> Tensor:
        """L2-normalised text features of the prompts [C, D]; without gradients, encoded once for each context."""
        return self.remembered(self.context)

    def prepare(self, x: Features) -> Features:
        """Zero-shot logits s₀ [B, C] and the features f [B, D]."""
        return {"s0": self.classifier(x["clip"]), "clip": x["clip"]}

    def combine(self, prepared: Features) -> Scores:
        """Scores with the cosine logits of the learned prompts as `fused`."""
        s0, fused = prepared["s0"], cosine_logits(prepared["clip"], self.weights(), self.classifier.scale)
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def scores(self, x: Features) -> Scores:
        """Scores of the CLIP features x["clip"], [B, D]."""
        return self.combine(self.prepare(x))

    def _encode(self, context: Tensor) -> Tensor:
        """L2-normalised text features of the prompts [C, D]."""
        return unit(self.encode(context))
