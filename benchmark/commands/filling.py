"""Making the features that runs need, or refusing to."""

from collections.abc import Iterable, Sequence
from functools import partial

import click

from benchmark.core import devices
from benchmark.core.errors import Incomplete
from benchmark.exhibits.inventory import Inventory
from benchmark.features import filling, shard_files
from benchmark.features.requests import Request, folder
from benchmark.features.text_classifiers import Text
from benchmark.running import jobs, progress, workers
from benchmark.suites.suite import Suite


def refused(here: Inventory, so: str) -> Incomplete:
    """Why nothing is done: a line for each asset that is missing, the last of them the error's, and what follows."""
    *others, last = here.lines()
    for line in others:
        click.echo(line, err=True)
    return Incomplete(f"{last}; {so}")


def fill(requests: Iterable[Request], suite: Suite, crew: workers.Crew, text: Sequence[Text] = ()) -> int:
    """Make these classifiers and the features that are not there, shown as they come; returns how many pieces failed."""
    shard_files.tidy(folder(suite))
    absent = [*text, *filling.missing(dict.fromkeys(requests), suite)]
    ends = crew.each(partial(jobs.fill, suite), absent, devices.encoding_workers(crew.jobs))
    return sum(bool(end.error) for end in progress.follow_pictures(ends, absent, "features"))
