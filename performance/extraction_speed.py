"""Features of photographs against the bare network: a ResNet-50 of full width with random weights, JPEG files of 500 x 375.

Bare: the network called in a loop on float tensors that are in memory already. Ours: files decoded, cropped, normalised,
encoded and written by `features`, in this process and by one worker a core. Rounds take turns; the median of each is printed,
and how many images a second are lost. CPU seconds an image are printed too, which another's load does not change.

python -m performance.extraction_speed [images] [rounds]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from benchmark.core.cores import cores as usable_cores
from benchmark.core.libraries import timm
from benchmark.core.settings import Settings
from benchmark.features import filling, requests
from benchmark.features.requests import Request
from benchmark.running import jobs, workers
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

WIDTH, HEIGHT, CLASSES, BATCH = 500, 375, 4, 64


def photographs(folder: Path, count: int) -> None:
    """JPEG files with detail at every scale, as photographs have it: about 100 KB each at quality 90."""
    draw = np.random.default_rng(0)
    for i in range(count):
        picture = np.zeros((HEIGHT, WIDTH, 3))
        for cells in (2, 4, 8, 16, 32, 64, 128, 256):
            noise = draw.normal(0, 1, (cells, cells, 3)).astype(np.float32)
            layers = [
                Image.fromarray(noise[..., c]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC) for c in range(3)
            ]
            picture += np.stack([np.asarray(layer) for layer in layers], -1) * 75 / cells**0.25
        where = folder / "test" / f"class{i % CLASSES}" / f"{i:05d}.jpg"
        where.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((128 + picture).clip(0, 255).astype(np.uint8)).save(where, quality=90)
    for c in range(CLASSES):  # a folder with images to train on too; they are never looked at
        where = folder / "train" / f"class{c}" / "0.jpg"
        where.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(where)


def suite(folder: Path, name: str) -> Suite:
    """The image folder and a ResNet-50 as the paper suite loads it."""
    dataset = {"reader": "benchmark.data.published.folder:ImageFolder", "path": str(folder)}
    encoder = {"loader": "benchmark.encoders.published:auxiliary", "slot": "dino_rn50"}
    return Suite(name, name, False, [1], 1, BATCH, {"photographs": dataset}, {"RN50": encoder})


def bare(network: torch.nn.Module, images: torch.Tensor) -> None:
    """The loop that everybody writes."""
    with torch.no_grad():
        for batch in images.split(BATCH):
            network(batch)


def ours(world: World, crew: workers.Crew) -> None:
    """All features that are missing, made by a crew."""
    shards = filling.missing([Request("photographs", "RN50", "test", 0)], world)
    for done in crew.each(partial(jobs.fill, world), shards):
        assert not done.error, done.error


def seconds(call: Callable[[], None]) -> tuple[float, float]:
    """Wall-clock seconds of a call, and CPU seconds of this process."""
    started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    call()
    now = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter() - started, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def main(count: int = 256, rounds: int = 5) -> None:
    """Measure and print."""
    cores = usable_cores()
    torch.set_num_threads(cores)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place, workers.Crew(1) as here, workers.Crew(cores) as crew:
        folder = Path(place)
        settings = Settings(cache=folder / "cache", weights_dirs=(folder / "weights",))
        (folder / "weights").mkdir()
        network = timm.create_model("resnet50", num_classes=0).eval()
        torch.save(network.state_dict(), folder / "weights" / "dino_resnet50_pretrain.pth")
        photographs(folder / "images", count)
        size = sum(path.stat().st_size for path in (folder / "images" / "test").rglob("*.jpg")) / count / 2**10
        network = network.to(memory_format=torch.channels_last)
        images = torch.rand(count, 3, 224, 224).contiguous(memory_format=torch.channels_last)
        requests.DECODED = max(1, count // (2 * cores))  # as of a large data set: several shards for each worker
        took: dict[str, list[tuple[float, float]]] = {}
        for turn in range(rounds + 1):
            worlds = [World(suite(folder / "images", f"{name}{turn}"), settings) for name in ("here", "crew")]
            worlds[0].dataset("photographs")
            ways = {
                "bare": partial(bare, network, images),
                "in this process": partial(ours, worlds[0], here),
                f"{cores} workers": partial(ours, worlds[1], crew),
            }
            for name, call in ways.items():
                took.setdefault(name, []).append(seconds(call))
        tell(count, size, cores, {name: times[1:] for name, times in took.items()})  # the first round warms up
        print(f"peak memory of a worker: {max(crew.peaks.values())} MiB, its network and libraries included")


def tell(count: int, size: float, cores: int, took: dict[str, Sequence[tuple[float, float]]]) -> None:
    """Print a line for each way."""
    print(
        f"{count} JPEG files of {WIDTH} x {HEIGHT}, {size:.0f} KiB each; ResNet-50, fp32, batches of {BATCH}, {cores} cores"
    )
    fastest = median(wall for wall, _ in took["bare"])
    for name, times in took.items():
        wall, used = median(wall for wall, _ in times), median(used for _, used in times)
        cpu = f", {1000 * used / count:.1f} ms of CPU an image" if "workers" not in name else ""
        print(f"{name:<16} {count / wall:6.1f} images/s ({100 * (1 - fastest / wall):+5.1f} % lost{cpu})")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
