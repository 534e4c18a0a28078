"""Line plot: points and intervals of each row, the level line, and a second panel where the lines lie far apart."""

import math
from collections.abc import Iterator

import pytest
import toy_figures
from toy_figures import TIP, Cells, of, points, shown
from toy_world import table

from benchmark.analysis.results import Measured
from benchmark.reporting.figures import lines

SHOTS = [{"name": f"{k}-shot", "shots": k} for k in (1, 2, 16)]


@pytest.fixture(autouse=True)
def _as_drawn() -> Iterator[None]:
    yield from toy_figures.as_drawn()


def levelled(cells: Cells) -> Measured:
    """Row "level" is of no shots, rows "a" and "b" of as many as the column says."""
    rows = [
        {"name": "level", "method": "baselines.zero_shot:ZeroShotCLIP", "shots": 0},
        *({"name": name, "method": TIP} for name in "ab"),
    ]
    return of(table(rows=rows, columns=SHOTS), {place: whole(value) for place, value in cells.items()})


def whole(value: float | tuple[float, float, float]) -> tuple[float, float, float]:
    """A mean with an interval, which is one point to either side where a test names none."""
    return value if isinstance(value, tuple) else (value, value - 1, value + 1)


LEVEL = {("level", f"{k}-shot"): 60.0 for k in (1, 2, 16)}


def test_a_row_s_points_are_its_measured_cells_over_the_column_s_number() -> None:
    found = lines.lines(shown("ab", SHOTS, {("a", "1-shot"): 50.0, ("a", "16-shot"): 70.0}), SHOTS)
    assert [(look["label"], [(x, cell.mean) for x, cell in line]) for look, line in found] == [
        ("a", [(1.0, 50.0), (16.0, 70.0)])
    ]


def test_a_mark_may_name_another_number_of_the_columns() -> None:
    columns = [{"name": "few", "views": 3}, {"name": "many", "views": 9}]
    measured = shown("a", columns, {("a", "few"): 1.0, ("a", "many"): 2.0}, mark={"kind": "line", "x": "views"})
    ((_, line),) = lines.lines(measured, columns)
    assert [x for x, _ in line] == [3.0, 9.0]


def test_only_the_given_columns_are_read() -> None:
    measured = shown("a", SHOTS, {("a", "1-shot"): 1.0, ("a", "2-shot"): 2.0})
    ((_, line),) = lines.lines(measured, SHOTS[1:])
    assert [x for x, _ in line] == [2.0]


def test_the_level_is_the_row_that_fixes_the_number_and_there_may_be_none() -> None:
    cells = {**LEVEL, ("a", "1-shot"): 50.0}
    found = lines.lines(levelled(cells), SHOTS)
    assert [look["marker"] == "" for look, _ in found] == [True, False]
    assert lines.level_of(found) == 60.0
    assert lines.level_of(found[1:]) == -math.inf
    assert lines.means(found) == [60.0, 60.0, 60.0, 50.0]


def test_an_axis_has_lines_intervals_and_a_tick_at_each_measured_number_evenly_by_doubling() -> None:
    cells = {("a", "1-shot"): (50.0, 48.0, 53.0), ("a", "16-shot"): (70.0, 69.0, 71.0), ("b", "2-shot"): whole(40.0)}
    (axes,) = lines.draw(shown("ab", SHOTS, cells)).axes
    found = {name: [(round(x), y) for x, y in line if not math.isnan(y)] for name, line in points(axes).items()}
    assert found == {"a": [(1, 50.0), (16, 70.0)], "b": [(2, 40.0)]}
    bars = [bar.get_segments()[0].tolist() for bar in axes.collections]
    assert [(round(low[0]), low[1], high[1]) for low, high in bars] == [(1, 48, 53), (16, 69, 71), (2, 39, 41)]
    assert (axes.get_xscale(), [text.get_text() for text in axes.get_xticklabels()]) == ("log", ["1", "2", "16"])
    assert axes.get_xticks().tolist() == [1, 2, 16]


def test_a_line_is_broken_where_a_number_between_two_points_is_not_measured() -> None:
    (axes,) = lines.draw(shown("ab", SHOTS, {("a", "1-shot"): whole(50.0), ("a", "16-shot"): whole(70.0)})).axes
    assert [math.isnan(y) for _, y in points(axes)["a"]] == [False, True, False]


def test_at_each_number_the_rows_stand_apart_and_evenly_about_it() -> None:
    cells = {(row, f"{k}-shot"): whole(50.0) for row in "abc" for k in (1, 2)}
    (axes,) = lines.draw(shown("abc", SHOTS, cells)).axes
    at_two = [math.log2(points(axes)[row][1][0]) for row in "abc"]
    assert at_two == pytest.approx([1 - lines.APART, 1, 1 + lines.APART])


def test_the_axes_are_named_by_the_mark_and_each_row_once() -> None:
    cells = {("a", "1-shot"): 10.0, ("a", "2-shot"): 11.0, ("b", "1-shot"): 70.0}
    figure = lines.draw(levelled({**LEVEL, **cells}))
    assert len(figure.axes) == 2
    assert [axes.get_ylabel() for axes in figure.axes] == ["top-1 accuracy (%)"] * 2
    assert [axes.get_xlabel() for axes in figure.axes] == ["shots per class"] * 2
    assert [text.get_text() for text in figure.axes[1].texts] == ["a ↓ 11", "level", "b"]
    assert list(lines.handles(*figure.axes)) == ["level", "a", "b"]


@pytest.mark.parametrize(
    ("low", "high", "panels"),
    [
        (50.0, 70.0, 1),  # a point exactly 10 points below the level is shown with the rest
        (49.9, 70.0, 2),
        (10.0, 60.0, 2),
    ],
)
def test_a_second_panel_is_for_the_rows_that_stay_within_ten_points_below_the_level(
    low: float, high: float, panels: int
) -> None:
    figure = lines.draw(levelled({**LEVEL, ("a", "1-shot"): low, ("a", "2-shot"): 60.0, ("b", "2-shot"): high}))
    assert len(figure.axes) == panels
    if panels == 2:
        assert [axes.get_title() for axes in figure.axes] == ["all", "enlarged"]
        below, above = figure.axes[1].get_ylim()
        assert 58 < below < 59 < high + 1 < above < high + 2  # whole intervals
        assert figure.axes[0].get_ylim()[0] < low


def test_where_one_number_is_measured_the_figure_is_a_dot_plot_with_the_level_to_compare_with() -> None:
    (axes,) = lines.draw(levelled({**LEVEL, ("a", "2-shot"): 61.0})).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["level", "a"]
    assert (axes.get_title(), axes.get_xlabel()) == ("", "top-1 accuracy (%)")
    assert [60.0, 60.0] in [list(line.get_xdata()) for line in axes.get_lines() if line.get_color() == "0.4"]
    assert [59.0, 61.0] in [list(line.get_xdata()) for line in axes.get_lines()]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([], []),
        ([0.1, 0.5, 0.9], [0.1, 0.5, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.0, 0.5, 0.5, 0.5, 1.0], [0.0, 0.4, 0.5, 0.6, 1.0]),
        ([0.4, 0.5, 0.55], [0.3833, 0.4833, 0.5833]),
    ],
)
def test_names_keep_their_distance_and_move_as_little_as_may_be(wanted: list[float], found: list[float]) -> None:
    assert lines.apart(wanted, 0.1) == pytest.approx(found, abs=1e-4)


def test_in_words_a_figure_says_where_each_line_begins_and_ends_the_highest_end_first() -> None:
    words = lines.told(levelled({**LEVEL, ("a", "1-shot"): 50.0, ("a", "16-shot"): 55.0, ("b", "2-shot"): 70.0}))
    assert words == "top-1 accuracy (%) over shots per class: b 70.0 at 2; level 60.0; a 50.0 at 1 to 55.0 at 16"


@pytest.mark.parametrize("cells", [{}, {("a", "1-shot"): 10.0}], ids=["nothing", "no level"])
def test_without_lines_or_a_level_there_is_one_panel(cells: Cells) -> None:
    (axes,) = lines.draw(levelled(cells)).axes
    assert [text.get_text() for text in axes.texts] == ([] if cells else ["nothing measured yet"])
