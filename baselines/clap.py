"""ZS-LP and CLAP: Silva-Rodríguez et al., CVPR 2024, arXiv 2312.12730.

"A Closer Look at the Few-Shot Adaptation of Large Vision-Language Models". A linear probe that starts at the text classifier
(ZS-LP), and the same with a penalty on its distance from there, weighted for each class by zero-shot CLIP's confidence in its
support images (CLAP). No setting is searched: the same numbers serve every data set, number of shots and backbone.
"""

import torch
from torch import Tensor

from baselines.bias_head import class_counts
from baselines.taskres import TextResidual
from benchmark.methods import Batch, Recipe, Released, Task

# jusiro/CLAP, configs/trainers/SGD_lr1e-1_B256_ep300.yaml, with Dassl's momentum.
RECIPE = Recipe(
    optimizer="sgd",
    lr=0.1,
    momentum=0.9,
    weight_decay=0.0,
    batch_size=256,
    epochs=300,
    schedule="epoch",
    warmup_epochs=1,
    drop_last=True,
)


class ZSLP(TextResidual):
    """Linear probe that starts at the text classifier, L2-normalised at every step: s = scale · f̂ · ŵ_c.

    The released code draws batches of 256 from a pool of 20 augmented passes, N images in an epoch; here an epoch is one
    view, and a smaller support set is one batch.

    Args:
        recipe: Optimiser, schedule and epochs.
    """

    predictor = "LP from text"
    released = Released("jusiro/CLAP, trainers/adapters.py; the last epoch")
    note = "an epoch has one of the suite's views, where the released code draws from 20"

    def __init__(self, *, recipe: Recipe = RECIPE) -> None:
        super().__init__(alpha=1.0, recipe=recipe)


class CLAP(ZSLP):
    """ZS-LP with the penalty mean_c λ_c · ‖w_c - t_c‖² in its loss.

    λ_c is the mean zero-shot probability of class c over the views of its support images. The paper updates λ in an outer
    step; the released command never does. A class without images raises a ValueError.

    Args:
        recipe: Optimiser, schedule and epochs.
    """

    strength: Tensor

    def build(self, task: Task) -> None:
        """Build ZS-LP, and work out λ [C]."""
        super().build(task)
        self.register_buffer("strength", self._confidence(task))

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the batch and the penalty."""
        return super().loss(batch) + (self.strength * self.residual.square().sum(1)).mean()

    @torch.no_grad()
    def _confidence(self, task: Task) -> Tensor:
        """Mean zero-shot probability of each class over its own support images and their views [C]."""
        counts, labels = class_counts(task.support, task.classes, "CLAP"), task.support.labels
        sums, views = torch.zeros_like(task.text[:, 0]), task.support.spaces["clip"]
        for view in views:
            own = self.classifier(view).softmax(1).gather(1, labels[:, None])[:, 0]
            sums.index_add_(0, labels, own)
        return sums / (len(views) * counts)
