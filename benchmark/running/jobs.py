"""Work of worker processes, apart from the commands that give it out: a worker imports nothing that only draws."""

from collections.abc import Mapping

from benchmark.core import leases
from benchmark.core.leases import Taken
from benchmark.exhibits.run import Run
from benchmark.features import filling, text_classifiers
from benchmark.features.requests import Shard
from benchmark.features.text_classifiers import Text
from benchmark.records.store import Store
from benchmark.running.measure import measure
from benchmark.suites.world import World


def fill(world: World, piece: Shard | Text) -> Taken | None:
    """Make the features of one look at some images, or a zero-shot classifier; returns the other process that does so."""
    if isinstance(piece, Text):
        return text_classifiers.fill(piece, world)
    return filling.fill_shard(piece, world)


def measured(world: World, run: Run, store: Store, before: Mapping[str, tuple[int, ...]] | None = None) -> str | Taken:
    """Make and store a run's record, unless another process does or has done so.

    Args:
        world: Suite on this machine.
        run: The run.
        store: Where records are.
        before: Key of a run -> stamp of the record that is to be measured again; None for no such record.

    Returns:
        The accuracy under `val` in words, or the other process that measures the run.
    """
    with leases.leased([store.place(run.key)], "--results", "results") as granted:
        if granted.taken:
            return granted.taken
        there = store.stamp(run.key)
        if there is not None and there != (before or {}).get(run.key):
            return "measured by another process"
        record = measure(run, world, store)
    return f"val {100 * record.selections['val'].correct / record.n:.2f} %"
