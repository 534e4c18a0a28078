"""`bench report`: the pictures that are asked for, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from toy_world import FILE, bench

from benchmark.commands.actions import report as action
from benchmark.core.errors import ExitCode
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
    assert bench("report", "--suite", FILE, "--results", tmp_path, *options)[0] == ExitCode.OK
    assert pictures in asked[0]


def test_an_unknown_format_is_refused_with_the_near_one(asked: list[Any]) -> None:
    code, _, err = bench("report", "--suite", FILE, "--format", "pfd")
    assert (code, err) == (ExitCode.USAGE, "bench: unknown format 'pfd': did you mean 'pdf'? there are png, svg, pdf\n")
    assert asked == []
