"""Opening a suite with its records, exhibits with what is measured of them, and records of other questions."""

from collections.abc import Iterable, Mapping, Sequence

from benchmark.analysis import by_class, other_questions, staleness
from benchmark.analysis.other_questions import NOT_DRAWN, Others
from benchmark.analysis.results import Measured, gather
from benchmark.commands.actions.choosing import first_command
from benchmark.core.errors import ExitCode, Incomplete
from benchmark.core.settings import Settings
from benchmark.core.streams import say
from benchmark.core.text import counted
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records import reference
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World

NAMED = 3
"""Largest number of skipped records that are named."""


def open_suite(name: str, settings: Settings) -> tuple[Suite, Store, dict[str, Record]]:
    """Load a suite and read its records.

    Args:
        name: name of a shipped suite, or path of a suite's .toml file.
        settings: their `results` is the folder of the records of all suites.

    Returns:
        The suite, the store of its records, and the usable records by run key.
    """
    suite = load_suite(name, settings.trusted)
    return suite, *open_store(suite, settings)


def open_store(suite: Suite, settings: Settings) -> tuple[Store, dict[str, Record]]:
    """Read the records of a suite that is loaded already.

    Args:
        suite: the suite.
        settings: their `results` is the folder of the records of all suites.

    Returns:
        The store of the suite's records, and the usable records by run key; the others are named on the standard error.
        Damaged where the paper's numbers, beside which they are shown, are not as published.
    """
    reference.verify()
    store = Store(settings.results / suite.name, cache=settings.cache)
    records = store.records()
    say_skipped(store)
    return store, records


def say_skipped(store: Store) -> None:
    """Print the records that cannot be read or disagree with themselves or their answers, and what becomes of them."""
    named = list(store.problems.items())
    for name, problem in named[:NAMED]:
        say(f"skipped {store.root / name}: {problem}", err=True)
    if len(named) > NAMED:
        say(f"skipped {counted(len(named) - NAMED, 'more record')} of {store.root} for reasons of this kind", err=True)
    if named:
        say(
            f"{counted(len(named), 'record')} skipped, as if never measured: bench run measures again what it asks for",
            err=True,
        )


def skipped(store: Store) -> ExitCode:
    """Exit code of a gate that would pass: DAMAGED where records were skipped, because the gate has not seen them."""
    return ExitCode.DAMAGED if store.problems else ExitCode.OK


def check_measured(suite: Suite, store: Store, records: Mapping[str, Record]) -> None:
    """Raise Incomplete where a folder has no record, damaged ones included, and no note on runs that lacked something."""
    if not (records or store.problems or store.skipped()):
        raise Incomplete(
            f"{store.root}: there are no records; measure some with {first_command(suite)}, or name their folder: --results"
        )


def gather_marked(
    exhibits: Iterable[Exhibit],
    suite: Suite,
    store: Store,
    records: Mapping[str, Record],
    settings: Settings,
    failed: Mapping[str, str] | None = None,
) -> list[Measured]:
    """Gather the records of exhibits, with stale cells marked and runs that lacked something, or `failed`, noted."""
    skipped = store.skipped()
    found = [gather(exhibit, suite, records, skipped, failed) for exhibit in exhibits]
    _mark(found, store, settings)
    return found


def _mark(exhibits: Iterable[Measured], store: Store, settings: Settings) -> None:
    """Mark stale cells, and look at those by class whose test set is not balanced."""
    staleness.mark(exhibits, settings)
    for measured in exhibits:
        measured.by_class.update(by_class.of_cells(measured.exhibit.cells(), measured.records, store))


def print_remarks(world: World, roles: Iterable[str]) -> None:
    """Print what a user has to know of data sets: files left out, images in two parts, names that tell CLIP nothing."""
    for role in roles:
        for line in getattr(world.dataset(role), "remarks", ()):
            say(line, err=True)


def find_others(suite: Suite, store: Store, records: Mapping[str, Record], settings: Settings) -> Others:
    """Find the records of other questions, with cells marked (`_mark`), and print a line on those that nothing shows."""
    found = other_questions.find(suite, store, records, settings)
    _mark(found.shown, store, settings)
    say_others(found.left, suite, NOT_DRAWN)
    return found


def say_others(records: Sequence[Record], suite: Suite, what: str, err: bool = True) -> None:
    """Print a line on records of other questions, and what becomes of these (`other_questions.told`); nothing for none."""
    if records:
        say(other_questions.told(records, suite, what), err=err)
