"""Confidence of zero-shot CLIP: distributions of the largest logit of correctly and wrongly classified images."""

from typing import TYPE_CHECKING, Any

from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict
from benchmark.core.numbers import fixed
from benchmark.records.record import Histogram, Record
from benchmark.reporting.figures import style
from benchmark.reporting.figures.lines import handles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Blue and vermillion of the palette of Okabe and Ito; dashes distinguish the two without colour.
LOOKS: dict[str, JsonDict] = {
    "right": {"color": "#0072B2", "linestyle": "-"},
    "wrong": {"color": "#D55E00", "linestyle": (0, (3, 1))},
}
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def draw(measured: Measured) -> "Figure":
    """Draw one panel a column: the outlines of two histograms over common bins, each normalised to 100 % of its images."""
    columns = measured.exhibit.columns
    figure, grid = style.subplots(
        1, len(columns), figsize=(style.WIDTH if len(columns) > 1 else 4.6, 3.2), squeeze=False
    )
    for axes, column in zip(grid.flat, columns, strict=True):
        found = [h for row in measured.exhibit.rows for h in _histograms(measured.records[row["name"], column["name"]])]
        for histogram in found[:1]:
            _panel(axes, histogram)
        if not found:
            style.nothing(axes)
        axes.set_title(column.get("short", column["name"]))
        axes.set_xlabel(measured.exhibit.mark.get("x_label", "largest logit"))
        style.plain(axes)
    grid.flat[0].set_ylabel(measured.exhibit.mark.get("y_label", "share of images"))
    figure.suptitle(style.title(measured, "test images"))
    style.legend(figure, handles(*grid.flat))
    return figure


def tables(measured: Measured) -> list[JsonDict]:
    """The table of the distributions: number of images and quantiles, exact to the width of a bin."""
    header = ["", "images", *(f"{100 * q:g} %" for q in QUANTILES)]
    rows = []
    for (_, column), records in measured.records.items():
        for histogram in _histograms(records)[:1]:
            for name in LOOKS:
                counts = histogram.side(name)
                shown = [fixed(quantile(histogram, name, q), 1) for q in QUANTILES] if sum(counts) else []
                rows.append([f"{', '.join(measured.columns([column]))}, {name}", str(sum(counts)), *shown])
    words = "Quantiles of the largest zero-shot logit of the images that zero-shot CLIP puts right, and wrong."
    return [{"title": "The distributions in numbers", "words": words, "header": header, "rows": rows}] if rows else []


def told(measured: Measured) -> str:
    """The figure in words: of each outline the number of images and the median."""
    parts = [
        f"{measured.column(column)}, {name}: {sum(found.side(name))} images, median {fixed(quantile(found, name, 0.5), 1)}"
        for (_, column), records in measured.records.items()
        for found in _histograms(records)[:1]
        for name in LOOKS
    ]
    return "; ".join(parts)


def _histograms(records: list[Record]) -> list[Histogram]:
    return [record.max_logit for record in records if record.max_logit is not None]


def edges(histogram: Histogram) -> list[float]:
    """Edges of the bins, [B + 1]."""
    low, high, bins = histogram.low, histogram.high, len(histogram.right)
    return [low + (high - low) * i / bins for i in range(bins + 1)]


def quantile(histogram: Histogram, name: str, q: float) -> float:
    """The q-quantile of the largest logits: the middle of the bin that contains it.

    Args:
        histogram: the histogram of the largest logit.
        name: "right" or "wrong", the images that zero-shot CLIP classifies correctly or wrongly.
        q: share of the images, 0 .. 1.

    Returns:
        The quantile, as a logit.
    """
    counts, places = histogram.side(name), edges(histogram)
    reached = 0
    for i, count in enumerate(counts):
        reached += count
        if reached >= q * sum(counts):
            return (places[i] + places[i + 1]) / 2
    return places[-1]


def _panel(axes: Any, histogram: Histogram) -> None:
    places = edges(histogram)
    for name, look in LOOKS.items():
        counts = histogram.side(name)
        total = sum(counts)
        shares = [100 * c / max(1, total) for c in counts]
        axes.stairs(shares, places, label=f"{name} ({total} images)", linewidth=1.4, **look)
