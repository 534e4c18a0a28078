"""Work of `bench cluster check`: what each worker has, beside what this machine has."""

from benchmark.core.errors import ExitCode
from benchmark.core.files import check_writable
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next
from benchmark.core.text import counted
from benchmark.running import engine
from benchmark.running.cluster import inspection
from benchmark.running.cluster.inspection import ABSENT
from benchmark.running.cluster.pool import CACHE, RESULTS, Pool, Worker
from benchmark.suites.suite import load as load_suite
from benchmark.suites.world import World

LOCAL = "local"
"""The scheduler that is looked at by default."""
FOLDERS = {RESULTS: "sends records back", CACHE: "makes features of its own"}
"""Folder -> what a worker does that does not see this machine's."""


def check(cluster: str | None, suite: str, jobs: int | None, form: str, settings: Settings) -> ExitCode:
    """Print a line or two for each worker, and one for each that would be refused."""
    where = engine.place(cluster or LOCAL, jobs, settings)
    world = World(load_suite(suite, settings.trusted), where.settings)
    results = settings.results / world.suite.name
    check_writable("results", results, "--results")
    inputs = inspection.of_suite(world)
    assert where.scheduler is not None
    with engine.of_scheduler(where, where.scheduler, world, inputs, results, strict=False) as pool:
        found = list(pool.workers.values())
        if form == "json":
            answer_json({"here": pool.here, "workers": [_record(one) for one in found]})
        else:
            _print(pool, found)
    if any(one.refused for one in found):
        return ExitCode.CLUSTER
    if form != "json":
        say_next(f"bench run --table 4{world.suite.option} --cluster {where.scheduler.said}")
    return ExitCode.OK


def _print(pool: Pool, found: list[Worker]) -> None:
    """Print what is held against the workers, then the workers."""
    versions = ", ".join(f"{name} {version}" for name, version in pool.here["versions"].items())
    say(f"here: {versions}")
    inputs = pool.here["inputs"]
    say(f"held against them: {', '.join(inputs) if inputs else 'no data or weights, of which none are here'}")
    for one in found:
        if not one.found:
            say(one.refusal)
            continue
        told = ", ".join(f"{name} {value}" for name, value in one.found["place"].items())
        own = [words for name, words in FOLDERS.items() if name not in one.found["sees"]]
        alike = sum(not value.startswith(ABSENT) for value in one.found["inputs"].values())
        words = [told, counted(one.threads, "thread"), f"{alike} of {len(inputs)} data sets and weights", *own]
        say(f"worker {one.address}: {', '.join(words)}")
        say(f"  {f'refused: {one.refused}' if one.refused else 'as this machine'}")


def _record(one: Worker) -> dict[str, object]:
    return {"address": one.address, "threads": one.threads, "refused": one.refused, **one.found}
