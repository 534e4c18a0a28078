"""Each kind of mark, drawn from planted records; labels, legends, and that a picture shows what its table says."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.figure
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from toy_house import full_record, house, planted
from toy_world import record_of, table, toy

from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.records.metrics import BETAS
from benchmark.records.record import Best, BetaCurve, Histogram
from benchmark.reporting.figures import curve, histogram, style
from benchmark.reporting.figures import draw as figure
from benchmark.reporting.figures import panels as panels_module


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Draw, and give back what was drawn."""
    saved: list[Any] = []
    original = matplotlib.figure.Figure.savefig

    def keep(self: Any, *args: Any, **kwargs: Any) -> None:
        saved.append(self)
        original(self, *args, **{**kwargs, "dpi": 30})

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)

    def draw(measured: Measured) -> Any:
        figure.draw(measured, tmp_path / "x.png")
        return saved[-1]

    return draw


def measured(name: str) -> Measured:
    shown = exhibit.load(name)
    return gather(shown, house(), planted(shown, house()))


@pytest.mark.parametrize("name", exhibit.names())
def test_every_exhibit_is_drawn_measured_or_not(name: str, drawn: Any) -> None:
    for found in (measured(name), gather(exhibit.load(name), toy(), {})):
        picture = drawn(found)
        assert found.exhibit.title in picture.get_suptitle()
        assert found.suite.name in picture.get_suptitle()


@pytest.mark.parametrize("name", ["figure4a", "figure4b", "figure5", "tableselection"])
def test_no_legend_lies_over_a_panel(name: str, drawn: Any) -> None:
    picture = drawn(measured(name))
    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [axes.get_window_extent(renderer) for axes in picture.axes if axes.get_visible()]
    assert picture.legends
    for legend in picture.legends:
        assert not any(legend.get_window_extent(renderer).overlaps(box) for box in boxes)
    assert not any(axes.get_legend() for axes in picture.axes)


@pytest.mark.parametrize("name", ["table4", "figure3", "figure6", "tablereadings"])
def test_every_line_is_named_at_its_end_and_no_two_names_overlap(name: str, drawn: Any) -> None:
    found = measured(name)
    picture = drawn(found)
    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    renderer = canvas.get_renderer()
    axes = picture.axes[-1]
    names = {text.get_text().partition(" ↓")[0]: text.get_window_extent(renderer) for text in axes.texts}
    assert set(names) == {look["label"] for look, _ in figure.lines.lines(found, found.exhibit.columns)}
    boxes = sorted(names.values(), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 0.5 for below, above in itertools.pairwise(boxes))
    assert all(axes.get_window_extent(renderer).x1 < box.x0 < box.x1 <= picture.bbox.x1 for box in boxes)
    assert not picture.legends


def test_panels_have_their_names_and_one_legend(drawn: Any) -> None:
    picture = drawn(measured("figure5"))
    panels = [axes for axes in picture.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels][:2] == ["caltech101", "oxford_pets"]
    assert len(panels) == 10
    names = [text.get_text() for text in picture.legends[0].get_texts()]
    assert names[0] == "Zero-shot CLIP"
    assert len(set(names)) == len(names)
    assert "CaFo" not in names  # nothing measured of it: its stand-ins are there for the source task alone


def cell(mean: float) -> Any:
    return SimpleNamespace(mean=mean, ci_low=mean - 1, ci_high=mean + 1)


def lines_of(accuracies: dict[str, list[float]]) -> list[panels_module.lines.Line]:
    """Lines over 1, 2, ... of the named accuracies; "level" is one."""
    return [
        (
            {"color": "black", "marker": "" if name == "level" else "o"},
            [(i + 1, cell(mean)) for i, mean in enumerate(all_)],
        )
        for name, all_ in accuracies.items()
    ]


@pytest.mark.parametrize(
    ("accuracies", "floor", "words"),
    [
        ({"level": [50, 50], "a": [55, 60], "b": [20, 45], "c": [10, 58]}, 36, {"↓20": 2, "↓10": 10}),
        ({"level": [50, 50], "a": [55, 60], "b": [37, 45]}, None, {}),  # 10 and 4 below the level
        ({"a": [55, 60], "b": [1, 45]}, None, {}),
        ({}, None, {}),
    ],
)
def test_what_lies_far_below_a_panel_s_level_is_a_number_at_its_bottom(
    accuracies: dict[str, list[float]], floor: float | None, words: dict[str, int]
) -> None:
    _, axes = style.subplots()
    before = axes.get_ylim()
    panels_module._cut(axes, lines_of(accuracies))
    low, high = axes.get_ylim()
    assert (low, high) == before if floor is None else low == floor
    assert floor is None or 61 < high < 63
    assert {text.get_text(): text.xyann[1] for text in axes.texts} == words


def test_panels_stand_in_lines_that_leave_few_places_empty() -> None:
    assert {n: panels_module.abreast(n) for n in (4, 8, 10, 11, 12)} == {4: 4, 8: 4, 10: 5, 11: 4, 12: 4}


@pytest.mark.parametrize(
    ("shown", "limits"), [([1, 90], (0, 94.45)), ([40, 50], (39.5, 50.5)), ([-2, 50], (-4.6, 52.6))]
)
def test_only_negative_numbers_need_room_below_zero(shown: list[float], limits: tuple[float, float]) -> None:
    _, axes = style.subplots()
    axes.margins(0.05)
    axes.plot(shown, shown)
    style.not_below_zero(axes.dataLim.intervaly, axes.get_ylim, axes.set_ylim)
    assert axes.get_ylim() == pytest.approx(limits)
    assert axes.get_xlim()[0] != 0


@pytest.mark.parametrize(("beta", "words"), [(0.25, "1/4"), (1 / 64, "1/64"), (1.0, "1"), (16.0, "16")])
def test_a_weight_below_one_is_a_fraction(beta: float, words: str) -> None:
    assert curve._fraction(beta) == words


def test_a_strip_of_dots_has_a_dot_a_row_at_its_number(drawn: Any) -> None:
    found = measured("table6")
    strip = drawn(found).axes[0]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in strip.get_lines() if len(line.get_xdata()) == 1]
    assert dots == [(found.at(row["name"], "1-shot").mean, i) for i, row in enumerate(found.exhibit.rows)]
    assert [t.get_text() for t in strip.get_yticklabels()] == [row["name"] for row in found.exhibit.rows]


def test_a_curve_shows_every_weight_and_the_level_is_a_line(drawn: Any) -> None:
    found = measured("figure4a")
    axes = drawn(found).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines["Tip-Adapter-F"].get_xdata()) == list(BETAS)
    level = found.at("AMU-Tuning", "imagenet, 16-shot").mean
    assert list(lines["AMU-Tuning"].get_ydata()) == [level, level]
    assert axes.get_xlabel() == "beta, weight of the bias"


def test_the_curve_s_table_says_what_the_curve_shows() -> None:
    found = measured("figure4a")
    (told,) = figure.tables(found)
    records = found.records["Tip-Adapter-F", "imagenet, 16-shot"]
    at_two = sum(100 * r.beta_curve.correct[BETAS.index(2)] / r.n for r in records) / len(records)
    row = told["rows"][0]
    assert row[0] == "Tip-Adapter-F, imagenet, 16-shot"
    assert row[told["header"].index("beta 2")] == f"{at_two:.1f}"
    assert [r[0].partition(",")[0] for r in told["rows"]] == ["Tip-Adapter-F"] * 2 + ["CaFo*"] * 2


def test_the_shown_weights_are_kept_ones() -> None:
    assert set(curve.SHOWN) <= set(BETAS)


def test_records_without_a_curve_have_none() -> None:
    without = record_of({"shots": 1, "seed": 1})
    short = replace(without, beta_curve=BetaCurve([1], Best(1.0, 1)))
    assert curve.mean_curve([without, short]) == []


def test_both_histograms_are_there_with_their_counts(drawn: Any) -> None:
    found = measured("figure4b")
    names = [text.get_text() for text in drawn(found).legends[0].get_texts()]
    (record,) = found.records["Zero-shot CLIP", "imagenet"]
    right, wrong = (sum(record.max_logit.side(side)) for side in ("right", "wrong"))
    assert names == [f"right ({right} images)", f"wrong ({wrong} images)"]
    (told,) = figure.tables(found)
    assert [row[:2] for row in told["rows"]] == [["imagenet, right", str(right)], ["imagenet, wrong", str(wrong)]]


def test_a_quantile_is_the_middle_of_the_bar_that_reaches_it() -> None:
    counts = Histogram(0, 4, [1, 1, 2, 0], [0, 0, 0, 0])
    assert [histogram.quantile(counts, "right", q) for q in (0.25, 0.5, 0.75, 1)] == [0.5, 1.5, 2.5, 2.5]


def test_points_of_the_selection_are_ringed_where_the_rule_picks_them(drawn: Any) -> None:
    found = measured("tableselection")
    axes = drawn(found).axes[0]
    rings = [line for line in axes.get_lines() if line.get_markersize() == 10]
    points = [line for line in axes.get_lines() if line.get_markersize() < 10]
    assert len(points) == 6
    assert {tuple(r.get_xydata()[0]) for r in rings} < {tuple(p.get_xydata()[0]) for p in points}
    assert rings


def test_an_unknown_mark_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="unknown mark of table0 'lines': did you mean 'line'"):
        figure.draw(gather(table(mark={"kind": "lines"}), toy(), {}), tmp_path / "x.png")


def test_a_level_is_where_its_row_is(drawn: Any) -> None:
    rows = [
        {"name": n, "method": "baselines.tip_adapter:TipAdapter", "with": {"beta": b}}
        for n, b in (("a", 1.0), ("b", 2.0))
    ]
    shown = table(rows=rows, mark={"kind": "dots", "levels": ["a"]})
    record = full_record(next(shown.cells()).runs(toy(), [1])[0], toy(), 0.4)
    axes = drawn(gather(shown, toy(), {record.key: record})).axes[0]
    assert [40.0, 40.0] in [list(line.get_xdata()) for line in axes.get_lines()]
