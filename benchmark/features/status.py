"""What of a suite's features is on disk: data set by data set, encoder by encoder, part by part."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmark.core.errors import BenchError
from benchmark.data.dataset import nested
from benchmark.features import requests as requests_module
from benchmark.features import shard_files
from benchmark.features.requests import Request, Wave, images_of, is_given, path, shards_of
from benchmark.suites.world import World

PARTS = ("test", "pool", "val")
SHOTS = (1, 2, 4, 8, 16)
"""The numbers of shots of the paper: where a data set draws anew for each, each has a pool of its own."""

THERE, PARTLY, MISSING, IMPOSSIBLE = "there", "partly", "missing", "impossible"


@dataclass
class Entry:
    """The features of one encoder for one part of a data set, over all seeds asked for.

    requests: each is a file.  whole: those that are there.  shards: of those that are not, how many are there, of how many.
    seconds: what making those that are there took.  lacks: why they cannot be made here, in one line.
    """

    dataset: str
    encoder: str
    part: str
    requests: list[Request] = field(default_factory=list)
    whole: int = 0
    shards: tuple[int, int] = (0, 0)
    pictures: int = 0
    bytes: int = 0
    seconds: float = 0.0
    lacks: str = ""

    @property
    def state(self) -> str:
        """One of the four words above."""
        if self.lacks:
            return IMPOSSIBLE
        if self.whole == len(self.requests):
            return THERE
        return PARTLY if self.whole or self.shards[0] else MISSING

    @property
    def speed(self) -> float | None:
        """Pictures a second, each view of an image one, when they were made."""
        return self.pictures / self.seconds if self.seconds else None


def asked(
    world: World,
    datasets: Sequence[str] = (),
    encoders: Sequence[str] = (),
    parts: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    shots: Sequence[int] | None = None,
) -> list[Entry]:
    """What is asked about, everything of the suite where nothing is named; a shift has test images alone."""
    shifts = {shift for spec in world.suite.datasets.values() for shift in spec.get("shifts", ())}
    entries = [
        Entry(dataset, encoder, part)
        for dataset in datasets or world.suite.datasets
        for encoder in encoders or world.suite.encoders
        for part in parts or PARTS
        if part == "test" or dataset not in shifts
    ]
    for entry in entries:
        with _noting(entry):
            entry.requests += _requests(entry, world, seeds, shots)
    return entries


def of(requests: Iterable[Request]) -> list[Entry]:
    """The same of features that are named already."""
    found: dict[tuple[str, str, str], Entry] = {}
    for one in dict.fromkeys(requests):
        place = (one.dataset, one.role, one.part)
        found.setdefault(place, Entry(*place)).requests.append(one)
    return list(found.values())


def look(entry: Entry, world: World) -> Entry:
    """The entry with what is on disk of it."""
    found = Entry(entry.dataset, entry.encoder, entry.part, entry.requests, lacks=entry.lacks)
    with _noting(found):
        for request in entry.requests:
            _add(found, request, world)
    return found


def _requests(
    entry: Entry, world: World, seeds: Sequence[int] | None, shots: Sequence[int] | None
) -> Iterator[Request]:
    """A request a seed, and a number of shots where the data set draws anew for each; one for test images."""
    if entry.part in ("test", "generated"):
        yield Request(entry.dataset, entry.encoder, entry.part, 0)
        return
    drawn = world.suite.datasets[entry.dataset].get("shots", SHOTS)
    for seed in seeds or world.suite.seeds:
        for k in (0,) if nested(world.dataset(entry.dataset)) else shots or drawn:
            yield requests_module.request(entry.dataset, entry.encoder, entry.part, seed, k, world)


def _add(entry: Entry, request: Request, world: World) -> None:
    if is_given(request, world):
        entry.pictures += images_of(request, world).size
        entry.whole += 1
        return
    where = path(request, world)
    if shard_files.readable(where):
        entry.whole += 1
        entry.bytes += where.stat().st_size
        notes = shard_files.about(where)
        entry.pictures += images_of(request, world).size
        entry.seconds += float(notes.get("seconds", 0))
        return
    cut = shards_of(Wave((request,)), world)
    here = [place for s in cut if s.of > 1 and shard_files.readable(place := shard_files.shard(where, s.index, s.of))]
    entry.bytes += sum(place.stat().st_size for place in here)
    entry.shards = (entry.shards[0] + len(here), entry.shards[1] + len(cut))


@contextmanager
def _noting(entry: Entry) -> Iterator[None]:
    """Data or weights that are not here are a word about an entry, and the others are looked at."""
    try:
        yield
    except BenchError as error:
        entry.lacks = str(error)
