"""CoCoOp: Zhou et al., "Conditional Prompt Learning for Vision-Language Models", CVPR 2022, https://arxiv.org/abs/2203.05557.

CoOp with a context that depends on the image: a small network maps the image feature to a shift of all context vectors. Each
image therefore has its own prompts, and the text tower runs once for each image.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from baselines.coop import RECIPE as COOP
from baselines.coop import CoOp
from baselines.prompts import PromptEncoder, Remembered, word_embeddings
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task, training
from benchmark.numerics.initialisation import linear
from benchmark.numerics.logits import unit

# KaiyangZhou/CoOp, configs/trainers/CoCoOp/vit_b16_c4_ep10_batch1_ctxv1.yaml; all other settings are CoOp's.
RECIPE = replace(COOP, batch_size=1, epochs=10)

FLOATS = 2**22
"""Numbers in memory per forward pass, 16 MiB; more exceed the processor's caches and are not faster."""


class CoCoOp(Predictor):
    """s = scale · f̂ ĝ(v₁ + π(f̂) … v_M + π(f̂), name)ᵀ with π(f̂) = W₂ ReLU(W₁ f̂ + c₁) + c₂, D / reduction hidden units.

    M is the number of words of `ctx_init`, whose first M tokens the context replaces. Where a word has several tokens, the
    last ones stay in front of the name, as in the released code; the words of "a photo of a" have one each.
    `bias` is the difference of s to the zero-shot logits of `task.text`. The released code runs in half precision with the
    checkpoint's logit scale; this implementation uses float32 and the task's logit scale. As in the released code, the result
    is that of the last epoch: the epoch-end callback runs only then, because scoring a test set takes longer than an epoch.
    """

    wants = ("clip",)
    feature = "T_bias"
    predictor = "f_T"
    crops, released = CoOp.crops, CoOp.released  # one repository

    recipe: Recipe
    context: nn.Parameter

    def __init__(
        self,
        *,
        ctx_init: str = "a photo of a",  # the released configuration, so M = 4
        reduction: int = 16,  # the paper's section 3.2 and the released code
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        self.ctx_init = ctx_init
        self.reduction = reduction
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Create the context vectors [M, width] and the network π.

        A class name that does not fit behind the context raises a ValueError too.

        Args:
            task: Task with `clip`.

        Raises:
            ValueError: The task has no clip.
        """
        if task.clip is None:
            raise ValueError("CoCoOp learns prompts through CLIP's text tower, and this task has no clip")
        self.classifier = TextClassifier(task)
        context = word_embeddings(task.clip, self.ctx_init)[: len(self.ctx_init.replace("_", " ").split())]
        self.encode = PromptEncoder(task.clip, task.classnames, len(context), self.ctx_init)
        self.context = nn.Parameter(context.clone())
        generator, width = task.generator(), task.text.shape[1]
        hidden = max(1, width // self.reduction)
        self.down = linear(hidden, width, generator).to(context)
        self.up = linear(context.shape[1], hidden, generator).to(context)
        self.remembered = Remembered(self._cosines)  # the harness scores the test images twice, once for its record

    def fit(self, task: Task) -> None:
        """Train; the epoch-end callback runs after the last epoch only."""
        self.build(task)
        training.run(self, task, self.recipe, last_only=True)
        self.eval()

    def contexts(self, f: Tensor) -> Tensor:
        """Context vectors of each image [B, M, width] from L2-normalised image features [B, D]."""
        return self.context + self.up(self.down(f).relu())[:, None]

    def scores(self, x: Features) -> Scores:
        """Scores with the cosine logits of each image's prompts as `fused`."""
        s0, f = self.classifier(x["clip"]), unit(x["clip"])
        fused = self.classifier.scale * self.remembered(f, *self.parameters())
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def _cosines(self, f: Tensor, *_: Tensor) -> Tensor:
        """Cosines of images [N, D] with their own prompts, [N, C], computed for a few images per forward pass."""
        at_a_time = max(1, FLOATS // self.encode.floats)
        return torch.cat([self._cosines_of_part(part) for part in f.split(at_a_time)])

    def _cosines_of_part(self, f: Tensor) -> Tensor:
        """Cosines of a few images [n, D] with their own prompts, [n, C]."""
        prompts = unit(self.encode(self.contexts(f)))
        return (prompts @ f[..., None]).squeeze(-1)
