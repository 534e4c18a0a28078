"""Sources of the numbers for a claim: the paper's printed numbers, or our records under one selection. Contrast -> effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import hypot, inf, isnan, sqrt
from typing import Protocol

import numpy as np

from benchmark.analysis.beta_sensitivity import OCTAVE, lost
from benchmark.analysis.claims import model
from benchmark.analysis.claims.model import Contrast, Operand
from benchmark.analysis.pairing import Paired, pair, stored
from benchmark.analysis.results import Measured
from benchmark.exhibits import exhibit
from benchmark.exhibits.question import Question
from benchmark.numerics import stats
from benchmark.numerics.stats import Scatter
from benchmark.records import metrics, readings, reference
from benchmark.records.record import Record
from benchmark.records.store import Store

DRAWS = 2000
"""Random draws that propagate the errors of values to an effect: enough for the length of its 95 % interval to be known to a
few per cent."""

NEAR = 2 * OCTAVE
"""Points of `metrics.BETAS` on each side of the best beta over which the span of a curve runs: a factor of four."""


@dataclass(frozen=True)
class Value:
    """A number and its standard error over images; 0 where no error is known."""

    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Effect:
    """An effect with its 95 % interval.

    Attributes:
        value: The effect, in points or in the unit of a ratio; NaN where it is not defined.
        low, high: The 95 % interval; None where nothing tells it, as for one run of a ratio.
        over: The units that the interval is over: images, seeds, both, or nothing.
        rests_on: Keys of the records, or the cells cited.
        degrees: Degrees of freedom of Student's t distribution in the interval.
        scatter: The components by which the effect varies; None where one seed does not tell them.
        seeds: The number of seeds; 0 where the effect is not one over seeds.
    """

    value: float
    low: float | None
    high: float | None
    over: str
    rests_on: tuple[str, ...]
    degrees: float = inf
    scatter: Scatter | None = None
    seeds: int = 0

    def p(self, null: float) -> float:
        """Two-sided p-value of the effect being `null`, from the interval."""
        if self.low is None or self.high is None:
            return 1.0
        if self.high == self.low:
            return float(self.value == null)
        error = (self.high - self.low) / 2 / stats.t_quantile(self.degrees)
        return 2 * stats.t_tail(abs(self.value - null) / error, self.degrees)


class Source(Protocol):
    """A source of numbers.

    Attributes:
        silence: Why the source says nothing of a claim that it does not speak of, for people.
    """

    silence: str

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether the source could have a number for every operand."""

    def effect(self, contrast: Contrast) -> Effect | None:
        """The effect, or None where a number is missing."""


class Paper:
    """The paper's printed numbers, found through the `cite` of the exhibits' cells.

    A printed accuracy is taken as that of one run: its error is the binomial one over the images of its test set. Two
    accuracies are taken as independent, because the paper does not say which images each method classifies correctly. The
    paper prints no error over draws of the support set, so that the intervals are too short.
    """

    silence = "the paper prints no number for it"

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether every operand is printed; a number that only a record has, such as the span of a curve, never is."""
        return all(self._value(operand) is not None for operand in contrast.operands)

    def effect(self, contrast: Contrast) -> Effect | None:
        """The effect of the printed numbers, with its interval over images."""
        values = [self._value(operand) for operand in contrast.operands]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        cited = dict.fromkeys(f"{model.cell(o).row}, {model.cell(o).column} of {o.exhibit}" for o in contrast.operands)
        return propagated(contrast, known, tuple(cited))

    def _value(self, operand: Operand) -> Value | None:
        question = model.cell(operand).question
        printed = reference.printed(exhibit.load(operand.exhibit).reference, question.cite or {})
        if printed is None:
            return None
        return Value(printed, _binomial(printed / 100, _images(question)) if readings.counted(question.metric) else 0.0)


@dataclass
class Records:
    """Our records under one selection.

    Two accuracies on the same test images and seeds are compared over both, image by image (`stats.paired`). Other effects
    are computed seed by seed. The one run of a row without a support set is compared with the other row's run at every seed.

    Attributes:
        measured: Exhibit -> its records.
        store: The answers of the records, image by image.
        selection: One of `record.SELECTIONS`.
    """

    measured: Mapping[str, Measured]
    store: Store
    selection: str
    silence: str = "this suite has not what its runs need"
    _read: dict[tuple[str, str | None], np.ndarray | None] = field(default_factory=dict)

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether the suite has everything that the operands' runs need."""
        return not any(model.cell(o).lacks(self.measured[o.exhibit].suite) for o in contrast.operands)

    def effect(self, contrast: Contrast) -> Effect | None:
        """The effect of our records over the seeds that every operand has; None where one operand is not measured."""
        cells = [self.measured[o.exhibit].records.get((o.row, o.column), []) for o in contrast.operands]
        paired = pair(*cells)
        if not paired.seeds:
            return None
        keys = paired.keys(self.selection)
        if contrast.difference and self._same_images(contrast.operands):
            over_images = self._over_images(paired, keys, _question(contrast.operands[0]).target)
            if over_images is not None:
                return over_images
        values = [
            [value for records in side if (value := self._value(operand, records)) is not None]
            for operand, side in zip(contrast.operands, paired.sides, strict=True)
        ]
        complete = all(len(side) == len(paired.seeds) for side in values)
        return _over_seeds(contrast, values, keys) if complete else None

    def _value(self, operand: Operand, records: Sequence[Record]) -> Value | None:
        read = [_read(record, _question(operand), self.selection) for record in records]
        known = [value for value in read if value is not None]
        if not known or len(known) < len(read):
            return None
        error = sqrt(sum(value.error**2 for value in known)) / len(known)
        return Value(sum(value.value for value in known) / len(known), error)

    @staticmethod
    def _same_images(operands: Sequence[Operand]) -> bool:
        """Whether all operands are accuracies on the images of one data set or shift, for which records keep answers."""
        asked = [_question(operand) for operand in operands]
        plain = all(q.metric == "accuracy" and q.mean_over is None for q in asked)
        return plain and len({(q.dataset, q.target) for q in asked}) == 1

    def _over_images(self, paired: Paired, keys: tuple[str, ...], target: str | None) -> Effect | None:
        """The difference of two cells image by image; None where the images differ or the answers of a run are gone."""
        known = partial(self._answers, target=target)
        answers = paired.answers(known, known, target=target)
        if answers is None:
            return None
        found = stats.paired(*answers)
        over = "seeds and images" if found.seeds > 1 else "images"
        return Effect(found.effect, found.low, found.high, over, keys, scatter=found.scatter, seeds=found.seeds)

    def _answers(self, record: Record, target: str | None) -> np.ndarray | None:
        """The answers of a run, read from the store once, since several claims may rest on the run."""
        asked = readings.under(record, self.selection).key, target
        if asked not in self._read:
            self._read[asked] = stored(self.store, self.selection, target)(record)
        return self._read[asked]


def propagated(contrast: Contrast, values: Sequence[Value], rests_on: tuple[str, ...]) -> Effect:
    """Propagate standard errors of values to an effect, the values being independent and normal.

    Returns:
        The effect, with the exact interval of a difference and a sampled one of other effects; exact where no value has an
        error.
    """
    centre = np.array([value.value for value in values])
    errors = np.array([value.error for value in values])
    effect = float(contrast.effect(centre))
    if not errors.any():
        return Effect(effect, effect, effect, "nothing, as printed", rests_on)
    if contrast.difference:
        half = stats.t_quantile(inf) * hypot(*errors)
        return Effect(effect, effect - half, effect + half, "images", rests_on)
    drawn = contrast.effect(np.random.default_rng(0).normal(centre, errors, (DRAWS, len(values))))
    drawn = drawn[~np.isnan(drawn)]
    if isnan(effect) or not len(drawn):
        return Effect(effect, None, None, "images", rests_on)
    low, high = np.quantile(drawn, [0.5 - stats.LEVEL / 2, 0.5 + stats.LEVEL / 2])
    return Effect(effect, float(low), float(high), "images", rests_on)


def _over_seeds(contrast: Contrast, values: Sequence[Sequence[Value]], keys: tuple[str, ...]) -> Effect:
    """The effect over seeds, by Student's t distribution.

    Returns:
        At one seed, the effect with its interval over images where every value has an error over these, else without one.
    """
    if len(values[0]) == 1:
        found = propagated(contrast, [column[0] for column in values], keys)
        return found if all(column[0].error for column in values) else Effect(found.value, None, None, "nothing", keys)
    by_seed = contrast.effect(np.array([[value.value for value in column] for column in values]).T)
    if np.isnan(by_seed).any():
        return Effect(float("nan"), None, None, "seeds", keys)
    scatter = Scatter(float(by_seed.std(ddof=1)), 0.0, 0.0, 1)
    return Effect(*stats.spread(by_seed.tolist()), "seeds", keys, len(by_seed) - 1, scatter, len(by_seed))


def _question(operand: Operand) -> Question:
    """The question of the operand's cell, with the operand's own metric."""
    question = model.cell(operand).question
    return replace(question, metric=operand.metric or question.metric)


def _read(record: Record, question: Question, selection: str) -> Value | None:
    """The metric value of one record, with its error over images."""
    if question.metric in OF_A_RECORD:
        return OF_A_RECORD[question.metric](readings.under(record, selection))
    reading = readings.read(record, question, selection)
    if reading is None:
        return None
    counted = reading.correct is not None and reading.n is not None
    return Value(reading.value, _binomial(reading.value / 100, reading.n or 1) if counted else 0.0)


def beta_span(record: Record) -> Value | None:
    """Points of accuracy lost by a weight of the bias (beta) that is wrong by a factor of four at most.

    The best accuracy on the record's exact curve over beta less the lowest within a factor of four of the best beta.

    Returns:
        Points, with the error of two independent accuracies; None where the record has no curve.
    """
    curve = record.beta_curve
    if not metrics.readable(curve):
        return None
    correct, n = list(map(int, curve.correct)), record.n
    best = max(range(len(correct)), key=correct.__getitem__)
    span = lost(correct, best, range(-NEAR, NEAR + 1))
    errors = [_binomial(count / n, n) for count in (correct[best], correct[best] - span)]
    return Value(100 * span / n, hypot(*errors))


def confidence(record: Record) -> Value | None:
    """How well the largest zero-shot logit tells correct predictions from wrong ones: 2 AUC - 1, from -1 to 1.

    The rank-biserial correlation, from the record's histogram; a correct and a wrong prediction in one bin count half.

    Returns:
        The correlation, with the error of Hanley and McNeil (1982); None where the record has no histogram, or the
        predictions are all correct or all wrong.
    """
    found = record.max_logit
    if found is None:
        return None
    right, wrong = (np.array(found.side(name), float) for name in ("right", "wrong"))
    if not right.sum() or not wrong.sum():
        return None
    below = np.concatenate([[0.0], np.cumsum(wrong)[:-1]])
    auc = float((right * (below + wrong / 2)).sum() / right.sum() / wrong.sum())
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (right.sum() - 1) * (q1 - auc**2) + (wrong.sum() - 1) * (q2 - auc**2)
    return Value(2 * auc - 1, 2 * sqrt(max(0.0, spread) / right.sum() / wrong.sum()))


OF_A_RECORD: dict[str, Callable[[Record], Value | None]] = {"beta_span": beta_span, "confidence": confidence}
"""Metrics of a whole record that are the same under every selection, and that no table shows."""


def _images(question: Question) -> float:
    """Images of a cell's published test set; for a mean over sets, the images of a single set with the same error."""
    roles = (question.mean_over or {}).get("dataset") or [question.tested_on]
    return len(roles) ** 2 / sum(1 / reference.images(role) for role in roles)


def _binomial(share: float, n: float) -> float:
    """Standard error in points of an accuracy on n images, `share` from 0 to 1."""
    return 100 * sqrt(share * (1 - share) / n)
