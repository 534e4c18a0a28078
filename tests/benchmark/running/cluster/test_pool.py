"""Workers of a real scheduler: one piece of work is one risk there too, and what is measured is the serial run's."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from toy_cluster import HANG, scheduler, worker
from toy_methods import held, sleep_long, work
from toy_world import FILE, bench, some_run, toy

from benchmark.core import settings
from benchmark.core.errors import ClusterError, ExitCode
from benchmark.records.store import Store
from benchmark.running import engine, jobs
from benchmark.running.cluster import inspection, schedulers
from benchmark.running.cluster.pool import RESULTS, Pool
from benchmark.suites.world import World

pytestmark = pytest.mark.slow
RUN = ("run", "--table", "4", "--suite", FILE, "--method", "Tip-Adapter", "--shots", "1,2")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A scheduler's address and process, with two workers, each under a nanny that starts it again when it is killed."""
    folder = tmp_path_factory.mktemp("dask")
    with ExitStack() as stack:
        address, process = stack.enter_context(scheduler(folder))
        for _ in range(2):
            stack.enter_context(worker(address, folder))
        yield address, process.pid


@pytest.fixture
def address(started: tuple[str, int]) -> str:
    return started[0]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def there(started: tuple[str, int]) -> Iterator[Pool]:
    """A pool that several tests use, because its processes take seconds to start."""
    here = inspection.inspected(None, inspection.Inputs())
    with Pool(schedulers.parsed(started[0]), 2, here=here) as found:
        yield found


def kill(marks: Sequence[Path], process: int = 0) -> threading.Thread:
    """Kill a process, or those whose ids files say, as soon as all files do."""

    def wait_and_kill() -> None:
        until = time.monotonic() + HANG
        while time.monotonic() < until and not all(mark.exists() and mark.read_text() for mark in marks):
            time.sleep(0.05)
        for victim in [process] if process else [int(mark.read_text()) for mark in marks]:
            os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


def answers(results: Path) -> list[str]:
    """Names of the files of answers, image by image, which are of their content."""
    return sorted(path.name for path in results.rglob("*.npz"))


def test_items_are_done_in_workers_and_a_failure_is_a_line_while_the_others_go_on(there: Pool) -> None:
    found = {done.item: done for done in there.each(work, ["a", "fail", "explain", "kill", "warn", "leave", "b"])}
    assert os.getpid() not in {done.process for done in found.values()}
    assert len(there.peaks) == 2
    assert {name: found[name].result for name in ("a", "b", "warn")} == {"a": "A", "b": "B", "warn": "WARN"}
    assert found["fail"].error.startswith("RuntimeError: one two (")
    assert found["explain"].error == "type this instead"
    assert found["leave"].error.startswith("SystemExit: 5")
    assert found["kill"].error == "its worker was killed each of 3 times (out of memory?); try fewer workers a machine"
    assert list(found["warn"].warnings) == ["RuntimeWarning: one two (2 times)"]
    assert list(there.each(work, [])) == []


def test_an_error_is_raised_where_errors_are_looked_for(there: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(there, "debug", True)
    with pytest.raises(RuntimeError, match="one\n  two"):
        list(there.each(work, ["fail"]))


def test_a_worker_that_is_killed_costs_the_item_in_its_hand_which_is_done_elsewhere(
    there: Pool, tmp_path: Path
) -> None:
    marks = [tmp_path / "one", tmp_path / "two"]
    killer = kill(marks)
    found = {done.item: done.result or done.error for done in there.each(held, [str(mark) for mark in marks])}
    killer.join()
    assert found == {str(mark): "done" for mark in marks}


def test_records_are_those_of_a_serial_run_image_by_image_and_are_not_measured_again(
    address: str, tmp_path: Path
) -> None:
    assert bench(*RUN, "--results", "serial", "--jobs", "1")[0] == 0
    code, _, err = bench(*RUN, "--results", "there", "--cluster", address)
    assert code == 0, err
    assert "4 to run with 2 workers" in err
    assert f"scheduler {address}, dashboard http" in err
    assert len(answers(tmp_path / "serial")) == 4
    assert answers(tmp_path / "there") == answers(tmp_path / "serial")
    assert not list((tmp_path / "there").rglob("*.tmp"))
    assert "nothing to run" in bench(*RUN, "--results", "there", "--cluster", address)[2]


def test_a_worker_that_does_not_see_the_results_folder_sends_its_records_back(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, store = World(toy(), settings.read()), Store(tmp_path / "results")
    jobs.measured(world, some_run(), serial := Store(tmp_path / "serial"))
    there = engine.engine(engine.place(address, None, world.settings), world, [some_run()], store.root)
    assert isinstance(there, Pool)
    tokens = there._tokens
    monkeypatch.setattr(there, "_tokens", lambda: tokens() | {RESULTS: (tmp_path / "elsewhere", b"")})
    with there:
        (done,) = there.each(partial(jobs.measured, store=store), [some_run()])
    assert done.error == ""
    assert answers(store.root) == answers(serial.root)
    found = store.get(some_run().key)
    assert found is not None
    assert found.conditions["threads"] == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_scheduler_that_goes_ends_the_command_with_how_to_go_on(
    there: Pool, started: tuple[str, int], tmp_path: Path
) -> None:
    """The last test of this module, because nothing needs the scheduler after it."""
    address, process = started
    marks = [tmp_path / "one", tmp_path / "two"]
    killer = kill(marks, process)
    with pytest.raises(ClusterError) as said:
        list(there.each(sleep_long, [str(mark) for mark in marks]))
    killer.join()
    assert str(said.value) == (
        f"the scheduler {address} has gone; what was measured stays, the same command goes on from there"
    )
    assert said.value.exit_code == ExitCode.CLUSTER
    code, _, err = bench(*RUN, "--cluster", address)
    assert (code, err.count("\n")) == (ExitCode.CLUSTER, 1)
    assert err.startswith(f"bench: scheduler {address} cannot be reached (")
