"""Forecast of the time of a command: its start, features, runs and pictures, as a range."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.core import pace
from benchmark.core.durations import span
from benchmark.core.text import counted
from benchmark.exhibits.run import Run
from benchmark.features import costs
from benchmark.features.costs import Cost
from benchmark.features.requests import Shard
from benchmark.records import timings
from benchmark.records.record import Record
from benchmark.suites.world import World

SPREAD = 0.7, 1.6
"""The least and the most that a command took, as a multiple of its forecast: README's commands on two machines, idle and
beside other work (docs/performance.md)."""

STARTS = 2
"""Starts of Python with its libraries that a command adds to its own: the workers', and that of the pictures."""


@dataclass(frozen=True)
class Forecast:
    """Expected seconds of a command.

    Attributes:
        start: Seconds until workers work, and of drawing at the end.
        features: Cost of the features that are made first.
        runs: Seconds of the runs.
        each: Key of a run -> its seconds on one worker; without runs of which none like them was timed.
        untimed: Number of these.
    """

    start: float = 0.0
    features: Cost = field(default_factory=Cost)
    runs: float = 0.0
    each: Mapping[str, float] = field(default_factory=dict)
    untimed: int = 0

    @property
    def words(self) -> str:
        """The forecast for printing: "about 3 to 6 min", "about 20 to 40 s, and 3 runs that nobody timed"."""
        total = self.start + self.features.seconds + self.runs
        unknown = [counted(n, what) for n, what in ((self.features.untimed, "image"), (self.untimed, "run")) if n]
        if self.untimed and not self.each:
            return "unknown (no method like it was timed)"
        known = f"about {span(*(total * factor for factor in SPREAD))}"
        return ", and ".join([known, *(f"{what} whose time is unknown" for what in unknown)])


def of_runs(runs: Sequence[Run], records: Mapping[str, Record], jobs: int, pace: float | None = None) -> Forecast:
    """Forecast runs whose features are there: from the records, else from the reference run.

    Args:
        runs: Runs to measure.
        records: Key of a run -> record.
        jobs: Number of worker processes.
        pace: Seconds of the piece of work of `benchmark.core.pace`; None to compare the records with the reference run.

    Returns:
        Seconds of the runs alone.
    """
    known = timings.timings(records)
    slower = {suite: timings.slowness(suite, known, pace) for suite in {run.suite for run in runs}}
    found = {run.key: timings.expected_seconds(run, known, slower[run.suite]) for run in runs}
    each = {key: seconds for key, seconds in found.items() if seconds is not None}
    longest = max(each.values(), default=0.0)
    return Forecast(runs=max(longest, sum(each.values()) / max(1, jobs)), each=each, untimed=len(found) - len(each))


def of_command(
    runs: Sequence[Run],
    shards: Sequence[Shard],
    records: Mapping[str, Record],
    world: World,
    jobs: int,
    encoding: int | None = None,
) -> Forecast:
    """Forecast a command that measures runs, after a look of half a second at the pace of this machine.

    Args:
        runs: Runs to measure.
        shards: Features to make first.
        records: Key of a run -> record.
        world: Suite on this machine.
        jobs: Number of worker processes.
        encoding: Number of those that encode images at a time; None for all.

    Returns:
        Seconds of the whole command from now.
    """
    start, here, suite = STARTS * time.process_time(), pace.seconds(), world.suite.name
    reference = timings.encoding(suite, timings.slowness(suite, {}, here))
    cost = costs.of_shards(shards, world, encoding or jobs, reference)
    return replace(of_runs(runs, records, jobs, here), start=start, features=cost)
