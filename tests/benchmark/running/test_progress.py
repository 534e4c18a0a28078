"""In a log every piece of work is a line, and what interrupts the lines ends the work."""

import sys
from collections.abc import Generator
from types import SimpleNamespace

import pytest
from toy_world import some_run

from benchmark.exhibits.run import Run
from benchmark.running import progress
from benchmark.running.progress import Countdown
from benchmark.running.workers import Done

closed: list[bool] = []


def named(item: Run | str) -> str:
    return item if isinstance(item, str) else f"the run of {item.method.partition(':')[2]}"


def work() -> Generator[Done, None, None]:
    try:
        yield Done(some_run(), result="val 61.00 %")
        yield Done("x", "it failed")
    finally:
        closed.append(True)


def test_every_end_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(list(progress.follow(work(), [some_run(), "x"], "runs", named))) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("[1/2] ")
    assert first.endswith(" s  the run of TipAdapter  val 61.00 %  0 s left")
    assert second == "FAILED x: it failed"


def test_a_warning_is_a_line_with_the_name_of_its_work(capsys: pytest.CaptureFixture[str]) -> None:
    ends = (Done(item, warnings=["Slow: it did not converge"]) for item in (some_run(), "x"))
    list(progress.follow(ends, [some_run(), "x"], "runs", named))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert lines == [
        "warning the run of TipAdapter: Slow: it did not converge",
        "warning x: Slow: it did not converge",
    ]


def test_an_interruption_while_a_line_is_printed_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(item: Done) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "_outcome", interrupted)
    closed.clear()
    with pytest.raises(KeyboardInterrupt):
        list(progress.follow(work(), [some_run(), "x"], "runs"))
    assert closed == [True]


def test_the_time_left_begins_with_what_was_expected() -> None:
    counted = Countdown([30.0, 10.0], jobs=2, trust=0.1)
    assert counted.left(0) == pytest.approx(20, rel=0.01)
    assert Countdown([0.0, 0.0], jobs=2, trust=0.1).words(0) == ""


def test_the_time_left_follows_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Countdown([10.0] * 10, jobs=1, trust=0.1)
    monkeypatch.setattr(Countdown, "passed", 110.0)  # five were done and a sixth begun, each in twice its time
    assert counted.left(5) == pytest.approx(45 * (110 + 10) / (55 + 10))
    assert counted.left(10) == 0


def test_long_items_that_are_done_leave_little() -> None:
    with_long_first = Countdown([90.0, 5.0, 5.0], jobs=1)
    with_long_first.started -= 92.5
    assert with_long_first.left(1) == pytest.approx(7.5, rel=0.01)


def test_a_bar_on_a_terminal_has_the_time_left_and_what_came_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    list(progress.follow(work(), [some_run(), "x"], "runs", named, lambda _: 240.0))
    shown = capsys.readouterr().err
    assert "about 8 min left" in shown
    assert "the run of TipAdapter  val 61.00 %" in shown


def test_before_the_first_image_no_pace_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    ends = (Done(SimpleNamespace(size=size), result="") for size in (0, 100))
    list(
        progress.follow_pictures(
            ends, [SimpleNamespace(size=0), SimpleNamespace(size=100)], "features", lambda item: "x"
        )
    )
    first, second = capsys.readouterr().err.splitlines()
    assert "images/s" not in first
    assert "images/s" in second
