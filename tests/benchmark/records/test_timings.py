"""Estimates of time: what is left of the reference run's durations serves, and no damage of them is an error."""

import random
from pathlib import Path

import pytest
from toy_world import record_of, some_run

from benchmark.core import paths
from benchmark.records import timings

TIP = b"baselines.tip_adapter:TipAdapter"
LINES = b"method,dataset,shots,seconds\n" + TIP + b",,1,3.500\n" + TIP + b",,2,7.250\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "toy").mkdir()
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)
    return tmp_path / "toy" / "seconds.csv"


def expected(file: Path, content: bytes) -> tuple[float | None, float | None]:
    """Expected seconds at one shot and at two."""
    file.write_bytes(content)
    timings.reference.cache_clear()
    one, two = (timings.expected_seconds(some_run(shots=shots), {}) for shots in (1, 2))
    return one, two


def test_the_reference_run_tells_how_long_a_run_takes(file: Path) -> None:
    assert expected(file, LINES) == (3.5, 7.25)


def test_a_file_that_is_cut_anywhere_tells_what_it_still_has(file: Path) -> None:
    for length in range(len(LINES)):
        one, two = expected(file, LINES[:length])
        assert one == (3.5 if length >= LINES.index(b"3.500\n") + 6 else None)
        assert two is None


@pytest.mark.parametrize(
    "line", [b"a,b\n", b"m,d,one,1\n", b"m,d,1,nan\n", b"m,d,1,inf\n", b"m,d,1,-1\n", b"\xff\n", b"\n"]
)
def test_a_line_that_is_none_is_left_out(file: Path, line: bytes) -> None:
    assert expected(file, line + LINES) == (3.5, 7.25)


def test_no_damage_is_an_error(file: Path) -> None:
    dice = random.Random(0)
    for _ in range(200):
        content = bytearray(LINES)
        for _ in range(5):
            content[dice.randrange(len(content))] = dice.randrange(256)
        expected(file, bytes(content))


def test_a_folder_in_the_place_of_the_file_tells_nothing(file: Path) -> None:
    file.mkdir()
    timings.reference.cache_clear()
    assert timings.expected_seconds(some_run(), {}) is None


def test_what_a_reference_run_writes_is_read_again(file: Path) -> None:
    runs = [some_run(shots=shots) for shots in (1, 2)]
    records = {run.key: record_of(run.asked()) for run in runs}
    file.write_text(timings.lines(records, 0.01, {"": 0.002, "RN50 dino": 0.004}))
    timings.reference.cache_clear()
    there = timings.reference("toy")
    assert {place: there[place] for place in timings.timings(records)} == timings.timings(records)
    assert timings.encoding("toy", 2.0) == {"": 0.004, "RN50 dino": 0.008}
    assert timings.slowness("toy", {}, 0.03) == pytest.approx(3)
