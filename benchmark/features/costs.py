"""What the features that runs still need will cost: images, passes through encoders, bytes, and time.

Only names and sizes of files are looked at; whether a file is whole is checked when it is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmark.core.cores import cores
from benchmark.core.numbers import clock
from benchmark.data import views as crops
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.features import hashes, shard_files
from benchmark.features.requests import (
    Request,
    Shard,
    folder,
    images_of,
    is_given,
    of,
    of_photographs,
    path,
    resizing,
    shards_of,
    waves,
)
from benchmark.suites.world import World

STATED = {"cuda": 1000.0, "cpu": 10.0}
"""Images a second through a ResNet-50 or ViT-B in float32 on a GPU of the class of an A100, and on each core of a CPU."""


@dataclass(frozen=True)
class Cost:
    """Cost of features that are not on disk.

    Attributes:
        images: Images to decode, where each view counts as one.
        passes: Images through an encoder, summed over the encoders.
        bytes: Size of the features on disk, without those of encoders whose width is not known.
        unsized: Roles of these encoders.
        seconds: Time by the pace of like features that were made here, else by the stated pace.
        measured: Whether all of the time is by a pace measured here.
    """

    images: int = 0
    passes: int = 0
    bytes: int = 0
    unsized: Sequence[str] = ()
    seconds: float = 0.0
    measured: bool = True

    @property
    def words(self) -> str:
        """Text such as "50,000 images, 100,000 passes through encoders, 0.6 GB, about 2 min (at a stated pace, …)"."""
        rest = f" and those of {', '.join(self.unsized)}" if self.unsized else ""
        pace = "at the pace measured here" if self.measured else "at a stated pace, none like it was measured here"
        passes = f"{self.images:,} images, {self.passes:,} passes through encoders"
        return f"{passes}, {gigabytes(self.bytes)}{rest}, about {clock(self.seconds)} ({pace})"


def gigabytes(size: float) -> str:
    """A number of bytes in words: "1.2 GB", "35 MB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.0f} MB"


def missing(requests: Iterable[Request], world: World) -> list[Shard]:
    """Shards of photographs that are not on disk, of the features in `requests`, each once."""
    asked = [r for r in dict.fromkeys(requests) if not is_given(r, world) and of_photographs(r, world)]
    absent = waves([request for request in asked if not path(request, world).is_file()], world)
    return [shard for wave in absent for shard in shards_of(wave, world) if _absent(shard, world)]


def _absent(shard: Shard, world: World) -> bool:
    files = (shard_files.shard(path(request, world), shard.index, shard.of) for request in shard.wave.requests)
    return not all(file.is_file() for file in files)


def of_shards(shards: Sequence[Shard], world: World, workers: int) -> Cost:
    """Cost of shards.

    Args:
        shards: Shards that are not on disk.
        world: Suite on this machine.
        workers: Processes that encode at the same time.

    Returns:
        The cost.
    """
    paces = _paces(world)
    images = passes = size = 0
    seconds, measured, unsized = 0.0, True, dict[str, None]()
    for shard in shards:
        roles = [request.role for request in shard.wave.requests]
        through = _passes(shard, world)
        images += shard.size
        passes += through
        for request in shard.wave.requests:
            width = bytes_of_image(request, world)
            size += width * _images(request, shard, world)
            if not width:
                unsized[request.role] = None
        pace = paces.get(frozenset(roles))
        seconds += shard.size / pace / workers if pace else through / _stated(world)
        measured = measured and pace is not None
    return Cost(images, passes, size, tuple(unsized), seconds, measured)


def _images(request: Request, shard: Shard, world: World) -> int:
    """Images of a request in a shard, where each view counts as one; a shard with crops of two scales has more."""
    views = images_of(request, world).views
    return shard.size // len(crops.each(views, shard.wave.scales)) * views


def _passes(shard: Shard, world: World) -> int:
    """Images of a shard through an encoder, summed over its encoders; the view as tested is encoded once for all scales."""
    found, seen = 0, set[str]()
    for request in shard.wave.requests:
        images = _images(request, shard, world)
        if request.role in seen:
            images -= images // images_of(request, world).views
        seen.add(request.role)
        found += 0 if request.role == PIXELS else images
    return found


def _stated(world: World) -> float:
    """Images a second through an encoder, where none was measured."""
    kind = world.settings.device.partition(":")[0]
    return STATED.get(kind, STATED["cpu"]) * (cores() if kind == "cpu" else 1)


def _paces(world: World) -> dict[frozenset[str], float]:
    """Roles that were encoded together here -> images a second of one process, the median over files."""
    found: dict[frozenset[str], list[float]] = {}
    for file in folder(world).glob("*.safetensors"):
        said = hashes.notes(file)
        seconds, pictures = float(said.get("seconds") or 0), float(said.get("pictures") or 0)
        if seconds and pictures and said.get("device", "").partition(" ")[0] == world.settings.device:
            found.setdefault(frozenset(said.get("together", "").split()), []).append(pictures / seconds)
    return {roles: median(paces) for roles, paces in found.items()}


def bytes_of_image(request: Request, world: World, wide: bool = False) -> int:
    """Bytes of the features of an image, on disk, or in float32 if `wide`; 0 where the width of the encoder is unknown."""
    if request.role == PIXELS:
        return 3 * resizing(request, world).side ** 2
    encoder = world.encoder(request.role.removesuffix(SPATIAL))
    width, places = getattr(encoder, "width", 0), getattr(encoder, "places", 0)
    numbers = width * (places if request.role.endswith(SPATIAL) else 1)
    return numbers * (4 if wide or world.settings.precision == "fp32" else 2)


def in_memory(opened: Opened) -> int:
    """Bytes of the features that a run holds on its device, in float32; without encoders whose width is not known."""
    world = opened.world
    return sum(images_of(r, world).size * bytes_of_image(r, world, wide=True) for r in dict.fromkeys(of(opened)))
