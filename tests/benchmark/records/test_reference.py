"""The paper's numbers are looked up in its tables, and a citation means one number."""

import re
from pathlib import Path

import pytest
from toy_house import planted

from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.exhibits import exhibit
from benchmark.records import readings, reference
from benchmark.records.reference import printed, rows
from benchmark.reporting import notes, tables
from benchmark.suites import suite

LINES = ["method,shots,accuracy", "A,1,10.5", "A,2,20.5", "B,1,", "C,1,30.5", "C,1,31.5"]


@pytest.fixture
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "small.csv").write_text("\n".join(LINES) + "\n")
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(
    ("cite", "number"),
    [
        ({"method": "A", "shots": 1}, 10.5),
        ({"method": "A", "shots": 2}, 20.5),
        ({"method": "B", "shots": 1}, None),
        ({"method": "D"}, None),
        ({"methods": "A"}, None),
        ({}, None),
    ],
)
def test_a_citation_finds_its_number_or_none(cite: dict[str, object], number: float | None) -> None:
    assert printed("small.csv", cite) == number


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("cite", [{"method": "A"}, {"method": "C", "shots": 1}])
def test_an_ambiguous_citation_raises(cite: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="2 rows agree"):
        printed("small.csv", cite)


@pytest.mark.usefixtures("_small")
def test_a_file_that_is_not_there_has_no_numbers() -> None:
    assert printed("none.csv", {"method": "A"}) is None
    assert printed("", {"method": "A"}) is None


def cited(name: str) -> dict[tuple[str, str], float | None]:
    shown = exhibit.load(name)
    cells = [cell for cell in shown.cells() if cell.question.cite and not cell.empty]
    return {(c.row, c.column): printed(shown.reference, c.question.cite or {}) for c in cells}


BLANK = {"table5": {(m, t) for m in ("CLIP-Adapter", "Tip-Adapter-F", "CaFo") for t in ("A", "R")}}
"""Cells that the paper leaves empty."""


@pytest.mark.parametrize("name", [name for name in exhibit.names() if exhibit.load(name).reference])
def test_every_citing_cell_of_every_exhibit_finds_its_number(name: str) -> None:
    found = cited(name)
    assert found
    assert {place for place, number in found.items() if number is None} == BLANK.get(name, set())


@pytest.fixture
def _of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let printed numbers stand beside the planted records, which have a thousand test images."""
    monkeypatch.setattr(reference, "known_images", lambda role: None)


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("name", [name for name in exhibit.names() if exhibit.load(name).reference])
def test_in_the_paper_suite_every_cell_shows_its_number_and_the_difference(name: str) -> None:
    shown, paper = exhibit.load(name), suite.load("paper")
    measured = gather(shown, paper, planted(shown, paper))
    for (row, column), number in cited(name).items():
        if (row, column) in measured.texts:
            continue
        ours = measured.at(row, column)
        assert ours.paper == number
        assert ours.mean is not None
        if number is not None:
            digits = 1 if readings.counted(ours.metric) else 3
            beside = f" (paper {number:.{max(2, digits)}f}, {ours.mean - number:+.{digits}f})"
            assert tables.shown(measured, ours).endswith(beside)


LOGGED = {"table4": 5 * 2, "figure5": 10 * 5 * 5, "tablelater": 5 * 5}
"""Cells of which the paper prints nothing and a repository logged something."""


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize("name", exhibit.names())
def test_where_the_paper_prints_nothing_the_repository_s_log_stands_beside_the_cell(name: str) -> None:
    shown, paper = exhibit.load(name), suite.load("paper")
    measured = gather(shown, paper, planted(shown, paper))
    assert len(measured.logged) == LOGGED.get(name, 0)
    for place, number in measured.logged.items():
        ours = measured.at(*place)
        assert ours.mean is not None
        assert tables.shown(measured, ours).endswith(f" (log {number:.2f}, {ours.mean - number:+.1f})")
    assert any(line.startswith("log: ") for line in notes.deviations(measured)) == bool(measured.logged)
    assert gather(shown, suite.load("mini"), {}).logged == {}


def test_logs_are_of_the_method_the_data_set_and_the_shots() -> None:
    shown = exhibit.load("figure5")
    measured = gather(shown, suite.load("paper"), {})
    assert measured.logged["CaFo", "caltech101, 1-shot"] == float(
        next(r for r in rows("cafo_explog.csv") if (r["dataset"], r["shots"]) == ("Caltech101", "1"))["accuracy"]
    )
    assert len({measured.logged["Zero-shot CLIP", f"dtd, {k}-shot"] for k in (1, 2, 4, 8, 16)}) == 1


def test_table_4_cites_what_the_paper_prints() -> None:
    found = cited("table4")
    assert len(found) == 8 * 5
    assert found["CoOp", "16-shot"] == 62.95
    assert found["LP-CLIP", "1-shot"] == 22.17
    assert found["CaFo*", "16-shot"] == 68.05
    assert found["AMU-Tuning", "16-shot"] == 70.02


UNSOURCED = ("datasets.csv", "tip_cafo_configs.csv")
"""No accuracies: one source for the whole file, in the README."""


def test_every_file_of_published_numbers_is_listed_with_its_rows_and_every_row_has_a_source() -> None:
    folder = paths.reference() / "paper"
    listed = re.findall(r"^\| (\S+\.csv) \| (\d+) \| ", (folder / "README.md").read_text("utf-8"), flags=re.M)
    there = {path.name: rows(path.name) for path in folder.glob("*.csv")}
    assert {name: int(number) for name, number in listed} == {name: len(found) for name, found in there.items()}
    for name, found in there.items():
        assert name in UNSOURCED or all(row["source"] for row in found), name
        assert all(row["accuracy"] == "" or 0 <= float(row["accuracy"]) <= 100 for row in found if "accuracy" in row)
