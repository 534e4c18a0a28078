"""Dot plot: a dot and an interval for every measured cell, a strip for every column."""

from collections.abc import Iterator
from typing import Any

import pytest
import toy_figures
from toy_figures import shown

from benchmark.analysis.results import Measured
from benchmark.reporting.figures import dots

TWO = [{"name": "first", "shots": 1}, {"name": "second", "shots": 2}]


@pytest.fixture(autouse=True)
def _as_drawn() -> Iterator[None]:
    yield from toy_figures.as_drawn()


def marks(axes: Any) -> list[tuple[float, float]]:
    """Position of every dot: mean and number of the row."""
    return [tuple(line.get_xydata()[0]) for line in axes.get_lines() if line.get_linestyle() == "None"]


def intervals(axes: Any) -> list[tuple[float, float, float]]:
    """Low end, high end and number of the row of every interval."""
    lines = [line for line in axes.get_lines() if line.get_linewidth() == 1.4]
    return [(*line.get_xdata(), line.get_ydata()[0]) for line in lines]


def visible(measured: Measured) -> list[Any]:
    return [axes for axes in dots.draw(measured).axes if axes.get_visible()]


def test_a_measured_cell_is_a_dot_at_its_mean_in_the_line_of_its_row_and_another_is_none() -> None:
    cells = {("a", "first"): (50.0, 48.0, 53.0), ("c", "first"): 30.0, ("b", "second"): 10.0}
    first, second = visible(shown("abc", TWO, cells))
    assert marks(first) == [(50.0, 0.0), (30.0, 2.0)]
    assert marks(second) == [(10.0, 1.0)]


def test_an_interval_reaches_from_end_to_end_and_has_no_length_where_it_is_unknown() -> None:
    (axes,) = visible(shown("ab", TWO[:1], {("a", "first"): (50.0, 48.0, 53.0), ("b", "first"): 30.0}))
    assert intervals(axes) == [(48.0, 53.0, 0.0), (30.0, 30.0, 1.0)]


def test_rows_are_named_from_top_to_bottom() -> None:
    axes = visible(shown("abc", TWO, {(row, "first"): 1.0 for row in "abc"}))[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_ylim() == (2.5, -0.5)


def test_one_strip_is_named_by_its_axis_and_several_by_their_titles() -> None:
    mark = {"kind": "dots", "x_label": "accuracy"}
    one = dots.draw(shown("ab", TWO[:1], {("a", "first"): 1.0}, mark=mark))
    assert (one.axes[0].get_title(), one.axes[0].get_xlabel()) == ("", "accuracy")
    assert "own scales" not in one.get_suptitle()
    two = dots.draw(shown("ab", TWO, {("a", "first"): 1.0, ("b", "second"): 1.0}, mark=mark))
    assert [axes.get_title() for axes in two.axes] == ["first", "second"]
    assert two.get_supxlabel() == "accuracy"
    assert "strips have own scales" in two.get_suptitle()


def test_without_a_label_the_axis_is_named_by_the_metric() -> None:
    assert dots.draw(shown("a", TWO[:1], {}, mark={"kind": "dots"})).axes[0].get_xlabel() == "accuracy"


def test_strips_stand_as_many_side_by_side_as_the_mark_says_and_empty_places_are_hidden() -> None:
    columns = [{"name": str(n), "shots": n} for n in range(1, 6)]
    figure = dots.draw(shown("a", columns, {}, mark={"kind": "dots", "across": 2}))
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (3, 2)
    assert [axes.get_visible() for axes in figure.axes] == [True] * 5 + [False]


def test_a_strip_of_a_panel_is_named_by_both() -> None:
    columns = [{**column, "name": f"dtd, {column['name']}", "panel": "dtd", "short": column["name"]} for column in TWO]
    figure = dots.draw(shown("a", columns, {}, mark={"kind": "dots"}))
    assert [axes.get_title() for axes in figure.axes] == ["dtd\nfirst", "dtd\nsecond"]


def test_a_column_of_declared_words_is_no_strip() -> None:
    columns = [{"name": "words", "declares": "feature"}, *TWO]
    assert [axes.get_title() for axes in visible(shown("a", columns, {}))] == ["first", "second"]


def test_the_level_is_a_line_through_its_row_s_mean_where_that_is_measured() -> None:
    mark = {"kind": "dots", "levels": ["b"]}
    first, second = visible(
        shown("ab", TWO, {("a", "first"): 1.0, ("b", "first"): 7.0, ("a", "second"): 2.0}, mark=mark)
    )
    across = [
        [list(line.get_xdata()) for line in axes.get_lines() if line.get_color() == "0.4"] for axes in (first, second)
    ]
    assert across == [[[7.0, 7.0]], []]


def test_a_strip_without_numbers_says_so_and_one_with_numbers_does_not() -> None:
    (full,) = visible(shown("ab", TWO[:1], {("a", "first"): 1.0}))
    (empty,) = visible(shown("ab", TWO[:1], {}))
    assert [text.get_text() for text in full.texts] == []
    assert [text.get_text() for text in empty.texts] == ["nothing measured yet"]


def test_rows_and_columns_without_a_number_are_left_out_and_the_title_names_the_rows() -> None:
    figure = dots.draw(shown("abc", TWO, {("a", "first"): 1.0, ("c", "first"): 3.0}))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "c"]
    assert marks(axes) == [(1.0, 0.0), (3.0, 1.0)]
    assert axes.get_title() == "first"
    assert "not measured: b" in figure.get_suptitle()


def test_each_of_several_levels_is_a_line_down_to_the_next() -> None:
    mark = {"kind": "dots", "levels": ["a", "c"]}
    (axes,) = visible(shown("abcd", TWO[:1], {(row, "first"): float(n) for n, row in enumerate("abcd")}, mark=mark))
    dashed = [(line.get_xdata()[0], list(line.get_ydata())) for line in axes.get_lines() if line.get_color() == "0.4"]
    assert dashed == [(0.0, [0, 1.5]), (2.0, [2, 3.5])]


def test_in_words_a_figure_says_which_row_is_highest_and_which_is_lowest() -> None:
    cells = {("a", "first"): 50.0, ("b", "first"): 62.5, ("c", "first"): 41.25, ("b", "second"): 7.0}
    words = dots.told(shown("abc", TWO, cells))
    assert words == "first: b highest at 62.5, c lowest at 41.2; second: b highest at 7.0, b lowest at 7.0"


def test_the_axis_does_not_reach_below_zero_for_numbers_that_do_not() -> None:
    (near,) = visible(shown("ab", TWO[:1], {("a", "first"): 0.1, ("b", "first"): 90.0}))
    (below,) = visible(shown("ab", TWO[:1], {("a", "first"): -0.1, ("b", "first"): 90.0}))
    assert near.get_xlim()[0] == 0
    assert below.get_xlim()[0] < -0.1


def test_strips_of_rows_have_a_line_for_each_column_of_their_panel() -> None:
    columns = [
        {"name": f"{panel}, {head}", "panel": panel, "short": head, "shots": n}
        for n, panel in enumerate(("one", "two"), 1)
        for head in ("GDA", "AMU-Tuning")
    ]
    means = {(row, c["name"]): float(10 * n + m) for m, row in enumerate("ab") for n, c in enumerate(columns)}
    measured = shown("ab", columns, means, mark={"kind": "dots", "strips": "rows"})
    strips = visible(measured)
    assert [axes.get_title() for axes in strips] == ["one\na", "one\nb", "two\na", "two\nb"]
    assert [marks(axes) for axes in strips] == [[(n + m, 0.0), (10.0 + n + m, 1.0)] for n in (0, 20) for m in (0, 1)]
    assert [text.get_text() for text in strips[0].get_yticklabels()] == ["GDA", "AMU-Tuning"]
    assert dots.told(measured).startswith("one, a: AMU-Tuning highest at 10.0, GDA lowest at 0.0; one, b: ")
