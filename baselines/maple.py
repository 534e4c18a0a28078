"""MaPLe: Khattak et al., "MaPLe: Multi-modal Prompt Learning", CVPR 2023, https://arxiv.org/abs/2210.03117.

Prompts in both towers, in the first layers anew in each; those of the image tower are linear maps of those of the text
tower. The image tower has to be a ViT, for prompts are tokens.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from baselines.coop import RECIPE as COOP
from baselines.prompted_vit import PromptedViT
from baselines.prompts import PromptEncoder, Remembered, word_embeddings
from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Recipe, Scores, Task
from benchmark.numerics.initialisation import linear
from benchmark.numerics.logits import unit
from benchmark.numerics.matmul import product

# multimodal-prompt-learning, the cross-dataset configuration (vit_b16_c2_ep5_batch4_2ctx_cross_datasets.yaml and its
# script), whose model is the one of Table 5; base-to-new has lr 0.0035 and 5 epochs. The rest as CoOp.
RECIPE = replace(COOP, lr=0.0026, batch_size=4, epochs=2)

IMAGES = 64
"""Images of a forward pass through the image tower: more is no faster, for it leaves the processor's caches."""


class MaPLe(Predictor):
    """s = scale · f̂' ĝ'ᵀ with prompts P_i in layer i of the text tower and F_i(P_i) in layer i of the image tower.

    P₁ stands in front of the class name, F₁(P₁) behind the image's patches; from the second to the `depth`-th layer P_i and
    F_i(P_i) take their places. The F_i are linear with a bias. `depth` is clipped to the shallower tower.
    The bias reported is what all of it adds to the zero-shot logits of CLIP's own features, which is why it reads them too.
    The released code runs in half precision and takes the checkpoint's logit scale; here fp32 and the task's.
    """

    reads = ("clip", "pixels")
    wants = ("clip",)
    feature = "T_bias + V_bias"
    predictor = "f_T + f_V"

    context: nn.Parameter

    def __init__(
        self,
        *,
        n_ctx: int = 2,  # paper and released configurations
        depth: int = 3,  # the cross-dataset configuration; 9 for base-to-new
        ctx_init: str = "a photo of a",  # released configurations; its first n_ctx tokens
        ctx_std: float = 0.02,  # released code, of the prompts behind the first layer
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
        """The prompts, each [n_ctx, text width], and the maps.

        ValueError without task.clip, when its image tower is no ViT, or when the longest name does not fit.
        """
        if task.clip is None:
            raise ValueError("MaPLe learns prompts in both of CLIP's towers, and this task has no clip")
        self.clip = task.clip
        self.classifier = TextClassifier(task)
        self.tower = PromptedViT(task.clip)
        self.encode = PromptEncoder(task.clip, task.classnames, self.n_ctx)
        self._draw(task, min(self.depth, len(self.encode.blocks), len(self.tower.blocks)))
        self.remembered_text = Remembered(self._text)
        self.remembered = Remembered(self._images)  # the harness scores the test images, and then again for its record

    def _draw(self, task: Task, depth: int) -> None:
        """The first prompt from words, the others and the maps at random; the maps behind the first begin alike."""
        words, generator = self._words(), task.generator()
        drawn = [self.ctx_std * torch.randn(words.shape, generator=generator).to(words) for _ in range(depth - 1)]
        self.context = nn.Parameter(words)
        self.deep = nn.ParameterList(drawn)
        first, other = (linear(self.tower.width, words.shape[1], generator).to(words) for _ in range(2))
        self.maps = nn.ModuleList([first, *(deepcopy(other) for _ in range(depth - 1))])  # released code: clones of one

    def _words(self) -> Tensor:
        words = word_embeddings(self.clip, self.ctx_init)
        if self.n_ctx > len(words):
            raise ValueError(f"n_ctx={self.n_ctx}, but {self.ctx_init!r} has {len(words)} tokens to begin with")
        return words[: self.n_ctx].clone()

    def text(self) -> Tensor:
        """The prompts' text features as unit rows, [C, D]: encoded once a state where no gradient is wanted."""
        return self.remembered_text(self.context, *self.deep)

    def images(self, pixels: Tensor) -> Tensor:
        """Images, uint8 [B, 3, H, W] -> unit features of the prompted image tower [B, D]."""
        return self.remembered(pixels, *self.parameters())

    def scores(self, x: Features) -> Scores:
        """Cosine logits of both prompted towers as `fused`."""
        s0 = self.classifier(x["clip"])
        fused = product(self.classifier.scale * self.images(x["pixels"]), self.text())
        return Scores(zero_shot=s0, bias=fused - s0, fused=fused)

    def _text(self, context: Tensor, *deep: Tensor) -> Tensor:
        return unit(self.encode(context, deep))

    def _images(self, pixels: Tensor, *_: Tensor) -> Tensor:
        prompts = [f(p) for f, p in zip(self.maps, [self.context, *self.deep], strict=True)]
        parts = [self.tower(self.clip.preprocess(part), prompts) for part in pixels.split(IMAGES)]
        return unit(torch.cat(parts))
