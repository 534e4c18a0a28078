"""Which of the numbers shown were measured on other data or weights than are here today, so that a report can say it.

What is not here today says nothing. Asking opens the lists of data sets and the hashes of weights, never a network.
"""

from collections.abc import Iterable, Mapping

from benchmark.analysis.results import Measured
from benchmark.core.errors import BenchError
from benchmark.core.settings import Settings
from benchmark.exhibits.naming import methods
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.suites.world import World

Today = dict[str, dict[str, str]]
"""Role of the data or weights that runs of one kind rest on -> its fingerprint today; empty where it cannot be known."""


def mark(exhibits: Iterable[Measured], settings: Settings) -> None:
    """Note in every exhibit which cells are stale, and in what."""
    today: Today = {}
    worlds: dict[int, World] = {}
    for measured in exhibits:
        world = worlds.setdefault(id(measured.suite), World(measured.suite, settings))
        for place, records in measured.records.items():
            if changed := list(dict.fromkeys(name for r in records for name in _changed(r, world, today))):
                measured.stale[place] = changed


def _changed(record: Record, world: World, today: Today) -> list[str]:
    """In words, what of a cell's record is another today."""
    return [word for run in readings.runs(record) for word in _differs(run, world, today)]


def _differs(record: Record, world: World, today: Today) -> list[str]:
    run = Run.recalled(record.asked, record.seed)
    own = run.method not in methods()
    roles = sorted(record.fingerprints if own else [*run.roles().values(), *run.wants()])
    place = repr((run.dataset, run.backbone, roles, run.method, run.shots, run.seed))
    if place not in today:
        opened = Opened(run, world)
        today[place] = opened.fingerprints_by_name(record.fingerprints) if own else _fingerprints(opened)
    suite = world.suite
    data = suite.named(run.dataset)
    names = {
        "data": data,
        "draw": f"the draw from {data}",
        "prompts": f"the prompt templates of {data}",
        "method": f"the code of {run.method}",
    }
    return [
        names.get(name, suite.named(name))
        for name, then in record.fingerprints.items()
        if _other(today[place], name, then)
    ]


def _fingerprints(opened: Opened) -> dict[str, str]:
    """Fingerprints today; those of the encoders where data are not here, none where encoders are not here either."""
    try:
        return opened.fingerprints
    except BenchError:
        pass
    try:
        return {role: encoder.fingerprint for role, encoder in opened.encoders.items()}
    except BenchError:
        return {}


def _other(today: Mapping[str, str], name: str, then: object) -> bool:
    return name in today and today[name] != then
