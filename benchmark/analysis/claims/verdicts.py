"""Claim and source -> verdict: supported, contradicted, inconclusive or not run, with the effect and what it rests on.

A contrast is supported where its whole 95 % interval lies on the claim's side of the margin, contradicted where the whole
interval lies on the other side. How a claim's contrasts make its verdict:

all: supported by all of them, contradicted by one that still contradicts after Holm's adjustment over the claim.
any: supported by one that still supports after it, contradicted by all.  most: supported, or contradicted, by more than half
(or half) of them.  mean: their mean is the one contrast.
What is not measured decides nothing, so that a claim is supported only by everything that it speaks of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isinf, isnan

import numpy as np

from benchmark.analysis.claims import effects, model, sources, stated
from benchmark.analysis.claims.model import Claim, Contrast
from benchmark.analysis.claims.sources import Effect, Source
from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import ExitCode
from benchmark.core.names import folded, meant
from benchmark.core.numbers import fixed, interval
from benchmark.exhibits import exhibit
from benchmark.numerics import stats
from benchmark.records import readings
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite

SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "supported", "contradicted", "inconclusive", "not run"
SOURCES = ("paper", "released", "test", "val")
"""The printed numbers, and our records by three ways of choosing epoch and settings."""

BOTH = "the interval holds both what the claim says and what it denies"
"""The usual reason for an open claim."""

ALPHA = 1 - stats.LEVEL


@dataclass(frozen=True)
class Comparison:
    """One contrast of a claim under one source.

    effect, low, high: in `unit`; None where there is none.  over: what the interval is over.  premise: the claim says nothing
    unless it is supported.  rests_on: keys of records, or the cells cited.  seeds: how many; 0 where it is not over seeds.
    """

    name: str
    says: str
    effect: float | None
    low: float | None
    high: float | None
    unit: str
    margin: float
    over: str
    premise: bool
    rests_on: tuple[str, ...]
    seeds: int = 0


@dataclass(frozen=True)
class Verdict:
    """Verdict of one source on a claim.

    effect, low, high, unit, at, seeds: of the comparison that decides: the weakest of "all", the strongest of "any", the
    middle one of "most".  compared of asked: how many comparisons have numbers.  reason: why it is not decided; else empty.
    """

    says: str
    effect: float | None
    low: float | None
    high: float | None
    unit: str
    at: str
    asked: int
    compared: int
    reason: str
    rests_on: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    seeds: int = 0


@dataclass(frozen=True)
class ClaimRow:
    """A claim for people: what the paper says and where, what is tested, and the verdict of each of `SOURCES`.

    quote: "" for a question that the paper does not ask.
    """

    id: str
    quote: str
    place: str
    reading: str
    kind: str
    quantifier: str
    note: str
    exhibits: tuple[str, ...]
    verdicts: Mapping[str, Verdict]


def all_verdicts(
    suite: Suite,
    records: Mapping[str, Record],
    store: Store,
    shown: Sequence[Measured] = (),
    names: Iterable[str] = (),
) -> list[ClaimRow]:
    """Judge claims by each of `SOURCES`.

    Args:
        suite: Suite of the records.
        records: Key -> record.
        store: Store of the records, which holds the answers of their runs.
        shown: Exhibits whose cells are gathered already.
        names: Ids of claims, or statements (`benchmark.analysis.claims.stated`); all claims by default. An unknown id
            raises BenchError with the nearest known id.

    Returns:
        A row for each claim, in the order of the exhibits, and then for each statement.
    """
    asked = list(dict.fromkeys(names))
    typed = [name for name in asked if stated.is_statement(name)]
    wanted = {meant(name, model.names(), "claim") for name in asked if name not in typed}
    shipped = [model.load(name) for name in model.names() if name in wanted or not asked]
    own = [stated.claim(text, suite, records) for text in typed]
    claims = [model.shown_in(claim, suite) for claim in (*shipped, *own)]
    measured = {m.exhibit.id: m for m in shown}
    for name in {name for claim in claims for name in claim.exhibits} - measured.keys():
        measured[name] = gather(exhibit.load(name), suite, records)
    ours: dict[str, Source] = {s: sources.Records(measured, store, s) for s in SOURCES[1:]}
    return [row(claim, {"paper": sources.Paper(), **ours}) for claim in claims]


def gate(rows: Sequence[ClaimRow], fail_on: Iterable[str]) -> ExitCode:
    """Exit code for claims that must hold under the `val` selection.

    Args:
        rows: claims with their verdicts.
        fail_on: ids of the claims that must hold, or "all". An unknown id raises BenchError with the nearest known id.

    Returns:
        REGRESSION where one of these claims is contradicted, else MISSING where one is not run, else OK.
    """
    by_name = {row.id: row.verdicts["val"].says for row in rows}
    named = [meant(name, ["all", *by_name], "claim") for name in fail_on]
    says = {by_name[name] for name in (by_name if "all" in named else named)}
    if CONTRADICTED in says:
        return ExitCode.REGRESSION
    return ExitCode.MISSING if NOT_RUN in says else ExitCode.OK


def contradictions(rows: Sequence[ClaimRow], fail_on: Iterable[str]) -> list[str]:
    """A line for each claim of `fail_on`, as `gate` takes it, that is contradicted under the `val` selection."""
    named = {folded(name) for name in fail_on}
    found = [row for row in rows if folded(row.id) in named or "all" in named]
    against = [(row.id, row.verdicts["val"]) for row in found if row.verdicts["val"].says == CONTRADICTED]
    return [f"contradicted: {name}: {words(verdict)}, {verdict.at}" for name, verdict in against]


def words(found: Verdict | Comparison) -> str:
    """An effect for people: "+1.2 points (0.4 to 2.0)"; a dash where there is none."""
    if found.effect is None:
        return "–"
    digits = 1 if found.unit == "points" else 3
    return f"{fixed(found.effect, digits, '+')} {found.unit}{interval(found.low, found.high, digits)}"


def row(claim: Claim, by: Mapping[str, Source]) -> ClaimRow:
    """A claim with the verdict of each source."""
    verdicts = {name: verdict(claim, source) for name, source in by.items()}
    told = {name: getattr(claim, name) for name in ("id", "quote", "place", "reading", "kind", "quantifier", "note")}
    return ClaimRow(**told, exhibits=tuple(claim.exhibits), verdicts=verdicts)


def verdict(claim: Claim, source: Source) -> Verdict:
    """Verdict of a source on a claim."""
    spoken = [contrast for contrast in claim.contrasts if source.speaks_of(contrast)]
    tried = [Tried(contrast, source.effect(contrast)) for contrast in spoken]
    compared = tuple(t.comparison for t in tried if t.effect)
    missing = f"{len(spoken) - len(compared)} of {len(spoken)} comparisons are not measured"
    premises, tests = [t for t in tried if t.contrast.premise], [t for t in tried if not t.contrast.premise]
    if claim.quantifier == "mean" and tests:
        mean = _mean([t.contrast for t in tests])
        tests = [Tried(mean, source.effect(mean))]

    def told(says: str, deciding: Comparison | None, reason: str) -> Verdict:
        return _verdict(says, deciding, reason, len(spoken), compared)

    if not any(t.effect for t in tests) or not all(t.effect for t in premises):
        return told(NOT_RUN, None, missing if spoken else source.silence)
    deciding = _deciding(claim.quantifier, [t for t in tests if t.effect])
    for premise in premises:
        if premise.says != SUPPORTED:
            return told(INCONCLUSIVE, deciding.comparison, f"its premise is {premise.says}: {premise.contrast.name}")
    says = _quantified(claim.quantifier, tests)
    if says != INCONCLUSIVE:
        return told(says, deciding.comparison, "")
    return told(says, deciding.comparison, _why(claim, deciding) if all(t.effect for t in tests) else missing)


@dataclass(frozen=True)
class Tried:
    """A contrast and its effect under a source; None where a number is missing."""

    contrast: Contrast
    effect: Effect | None

    @cached_property
    def comparison(self) -> Comparison:
        """The two in plain fields."""
        assert self.effect is not None
        c, e = self.contrast, self.effect
        value = None if isnan(e.value) else e.value
        rest = _unit(c), c.margin, e.over, c.premise, e.rests_on, e.seeds
        return Comparison(c.name, self.says, value, e.low, e.high, *rest)

    @property
    def says(self) -> str:
        """By the whole interval."""
        e, margin = self.effect, self.contrast.margin
        if e is None or e.low is None or e.high is None:
            return INCONCLUSIVE
        if self.contrast.kind == "equivalence":
            inside, outside = -margin <= e.low and e.high <= margin, e.low > margin or e.high < -margin
        else:
            inside, outside = e.low > margin, e.high < margin
        return SUPPORTED if inside else CONTRADICTED if outside else INCONCLUSIVE

    @property
    def lead(self) -> float:
        """How far the effect is on the claim's side of the margin."""
        value = 0.0 if self.effect is None or isnan(self.effect.value) else self.effect.value
        margin = self.contrast.margin
        return margin - abs(value) if self.contrast.kind == "equivalence" else value - margin

    @property
    def p(self) -> float:
        """Of the effect being at the margin, of an equivalence's two the nearer."""
        if self.effect is None:
            return 1.0
        below = self.contrast.kind == "equivalence" and self.effect.value < 0
        return self.effect.p(-self.contrast.margin if below else self.contrast.margin)


def _quantified(quantifier: str, tests: Sequence[Tried]) -> str:
    """The verdict of several contrasts; a missing one says nothing for either side."""
    says = [t.says for t in tests]
    if quantifier == "most":
        if 2 * says.count(SUPPORTED) > len(says):
            return SUPPORTED
        return CONTRADICTED if 2 * says.count(CONTRADICTED) >= len(says) else INCONCLUSIVE
    by_each, by_one = (CONTRADICTED, SUPPORTED) if quantifier == "any" else (SUPPORTED, CONTRADICTED)
    if set(says) == {by_each}:
        return by_each
    adjusted = stats.holm([t.p for t in tests])
    sure = [word for word, p in zip(says, adjusted, strict=True) if p <= ALPHA]
    return by_one if by_one in sure else INCONCLUSIVE


def _deciding(quantifier: str, tests: Sequence[Tried]) -> Tried:
    """The contrast whose effect stands for the claim."""
    ranks = (CONTRADICTED, INCONCLUSIVE, SUPPORTED)
    ranked = sorted(tests, key=lambda t: (ranks.index(t.says), t.lead))
    return ranked[{"any": -1, "most": len(ranked) // 2}.get(quantifier, 0)]


def _why(claim: Claim, deciding: Tried) -> str:
    """Why a claim is not decided of which everything is measured."""
    comparison = deciding.comparison
    if comparison.effect is None:
        return str(getattr(deciding.contrast.effect, "undefined", "the effect is not defined for these numbers"))
    if comparison.low is None:
        return "one run of a number without an error has no interval; measure more seeds"
    if comparison.says != INCONCLUSIVE:
        return f"{comparison.says} by one comparison taken alone, not after Holm's adjustment for all of them"
    return f"{BOTH}{_seeds(claim, deciding)}"


def _seeds(claim: Claim, deciding: Tried) -> str:
    """How many seeds the claim asks for, else how many would tell if the effect is as large as it looks."""
    effect, contrast = deciding.effect, deciding.contrast
    if effect is None or not effect.seeds:
        return ""
    if effect.seeds < claim.seeds:
        return f"; it asks for {claim.seeds} seeds and has {effect.seeds}"
    if effect.scatter is None or contrast.kind == "equivalence":
        return ""
    needed = stats.seeds_needed(effect.value - contrast.margin, effect.scatter)
    if isinf(needed):
        return "; more seeds alone would not tell"
    return f"; about {needed:.0f} seeds would tell, if the effect is as large as it looks"


def _mean(contrasts: Sequence[Contrast]) -> Contrast:
    """One contrast: the mean of several."""
    operands = tuple(dict.fromkeys(o for c in contrasts for o in c.operands))
    columns = [[operands.index(o) for o in c.operands] for c in contrasts]

    def effect(values: effects.Floats) -> effects.Floats:
        parts = [c.effect(values[..., column]) for c, column in zip(contrasts, columns, strict=True)]
        mean: effects.Floats = np.mean(parts, axis=0)
        return mean

    margin = float(np.mean([c.margin for c in contrasts]))
    return Contrast(f"mean of {len(contrasts)} comparisons", contrasts[0].kind, margin, operands, effect)


def _unit(contrast: Contrast) -> str:
    """Unit of an effect."""
    metrics = {o.metric or model.cell(o).question.metric for o in contrast.operands}
    if contrast.kind == "association":
        return "correlation"
    return "points" if any(readings.counted(m) or m == "beta_span" for m in metrics) else "CMY"


def _verdict(
    says: str, deciding: Comparison | None, reason: str, asked: int, compared: tuple[Comparison, ...]
) -> Verdict:
    rests_on = tuple(dict.fromkeys(key for comparison in compared for key in comparison.rests_on))
    rest = asked, len(compared), reason, rests_on, compared
    if deciding is None:
        return Verdict(says, None, None, None, "", "", *rest)
    decided = deciding.effect, deciding.low, deciding.high, deciding.unit, deciding.name
    return Verdict(says, *decided, *rest, deciding.seeds)
