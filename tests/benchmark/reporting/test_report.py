"""A report: the files of each exhibit that is measured far enough, the leakage, and the page at the end."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from toy_world import planted, table, toy, undrawn

from benchmark.analysis import claims
from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.reporting import exhibit_files, page, report
from benchmark.reporting.figures import draw
from benchmark.reporting.figures.draw import Pictures

LEAKING = {("Two", "1-shot"): [(40, 50, 55)], ("Two", "2-shot"): [(40, 60, 60)]}
COUNTS = {**LEAKING, ("One", "1-shot"): [(10, 10, 10)]}


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the figures that were drawn."""
    names: list[str] = []

    def note(measured: Measured, path: Path, titled: bool = True) -> None:
        names.append(path.name)
        undrawn(measured, path)

    monkeypatch.setattr(draw, "draw", note)
    return names


def records(shown: Exhibit) -> dict[str, Record]:
    return planted(shown, toy(), COUNTS)


def written(folder: Path, found: Mapping[str, Record], *exhibits: Measured, store: Store | None = None) -> list[Path]:
    return list(report.write(exhibits, found, store or Store(folder / "results"), folder / "out"))


def test_each_exhibit_s_three_files_come_first_then_the_leakage_and_then_the_page(tmp_path: Path) -> None:
    shown = table(id="table4")
    found = records(shown)
    paths = written(tmp_path, found, gather(shown, toy(), found))
    names = ["table4.md", "table4.csv", "table4.png", "leakage.csv", "index.html"]
    assert paths == [tmp_path / "out" / name for name in names]
    assert all(path.is_file() for path in paths)


def test_an_exhibit_with_too_few_cells_has_no_files_but_is_on_the_page(tmp_path: Path) -> None:
    found = records(table())
    few = gather(
        table(id="table9", title="Table 9: nothing measured", fixed={"dataset": "imagenet", "backbone": "dino"}),
        toy(),
        {},
    )
    assert not few.ready
    paths = written(tmp_path, found, gather(table(), toy(), found), few)
    assert not [path for path in paths if path.name.startswith("table9")]
    assert "Table 9: nothing measured" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_without_leakage_there_is_no_file_of_it(tmp_path: Path) -> None:
    paths = written(tmp_path, {}, gather(table(id="table4"), toy(), {}))
    assert [path.name for path in paths] == ["index.html"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]


def test_the_leakage_of_every_measured_cell_is_a_line(tmp_path: Path) -> None:
    shown = table(id="table4")
    found = records(shown)
    written(tmp_path, found, gather(shown, toy(), found))
    lines = csv.DictReader((tmp_path / "out" / "leakage.csv").read_text("utf-8").splitlines())
    gaps = {(line["method"], line["dataset"], line["shots"]): float(line["gap"]) for line in lines}
    assert gaps == {("Two", "imagenet", "1"): 5.0, ("Two", "imagenet", "2"): 0.0, ("One", "imagenet", "1"): 0.0}


def test_the_page_gets_all_exhibits_the_store_s_problems_and_verdicts_where_there_are_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setattr(page, "write", lambda *given: seen.append(given) or tmp_path / "page")
    monkeypatch.setattr(claims, "all_verdicts", lambda suite, *_: [f"verdict on {suite.name}"])
    store, found = Store(tmp_path / "results", problems={"x.json": "torn"}), records(table())
    measured = gather(table(), toy(), found)
    written(tmp_path, found, measured, store=store)
    written(tmp_path, {}, measured, store=store)
    assert [given[0] for given in seen] == [(measured,), (measured,)]
    assert [given[1] for given in seen] == [{"x.json": "torn"}] * 2
    assert [given[3] for given in seen] == [["verdict on toy"], []]


def test_figures_are_drawn_together_before_any_file_is_told(tmp_path: Path, drawn: list[str]) -> None:
    found = records(table())
    both = [gather(table(id=name), toy(), found) for name in ("table0", "table9")]
    paths = report.write(both, found, Store(tmp_path / "results"), tmp_path / "out")
    assert drawn == []
    assert next(paths).name == "table0.md"
    assert drawn[:2] == ["table0.png", "table9.png"]


def test_pictures_are_drawn_in_every_asked_format_and_named(tmp_path: Path, drawn: list[str]) -> None:
    found = records(table())
    several = Pictures(("png", "svg", "pdf"), titled=False)
    paths = list(report.write([gather(table(), toy(), found)], found, Store(tmp_path), tmp_path, pictures=several))
    assert [path.name for path in paths][:5] == [f"table0.{suffix}" for suffix in ("md", "csv", "png", "svg", "pdf")]
    assert set(drawn) == {"table0.png", "table0.svg", "table0.pdf"}


def test_a_folder_that_cannot_be_written_is_told_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BenchError, match=r"reports folder .*: cannot be written .*choose another with --reports"):
        written(tmp_path, {}, gather(table(), toy(), {}))


def test_an_exhibit_is_written_as_by_itself(tmp_path: Path) -> None:
    found = records(table())
    measured = gather(table(), toy(), found)
    written(tmp_path, found, measured)
    exhibit_files.write(measured, tmp_path / "alone")
    for name in ("table0.md", "table0.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
