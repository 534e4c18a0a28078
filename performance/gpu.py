"""A GPU beside the processor: the same features, the same answers, images and runs a second, memory. Five to eight minutes.

Encoders have the full widths of the paper suite's and random weights, methods the support set of 200 classes in random
features of two encoders. For each encoder: how far its features are from the processor's, and images/s of a loop over batches
that lie on the device against those of the harness, which decodes nothing here and copies every batch there and every feature
back; beside them images/s where each copy back stops the process until the next batch is done. For each method: how many test
images more or fewer it gets right than on the processor, seconds of the run on both, and the most memory of the device.

python -m performance.gpu [--device cuda:0] [--images 2048] [--classes 200] [--method NAME ...]
"""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import click
import numpy as np
import torch
from torch import nn

from benchmark.core import devices, float32
from benchmark.core.libraries import open_clip, timm
from benchmark.core.machine import cpu_name
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded
from benchmark.features import extraction
from benchmark.suites.suite import Suite
from benchmark.suites.world import World
from performance import heads_at_scale
from performance.heads_at_scale import Size

SIDE, BATCH, CHECKED = 224, 64, 64
"""Side of the images in pixels, batch, and number of images whose features are held against the processor's."""


def clip_image_tower(arch: str) -> nn.Module:
    """The image tower of open_clip's architecture, with random weights: [N, 3, 224, 224] -> [N, D]."""
    logging.getLogger().setLevel(logging.ERROR)  # it warns of weights that are random
    tower: nn.Module = open_clip.create_model(arch, pretrained=None).visual
    return tower


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "CLIP RN50": lambda: clip_image_tower("RN50"),
    "CLIP ViT-B/16": lambda: clip_image_tower("ViT-B-16"),
    "ResNet-50 (MoCo v3, DINO, SparK)": lambda: timm.create_model("resnet50", num_classes=0),
    "ViT-B/16 (MAE, MILAN)": lambda: timm.create_model("vit_base_patch16_224", num_classes=0),
}
"""Encoder -> its network with random weights."""


def synced(device: torch.device) -> float:
    """Seconds now, after all work of the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def rate(call: Callable[[], object], images: int, device: torch.device) -> float:
    """Images a second of a call over so many images, the second time that it is called."""
    call()
    started = synced(device)
    call()
    return images / (synced(device) - started)


@torch.no_grad()
def encoder(name: str, device: torch.device, images: int) -> str:
    """Measure an encoder; a line for printing."""
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    generator = torch.Generator().manual_seed(1)
    checked = torch.randn(CHECKED, 3, SIDE, SIDE, generator=generator)
    expected = network(checked)
    there = network.to(device)
    found = there(checked.to(device)).cpu()
    cosine = torch.cosine_similarity(found, expected).min().item()
    largest = ((found - expected).abs().max() / expected.abs().max()).item()
    batches = [torch.randn(BATCH, 3, SIDE, SIDE, device=device) for _ in range(4)]
    bare = rate(lambda: [there(batches[i % 4]) for i in range(images // BATCH)], images, device)
    pictures = torch.randint(0, 256, (1, images, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    world = _World(there, device)

    def extract() -> None:
        extraction.extract(lambda ids: pictures[:, ids], np.arange(images), ["E"], world, ahead=True)

    ours = rate(extract, images, device)
    with mock.patch.object(extraction, "_homeward", lambda features: features):
        stopping = rate(extract, images, device)
    return (
        f"{name:<34} smallest cosine {cosine:.7f}, largest difference {largest:.1e} of the largest number; "
        f"{bare:8.1f} images/s in a loop, {ours:8.1f} in the harness ({100 * (1 - ours / bare):.0f} % lost), "
        f"{stopping:8.1f} where copies stop it"
    )


class _World(World):
    """A suite on this machine with one encoder, whatever its role is called."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        super().__init__(Suite("gpu", "gpu", False, [1], 1, BATCH, {}, {}), Settings())
        forward = torch.no_grad()(lambda images: network(images.float().div_(127.5).sub_(1)))
        self._only = Encoder("E", "random weights", lambda: Loaded(forward, device=device))

    def encoder(self, role: str) -> Encoder:
        """The encoder."""
        return self._only


def method(name: str, size: Size, folder: str, device: str) -> str:
    """Measure a method on the processor and on a device; a line for printing."""
    found = [heads_at_scale.measured(name, size, folder, where) for where in ("cpu", device)]
    here, there = found
    if isinstance(here, str) or isinstance(there, str):
        return f"{name:<16} failed: {here if isinstance(here, str) else there}"
    apart = {selection: there["correct"][selection] - correct for selection, correct in here["correct"].items()}
    words = ", ".join(f"{selection} {difference:+d}" for selection, difference in apart.items())
    return (
        f"{name:<16} {here['seconds']:6.1f} s on the processor, {there['seconds']:6.1f} s, "
        f"{there['peak_of_device']:6d} MiB of the device; right answers of {here['n']}: {words}"
    )


@click.command()
@click.option("--device", default="cuda", show_default=True, help="Device to hold against the processor.")
@click.option("--images", default=2048, show_default=True, help="Images for each encoder.")
@click.option("--classes", default=200, show_default=True, help="Classes of the random features.")
@click.option(
    "--method", "methods", multiple=True, type=click.Choice([*heads_at_scale.METHODS]), help="Methods.  [default: all]"
)
def main(device: str, images: int, classes: int, methods: tuple[str, ...]) -> None:
    """Measure and print."""
    where = devices.usable(device)
    print(
        f"{devices.name(where)} beside {cpu_name()}; torch {torch.__version__}, {images} images in batches of {BATCH}"
    )
    with float32.exact():
        for name in NETWORKS:
            print(encoder(name, where, images), flush=True)
    size = Size(classes=classes, test=50 * classes)
    print(f"{size}; {heads_at_scale.EPOCHS} epochs")
    with tempfile.TemporaryDirectory() as folder:
        heads_at_scale.world(Path(folder), size)
        for name in methods or heads_at_scale.METHODS:
            print(method(name, size, folder, device), flush=True)


if __name__ == "__main__":
    main()
