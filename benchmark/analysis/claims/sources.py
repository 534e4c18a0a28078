"""What a claim is held against: the paper's printed numbers, or our records under one selection. Contrast -> effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, inf, isnan, sqrt
from typing import Any, Protocol

import numpy as np

from benchmark.analysis.claims import model
from benchmark.analysis.claims.model import Contrast, Operand
from benchmark.analysis.pairing import Paired, pair, stored
from benchmark.analysis.results import Measured
from benchmark.exhibits import exhibit
from benchmark.numerics import stats
from benchmark.numerics.stats import Scatter
from benchmark.records import metrics, readings, reference
from benchmark.records.record import Record
from benchmark.records.store import Store

DRAWS = 2000
"""Draws by which the uncertainty of values becomes that of an effect: its 95 % interval is then known to a few hundredths of
its length."""

NEAR = 16
"""Points of `metrics.BETAS` on each side of the best that the span of a curve looks at: two octaves, a factor of four."""


@dataclass(frozen=True)
class Value:
    """A number and its standard error over images, 0 where none is known."""

    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Effect:
    """An effect with its 95 % interval; none where one run of a ratio has none.

    over: what the interval is over.  degrees: of Student's t that it was made with.  rests_on: records' keys or citations.
    scatter: what it varies by, where seeds tell.  seeds: how many it is made of, 0 where that is no question.
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
    """Where numbers come from. silence: why it says nothing of a claim that it does not speak of."""

    silence: str

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether it could have a number for every operand."""

    def effect(self, contrast: Contrast) -> Effect | None:
        """The effect, or None where a number is missing."""


class Paper:
    """The printed numbers, through the exhibits' `cite`.

    A printed accuracy is taken as that of one run: its error is the binomial one over the images of its test set, and two
    accuracies vary by themselves, for the paper does not say on which images each was right. The error over draws of the
    support set is printed nowhere, so the intervals are too short by it.
    """

    silence = "the paper prints no number for it"

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether every operand is printed. What is read of a record only, such as a curve, never is."""
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
        said = model.cell(operand).said
        printed = reference.printed(exhibit.load(operand.exhibit).reference, said["cite"])
        if printed is None:
            return None
        return Value(printed, _binomial(printed / 100, _images(said)) if readings.counted(said["metric"]) else 0.0)


@dataclass
class Records:
    """Our records under one selection.

    Two accuracies on the same test images and seeds: paired, over both (`stats.paired`). Else differences seed by seed. What
    draws no support set has one run, which stands beside every seed of the other.
    """

    measured: Mapping[str, Measured]
    store: Store
    selection: str
    silence: str = "this suite has not what its runs need"
    _read: dict[str, np.ndarray | None] = field(default_factory=dict)

    def speaks_of(self, contrast: Contrast) -> bool:
        """Whether the suite has everything that the operands' runs need."""
        return not any(model.cell(o).lacks(self.measured[o.exhibit].suite) for o in contrast.operands)

    def effect(self, contrast: Contrast) -> Effect | None:
        """The effect of what is measured, over the seeds that every operand has."""
        cells = [self.measured[o.exhibit].records.get((o.row, o.column), []) for o in contrast.operands]
        paired = pair(*cells)
        if not paired.seeds:
            return None
        keys = paired.keys(self.selection)
        if contrast.difference and self._same_images(contrast.operands):
            over_images = self._over_images(paired, keys)
            if over_images is not None:
                return over_images
        values = [
            [value for records in side if (value := self._value(operand, records)) is not None]
            for operand, side in zip(contrast.operands, paired.sides, strict=True)
        ]
        complete = all(len(side) == len(paired.seeds) for side in values)
        return _over_seeds(contrast, values, keys) if complete else None

    def _value(self, operand: Operand, records: Sequence[Record]) -> Value | None:
        read = [_read(record, _said(operand), self.selection) for record in records]
        known = [value for value in read if value is not None]
        if not known or len(known) < len(read):
            return None
        error = sqrt(sum(value.error**2 for value in known)) / len(known)
        return Value(sum(value.value for value in known) / len(known), error)

    @staticmethod
    def _same_images(operands: Sequence[Operand]) -> bool:
        """Whether both are accuracies on the test images of one data set, of which each record has every image's."""
        said = [_said(operand) for operand in operands]
        plain = all(s["metric"] == "accuracy" and not {"target", "mean_over"} & set(s) for s in said)
        return plain and len({s["dataset"] for s in said}) == 1

    def _over_images(self, paired: Paired, keys: tuple[str, ...]) -> Effect | None:
        """The difference of two rows image by image; None where the images differ or the answers of a run are gone."""
        answers = paired.answers(self._answers, self._answers)
        if answers is None:
            return None
        found = stats.paired(*answers)
        over = "seeds and images" if found.seeds > 1 else "images"
        return Effect(found.effect, found.low, found.high, over, keys, scatter=found.scatter, seeds=found.seeds)

    def _answers(self, record: Record) -> np.ndarray | None:
        """The answers of a run, read once: several claims may rest on it."""
        key = readings.under(record, self.selection)["key"]
        if key not in self._read:
            self._read[key] = stored(self.store, self.selection)(record)
        return self._read[key]


def propagated(contrast: Contrast, values: Sequence[Value], rests_on: tuple[str, ...]) -> Effect:
    """An effect of values that vary independently and normally, each by its standard error. Without any it is exact."""
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
    """By Student's t over the seeds' effects; at one seed over images, where every number has an error over these."""
    if len(values[0]) == 1:
        found = propagated(contrast, [column[0] for column in values], keys)
        return found if all(column[0].error for column in values) else Effect(found.value, None, None, "nothing", keys)
    by_seed = contrast.effect(np.array([[value.value for value in column] for column in values]).T)
    if np.isnan(by_seed).any():
        return Effect(float("nan"), None, None, "seeds", keys)
    scatter = Scatter(float(by_seed.std(ddof=1)), 0.0, 0.0, 1)
    return Effect(*stats.spread(by_seed.tolist()), "seeds", keys, len(by_seed) - 1, scatter, len(by_seed))


def _said(operand: Operand) -> dict[str, Any]:
    """What the operand's cell says, with the operand's own metric."""
    said = dict(model.cell(operand).said)
    return {**said, "metric": operand.metric or said["metric"]}


def _read(record: Record, said: Mapping[str, Any], selection: str) -> Value | None:
    """A reading of one record, with its error over images."""
    if said["metric"] in OF_A_RECORD:
        return OF_A_RECORD[said["metric"]](readings.under(record, selection))
    reading = readings.read(record, said, selection)
    if reading is None:
        return None
    counted = reading.correct is not None and reading.n is not None
    return Value(reading.value, _binomial(reading.value / 100, reading.n or 1) if counted else 0.0)


def beta_span(record: Record) -> Value | None:
    """How many points of accuracy a weight of the bias costs that is wrong by a factor of four at most: the best of the exact
    curve over beta less the lowest within two octaves of it. Its error is that of two unpaired accuracies.
    """
    curve = record.get("beta_curve")
    if not metrics.readable(curve) or curve is None:
        return None
    correct, n = list(map(int, curve["correct"])), record["n"]
    best = max(range(len(correct)), key=correct.__getitem__)
    lowest = min(correct[max(0, best - NEAR) : best + NEAR + 1])
    errors = [_binomial(count / n, n) for count in (correct[best], lowest)]
    return Value(100 * (correct[best] - lowest) / n, hypot(*errors))


def confidence(record: Record) -> Value | None:
    """How well the largest zero-shot logit tells right answers from wrong: 2 AUC - 1, the rank-biserial correlation, -1 to 1.

    From the record's histogram, two images in one bar being half a win; its error after Hanley and McNeil (1982).
    """
    found = record.get("max_logit")
    if found is None:
        return None
    right, wrong = (np.array(found[side], float) for side in ("right", "wrong"))
    if not right.sum() or not wrong.sum():
        return None
    below = np.concatenate([[0.0], np.cumsum(wrong)[:-1]])
    auc = float((right * (below + wrong / 2)).sum() / right.sum() / wrong.sum())
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (right.sum() - 1) * (q1 - auc**2) + (wrong.sum() - 1) * (q2 - auc**2)
    return Value(2 * auc - 1, 2 * sqrt(max(0.0, spread) / right.sum() / wrong.sum()))


OF_A_RECORD: dict[str, Callable[[Record], Value | None]] = {"beta_span": beta_span, "confidence": confidence}
"""Metrics that a whole record has, whatever the selection, and that no table shows."""


def _images(said: Mapping[str, Any]) -> float:
    """Images of a cell's published test set; of a mean over sets, how many one set would need to have its error."""
    roles = said.get("mean_over", {}).get("dataset") or [said.get("target", said["dataset"])]
    return len(roles) ** 2 / sum(1 / reference.images(role) for role in roles)


def _binomial(share: float, n: float) -> float:
    """Standard error of a share of n images, in points."""
    return 100 * sqrt(share * (1 - share) / n)
