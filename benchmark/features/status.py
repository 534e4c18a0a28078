"""Status of a suite's features on disk, by data set, encoder and part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.core.errors import BenchError
from benchmark.core.names import for_file
from benchmark.data.dataset import nested
from benchmark.exhibits import exhibit
from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.features import checked, shard_files
from benchmark.features import requests as requests_module
from benchmark.features.requests import CROPPED, Request, Wave, form, images_of, is_given, path, shards_of
from benchmark.features.shard_files import USABLE
from benchmark.methods.crops import SCALE, Crops
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

PARTS = ("test", "pool", "val")
SHOTS = (1, 2, 4, 8, 16)
"""Numbers of shots of the paper; a data set without nested draws has a pool for each."""

ENDING = re.compile("(-test|-train|-generated)?-[0-9a-f]{20}$")
"""Last part of the name of a file of features, behind its data set and encoder."""

THERE, PARTLY, MISSING, DAMAGED, IMPOSSIBLE = "there", "partly", "missing", "damaged", "impossible"


@dataclass
class Entry:
    """Status of the features of one encoder for one part of a data set, over all requested seeds.

    Attributes:
        dataset: Role of the data set.
        encoder: Role of the encoder.
        part: Part of the data set: "test", "pool", "val" or "generated".
        requests: Requests, one file each.
        whole: Number of complete files.
        damaged: Number of damaged files, which are made again when they are needed.
        shards: Existing shards and all shards of the incomplete files.
        pictures: Number of images in the complete files, where each view counts as one.
        bytes: Size of the existing files and shards.
        seconds: Time in which the complete files were extracted.
        lacks: One line on why features cannot be extracted here; "" if they can.
        scale: Scale of the crops of a part that is cropped.
        crops: Crops of the images in words; "" for a part that is not cropped.
    """

    dataset: str
    encoder: str
    part: str
    requests: list[Request] = field(default_factory=list)
    whole: int = 0
    damaged: int = 0
    shards: tuple[int, int] = (0, 0)
    pictures: int = 0
    bytes: int = 0
    seconds: float = 0.0
    lacks: str = ""
    scale: Crops = SCALE
    crops: str = ""

    @property
    def state(self) -> str:
        """One of `THERE`, `PARTLY`, `MISSING`, `DAMAGED` and `IMPOSSIBLE`."""
        if self.lacks:
            return IMPOSSIBLE
        if self.whole == len(self.requests):
            return THERE
        if self.whole or self.shards[0]:
            return PARTLY
        return DAMAGED if self.damaged else MISSING

    @property
    def speed(self) -> float | None:
        """Images per second of the extraction, where each view counts as one; None if unknown."""
        return self.pictures / self.seconds if self.seconds else None


def asked(
    world: World,
    datasets: Sequence[str] = (),
    encoders: Sequence[str] = (),
    parts: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    shots: Sequence[int] | None = None,
) -> list[Entry]:
    """Entries of the given data sets, encoders, parts, seeds and shots, by default all.

    A shift has only test images, and not every data set has generated ones.

    Args:
        world: The suite, on this machine.
        datasets: Roles of data sets.
        encoders: Roles of encoders.
        parts: Parts, such as "test".
        seeds: Seeds of the support sets.
        shots: Numbers of shots.

    Returns:
        The entries, without their status.
    """
    made = {role for role, spec in world.suite.datasets.items() if spec.get("generated")}
    scales = _scales(world.suite)
    shifts = {shift for spec in world.suite.datasets.values() for shift in spec.get("shifts", ())}
    entries = [
        Entry(dataset, encoder, part, scale=scale)
        for dataset in datasets or world.suite.datasets
        for encoder in encoders or world.suite.encoders
        for part in parts or PARTS
        if (part == "test" or dataset not in shifts) and (part != "generated" or dataset in made)
        for scale in (scales.get(encoder, [SCALE]) if part == "pool" else [SCALE])
    ]
    for entry in entries:
        with _noting(entry):
            entry.requests += _requests(entry, world, seeds, shots)
    return [e for e in entries if e.scale == SCALE or any(request.scale == e.scale for request in e.requests)]


def _scales(suite: Suite) -> dict[str, list[Crops]]:
    """Role of an encoder -> scales of the crops that methods of the exhibits train on with it, the usual one first."""
    found: dict[str, list[Crops]] = {}
    runs = (run for name in exhibit.names() for cell in exhibit.load(name).cells() for run in cell.runs(suite, [0]))
    for run in runs:
        for role in run.roles().values() if run.shots else ():
            scales = found.setdefault(role, [SCALE])
            scales += [run.scale] if run.scale not in scales else []
    return found


def of(requests: Iterable[Request]) -> list[Entry]:
    """Group requests into entries by data set, encoder, part and scale of the crops."""
    found: dict[tuple[str, str, str, Crops], Entry] = {}
    for one in dict.fromkeys(requests):
        place = (one.dataset, one.role, one.part)
        found.setdefault((*place, one.scale), Entry(*place, scale=one.scale)).requests.append(one)
    return list(found.values())


def look(entry: Entry, world: World) -> Entry:
    """A copy of the entry with its status on disk."""
    found = Entry(entry.dataset, entry.encoder, entry.part, entry.requests, lacks=entry.lacks, scale=entry.scale)
    with _noting(found):
        if found.part in CROPPED:
            found.crops = requests_module.cropped(found.dataset, found.encoder, found.part, found.scale, world)
        given = [request for request in entry.requests if is_given(request, world)]
        files = {request: path(request, world) for request in entry.requests if request not in given}
        forms = {file: form(request, world) for request, file in files.items()}
        conditions = checked.conditions(forms, world.settings.cache)
        found.whole += len(given)
        found.pictures += sum(images_of(request, world).size for request in given)
        for request, file in files.items():
            _add(found, request, file, conditions[file], world)
    return found


def of_others(world: World) -> dict[str, tuple[int, int]]:
    """Files in the suite's folder of features whose data set or encoder the suite has not, such as a folder of own images.

    Args:
        world: Suite on this machine.

    Returns:
        First part of the files' names, "folder-birds-1a2b3c4d-RN50" -> number of files, and bytes.
    """
    roles = [PIXELS, *world.suite.encoders, *(role + SPATIAL for role in world.suite.encoders)]
    own = tuple(for_file(f"{dataset}-{role}-") for dataset in world.suite.datasets for role in roles)
    found: dict[str, tuple[int, int]] = {}
    for file in sorted(requests_module.folder(world).glob("*.safetensors")):
        if not file.name.startswith(own):
            name = ENDING.sub("", file.stem)
            files, size = found.get(name, (0, 0))
            found[name] = files + 1, size + file.stat().st_size
    return found


def _requests(
    entry: Entry, world: World, seeds: Sequence[int] | None, shots: Sequence[int] | None
) -> Iterator[Request]:
    """Requests of an entry: one for each seed (and number of shots, without nested draws), or one for test images."""
    if entry.part in ("test", "generated"):
        yield requests_module.request(entry.dataset, entry.encoder, entry.part, 0, 0, world, entry.scale)
        return
    drawn = world.suite.datasets[entry.dataset].get("shots", SHOTS)
    for seed in seeds or world.suite.seeds:
        for k in (0,) if nested(world.dataset(entry.dataset)) else shots or drawn:
            yield requests_module.request(entry.dataset, entry.encoder, entry.part, seed, k, world, entry.scale)


def _add(entry: Entry, request: Request, where: Path, condition: str, world: World) -> None:
    """Add the file of a request to an entry, or its shards if the file is missing or damaged."""
    if condition in USABLE:
        entry.whole += 1
        entry.bytes += where.stat().st_size
        entry.pictures += images_of(request, world).size
        entry.seconds += float(shard_files.about(where).get("seconds", 0))
        return
    entry.damaged += condition != shard_files.MISSING
    cut = shards_of(Wave((request,)), world)
    here = [place for s in cut if s.of > 1 and shard_files.readable(place := shard_files.shard(where, s.index, s.of))]
    entry.bytes += sum(place.stat().st_size for place in here)
    entry.shards = (entry.shards[0] + len(here), entry.shards[1] + len(cut))


@contextmanager
def _noting(entry: Entry) -> Iterator[None]:
    """Within the context, a BenchError (missing data or weights) is kept as `lacks` of the entry."""
    try:
        yield
    except BenchError as error:
        entry.lacks = str(error)
