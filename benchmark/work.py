"""What a worker does. Apart from the command that gives it out, so that a worker imports nothing that only draws."""

from benchmark import features, texts
from benchmark.features import Shard
from benchmark.measure import measure
from benchmark.run import Run
from benchmark.store import Store
from benchmark.suite import Suite
from benchmark.texts import Text


def fill(suite: Suite, piece: Shard | Text) -> None:
    """Make the features of one look at some images, or a zero-shot classifier."""
    if isinstance(piece, Text):
        texts.fill(piece, suite)
    else:
        features.fill_shard(piece, suite)


def measured(store: Store, suite: Suite, run: Run) -> str:
    """Make and store a run's record; returns its accuracy in words."""
    record = measure(run, suite, store)
    return f"{100 * record['selections']['val']['correct'] / record['n']:.2f} %"
