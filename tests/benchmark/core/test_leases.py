"""A file that several processes could make is made by one; a dead or silent holder is relieved, a living one never."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.core import leases
from benchmark.core.errors import Refused
from benchmark.core.leases import Taken

FORK = multiprocessing.get_context("fork")
HANG = 600
"""Seconds after which a process that does not come is given up; no outcome depends on it."""


@pytest.fixture(autouse=True)
def _unwatched() -> Iterator[None]:
    leases._watched.clear()
    yield
    leases._watched.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "features" / "a.safetensors"


def granted(file: Path) -> bool:
    with leases.leased([file], "BENCH_CACHE") as found:
        return file in found.files


def left(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir())


def of_another_host(file: Path, number: int = 0, beat: int = 0, **said: Any) -> Path:
    """A lease of a process on another host."""
    file.parent.mkdir(exist_ok=True)
    place = leases._place(file, number)
    place.write_text(json.dumps({"host": ["node7"], "process": 4242, "token": "a", "beat": beat, **said}))
    return place


def killed_while_it_holds(file: Path) -> None:
    """A process of this host that leased a file and was killed."""
    ready = FORK.Event()

    def hold() -> None:
        with leases.leased([file], "BENCH_CACHE"):
            ready.set()
            time.sleep(HANG)

    process = FORK.Process(target=hold)
    process.start()
    assert ready.wait(HANG)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(leases.time, "monotonic", found.monotonic)
    return found


def test_a_lease_is_granted_once_and_given_back_at_the_end_also_after_an_error(file: Path) -> None:
    with leases.leased([file], "BENCH_CACHE") as first, leases.leased([file], "BENCH_CACHE") as second:
        assert (first.files, first.taken) == ([file], None)
        assert not second.files
        assert second.taken == Taken(f"process {os.getpid()} on {leases._host()[0]}")
    assert left(file) == []
    with pytest.raises(ZeroDivisionError), leases.leased([file], "BENCH_CACHE"):
        raise ZeroDivisionError
    assert left(file) == []


def test_of_several_files_those_that_are_free_are_granted(file: Path) -> None:
    other = file.with_name("b.safetensors")
    of_another_host(file)
    with leases.leased([file, other], "BENCH_CACHE") as found:
        assert (found.files, found.taken) == ([other], Taken("process 4242 on node7"))


def together(count: int, work: Callable[[], bool]) -> list[bool]:
    """What processes return that begin at the same time; each ends when all have said what they were granted."""
    begin, ends, said = FORK.Barrier(count), FORK.Barrier(count), FORK.SimpleQueue()

    def one() -> None:
        begin.wait(HANG)
        said.put(work())
        ends.wait(HANG)

    processes = [FORK.Process(target=one) for _ in range(count)]
    for process in processes:
        process.start()
    found = [said.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def held_on(file: Path) -> bool:
    """Lease a file for as long as the process lives."""
    context = leases.leased([file], "BENCH_CACHE")
    found = context.__enter__()
    kept.append(context)
    return file in found.files


kept: list[Any] = []


@pytest.mark.parametrize("dead", [False, True], ids=["of nobody", "of a dead process"])
def test_of_sixteen_processes_at_once_one_is_granted_the_lease(file: Path, dead: bool) -> None:
    for place in (file.with_name(f"{round_}.safetensors") for round_ in range(3)):
        if dead:
            killed_while_it_holds(place)
        assert sum(together(16, lambda place=place: held_on(place))) == 1  # type: ignore[misc]


def test_a_dead_process_of_this_host_is_relieved_at_once_and_nothing_is_left(file: Path) -> None:
    killed_while_it_holds(file)
    assert left(file) == [".a.safetensors.lease"]
    with leases.leased([file], "BENCH_CACHE") as found:
        assert found.files == [file]
        assert left(file) == [".a.safetensors.lease", ".a.safetensors.lease1"]
    assert left(file) == []


def test_a_number_of_a_process_means_nothing_on_another_host(file: Path) -> None:
    killed_while_it_holds(file)
    place = leases._place(file, 0)
    place.write_text(json.dumps({**json.loads(place.read_text()), "host": [leases._host()[0], "another start"]}))
    assert not granted(file)


def test_a_holder_on_another_host_is_relieved_after_a_minute_of_watching_without_a_new_number(
    file: Path, clock: Clock
) -> None:
    of_another_host(file)
    os.utime(leases._place(file, 0), (0, 0))  # whatever the other host's clock says
    looks = round(leases.SILENT / leases.PAUSE)
    for _ in range(looks + 1):
        assert not granted(file)
        clock.now += leases.PAUSE
    assert granted(file)
    assert left(file) == []


def test_a_holder_that_writes_new_numbers_is_never_relieved(file: Path, clock: Clock) -> None:
    for beat in range(20):
        of_another_host(file, beat=beat)
        for _ in range(round(leases.SILENT / 2)):
            assert not granted(file)
            clock.now += leases.PAUSE


def test_who_sleeps_watches_nothing(file: Path, clock: Clock) -> None:
    of_another_host(file)
    for _ in range(5):
        assert not granted(file)
        clock.now += 10 * leases.SILENT


def test_a_lease_that_is_not_written_yet_is_one(file: Path) -> None:
    of_another_host(file).write_bytes(b"")
    with leases.leased([file], "BENCH_CACHE") as found:
        assert found.taken == Taken("process ? on an unknown host")


def test_a_holder_writes_new_numbers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.01)
    with leases.leased([file], "BENCH_CACHE"):
        place, seen, until = leases._place(file, 0), set[str](), time.monotonic() + HANG
        while len(seen) < 3:
            assert time.monotonic() < until
            seen.add(place.read_text())
        assert {len(content) for content in seen} == {len(min(seen))}
        place.unlink()
        time.sleep(0.05)
        assert not place.exists(), "what was removed is not made again"


def test_who_was_relieved_and_goes_on_leaves_the_file_to_its_successor(file: Path) -> None:
    with leases.leased([file], "BENCH_CACHE"):
        of_another_host(file, number=1)
    assert left(file) == [".a.safetensors.lease", ".a.safetensors.lease1"]


def test_who_takes_over_what_is_given_back_at_this_moment_begins_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_while_it_holds(file)
    create = leases._created

    def late(lease: Path) -> bool:
        if lease == leases._place(file, 1):
            leases._place(file, 0).unlink(missing_ok=True)
        return create(lease)

    monkeypatch.setattr(leases, "_created", late)
    with leases.leased([file], "BENCH_CACHE") as found:
        assert found.files == [file]
        assert left(file) == [".a.safetensors.lease"]


def test_leases_of_dead_processes_are_tidied_up_and_those_of_living_ones_are_not(file: Path) -> None:
    killed_while_it_holds(file)
    of_another_host(file.with_name("living.safetensors"))
    os.utime(of_another_host(file.with_name("old.safetensors")), (0, 0))
    with leases.leased([file.with_name("own.safetensors")], "BENCH_CACHE"):
        leases.tidy(file.parent)
        assert left(file) == [".living.safetensors.lease", ".own.safetensors.lease"]


def test_a_folder_that_cannot_be_written_is_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leases.os, "open", full)
    with pytest.raises(Refused, match=r"cache folder .*: cannot be written \(No space left on device\); .*BENCH_CACHE"):
        granted(file)
