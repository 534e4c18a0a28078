"""CoCoOp: Zhou et al., "Conditional Prompt Learning for Vision-Language Models", CVPR 2022,
https://arxiv.org/abs/2203.05557.

CoOp whose context depends on the image: a small network looks at the image feature and shifts every context vector. So
every image has prompts of its own, and the text tower runs once for each.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from baselines.coop import RECIPE as COOP
from baselines.prompt_tree import PromptTree
from baselines.prompts import Remembered, word_embeddings
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task, training
from benchmark.numerics.initialisation import linear
from benchmark.numerics.logits import unit

# KaiyangZhou/CoOp, configs/trainers/CoCoOp/vit_b16_c4_ep10_batch1_ctxv1.yaml; the rest as CoOp.
RECIPE = replace(COOP, batch_size=1, epochs=10)

FLOATS = 2**22
"""Numbers that a forward pass may hold at a time, 16 MiB: more is no faster, for it leaves the processor's caches."""


class CoCoOp(Predictor):
    """s = scale · f̂ ĝ(v₁ + π(f̂) … v_M + π(f̂), name)ᵀ with π(f̂) = W₂ ReLU(W₁ f̂ + c₁) + c₂, D / reduction hidden units.

    The bias reported is what the image's own prompts add to the zero-shot logits of `task.text`. The released code runs in
    half precision and takes the checkpoint's logit scale; here fp32 and the task's. As in the released code it is the last
    epoch that counts: that is the only milestone, for to score a test set takes longer than to train an epoch.
    """

    wants = ("clip",)
    feature = "T_bias"
    predictor = "f_T"

    recipe: Recipe
    context: nn.Parameter

    def __init__(
        self,
        *,
        ctx_init: str = "a photo of a",  # the released configuration; M is its number of tokens, 4
        reduction: int = 16,  # the paper's section 3.2 and the released code
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        self.ctx_init = ctx_init
        self.reduction = reduction
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """The context [M, width] and the network π. ValueError without task.clip, or if the longest name does not fit."""
        if task.clip is None:
            raise ValueError("CoCoOp learns prompts through CLIP's text tower, and this task has no clip")
        self.classifier = TextClassifier(task)
        context = word_embeddings(task.clip, self.ctx_init)
        self.encode = PromptTree(task.clip, task.classnames, len(context))
        self.context = nn.Parameter(context.clone())
        generator, width = task.generator(), task.text.shape[1]
        hidden = max(1, width // self.reduction)
        self.down = linear(hidden, width, generator).to(context)
        self.up = linear(context.shape[1], hidden, generator).to(context)
        self.remembered = Remembered(self._cosines)  # the harness scores the test images, and then again for its record

    def fit(self, task: Task) -> None:
        """Train; the end is the only milestone."""
        self.build(task)
        training.run(self, task, self.recipe, last_only=True)
        self.eval()

    def contexts(self, f: Tensor) -> Tensor:
        """Image features of length one [B, D] -> each image's own context [B, M, width]."""
        return self.context + self.up(self.down(f).relu())[:, None]

    def scores(self, x: Features) -> Scores:
        """Cosine logits of each image's own prompts as `fused`."""
        s0, f = self.classifier(x["clip"]), unit(x["clip"])
        fused = self.classifier.scale * self.remembered(f, *self.parameters())
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def _cosines(self, f: Tensor, *_: Tensor) -> Tensor:
        """Images [N, D] with the prompts of each, [N, C], a few images a forward pass."""
        at_a_time = max(1, FLOATS // self.encode.floats)
        return torch.cat([self._few(part) for part in f.split(at_a_time)])

    def _few(self, f: Tensor) -> Tensor:
        prompts = unit(self.encode(self.contexts(f)))
        return (prompts @ f[..., None]).squeeze(-1)
