"""`bench report`: the pictures that are asked for, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from toy_world import FILE, bench, bits_of, numbered, planted, table, toy

from benchmark.analysis import moves
from benchmark.commands.actions import report as action
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting import report
from benchmark.reporting.figures.draw import Pictures


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the writer of the report was given."""
    given: list[Any] = []
    monkeypatch.setattr(action, "write_report", lambda *parts: given.append(parts) or [])
    return given


@pytest.mark.parametrize(
    ("options", "pictures"),
    [
        ([], Pictures(("png",))),
        (["--format", "svg,pdf"], Pictures(("png", "svg", "pdf"))),
        (["--format", "png, pdf", "--no-title"], Pictures(("png", "pdf"), titled=False)),
    ],
)
def test_pictures_are_png_with_a_title_unless_others_are_asked_for(
    options: list[str], pictures: Pictures, asked: list[Any], tmp_path: Path
) -> None:
    Store(tmp_path / "toy").put(numbered(1), bits_of(numbered(1)))
    assert bench("report", "--suite", FILE, "--results", tmp_path, *options)[0] == ExitCode.OK
    assert pictures in asked[0]


def test_an_unknown_format_is_refused_with_the_near_one(asked: list[Any]) -> None:
    code, _, err = bench("report", "--suite", FILE, "--format", "pfd")
    assert (code, err) == (ExitCode.USAGE, "bench: unknown format 'pfd': did you mean 'pdf'? there are png, svg, pdf\n")
    assert asked == []


def test_the_report_says_what_moved_and_refuses_a_folder_without_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = table(id="table4")
    monkeypatch.setattr(exhibit, "names", lambda: ("table4",))
    monkeypatch.setattr(exhibit, "load", lambda _: shown)
    monkeypatch.setattr(report.claims, "all_verdicts", lambda *_: [])
    seen: list[object] = []
    monkeypatch.setattr(report.page, "write", lambda *given: seen.append(given[6]) or tmp_path / "page")
    for name, correct in (("old", 200), ("new", 260)):
        (record,) = planted(shown, toy(), {("Two", "1-shot"): [(0, correct, 0)]}, 400).values()
        Store(tmp_path / name / "toy").put(record, bits_of(record))
    at = ["report", "--suite", FILE, "--results", tmp_path / "new", "--reports", tmp_path / "out"]
    code, out, _ = bench(*at, "--against", tmp_path / "old")
    assert (code, out.splitlines()[-2]) == (
        ExitCode.OK,
        f"against {tmp_path / 'old'}: 1 of 1 cells moved beyond chance",
    )
    assert isinstance(seen[0], moves.Moves)
    code, _, err = bench(*at, "--against", tmp_path / "none")
    assert code == ExitCode.MISSING
    assert err.splitlines()[-1] == (
        f"bench: --against {tmp_path / 'none'}: no records in {tmp_path / 'none' / 'toy'}; name a folder as --results takes"
        " it, such as results"
    )
