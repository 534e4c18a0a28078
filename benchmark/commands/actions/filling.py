"""Extraction of the features that runs need, and the error for assets that are missing."""

from collections.abc import Iterable, Sequence
from functools import partial

from benchmark.core import devices, leases
from benchmark.core.errors import Incomplete
from benchmark.core.streams import say
from benchmark.exhibits.inventory import Inventory
from benchmark.exhibits.opened import Opened
from benchmark.features import costs, filling, shard_files, text_classifiers
from benchmark.features.costs import Cost, gigabytes
from benchmark.features.requests import Request, Shard, folder
from benchmark.features.text_classifiers import Text
from benchmark.running import jobs, progress, sharing
from benchmark.running.engine import Engine
from benchmark.suites.world import World


def say_sizes(here: Inventory) -> None:
    """Print a line on stderr for each data set of another number of images than published that is used nevertheless."""
    for asset in here.of_another_size:
        say(asset.line, err=True)


def say_costs(cost: Cost, runs: Sequence[Opened], world: World) -> None:
    """Print what the features that runs still need will cost, and what a run holds on an accelerator.

    Args:
        cost: cost of these features.
        runs: runs to be measured.
        world: suite on this machine.
    """
    device = world.settings.torch_device
    if cost.images:
        say(f"features to make: {cost.words}", err=True)
    if device.type == "cuda" and runs:
        most = max(map(costs.in_memory, runs))
        free = devices.free_memory(device) or 0
        large = "; whole images and features by place stay in host memory" if most > free / 2 else ""
        words = f"features of up to {gigabytes(most)} a run, {gigabytes(free)} are free{large}"
        say(f"memory of {devices.name(device)}: {words}", err=True)


def refused(here: Inventory, consequence: str) -> Incomplete:
    """Error for missing data and weights.

    Args:
        here: the inventory, with at least one missing asset. Its lines are printed, except for the last.
        consequence: what the command did not do, and the option that does it nevertheless.

    Returns:
        An error whose message is the last line of the inventory followed by the consequence.
    """
    *others, last = here.lines()
    for line in others:
        say(line, err=True)
    return Incomplete(f"{last}; {consequence}")


def fill(
    requests: Iterable[Request], world: World, crew: Engine, text: Sequence[Text] = ()
) -> dict[Request | Text, str]:
    """Make zero-shot classifiers and missing features, with a progress display; what other processes make is waited for.

    Args:
        requests: files of features; those on disk are left as they are.
        world: the suite that the features belong to, on this machine.
        crew: the workers, given this world.
        text: the zero-shot classifiers to make.

    Returns:
        The files and classifiers that could not be made, each with the reason.
    """
    folders = [folder(world), text_classifiers.folder(world)]
    for place in folders:
        shard_files.tidy(place)
    wanted = dict.fromkeys(requests)
    absent = [*text, *filling.missing(wanted, world)]
    if absent and not crew.sees_cache:
        say(f"cache folder {world.settings.cache}: not seen by all workers, each makes features in its own", err=True)
        return {}
    encoding = crew.encoding or crew.jobs
    try:
        ends = sharing.shared(lambda pieces: crew.each(jobs.fill, pieces, encoding), absent, partial(_label, world))
        followed = progress.follow_pictures(ends, absent, "features", partial(_label, world), encoding)
        failed = {file: end.error for end in followed if end.error for file in _files(end.item)}
    finally:
        for place in folders:
            leases.tidy(place)  # of workers that were ended
    filling.fill_all((request for request in wanted if request not in failed), world)  # joins what nobody saw whole
    return failed


def _label(world: World, piece: Shard | Text) -> str:
    return piece.label(world.suite)


def _files(piece: Shard | Text) -> Sequence[Request | Text]:
    """The files that a piece of work is a part of."""
    return [piece] if isinstance(piece, Text) else piece.wave.requests
