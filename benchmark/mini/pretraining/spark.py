"""SparK. Tian et al., ICLR 2023, https://arxiv.org/abs/2301.03580: masked pre-training of a convolutional network.

The encoder simulates sparse convolution: masked cells are set to zero after every convolution and pooling, and the statistics
of batch normalisation are of visible cells only. A light decoder fills masked cells with mask tokens and predicts pixels from
coarse to fine.

There are two deviations from the paper. (1) The paper masks units of the size of a cell of the last stage, which has only
2 x 2 cells here. Units are therefore cells of the third stage, 3 x 3 of 16 x 16 pixels; a cell of the last stage is masked if
all units in the reach of its kernel are. (2) The decoder reads the last stage only, as in the paper's ablation without
hierarchy. With all four stages, the decoder relied on the finer ones: the last stage, which yields the features, stayed no
better than with random weights (linear probe 6 %).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, max_pool2d, pixel_shuffle

from benchmark.mini import networks
from benchmark.mini.pretraining import monitor
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule, mixed_precision
from benchmark.mini.pretraining.mae import DATA, patchify, pictures, reconstruction
from benchmark.mini.world.draws import Draws, Ints

HIDDEN = 0.6  # the paper
GRID, UNIT = 3, 16  # units a side, and their pixels
VISIBLE = GRID**2 - round(HIDDEN * GRID**2)
CELLS = (24, 12, 6, GRID, 2)  # sides of the feature maps: stem, then the four stages
READ = 1  # how many of the last stages the decoder reads; the paper: 4
DECODER = 64  # channels at every scale; the paper: 768, halved at every scale
FINE = 4  # side in pixels of a cell of the decoder's finest map


def orders(ids: Ints) -> Tensor:
    """A random order of the units of each image, [N, 9]; the first VISIBLE units are visible to the encoder."""
    return torch.from_numpy(Draws("pretrain", "mask", ids=ids).permutation("unit", GRID**2))


def seen_cells(order: Tensor) -> dict[int, Tensor]:
    """Masks of the visible cells at every resolution.

    Args:
        order: order of the units, [N, 9]; the first VISIBLE are visible.

    Returns:
        Side of a feature map -> mask, float [N, 1, side, side], 1 for visible cells.
    """
    units = (order.argsort(dim=1) < VISIBLE).float().reshape(-1, 1, GRID, GRID)
    seen = {side: interpolate(units, size=side) for side in (networks.SIZE, *CELLS[:-1])}
    seen[CELLS[-1]] = max_pool2d(units, 3, stride=2, padding=1)  # the reach of the kernels of the last stage
    return seen


def sparse_norm(x: Tensor, seen: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """Batch normalisation over visible cells only; masked cells are 0.

    Args:
        x: feature map, [N, C, H, W].
        seen: mask, [N, 1, H, W], 1 for visible cells.
        norm: the layer with parameters and running statistics.

    Returns:
        The normalised feature map, [N, C, H, W].
    """
    cells = x.permute(0, 2, 3, 1)
    where = seen[:, 0].bool()
    running, affine = (norm.running_mean, norm.running_var), (norm.weight, norm.bias)
    normed = batch_norm(cells[where], *running, *affine, norm.training, norm.momentum or 0.0, norm.eps)
    out = torch.zeros_like(cells, dtype=normed.dtype)
    out[where] = normed
    return out.permute(0, 3, 1, 2)


class SparseBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the visible cells while `sparsity` holds masks, else over all cells."""

    sparsity: "Sparsity"

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a feature map, [N, C, H, W] -> [N, C, H, W]."""
        seen = self.sparsity.seen
        return sparse_norm(x, seen[x.shape[-1]], self) if seen else super().forward(x)


class Sparsity:
    """Conversion of an encoder to sparse computation, and the masks that its layers share.

    `seen` maps the side of a feature map to the mask of visible cells of the current batch. While it is empty, the encoder
    is dense.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self.seen: dict[int, Tensor] = {}
        for module in list(encoder.modules()):
            if isinstance(module, nn.Conv2d | nn.MaxPool2d):
                module.register_forward_hook(self._empty)
            if type(module) is nn.BatchNorm2d:
                module.__class__ = SparseBatchNorm2d
                module.sparsity = self  # type: ignore[assignment]

    def _empty(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        """Hook after a convolution or pooling: set masked cells to 0."""
        return output * self.seen[output.shape[-1]].to(output.dtype) if self.seen else None


def stages(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    """Feature maps of the four stages, [N, C, side, side] with sides 12, 6, 3 and 2."""
    _, *maps = encoder.forward_intermediates(images, intermediates_only=True)  # type: ignore[operator]
    return maps


class Fill(nn.Module):
    """Densifying (section 3.2): fill masked cells of a stage with a mask token, then project to the decoder's width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(1, width, 1, 1) * 0.02)
        self.project = nn.Conv2d(width, DECODER, 1)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Densify x [N, width, H, W] by the mask seen [N, 1, H, W] -> [N, DECODER, H, W]."""
        return self.project(torch.where(seen.bool(), x, self.mask.to(x.dtype)))


class Decoder(nn.Module):
    """A decoder from coarse to fine: upsample, add the next stage if it is read, convolve.

    `read` is the number of stages that it reads, counted from the last.
    """

    def __init__(self, read: int = READ) -> None:
        super().__init__()
        self.read = read
        self.fills = nn.ModuleList(Fill(width) for width in networks.WIDTHS[-read:])
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(DECODER, DECODER, 3, padding=1, bias=False), nn.BatchNorm2d(DECODER), nn.ReLU6())
            for _ in networks.WIDTHS
        )
        self.leave = nn.Conv2d(DECODER, 3 * FINE**2, 1)

    def forward(self, maps: list[Tensor], seen: dict[int, Tensor]) -> Tensor:
        """Predict images, [N, 3, 48, 48], from the feature maps of the four stages and the masks by side."""
        pairs = zip(self.fills, maps[-self.read :], strict=True)
        filled = {x.shape[-1]: fill(x, seen[x.shape[-1]]) for fill, x in pairs}
        x = torch.zeros_like(filled[CELLS[-1]])
        for block, side in zip(self.blocks, reversed(CELLS[1:]), strict=True):
            x = block(interpolate(x, size=side) + filled.get(side, 0))
        return pixel_shuffle(self.leave(x), FINE)


class Spark(Algorithm):
    """SparK with the ResNet of the contrastive roles."""

    title = "SparK (Tian et al. 2023): sparse masked convolutions, 60 % of the units hidden, decoder on the last stage"
    data = DATA

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self.encoder = networks.build_auxiliary(role)
        self._sparsity = Sparsity(self.encoder)
        self.decoder = Decoder()
        self.schedule = Schedule(steps=1200, batch=192)

    def loss(self, step: int) -> Tensor:
        """Mean squared error of the normalised pixels of masked units."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images, order = pictures(ids).contiguous(memory_format=torch.channels_last), orders(ids)
        seen = seen_cells(order)
        with mixed_precision():
            painted = self.decoder(self._encode(images, seen), seen)
        return reconstruction(patchify(painted.float(), UNIT), patchify(images, UNIT), 1 - seen[GRID].flatten(1))

    def _encode(self, images: Tensor, seen: dict[int, Tensor]) -> list[Tensor]:
        """Feature maps of the stages, computed from the visible units."""
        self._sparsity.seen = seen
        try:
            return stages(self.encoder, images * seen[networks.SIZE])
        finally:
            self._sparsity.seen = {}

    def product(self) -> nn.Module:
        """The encoder as a dense network."""
        dense = networks.build_auxiliary(self._role)
        dense.load_state_dict(self.encoder.state_dict())
        return dense

    def monitor(self) -> dict[str, float]:
        """Accuracies (%) of nearest neighbours and a linear probe on the dense encoder."""
        return monitor.probes(self.encoder)
