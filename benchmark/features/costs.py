"""What the features that runs still need will cost: images, passes through encoders, bytes, and time.

Only names and sizes of files are looked at; whether a file is whole is checked when it is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmark.core.cores import cores
from benchmark.core.durations import clock
from benchmark.core.text import counted
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
"""Photographs a second through a ResNet-50 or ViT-B in float32 on a GPU such as an A100, and on each core of a CPU."""

ANY = ""
"""The place of a group of encoders that stands for the median over all groups."""

HERE, REFERENCE, ASSUMED = "at the pace measured here", "at the reference run's pace", "at a stated pace"
SOURCES = (HERE, REFERENCE, ASSUMED)
"""Where paces come from, the surest first."""


@dataclass(frozen=True)
class Cost:
    """Cost of features that are not on disk.

    Attributes:
        images: Images to decode or draw, where each view counts as one.
        passes: Images through an encoder, summed over the encoders.
        bytes: Size of the features on disk, without those of encoders whose width is not known.
        unsized: Roles of these encoders.
        seconds: Time of the workers together.
        pace: The least sure of the `SOURCES` that the time is by.
        untimed: Images whose time is unknown: drawn ones, when none were drawn here or in the reference run.
    """

    images: int = 0
    passes: int = 0
    bytes: int = 0
    unsized: Sequence[str] = ()
    seconds: float = 0.0
    pace: str = HERE
    untimed: int = 0

    @property
    def words(self) -> str:
        """Text such as "50,000 images, 100,000 passes through encoders, 0.6 GB, about 2 min (at a stated pace)"."""
        passes = "pass" if self.passes == 1 else "passes"
        parts = [counted(self.images, "image"), f"{self.passes:,} {passes} through encoders"]
        if self.bytes or not self.unsized:
            parts.append(gigabytes(self.bytes) + (f" and those of {', '.join(self.unsized)}" if self.unsized else ""))
        if self.untimed < self.images:
            parts.append(f"about {clock(self.seconds)} ({self.pace})")
        return ", ".join(parts)


def gigabytes(size: float) -> str:
    """A number of bytes in words: "1.2 GB", "35 MB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.0f} MB"


def missing(requests: Iterable[Request], world: World) -> list[Shard]:
    """Shards that are not on disk, of the features in `requests`, each once."""
    asked = [request for request in dict.fromkeys(requests) if not is_given(request, world)]
    absent = waves([request for request in asked if not path(request, world).is_file()], world)
    return [shard for wave in absent for shard in shards_of(wave, world) if _absent(shard, world)]


def _absent(shard: Shard, world: World) -> bool:
    files = (shard_files.shard(path(request, world), shard.index, shard.of) for request in shard.wave.requests)
    return not all(file.is_file() for file in files)


def of_shards(
    shards: Sequence[Shard], world: World, workers: int, reference: Mapping[str, float] | None = None
) -> Cost:
    """Cost of shards.

    Args:
        shards: Shards that are not on disk.
        world: Suite on this machine.
        workers: Processes that encode at the same time.
        reference: Group of encoders -> seconds of an image in the reference run, at this machine's pace.

    Returns:
        The cost.
    """
    known = noted(world) if shards else {}
    images = passes = size = untimed = 0
    seconds, pace, unsized = 0.0, HERE, dict[str, None]()
    for shard in shards:
        images += shard.size
        passes += _passes(shard, world)
        for request in shard.wave.requests:
            width = bytes_of_image(request, world)
            size += width * _images(request, shard, world)
            if not width:
                unsized[request.role] = None
        took, source = _seconds(shard, world, workers, known, reference or {})
        untimed += 0 if took is not None else shard.size
        seconds += took or 0.0
        pace = max(pace, source, key=SOURCES.index)
    return Cost(images, passes, size, tuple(unsized), seconds, pace, untimed)


def _seconds(
    shard: Shard, world: World, workers: int, known: Mapping[str, float], reference: Mapping[str, float]
) -> tuple[float | None, str]:
    """Seconds of a shard and where they come from; None for drawn images of unknown pace."""
    encoders = group(request.role for request in shard.wave.requests)
    photographs = of_photographs(shard.wave.requests[0], world)
    if encoders in known:
        return shard.size * known[encoders] / workers, HERE
    for found, source in ((reference, REFERENCE), ({} if photographs else known, HERE)):
        if (each := found.get(encoders, found.get(ANY))) is not None:
            return shard.size * each / workers, source
    return (_passes(shard, world) / _stated(world), ASSUMED) if photographs else (None, HERE)


def group(roles: Iterable[str]) -> str:
    """Name of the encoders that encode the same images together: their roles, each once."""
    return " ".join(sorted(set(roles)))


def noted(world: World) -> dict[str, float]:
    """Group of encoders -> seconds of an image, made and encoded, in the extractions of this suite here, and `ANY`."""
    return of_notes((hashes.notes(file) for file in sorted(folder(world).glob("*.safetensors"))), world.settings.device)


def of_notes(notes: Iterable[Mapping[str, str]], device: str) -> dict[str, float]:
    """Group of encoders -> median seconds of an image on one worker.

    Args:
        notes: Notes of files; those that one look at some images made have the same and count once.
        device: Name of the device that encoded.

    Returns:
        The seconds by group, and over all groups (`ANY`); empty without notes on times.
    """
    looks = {
        (group(note["together"].split()), note.get("crops", ""), float(note["pictures"]), float(note["seconds"]))
        for note in notes
        if {"together", "pictures", "seconds"} <= note.keys() and note.get("device", "").partition(" ")[0] == device
    }
    found: dict[str, list[float]] = {}
    for together, _, pictures, seconds in looks:
        if pictures and seconds:
            for name in {together, ANY}:
                found.setdefault(name, []).append(seconds / pictures)
    return {name: median(seconds) for name, seconds in found.items()}


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
    return _bytes_of(opened, wide=True)


def to_read(opened: Opened) -> int:
    """Bytes of the features that a run reads from disk; without encoders whose width is not known."""
    return _bytes_of(opened, wide=False)


def _bytes_of(opened: Opened, wide: bool) -> int:
    world = opened.world
    return sum(images_of(r, world).size * bytes_of_image(r, world, wide) for r in dict.fromkeys(of(opened)))
