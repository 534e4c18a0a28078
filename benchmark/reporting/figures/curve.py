"""Accuracy as a function of the weight of the logit bias: the exact curves of the records, averaged over seeds."""

from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict
from benchmark.exhibits.question import Question
from benchmark.records import readings
from benchmark.records.metrics import BETAS, readable
from benchmark.records.record import Record
from benchmark.reporting.figures import style
from benchmark.reporting.figures.lines import handles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (0.125, 0.25, 0.5, 1, 2, 4, 8)
"""Weights in the table, a subset of `benchmark.records.metrics.BETAS`."""


def draw(measured: Measured) -> "Figure":
    """Draw one panel a data set, with a curve for each row; rows in `mark.levels` are horizontal lines."""
    panels = measured.exhibit.by_panel()
    figure, grid = style.subplots(1, len(panels), figsize=(style.WIDTH if len(panels) > 1 else 4.6, 3.2), squeeze=False)
    for axes, (name, columns) in zip(grid.flat, panels.items(), strict=True):
        for column in columns:
            _panel(axes, measured, column["name"])
        seeds = style.seeds_in_words(measured, [column["name"] for column in columns])
        axes.set_title(", ".join(filter(None, [name, seeds if len(panels) > 1 else ""])))
        axes.set_xscale("log", base=2)
        axes.set_xlabel(measured.exhibit.mark.get("x_label", "beta"))
        axes.xaxis.set_major_formatter(lambda beta, _: _fraction(beta))
        style.plain(axes)
    grid.flat[0].set_ylabel(measured.exhibit.mark.get("y_label", measured.exhibit.metric))
    figure.suptitle(style.title(measured, "exact curves at the epoch chosen on val, means"))
    style.legend(figure, handles(*grid.flat))
    return figure


def _fraction(beta: float) -> str:
    """A power of two as text, below 1 as a fraction: "1/16", "1/4", "1", "4"."""
    return f"{beta:g}" if beta >= 1 else f"1/{1 / beta:g}"


def tables(measured: Measured) -> list[JsonDict]:
    """The table of the curves: accuracy (%) at the weights SHOWN, the best accuracy of any weight, and its weight."""
    header = ["", *(f"beta {b:g}" for b in SHOWN), "best", "at beta"]
    rows = []
    for (row, column), records in measured.records.items():
        if row in measured.exhibit.mark.get("levels", ()) or not (found := mean_curve(records)):
            continue
        points = [(r.beta_curve.best, r.n) for r in records if readable(r.beta_curve)]
        best = [100 * point.correct / n for point, n in points]
        betas = [point.beta for point, _ in points]
        shown = [f"{found[BETAS.index(b)]:.1f}" for b in SHOWN]
        best_at = ", ".join(f"{b:.3g}" for b in betas)
        rows.append([", ".join([row, *measured.columns([column])]), *shown, f"{sum(best) / len(best):.1f}", best_at])
    words = (
        "Test accuracy (%) with other weights of the bias, mean of seeds; the best weight is chosen on the test images."
    )
    return [{"title": "The curves in numbers", "words": words, "header": header, "rows": rows}] if rows else []


def told(measured: Measured) -> str:
    """The figure in words: of each curve its top and its end, of each level line its height."""
    parts = []
    for (row, column), records in measured.records.items():
        mean = measured.at(row, column).mean
        if row in measured.exhibit.mark.get("levels", ()):
            parts += [] if mean is None else [f"{row}, {measured.column(column)}: level at {mean:.1f}"]
        elif found := mean_curve(records):
            top = max(found)
            beta = BETAS[found.index(top)]
            parts.append(
                f"{row}, {measured.column(column)}: highest at beta {beta:.2g} with {top:.1f},"
                f" {found[-1]:.1f} at {BETAS[-1]:g}"
            )
    return "; ".join(parts)


def mean_curve(records: list[Record]) -> list[float]:
    """Accuracy (%) at each of BETAS, mean over the records with a curve; empty if no record has one."""
    curves = [[100 * c / r.n for c in r.beta_curve.correct] for r in records if readable(r.beta_curve)]
    return [sum(at) / len(at) for at in zip(*curves, strict=True)]


def _panel(axes: Any, measured: Measured, column: str) -> None:
    looks = style.styles(measured)
    for row in measured.exhibit.rows:
        name, look = row["name"], looks[row["name"]]
        records = measured.records[name, column]
        cell = measured.at(name, column)
        if name in measured.exhibit.mark.get("levels", ()):
            if cell.mean is not None:
                axes.axhline(
                    cell.mean, label=name, color=look["color"], linestyle=(0, (5, 2)), linewidth=look["linewidth"]
                )
                axes.axhspan(cell.ci_low, cell.ci_high, color=look["color"], alpha=0.1, linewidth=0)
        elif found := mean_curve(records):
            axes.plot(BETAS, found, label=name, color=look["color"], linestyle=look["linestyle"], linewidth=1.4)
            _chosen(axes, records, look)


def _chosen(axes: Any, records: list[Record], look: JsonDict) -> None:
    """Mark beta and accuracy under the `val` selection, one point a seed; all of a row have one name in the legend."""
    label = f"{look['label']}, chosen on val (each seed)"
    for record in records:
        beta = (record.selections["val"].tuned or {}).get("beta", record.settings.get("beta"))
        accuracy = readings.read(record, Question(metric="accuracy"), "val")
        if beta and accuracy:
            shape = {
                "marker": look["marker"] or "o",
                "markersize": 7,
                "markeredgecolor": "white",
                "markeredgewidth": 0.4,
            }
            axes.plot([beta], [accuracy.value], label=label, color=look["color"], linestyle="", **shape)
