"""In a log every piece of work is a line, and what interrupts the lines ends the work."""

from collections.abc import Generator

import pytest
from toy_world import some_run

from benchmark.exhibits.run import Run
from benchmark.running import progress
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
    assert len(list(progress.follow(work(), 2, "runs", named))) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("[1/2] ")
    assert first.endswith(" s  the run of TipAdapter  val 61.00 %")
    assert second == "FAILED x: it failed"


def test_a_warning_is_a_line_with_the_name_of_its_work(capsys: pytest.CaptureFixture[str]) -> None:
    ends = (Done(item, warnings=["Slow: it did not converge"]) for item in (some_run(), "x"))
    list(progress.follow(ends, 2, "runs", named))
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
        list(progress.follow(work(), 2, "runs"))
    assert closed == [True]
