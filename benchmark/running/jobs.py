"""What a worker does. Apart from the command that gives it out, so that a worker imports nothing that only draws."""

from benchmark.exhibits.run import Run
from benchmark.features import filling, text_classifiers
from benchmark.features.requests import Shard
from benchmark.features.text_classifiers import Text
from benchmark.records.store import Store
from benchmark.running.measure import measure
from benchmark.suites.suite import Suite


def fill(suite: Suite, piece: Shard | Text) -> None:
    """Make the features of one look at some images, or a zero-shot classifier."""
    if isinstance(piece, Text):
        text_classifiers.fill(piece, suite)
    else:
        filling.fill_shard(piece, suite)


def measured(store: Store, suite: Suite, run: Run) -> str:
    """Make and store a run's record; returns its accuracy in words."""
    record = measure(run, suite, store)
    return f"{100 * record['selections']['val']['correct'] / record['n']:.2f} %"
