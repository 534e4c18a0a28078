"""SparK. Tian et al., ICLR 2023, https://arxiv.org/abs/2301.03580: masked pre-training of a convolutional network.

The encoder works on the seen places only, as sparse convolution does: after every convolution and pooling the hidden
places are empty again, and batch normalisation counts the seen ones alone. A light decoder fills holes with mask tokens
and paints from coarse to fine.

Two departures. The paper hides in units of the last stage's cells, of which there are 2 x 2 here, too few to choose from: the
units are the third stage's, 3 x 3 of 16 x 16 pixels, and a cell of the last stage is empty only if all that it covers is.
And the decoder reads the last stage only, as in the paper's ablation without hierarchy. Reading all four, it painted from the
finer ones: the last stage, which is what is used afterwards, stayed no better than random weights (linear probe 6 %).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, max_pool2d, pixel_shuffle

from benchmark.mini import networks
from benchmark.mini.pretraining import monitor
from benchmark.mini.pretraining.algorithm import Algorithm, Schedule
from benchmark.mini.pretraining.mae import DATA, patchify, pictures, reconstruction
from benchmark.mini.world.draws import Draws, Ints

HIDDEN = 0.6  # the paper
GRID, UNIT = 3, 16  # units a side, and their pixels
VISIBLE = GRID**2 - round(HIDDEN * GRID**2)
CELLS = (24, 12, 6, GRID, 2)  # sides of the encoder's maps: stem, then the four stages
READ = 1  # how many of the last stages the decoder reads; the paper: 4
DECODER = 64  # channels at every scale; the paper: 768 halved at each
FINE = 4  # pixels of a cell in the decoder's finest map


def orders(ids: Ints) -> Tensor:
    """A random order of the units of each picture, [N, 9]; the first VISIBLE of them are seen."""
    return torch.from_numpy(Draws("pretrain", "mask", ids=ids).permutation("unit", GRID**2))


def seen_cells(order: Tensor) -> dict[int, Tensor]:
    """Side of a map -> where something is seen, float [N, 1, side, side]. order: [N, 9], the first VISIBLE are seen."""
    units = (order.argsort(dim=1) < VISIBLE).float().reshape(-1, 1, GRID, GRID)
    seen = {side: interpolate(units, size=side) for side in (networks.SIZE, *CELLS[:-1])}
    seen[CELLS[-1]] = max_pool2d(units, 3, stride=2, padding=1)  # as the last stage's kernels reach
    return seen


def sparse_norm(x: Tensor, seen: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """Batch normalisation with the statistics of the seen cells; hidden cells stay 0. x: [N, C, H, W], seen: [N, 1, H, W]."""
    cells = x.permute(0, 2, 3, 1)
    where = seen[:, 0].bool()
    running, affine = (norm.running_mean, norm.running_var), (norm.weight, norm.bias)
    normed = batch_norm(cells[where], *running, *affine, norm.training, norm.momentum or 0.0, norm.eps)
    out = torch.zeros_like(cells, dtype=normed.dtype)
    out[where] = normed
    return out.permute(0, 3, 1, 2)


class SparseBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that is sparse while its network's `Sparsity` says so."""

    sparsity: "Sparsity"

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same."""
        seen = self.sparsity.seen
        return sparse_norm(x, seen[x.shape[-1]], self) if seen else super().forward(x)


class Sparsity:
    """What the layers of a converted network share: where the batch at hand is seen. Empty: everywhere."""

    def __init__(self, encoder: nn.Module) -> None:
        self.seen: dict[int, Tensor] = {}
        for module in list(encoder.modules()):
            if isinstance(module, nn.Conv2d | nn.MaxPool2d):
                module.register_forward_hook(self._empty)
            if type(module) is nn.BatchNorm2d:
                module.__class__ = SparseBatchNorm2d
                module.sparsity = self  # type: ignore[assignment]

    def _empty(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        """Empty the hidden cells behind a convolution or pooling."""
        return output * self.seen[output.shape[-1]].to(output.dtype) if self.seen else None


def stages(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    """The four stages' maps, sides 12, 6, 3 and 2."""
    _, *maps = encoder.forward_intermediates(images, intermediates_only=True)  # type: ignore[operator]
    return maps


class Fill(nn.Module):
    """Put a mask token where a stage's map is empty, then project it to the decoder's width: section 3.2's densifying."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.randn(1, width, 1, 1) * 0.02)
        self.project = nn.Conv2d(width, DECODER, 1)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """x: [N, width, H, W] -> [N, DECODER, H, W]."""
        return self.project(torch.where(seen.bool(), x, self.mask.to(x.dtype)))


class Decoder(nn.Module):
    """From coarse to fine: enlarge, add the next stage if it is read, convolve. read: how many of the last stages are."""

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
        """The four stages' maps -> painted pictures [N, 3, 48, 48]."""
        pairs = zip(self.fills, maps[-self.read :], strict=True)
        filled = {x.shape[-1]: fill(x, seen[x.shape[-1]]) for fill, x in pairs}
        x = torch.zeros_like(filled[CELLS[-1]])
        for block, side in zip(self.blocks, reversed(CELLS[1:]), strict=True):
            x = block(interpolate(x, size=side) + filled.get(side, 0))
        return pixel_shuffle(self.leave(x), FINE)


class Spark(Algorithm):
    """SparK of the ResNet that the contrastive roles use."""

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
        """Mean squared error of the hidden patches' normalised pixels."""
        ids = np.arange(self.schedule.batch) + step * self.schedule.batch
        images, order = pictures(ids).contiguous(memory_format=torch.channels_last), orders(ids)
        seen = seen_cells(order)
        with torch.autocast("cpu", torch.bfloat16):
            painted = self.decoder(self._encode(images, seen), seen)
        return reconstruction(patchify(painted.float(), UNIT), patchify(images, UNIT), 1 - seen[GRID].flatten(1))

    def _encode(self, images: Tensor, seen: dict[int, Tensor]) -> list[Tensor]:
        """The stages' maps of the seen patches."""
        self._sparsity.seen = seen
        try:
            return stages(self.encoder, images * seen[networks.SIZE])
        finally:
            self._sparsity.seen = {}

    def product(self) -> nn.Module:
        """The encoder as an ordinary, dense network."""
        dense = networks.build_auxiliary(self._role)
        dense.load_state_dict(self.encoder.state_dict())
        return dense

    def monitor(self) -> dict[str, float]:
        """Probes on the encoder, which is dense while no batch is masked."""
        return monitor.probes(self.encoder)
