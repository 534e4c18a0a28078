"""Opening a suite with its records, and exhibits with what is measured of them."""

from collections.abc import Iterable, Mapping

from benchmark.analysis import staleness
from benchmark.analysis.results import Measured, gather
from benchmark.core import paths
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.suite import load as load_suite


def open_suite(name: str, results: str | None) -> tuple[Suite, Store, dict[str, Record]]:
    """Load a suite and read its records.

    Args:
        name: name of a shipped suite, or path of a suite's .toml file.
        results: value of --results; None for BENCH_RESULTS or the default folder.

    Returns:
        The suite, the store of its records, and the usable records by run key.
    """
    world = load_suite(name)
    return world, *open_store(world, results)


def open_store(world: Suite, results: str | None) -> tuple[Store, dict[str, Record]]:
    """Read the records of a suite that is loaded already.

    Args:
        world: the suite.
        results: value of --results; None for BENCH_RESULTS or the default folder.

    Returns:
        The store of the suite's records, and the usable records by run key.
    """
    store = Store(paths.results(results) / world.name)
    return store, store.records()


def gather_marked(
    exhibits: Iterable[Exhibit], world: Suite, store: Store, records: Mapping[str, Record]
) -> list[Measured]:
    """Gather the records of exhibits, with stale cells marked and runs that lacked data or weights noted."""
    skipped = store.skipped()
    found = [gather(exhibit, world, records, skipped) for exhibit in exhibits]
    staleness.mark(found)
    return found
