"""What a report says of a test set with more images of some classes than of others."""

import csv as csv_module
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_figures import as_drawn, shown

from benchmark.analysis.by_class import ByClass
from benchmark.analysis.other_questions import NO_OTHERS
from benchmark.analysis.results import Measured, csv
from benchmark.reporting import classes
from benchmark.reporting.exhibit_files import write
from benchmark.reporting.figures import confusion, draw
from benchmark.reporting.figures.draw import Pictures
from benchmark.reporting.page import html
from benchmark.reporting.tables import extra_tables

NAMES = ("robin", "crow", "owl")
ONE = ByClass(NAMES, [np.array([[9, 1, 0], [1, 3, 0], [0, 1, 1]])])
TWO = ByClass(NAMES, [np.array([[10, 0, 0], [3, 1, 0], [1, 0, 1]]), np.array([[10, 0, 0], [3, 1, 0], [1, 0, 1]])])
PLACE = ("Tip", "16-shot")

_as_drawn = pytest.fixture(autouse=True)(as_drawn)


@pytest.fixture
def measured() -> Measured:
    columns = [{"name": "1-shot", "shots": 1}, {"name": "16-shot", "shots": 16}]
    found = shown(
        ["Zero", "Tip", "Never"], columns, {PLACE: 81.25, ("Zero", "16-shot"): 75.0, ("Zero", "1-shot"): 75.0}
    )
    found.by_class.update({("Zero", "1-shot"): TWO, ("Zero", "16-shot"): TWO, PLACE: ONE})
    return found


def test_a_line_has_the_balanced_accuracy_and_the_worst_classes(measured: Measured) -> None:
    zero, tip = classes.lines(measured)
    assert zero == (
        "Zero at 16-shot: balanced accuracy 58.3 ± 0.0; worst of 3 classes: crow 25.0 % (4 images, taken for robin 75.0 %),"
        " owl 50.0 % (2 images, taken for robin 50.0 %), robin 100.0 % (10 images)"
    )
    assert tip.startswith(
        "Tip at 16-shot: balanced accuracy 71.7; worst of 3 classes: owl 50.0 % (2 images, taken for crow 50.0 %)"
    )


def test_tables_are_of_rows_and_columns_with_classes_and_of_the_last_column(measured: Measured) -> None:
    balanced, by_class = extra_tables(measured)[:2]
    assert balanced["header"] == ["method", "1-shot", "16-shot"]
    assert [row[0] for row in balanced["rows"]] == ["Zero", "Tip"]
    assert balanced["rows"][1][1] == "–"
    assert by_class["header"] == ["class", "test images", "Zero", "Tip", "taken for by Tip"]
    assert by_class["rows"] == [
        ["owl", "2", "50.0", "50.0", "crow 50.0"],
        ["crow", "4", "25.0", "75.0", "robin 25.0"],
        ["robin", "10", "100.0", "90.0", "crow 10.0"],
    ]


def test_csv_files_have_the_balanced_accuracy_and_a_row_a_class(measured: Measured) -> None:
    rows = list(csv_module.DictReader(io.StringIO(classes.csv(measured))))
    assert len(rows) == 3 * len(NAMES)
    (crow,) = [row for row in rows if (row["row"], row["class"]) == ("Tip", "crow")]
    assert [crow[name] for name in ("n", "seeds", "recall", "taken_for", "taken_share")] == [
        "4",
        "1",
        "75.0000",
        "robin",
        "25.0000",
    ]
    (tip,) = [r for r in csv_module.DictReader(io.StringIO(csv(measured))) if (r["row"], r["column"]) == PLACE]
    assert tip["balanced"] == "71.6667"
    measured.by_class.clear()
    assert "balanced" not in csv(measured)


def test_a_balanced_test_set_adds_nothing(measured: Measured) -> None:
    measured.by_class.clear()
    assert classes.lines(measured) == classes.tables(measured) == []
    assert Pictures().paths(measured, Path()) == [Path("table0.png")]


@pytest.mark.parametrize("number", [3, 20, 70])
def test_the_picture_of_a_matrix_names_few_classes_and_lists_confusions_of_many(
    measured: Measured, number: int, tmp_path: Path
) -> None:
    names = [f"species {c}" for c in range(number)]
    counts = np.diag(np.full(number, 6))
    counts[1, 0] = 4
    counts[2] = 0  # no test image, and never predicted
    measured.by_class[PLACE] = ByClass(names, [counts])
    figure = confusion.draw(measured)
    axes = figure.axes[0]
    ticks = [label.get_text() for label in axes.get_yticklabels()]
    fields = [text.get_text() for text in axes.texts]
    assert (ticks[:2] == ["species 0 (6)", "species 1 (10)"]) == (number <= 60)
    assert "species 2 (0)" not in ticks
    assert fields == (["6", "4", "6"] if number == 3 else [])
    beside = "\n".join(text.get_text() for text in figure.axes[1].texts)
    assert ("species 1 → species 0: 40 %" in beside) == (number > 60)
    file = tmp_path / "table0-confusion.svg"
    draw.draw(measured, file)
    assert "predicted class" in file.read_text()


def test_rows_of_the_matrix_are_shares_of_the_images_of_a_class(measured: Measured) -> None:
    (image,) = confusion.draw(measured).axes[0].images
    assert image.get_array().tolist() == [[90, 10, 0], [25, 75, 0], [0, 50, 50]]


def test_files_and_page_have_all_of_it(measured: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.reporting import exhibit_files, page

    monkeypatch.setattr(exhibit_files, "markdown", lambda _: "")  # the other selections are not measured here
    names = [path.name for path in write(measured, tmp_path, Pictures(("png", "svg")))]
    assert names[2:] == [
        "table0-classes.csv",
        "table0.png",
        "table0.svg",
        "table0-confusion.png",
        "table0-confusion.svg",
    ]
    monkeypatch.setattr(page.tables, "other_selections", lambda *_: "")
    monkeypatch.setattr(page, "_encoded", lambda _, __, name: name)
    monkeypatch.setattr(page.cells, "other_selections", lambda *_: "")
    monkeypatch.setattr(page, "markdown", lambda _: "")
    measured.records.update({(row.row, row.column): [] for row in measured.rows})
    text = html([measured], {}, others=replace(NO_OTHERS, shown=[measured]))
    assert "base64,table0-confusion" in text
    assert "Confusion matrix. Tip at 16-shot: balanced accuracy" in text
    assert "taken for by Tip" in text
    assert 'download="table0-classes.csv"' in text
    assert '<th scope="row">Never' not in text, "which is not measured"
