"""MaPLe: Khattak et al., "MaPLe: Multi-modal Prompt Learning", CVPR 2023, https://arxiv.org/abs/2210.03117.

Both towers have learned prompts, separate ones in each of the first layers. The prompts of the image tower are linear maps of
those of the text tower. The image tower must be a ViT because prompts are tokens.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from baselines.coop import RECIPE as COOP
from baselines.coop import CoOp
from baselines.prompted_vit import PromptedViT
from baselines.prompts import PromptEncoder, Remembered, word_embeddings
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Released, Scores, Task
from benchmark.numerics.initialisation import linear
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# multimodal-prompt-learning, cross-dataset configuration (vit_b16_c2_ep5_batch4_2ctx_cross_datasets.yaml and its script),
# used for Table 5; base-to-new has lr 0.0035 and 5 epochs. All other settings are CoOp's.
RECIPE = replace(COOP, lr=0.0026, batch_size=4, epochs=2)

IMAGES = 64
"""Images per forward pass through the image tower; more exceed the processor's caches and are not faster."""


class MaPLe(Predictor):
    """s = scale · f̂' ĝ'ᵀ with prompts P_i in layer i of the text tower and F_i(P_i) in layer i of the image tower.

    The text is "[start] P₁ of a NAME. [end]": P₁ replaces the first n_ctx tokens of `ctx_init`, the tokens after them stay.
    With more vectors than tokens nothing stays, and P₁ is drawn as the other prompts are. F₁(P₁) follows the image's patches.
    From the second to the `depth`-th layer, P_i and F_i(P_i) replace the outputs of the previous layer at these positions.
    The maps F_i are linear with a bias. `depth` is limited to the number of layers of the shallower tower and must be at
    least 1. `bias` is the difference of s to the zero-shot logits of CLIP's unprompted features, which are read for this
    purpose. The released code runs in half precision with the checkpoint's logit scale; this implementation uses float32 and
    the task's logit scale.
    """

    reads = ("clip", "pixels")
    wants = ("clip",)
    feature = "T_bias + V_bias"
    predictor = "f_T + f_V"
    crops = CoOp.crops  # Dassl's
    released = Released("muzairkhattak/multimodal-prompt-learning, with Dassl's TEST.FINAL_MODEL, last_step")

    context: nn.Parameter

    def __init__(
        self,
        *,
        n_ctx: int = 2,  # paper and released configurations
        depth: int = 3,  # the cross-dataset configuration; 9 for base-to-new
        ctx_init: str = "a photo of a",  # released configurations; its first n_ctx tokens are the start of training
        ctx_std: float = 0.02,  # released code, for drawn prompts
        recipe: Recipe = RECIPE,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"depth={depth}: prompts stand at least in the first layer, depth=1")
        self.n_ctx = n_ctx
        self.depth = depth
        self.ctx_init = ctx_init
        self.ctx_std = ctx_std
        self.recipe = recipe

    def build(self, task: Task) -> None:
        """Create the prompts, each [n_ctx, text width], and the linear maps.

        An image tower other than a ViT and a class name that does not fit behind the prompts raise a ValueError too.

        Args:
            task: Task with `clip`.

        Raises:
            ValueError: The task has no clip.
        """
        if task.clip is None:
            raise ValueError("MaPLe learns prompts in both of CLIP's towers, and this task has no clip")
        self.clip = task.clip
        self.classifier = TextClassifier(task)
        self.tower = PromptedViT(task.clip)
        self.encode = PromptEncoder(task.clip, task.classnames, self.n_ctx, self.ctx_init)
        self._draw(task, min(self.depth, len(self.encode.blocks), len(self.tower.blocks)))
        self.remembered_text = Remembered(self._text)
        self.remembered = Remembered(self._images)  # the harness scores the test images twice, once for its record

    def _draw(self, task: Task, depth: int) -> None:
        """Take the first prompt from words, draw the other prompts and the maps; all maps but the first begin equal."""
        words, generator = word_embeddings(self.clip, self.ctx_init), task.generator()
        missing = self.n_ctx > len(
            words
        )  # the released code draws the first prompt too where it has more than four vectors
        shape = (self.n_ctx, words.shape[1])
        drawn = [self.ctx_std * torch.randn(shape, generator=generator).to(words) for _ in range(depth - 1 + missing)]
        self.context = nn.Parameter(drawn.pop(0) if missing else words[: self.n_ctx].clone())
        self.deep = nn.ParameterList(drawn)
        first, other = (linear(self.tower.width, words.shape[1], generator).to(words) for _ in range(2))
        self.maps = nn.ModuleList([first, *(deepcopy(other) for _ in range(depth - 1))])  # as in the released code

    def text(self) -> Tensor:
        """L2-normalised text features of the prompts [C, D]; without gradients, encoded once per state of the prompts."""
        return self.remembered_text(self.context, *self.deep)

    def images(self, pixels: Tensor) -> Tensor:
        """L2-normalised features [B, D] of the prompted image tower for images, uint8 [B, 3, H, W]."""
        return self.remembered(pixels, *self.parameters())

    def scores(self, x: Features) -> Scores:
        """Scores with the cosine logits of both prompted towers as `fused`."""
        s0 = self.classifier(x["clip"])
        fused = product(self.classifier.scale * self.images(x["pixels"]), self.text())
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def _text(self, context: Tensor, *deep: Tensor) -> Tensor:
        """L2-normalised text features of the prompts [C, D]."""
        return unit(self.encode(context, deep))

    def _images(self, pixels: Tensor, *_: Tensor) -> Tensor:
        """L2-normalised image features [B, D]; the other arguments only invalidate the stored output."""
        prompts = [f(p) for f, p in zip(self.maps, [self.context, *self.deep], strict=True)]
        parts = [self.tower(self.clip.preprocess(part), prompts) for part in pixels.split(IMAGES)]
        return unit(torch.cat(parts))
