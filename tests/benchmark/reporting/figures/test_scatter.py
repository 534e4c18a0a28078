"""Scatter plots: a point for each row with both numbers, a ring around each row that the rule picks."""

from collections.abc import Iterator
from typing import Any

import pytest
import toy_figures
from toy_figures import TIP, Cells, of, points
from toy_world import table

from benchmark.analysis.results import Measured
from benchmark.reporting.figures import scatter

RULE = {"function": "toy_house:better_than", "superiority": "sup", "complementarity": "comp", "least": 0.5}


@pytest.fixture(autouse=True)
def _as_drawn() -> Iterator[None]:
    yield from toy_figures.as_drawn()


def measured(cells: Cells, panels: int = 2, rule: dict[str, Any] | None = None) -> Measured:
    """Rows a, b and c; in each panel the columns "sup" (x) and "comp" (y)."""
    columns = [
        {"name": f"p{n}, {short}", "panel": f"p{n}", "short": short} for n in range(panels) for short in ("sup", "comp")
    ]
    rows = [{"name": name, "method": TIP} for name in "abc"]
    mark = {"kind": "scatter", "x": "sup", "y": "comp", "x_label": "superiority", "y_label": "complementarity"}
    return of(table(rows=rows, columns=columns, mark=mark, rule=rule or {}), cells)


def both(panel: int, **numbers: tuple[float, float]) -> dict[tuple[str, str], float]:
    found = {}
    for row, (x, y) in numbers.items():
        found |= {(row, f"p{panel}, sup"): x, (row, f"p{panel}, comp"): y}
    return found


def rings(axes: Any) -> list[tuple[float, float]]:
    return [tuple(line.get_xydata()[0]) for line in axes.get_lines() if line.get_markerfacecolor() == "none"]


def test_a_row_is_a_point_in_every_panel_in_which_it_has_both_numbers() -> None:
    cells = {
        **both(0, a=(0.2, 0.9), b=(0.8, 0.1)),
        **both(1, a=(0.3, 0.4)),
        ("c", "p0, sup"): 0.5,
        ("b", "p1, comp"): 0.6,
    }
    figure = scatter.draw(measured(cells))
    first, second, *_ = figure.axes
    assert points(first) == {"a": [(0.2, 0.9)], "b": [(0.8, 0.1)]}
    assert points(second) == {"a": [(0.3, 0.4)]}
    assert [axes.get_title() for axes in (first, second)] == ["p0", "p1"]


def test_the_rows_that_the_rule_picks_are_ringed_panel_by_panel() -> None:
    cells = {**both(0, a=(0.2, 0.9), b=(0.8, 0.1)), **both(1, a=(0.7, 0.4), b=(0.1, 0.2))}
    figure = scatter.draw(measured(cells, rule=RULE))
    assert [rings(axes) for axes in figure.axes[:2]] == [[(0.8, 0.1)], [(0.7, 0.4)]]
    without = scatter.draw(measured(cells))
    assert [rings(axes) for axes in without.axes[:2]] == [[], []]


def test_a_panel_without_points_says_so() -> None:
    first, second, *_ = scatter.draw(measured(both(0, a=(0.2, 0.9)))).axes
    assert [text.get_text() for text in first.texts] == []
    assert [text.get_text() for text in second.texts] == ["nothing measured yet"]
    assert second.get_yticks().tolist() == []


def test_places_beyond_the_panels_are_hidden_and_the_lowest_of_each_column_are_labelled() -> None:
    figure = scatter.draw(measured({}, panels=5))
    assert [axes.get_visible() for axes in figure.axes] == [True] * 5
    six = scatter.draw(measured({}, panels=6))
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (1, 5)
    assert six.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 4)
    assert [axes.get_visible() for axes in six.axes] == [True] * 6 + [False] * 2
    assert [axes.get_xlabel() for axes in six.axes[:6]] == ["", ""] + ["superiority"] * 4
    assert six.get_supylabel() == "complementarity"


def test_the_legend_names_the_rows_that_have_a_point_once() -> None:
    cells = {**both(0, a=(0.2, 0.9), c=(0.5, 0.5)), **both(1, a=(0.3, 0.4), b=(0.6, 0.6))}
    (legend,) = scatter.draw(measured(cells, rule=RULE)).legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "c", "b"]


def test_the_title_says_which_points_are_ringed() -> None:
    title = scatter.draw(measured({})).get_suptitle()
    assert title.endswith("val selection, means; ringed: picked by the rule")


def test_the_axis_does_not_reach_below_zero_for_numbers_that_do_not() -> None:
    near, below, *_ = scatter.draw(measured({**both(0, a=(1, 0.01), b=(2, 9)), **both(1, a=(1, -0.5), b=(2, 9))})).axes
    assert near.get_ylim()[0] == 0
    assert below.get_ylim()[0] < -0.5
