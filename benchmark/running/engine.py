"""The workers of a command, wherever they are: processes on this machine, or those of a scheduler."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.core import devices, settings
from benchmark.core.settings import Settings
from benchmark.exhibits.run import Run
from benchmark.running import workers
from benchmark.running.cluster import inspection, pool, schedulers
from benchmark.running.cluster.inspection import Inputs
from benchmark.running.cluster.pool import Pool
from benchmark.running.cluster.schedulers import Scheduler
from benchmark.running.workers import Crew
from benchmark.suites.world import World

Engine = Crew | Pool
"""Workers with `each`, within a `with` block."""


@dataclass(frozen=True)
class Place:
    """Where a command's work is done.

    Attributes:
        scheduler: The scheduler of the workers; None for worker processes of this command.
        processes: Number of workers that are expected.
        limit: Largest number of workers.
        encoding: Number of workers that encode images at a time.
        settings: Settings of this process; its device is that of a single worker, or the CPU where workers are elsewhere.
        device: Device of a worker.
        environments: Variables of the first worker, the second, ..., in turn.
    """

    scheduler: Scheduler | None
    processes: int
    limit: int
    encoding: int
    settings: Settings
    device: str
    environments: tuple[dict[str, str], ...]


def place(cluster: str | None, jobs: int | None, told: Settings) -> Place:
    """Where the work of a command is done, by its options.

    Args:
        cluster: Value of --cluster.
        jobs: Value of --jobs.
        told: Settings of the command.

    Returns:
        The place; BenchError where a value means nothing, this machine lacks the device, or a scheduler cannot be reached.
    """
    scheduler = schedulers.parsed(cluster) if cluster else None
    if scheduler and scheduler.remote:
        processes = schedulers.number_of_workers(scheduler, jobs, 1)
        limit = processes if jobs or scheduler.kind in schedulers.BATCH else schedulers.MANY
        return Place(scheduler, processes, limit, processes, replace(told, device="cpu"), told.device, ())
    pinned = tuple(devices.pinned(told.device))
    device = "cuda" if pinned else told.device
    here = replace(told, device=device)
    processes = len(pinned) if pinned and not jobs else devices.workers(jobs, here.torch_device)
    if scheduler:
        processes = schedulers.number_of_workers(scheduler, jobs, processes)
    encoding = min(processes, len(pinned)) if pinned else devices.encoding_workers(processes, here.torch_device)
    return Place(scheduler, processes, processes, encoding, here, device, pinned)


def engine(where: Place, world: World, runs: Iterable[Run] = (), results: Path | None = None) -> Engine:
    """The workers of a command, which are given its suite.

    Args:
        where: Where they are.
        world: Suite on this machine.
        runs: Runs to be measured, whose data, weights and methods workers of a scheduler are asked about.
        results: Folder of the records, where some are made.

    Returns:
        The workers, none of which has started.
    """
    debug = world.settings.debug
    if where.scheduler is None:
        return workers.Crew(
            where.processes, world, debug=debug, environments=where.environments, encoding=where.encoding
        )
    inputs = inspection.of_runs(runs, world)
    return of_scheduler(where, where.scheduler, world, inputs, results)


def of_scheduler(
    where: Place, scheduler: Scheduler, world: World, inputs: Inputs, results: Path | None = None, strict: bool = True
) -> Pool:
    """The workers of a scheduler, which are given a suite.

    Args:
        where: Where they are.
        scheduler: The scheduler.
        world: Suite on this machine.
        inputs: Data, weights and methods that they are asked about.
        results: Folder of the records, where some are made.
        strict: Whether a worker that is not as this process is, is an error.

    Returns:
        The workers.
    """
    told = settings.absolute(replace(world.settings, device=where.device))
    folders = {pool.CACHE: told.cache, **({pool.RESULTS: results.absolute()} if results else {})}
    return Pool(
        scheduler,
        where.limit,
        World(world.suite, told),
        here=inspection.inspected(world, inputs),
        inputs=inputs,
        folders=folders,
        debug=told.debug,
        environments=where.environments,
        encoding=where.encoding,
        strict=strict,
    )
