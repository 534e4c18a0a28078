"""Several shells on one cache: each shard is made once, whoever asks, and nobody waits for a process that is dead."""

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_world import Album, here, some_run, toy

from benchmark.commands.actions import filling as action
from benchmark.core import leases
from benchmark.core.leases import Taken
from benchmark.exhibits.run import Run
from benchmark.features import filling, requests, shard_files, text_classifiers
from benchmark.features.requests import Request
from benchmark.features.text_classifiers import Text
from benchmark.records.store import Store
from benchmark.running import jobs, sharing
from benchmark.running.workers import Crew, Done

FORK = multiprocessing.get_context("fork")
WORLD = toy(name="album", datasets={"imagenet": {"reader": "toy_world:Album"}}, batch_size=16)
WANTED = [Request("imagenet", role, "test", 0) for role in ("RN50", "dino")]
SHARDS = 10
HANG = 600
"""Seconds after which a process that does not come is given up; no outcome depends on it."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(requests, "DECODED", 160 // SHARDS)
    monkeypatch.setattr(leases, "PAUSE", 0.05)
    monkeypatch.setattr(leases, "BEAT", 0.05)
    leases._watched.clear()
    yield requests.folder(here(WORLD))
    Album.fatal.clear()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of the files of features that any process has written or joined, in a file."""
    listed, write = tmp_path / "written", shard_files.written_whole

    def noting(what: str, where: Path, how: str) -> Any:
        with listed.open("a") as file:
            file.write(f"{where.name if '-of-' not in where.name else where.parent.name + '/' + where.name}\n")
        return write(what, where, how)

    monkeypatch.setattr(shard_files, "written_whole", noting)
    return listed


def shell(wanted: Sequence[Request], text: Sequence[Text] = ()) -> None:
    """What a command does in a shell of its own."""
    world = here(WORLD)
    with Crew(1, world) as crew:
        assert action.fill(wanted, world, crew, text) == {}
    assert filling.missing(wanted, world) == []


def begun(*shells: Sequence[Request]) -> list[Any]:
    processes = [FORK.Process(target=shell, args=(wanted,)) for wanted in shells]
    for process in processes:
        process.start()
    return processes


def ended(processes: Sequence[Any]) -> list[int | None]:
    for process in processes:
        process.join(HANG)
    return [process.exitcode for process in processes]


def slowly(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.05) -> None:
    look = Album.views

    def late(self: Album, *of: Any) -> torch.Tensor:
        time.sleep(seconds)
        return look(self, *of)

    monkeypatch.setattr(Album, "views", late)


def assert_whole(folder: Path) -> None:
    """The files of features and nothing else are there, and hold what one process would have made."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        requests.path(request, here(WORLD)).name for request in WANTED
    )
    for request in WANTED:
        torch.testing.assert_close(filling.load(request, here(WORLD)), filling.extract(request, here(WORLD)))


def test_three_shells_on_one_cache_make_each_shard_once(
    folder: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    assert ended(begun(WANTED, WANTED[:1], WANTED[1:])) == [0, 0, 0]
    times = Counter(written.read_text().split())
    assert set(times.values()) == {1}
    assert len(times) == 2 * (SHARDS + 1), "each shard, and the joined file"
    assert_whole(folder)


def test_who_comes_second_takes_what_nobody_makes(written: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    slowly(monkeypatch, 0.2)
    by: dict[int, int] = {}
    processes = begun(WANTED, WANTED)
    while any(process.is_alive() for process in processes):
        for lease in requests.folder(here(WORLD)).glob(".*-of-*.lease"):
            if content := leases._said(leases._read(lease) or b""):
                by[content["process"]] = by.get(content["process"], 0) + 1
        time.sleep(0.02)
    assert ended(processes) == [0, 0]
    assert set(by) == {process.pid for process in processes}


def test_a_shell_that_is_killed_is_replaced_and_its_shards_are_kept(folder: Path, written: Path) -> None:
    Album.fatal.add(100)  # in the seventh of ten shards
    assert ended(begun(WANTED)) == [-signal.SIGKILL]
    assert list(folder.glob(".*.lease")), "of the process that was killed"
    Album.fatal.clear()
    assert ended(begun(WANTED, WANTED)) == [0, 0]
    assert set(Counter(written.read_text().split()).values()) == {1}
    assert_whole(folder)


def test_a_lease_of_another_host_is_waited_for_with_a_line_and_taken_over_when_it_is_silent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leases, "SILENT", 0.5)
    shard = filling.missing(WANTED, here(WORLD))[3]
    leased = shard_files.lease(requests.path(WANTED[0], here(WORLD)), shard.index, shard.of)
    folder.mkdir(parents=True)
    leases._place(leased, 0).write_text(json.dumps({"host": ["node7"], "process": 7, "token": "", "beat": ""}))
    shell(WANTED)
    said = capfd.readouterr().err
    assert said.count("waiting for") == 1
    assert "waiting for imagenet, test images: RN50, dino (4 of 10), in the hands of process 7 on node7" in said
    assert_whole(folder)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts the processes of a test, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_waiting(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder.mkdir(parents=True)
    for request in WANTED:
        for index in range(SHARDS):
            leased = shard_files.lease(requests.path(request, here(WORLD)), index, SHARDS)
            leases._place(leased, 0).write_text(json.dumps({"host": ["node7"], "process": 7}))
    (process,) = begun(WANTED)
    until = time.monotonic() + HANG
    while "waiting for" not in capfd.readouterr().err:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert ended([process]) == [1]
    assert "KeyboardInterrupt" in capfd.readouterr().err


def test_a_zero_shot_classifier_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, make = tmp_path / "made", text_classifiers._make

    def noting(text: Text, world: Any) -> None:
        with made.open("a") as file:
            file.write(".")
        time.sleep(0.2)
        make(text, world)

    monkeypatch.setattr(text_classifiers, "_make", noting)
    text = Text("imagenet", "RN50")
    processes = [FORK.Process(target=text_classifiers.load, args=(text, here(WORLD))) for _ in range(3)]
    for process in processes:
        process.start()
    assert ended(processes) == [0, 0, 0]
    assert made.read_text() == "."


def measuring(runs: Sequence[Run], store: Store) -> None:
    """What `bench run` does with its runs in a shell of its own."""
    with Crew(1, here(toy())) as crew:
        work = partial(jobs.measured, store=store)
        ends = list(sharing.shared(lambda some: crew.each(work, some), runs, str))
    assert not any(end.error for end in ends)
    assert {end.item.key for end in ends} == {run.key for run in runs}


def test_three_shells_with_the_same_runs_measure_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, measure, store = tmp_path / "measured", jobs.measure, Store(tmp_path / "results")

    def noting(run: Run, *of: Any) -> Any:
        with listed.open("a") as file:
            file.write(f"{run.key}\n")
        time.sleep(0.1)
        return measure(run, *of)

    monkeypatch.setattr(jobs, "measure", noting)
    runs = [some_run(seed=seed) for seed in range(1, 5)]
    processes = [FORK.Process(target=measuring, args=(runs, store)) for _ in range(3)]
    for process in processes:
        process.start()
    assert ended(processes) == [0, 0, 0]
    assert sorted(listed.read_text().split()) == sorted(run.key for run in runs)
    assert set(store.records()) == {run.key for run in runs}
    assert not list(store.root.glob(".*"))


def test_what_others_have_in_hand_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def each(items: Sequence[int]) -> Generator[Done, None, None]:
        for item in items:
            tries.append(item)
            yield Done(item, result=Taken("process 7 on node7") if tries.count(item) < item else None)

    assert [end.item for end in sharing.shared(each, [3, 1, 2, 1], str)] == [1, 1, 2, 3]


def test_a_shard_that_appears_before_its_lease_is_granted_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shard, lease = filling.missing(WANTED, here(WORLD))[3], leases.leased

    def late(*of: Any) -> Any:
        monkeypatch.setattr(leases, "leased", lease)
        filling.fill_shard(shard, here(WORLD))
        return lease(*of)

    Album.seen.clear()
    monkeypatch.setattr(leases, "leased", late)
    assert filling.fill_shard(shard, here(WORLD)) is None
    assert sorted(Album.seen) == list(range(48, 64))
