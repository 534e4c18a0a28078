"""One piece of work is one risk: whatever becomes of it, the others are done."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_methods import joined, most_threads, printed, variable, work

from benchmark.running import workers

TOYS = Path(__file__).parents[2] / "toys"
HANG = 600
"""Seconds after which processes that do not end are given up; no outcome depends on it."""


def outcomes(items: list[str], jobs: int) -> dict[str, str]:
    return {done.item: done.error or done.result for done in workers.each(work, items, jobs)}


def test_in_this_process_items_are_done_in_their_order() -> None:
    assert [done.result for done in workers.each(work, ["a", "b", "c"], 1)] == ["A", "B", "C"]


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(workers.each(work, [], 4)) == []


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("fail", "RuntimeError: one two (/"),
        ("explain", "type this instead"),
        ("leave", "SystemExit: 5 (/"),
        ("interrupt", "KeyboardInterrupt (/"),
        ("end", "EndOfProcess: os._exit(0) (/"),
        ("refuse", "some/file: Permission denied (/"),
    ],
)
def test_an_exception_becomes_one_line_and_the_others_go_on(item: str, line: str) -> None:
    found = outcomes(["a", item, "b"], 1)
    assert (found["a"], found["b"]) == ("A", "B")
    assert found[item].startswith(line)
    assert "\n" not in found[item]


def test_the_line_of_a_failure_says_where() -> None:
    assert "toy_methods.py:" in outcomes(["fail"], 1)["fail"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_warnings_of_libraries_come_back_with_the_work_a_line_for_each_kind(jobs: int) -> None:
    with workers.Crew(jobs) as crew:
        found = {done.item: list(done.warnings) for done in crew.each(work, ["a", "warn", "b"])}
    assert found == {"a": [], "warn": ["RuntimeWarning: one two (2 times)"], "b": []}


def test_debugging_shows_the_traceback() -> None:
    with workers.Crew(1, debug=True) as crew, pytest.raises(RuntimeError, match="one\n  two"):
        list(crew.each(work, ["fail"]))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_crew_is_given_comes_first_in_every_piece_of_work(jobs: int) -> None:
    with workers.Crew(jobs, "a", "b") as crew:
        assert sorted(done.result for done in crew.each(joined, ["c", "d"])) == ["abc", "abd"]


def test_workers_share_the_cores_also_in_libraries_that_are_loaded_later() -> None:
    """SciPy's OpenBLAS is not NumPy's, and is loaded with the first method that needs it."""
    with workers.Crew(2) as crew:
        crew.threads = 1
        assert [done.result for done in crew.each(most_threads, ["a", "b"])] == [1, 1]


def test_a_worker_can_print_in_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with workers.Crew(2) as crew:
        found = list(crew.each(printed, ["a", "b"]))
    assert [done.error for done in found] == ["", ""]
    assert all("utf" not in done.result for done in found)


def test_a_crew_does_one_kind_of_work_after_another_with_the_same_workers() -> None:
    with workers.Crew(2) as crew:
        first = {done.process for done in crew.each(work, ["a", "b", "c", "d"])}
        second = list(crew.each(work, ["e", "f"]))
        assert {done.process for done in second} <= first
        assert sorted(done.result for done in second) == ["E", "F"]
    assert len(first) <= 2
    assert os.getpid() not in first
    assert set(crew.peaks) == first
    assert all(10 < peak < 10_000 for peak in crew.peaks.values())  # MiB


def test_a_crew_can_work_with_a_part_of_its_workers() -> None:
    with workers.Crew(3) as crew:
        assert {done.process for done in crew.each(work, ["a", "b"], 1)} == {os.getpid()}
        assert len({done.process for done in crew.each(work, ["a", "b", "c", "d", "e", "f"], 2)}) == 2


def test_each_worker_has_the_variables_of_its_number() -> None:
    seen = [{"CUDA_VISIBLE_DEVICES": name} for name in ("4", "5")]
    with workers.Crew(2, environments=seen) as crew:
        found = {done.result for done in crew.each(variable, ["CUDA_VISIBLE_DEVICES"] * 8)}
    values, processes = zip(*(one.split() for one in found), strict=True)
    assert len({*values}) == len({*processes}) == len(found)
    assert {*values} <= {"4", "5"}


def test_a_worker_that_replaces_another_has_its_number() -> None:
    with workers.Crew(2) as crew:
        first, second = crew._started(), crew._started()
        assert (crew.numbers[first], crew.numbers[second]) == (0, 1)
        del crew.numbers[first]
        assert crew.numbers[crew._started()] == 0


def test_a_single_piece_of_work_is_done_here() -> None:
    with workers.Crew(2) as crew:
        (done,) = crew.each(work, ["a"])
    assert done.process == os.getpid()
    assert list(crew.peaks) == [os.getpid()]


def test_work_that_is_given_up_leaves_no_worker_behind() -> None:
    others = set(multiprocessing.active_children())
    with workers.Crew(2) as crew:
        for _ in crew.each(work, ["a", "b", "c", "d", "e"]):
            break
        assert set(multiprocessing.active_children()) <= others
        assert sorted(done.result for done in crew.each(work, ["f", "g"])) == ["F", "G"]


FAULTS = """
import resource
from benchmark.running.workers import keep_memory
{first}
for turn in range(21):
    bytearray(20 * 2**20)[:] = b"x" * 20 * 2**20
    if turn == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_workers_keep_the_memory_of_large_tensors() -> None:
    def faults(first: str) -> int:
        code = FAULTS.format(first=first)
        return int(
            subprocess.run([sys.executable, "-c", code], cwd=TOYS.parents[1], capture_output=True, check=True).stdout
        )

    assert 20 * faults("keep_memory()") < faults("pass")


@pytest.mark.slow
def test_work_that_kills_its_worker_costs_only_itself(tmp_path: Path) -> None:
    # "once" kills its worker the first time only; it comes to its end because it is given out again
    once = f"once:{tmp_path / 'died'}"
    items = ["kill", "a", "fail", once, "b", "leave", "c", "explain", "interrupt"]
    found = outcomes(items, 2)
    assert set(found) == set(items)
    assert [found[name] for name in ("a", "b", "c", "explain", once)] == [
        "A",
        "B",
        "C",
        "type this instead",
        once.upper(),
    ]
    assert found["kill"] == "its worker was killed each time (out of memory?); try fewer --jobs"
    assert found["fail"].startswith("RuntimeError: one two")
    assert found["leave"].startswith("SystemExit: 5")
    assert found["interrupt"].startswith("KeyboardInterrupt")


PARENT = """
import sys
from toy_methods import sleep_long
from benchmark.running import workers
if __name__ == "__main__":
    list(workers.each(sleep_long, sys.argv[1:], 2))
"""


def start_parent(tmp_path: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process whose two workers are at work, and their ids."""
    script, files = tmp_path / "parent.py", [tmp_path / "one", tmp_path / "two"]
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": f"{TOYS}{os.pathsep}{TOYS.parents[1]}"}
    command = [sys.executable, str(script), *map(str, files)]
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not all(f.is_file() and f.read_text() for f in files):
        assert parent.poll() is None
        time.sleep(0.05)
    return parent, [int(f.read_text()) for f in files]


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_when_their_parent_is_interrupted_or_killed(tmp_path: Path, sent: signal.Signals) -> None:
    parent, workers = start_parent(tmp_path)
    parent.send_signal(sent)
    parent.communicate(timeout=HANG)
    until = time.monotonic() + HANG
    while not all(map(gone, workers)):
        assert time.monotonic() < until, "orphans"
        time.sleep(0.05)
    assert not list(tmp_path.glob("*.finished")), "their work was done to its end"
