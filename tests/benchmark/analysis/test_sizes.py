"""Beside what was measured on another number of test images than published stands that number, and nothing printed."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_world import paper, planted, table, toy

from benchmark.analysis import ordering, results, sizes
from benchmark.analysis.results import Measured, gather
from benchmark.core import paths
from benchmark.exhibits.question import Question
from benchmark.records.record import OnShift, Selection
from benchmark.reporting import exhibit_files, page, tables
from benchmark.reporting.figures import style

PRINTED = ("50.25", "60.25", "70.25", "80.25")
COUNTS = {(row, f"{k}-shot"): [(40, 50, 60)] * 2 for row in ("One", "Two") for k in (1, 2)}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the published number of test images of "imagenet"; the records have 100."""

    def put(images: int) -> None:
        folder = paper(tmp_path / str(images), images)
        monkeypatch.setattr(paths, "reference", lambda: folder)

    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    return put


def measured(comparable: bool = True, **changes: object) -> Measured:
    suite = toy(comparable=comparable)
    return gather(table(**changes), suite, planted(table(), suite, COUNTS))  # type: ignore[arg-type]


SHOWN = [tables.main_table, exhibit_files.markdown, results.csv, lambda m: page.html([m], {}), tables.latex]


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("images", [50_000, 99])
def test_no_printed_number_stands_beside_other_test_images(
    published: Callable[[int], None], show: Callable[[Measured], str], images: int
) -> None:
    published(100)
    assert all(number in show(measured()) for number in PRINTED)
    published(images)
    assert not any(number in show(measured()) for number in PRINTED)


def test_a_cell_has_the_two_numbers_and_a_dagger_that_is_explained(published: Callable[[int], None]) -> None:
    published(50_000)
    shown = tables.main_table(measured())
    cell = "**50.0 ± 0.0 (100 of 50,000 images) †**"
    assert f"| One | {cell} | {cell} |" in shown
    note = (
        "† measured on another test set than the published one (imagenet 100 of 50,000 images), so no published number"
    )
    assert note in exhibit_files.markdown(measured())
    assert note in page.html([measured()], {})
    assert "measured on imagenet 100 of 50,000 images" in style.title(measured())


def test_too_many_images_are_said_to_be_more(published: Callable[[int], None]) -> None:
    published(99)
    assert "(100 of 99 images, 1 more than published) †" in tables.main_table(measured())


def test_the_csv_has_the_published_number_summed_as_that_of_the_images(published: Callable[[int], None]) -> None:
    published(50_000)
    rows = csv.DictReader(io.StringIO(results.csv(measured())))
    row = next(row for row in rows if (row["row"], row["column"], row["selection"]) == ("One", "1-shot", "val"))
    assert [row[name] for name in ("n", "n_published", "paper")] == ["200", "100000", ""]


def test_a_cell_that_nobody_measured_keeps_its_printed_number(published: Callable[[int], None]) -> None:
    published(50_000)
    empty = gather(table(), toy(comparable=True), {})
    assert "| One | – (paper 50.25) | – (paper 60.25) |" in tables.main_table(empty)


def test_no_order_of_the_paper_s_stands_beside_other_test_images(published: Callable[[int], None]) -> None:
    published(100)
    assert ordering.orders(measured())
    published(50_000)
    assert ordering.orders(measured()) == []


def test_a_logged_number_stands_beside_values_that_may_be_compared_alone(
    published: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results.reference, "logged", lambda log: 55.5)
    published(100)
    other = gather(table(reference=""), toy(comparable=False), {})
    assert (measured(reference="").logged != {}, other.logged) == (True, {})


def test_a_number_that_a_repository_logged_is_left_out_too(
    published: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results.reference, "logged", lambda log: 55.5)
    published(100)
    assert ("One", "1-shot") in measured(reference="").logged
    published(50_000)
    assert ("One", "1-shot") not in measured(reference="").logged


def test_a_suite_of_its_own_scale_says_nothing_of_published_images(published: Callable[[int], None]) -> None:
    published(50_000)
    found = measured(comparable=False)
    assert (found.sizes, found.other_sizes) == ({}, "")
    assert "images)" not in tables.main_table(found)


def test_on_a_shift_the_shifts_own_images_count(monkeypatch: pytest.MonkeyPatch) -> None:
    record = next(iter(planted(table(), toy(), COUNTS, n=50_000).values()))
    right = {name: Selection(1) for name in ("last", "val", "test")}
    record = replace(record, shifts={"imagenet_a": OnShift(n=40, selections=right)})
    on_the_source, on_the_shift = Question(dataset="imagenet"), Question(dataset="imagenet", target="imagenet_a")
    assert sizes.others(sizes.of_cell(on_the_source, [record])) == []
    assert sizes.of_cell(on_the_shift, [record]) == [sizes.Size("imagenet_a", 40, 7500)]
    assert sizes.others(sizes.of_cell(on_the_shift, [record]))


def test_a_data_set_of_no_published_size_is_never_another(published: Callable[[int], None]) -> None:
    published(0)
    assert measured().sizes == {}
    assert measured().at("One", "1-shot").n_published is None
