"""Metric values of a record for the cell of an exhibit: accuracies (also on a shift or of the bias alone) and ratios.

Accuracies are in per cent and come with their counts of images. All other metrics are ratios.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.core.dotted import flat
from benchmark.exhibits.question import Question
from benchmark.records.record import Record, Selection

COUNTED = ("accuracy", "bias_accuracy", "val_accuracy")
"""Metrics that count images, in per cent; all other metrics, such as cmy_raw and bias_cmy_centred, are ratios."""

ON_TEST_IMAGES = ("accuracy", "bias_accuracy")
"""Metrics that count test images."""


@dataclass(frozen=True)
class Reading:
    """A metric value of a record; for an accuracy, also the number `correct` of `n` images."""

    value: float
    correct: int | None = None
    n: int | None = None


def counted(metric: str | None) -> bool:
    """Whether a metric counts images and is in per cent."""
    return metric in COUNTED


def searched(runs: Sequence[Record]) -> Record:
    """Compose the record of a search over settings from several runs at one seed.

    The selections `val` and `test` take the run with the most correctly classified validation or test images, the earliest
    in a tie; `last` and `released` take the run at the method's own settings, because a declared choice of released code
    (`Released`) is one within a training. The `tuned` of a selection holds the settings of its run that differ from the
    method's own.

    Args:
        runs: Records of the runs; the run at the method's own settings comes first.

    Returns:
        The composed record, which is never written.
    """
    own = runs[0]
    picked = {**dict.fromkeys(own.selections, own), "val": _best(runs, "val"), "test": _best(runs, "test")}
    found = replace(own, selections={name: _told(record, own, name) for name, record in picked.items()})
    object.__setattr__(found, "picked", picked)  # a composed record names its runs; it is never written
    return found


def _best(runs: Sequence[Record], name: str) -> Record:
    return max(runs, key=lambda record: (record.picked_on or {}).get(name, -1))


def _told(record: Record, own: Record, name: str) -> Selection:
    selection = record.selections[name]
    plain = flat(own.settings)
    other = {k: value for k, value in flat(record.settings).items() if value != plain.get(k)}
    return replace(selection, tuned={**other, **(selection.tuned or {})})


def runs(record: Record) -> list[Record]:
    """The runs that a record is composed of: the record itself, or the runs that a search picked, without duplicates."""
    return list({r.key: r for r in record.picked.values()}.values()) or [record]


def under(record: Record, selection: str) -> Record:
    """The run whose result counts under `selection`: the record itself, or the run that a search picked."""
    return record.picked.get(selection, record)


def read(record: Record, question: Question, selection: str) -> Reading | None:
    """The metric value of a record that a cell shows.

    Args:
        record: the record of a run or of a search.
        question: the question of the cell. `metric` is "accuracy" (on the shift `target` if given), "bias_accuracy" (of the
            logit bias alone), "val_accuracy" (on validation images at the selected epoch, before the search over settings),
            or the name of a metric in the record.
        selection: one of `record.SELECTIONS`.

    Returns:
        The metric value; None if the record does not have it.
    """
    metric, record = question.metric, under(record, selection)
    if metric == "accuracy":
        on = record if question.target is None else (record.shifts or {}).get(question.target)
        return None if on is None or selection not in on.selections else _count(on.selections[selection].correct, on.n)
    if metric == "val_accuracy":
        return _validation(record, selection)
    numbers = (record.metrics or {}).get(selection, {})
    if metric == "bias_accuracy":
        return _count(int(numbers["bias_correct"]), record.n) if "bias_correct" in numbers else None
    return Reading(numbers[metric]) if metric is not None and metric in numbers else None


def _validation(record: Record, selection: str) -> Reading | None:
    picked = record.selections.get(selection)
    curve, epoch = (record.curves or {}).get("val", []), (picked.epoch if picked else None) or 0
    return _count(curve[epoch - 1], record.n_val) if 0 < epoch <= len(curve) and record.n_val else None


def _count(correct: int, n: int) -> Reading:
    return Reading(100 * correct / n, correct, n)
