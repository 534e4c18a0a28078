"""Cells of an exhibit on the page: the text, and what a cell opens to: seeds, curve over epochs, provenance, command."""

import shlex
from collections.abc import Sequence
from statistics import mean

from benchmark.analysis.compare import Compared
from benchmark.analysis.drawn import nothing_to_choose, unvalidated
from benchmark.analysis.moves import Moves
from benchmark.analysis.results import Measured
from benchmark.core.digest import JsonDict
from benchmark.core.numbers import fixed, interval
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.question import Question
from benchmark.records import readings
from benchmark.records.record import SELECTIONS, Record
from benchmark.reporting import tables
from benchmark.reporting.tables import other_selections
from benchmark.suites.suite import Suite

POINTS = 25
"""Largest number of points of a curve over epochs, the last apart."""


def of(measured: Measured, moves: Moves | None) -> dict[tuple[str, str], JsonDict]:
    """Row and column -> what the page shows of the cell."""
    return {
        (cell.row, cell.column): {
            **_cell(measured, cell),
            "column": measured.column(cell.column),
            "best": cell.row in measured.best.get(cell.column, ()),
            "id": f"{measured.exhibit.id}-{number}",
            **_since(moves, (measured.exhibit.id, cell.row, cell.column)),
        }
        for number, cell in enumerate(measured.exhibit.cells())
    }


def _cell(measured: Measured, cell: Cell) -> JsonDict:
    name, column = cell.row, cell.column
    if (name, column) in measured.texts:
        return {"value": measured.texts[name, column], "others": "", "seeds": []}
    row = measured.at(name, column)
    records = measured.records[name, column]
    return {
        "value": tables.shown(measured, row),
        "others": other_selections(measured, row),
        "seeds": [_seed(record, cell.question, measured.suite) for record in records],
        "curve": _curve(records),
        "provenance": _provenance(records),
        "again": _again(measured, name, column),
    }


def _since(moves: Moves | None, place: tuple[str, str, str]) -> dict[str, str]:
    """Words on a cell beside the same cell of an earlier measurement, and the mark of one that moved; empty without one."""
    found = None if moves is None else moves.compared.get(place)
    if moves is None or found is None:
        return {"moved": "", "since": ""}
    moved = place in moves.moved
    mark = ("▲ " if found.effect > 0 else "▼ ") + fixed(found.effect, 1, "+") if moved else ""
    says = "moved beyond chance" if moved else "no difference shown"
    return {"moved": mark, "since": f"Since {moves.folder}: {difference(found)}, {says}."}


def difference(found: Compared) -> str:
    """A difference with its interval: "+1.20 (+0.40 to +2.00)"."""
    return fixed(found.effect, 2, "+") + interval(found.low, found.high, 2, "+")


def _curve(records: Sequence[Record]) -> JsonDict | None:
    """Accuracy after each epoch, mean over the records: points of two lines in a box of 100 x 100; None without epochs.

    Returns:
        epochs: their number.  low, high: the accuracies at the bottom and the top, in per cent.  lines: images -> points.
    """
    counted = {"test": [record.n for record in records], "val": [record.n_val or 0 for record in records]}
    shares: dict[str, list[float]] = {}
    for images, totals in counted.items():
        curves = [(record.curves or {}).get(images, ()) for record in records]
        if all(totals) and len({len(curve) for curve in curves}) == 1 and len(curves[0]) > 1:
            each = [[100 * count / total for count in curve] for curve, total in zip(curves, totals, strict=True)]
            shares[images] = [mean(at) for at in zip(*each, strict=True)]
    if "test" not in shares:
        return None
    low, high = min(map(min, shares.values())), max(map(max, shares.values()))
    epochs = len(shares["test"])
    step = -(-epochs // POINTS)
    places = sorted({*range(0, epochs, step), epochs - 1})

    def point(share: Sequence[float], epoch: int) -> str:
        return f"{100 * epoch / (epochs - 1):.0f},{100 - 100 * (share[epoch] - low) / ((high - low) or 1):.0f}"

    drawn = {images: " ".join(point(share, epoch) for epoch in places) for images, share in shares.items()}
    return {"epochs": epochs, "low": low, "high": high, "lines": drawn}


def _again(measured: Measured, name: str, column: str) -> str:
    """The command that measures a cell again."""
    said = next(c for c in measured.exhibit.columns if c["name"] == column)
    shots = f" --shots {said['shots']}" if "shots" in said else ""
    drawn = sorted({record.seed for record in measured.records[name, column] if record.shots})
    seeds = f" --seeds {','.join(map(str, drawn))}" if set(drawn) - set(measured.suite.seeds) else ""
    method = shlex.quote(measured.exhibit.added.get(name, name))
    return f"{measured.command} --method {method}{shots}{seeds} --rerun"


def _provenance(records: Sequence[Record]) -> str:
    """The sentence on dates, commits and processors of the measurement of a cell."""
    days = sorted({(record.measured or "")[:10] for record in records})
    commits = sorted({str(record.conditions.get("commit", "unknown"))[:7] for record in records})
    cpus = sorted({str(record.conditions.get("cpu", "unknown")) for record in records})
    return f"Measured {' and '.join(days)} at commit {' and '.join(commits)} on {' and '.join(cpus)}."


def _seed(record: Record, question: Question, suite: Suite) -> JsonDict:
    """The details of one record of a cell: seed, metric value under each selection, chosen settings, key, seconds."""
    run = readings.under(record, "val")
    dataset = "" if question.mean_over is None else f"{suite.named(record.dataset)}, "
    return {
        "seed": f"{dataset}{record.seed}",
        **{selection: _reading(record, question, selection) for selection in SELECTIONS},
        "chose": _chose(record),
        "key": run.key,
        "fit": run.seconds.get("fit"),
    }


def _chose(record: Record) -> str:
    """Epoch and settings chosen on validation images: "epoch 34, beta 3.2"; or why none were."""
    if unvalidated([record]) or nothing_to_choose(record):
        return "no validation images" if record.n_val == 0 and record.shots else "nothing to choose"
    picked = record.selections["val"]
    settings = (f"{name} {value:.3g}" for name, value in (picked.tuned or {}).items())
    return ", ".join([f"epoch {'–' if picked.epoch is None else picked.epoch}", *settings])


def _reading(record: Record, question: Question, selection: str) -> str:
    found = readings.read(record, question, selection)
    return "–" if found is None else fixed(found.value, 2 if readings.counted(question.metric) else 3)
