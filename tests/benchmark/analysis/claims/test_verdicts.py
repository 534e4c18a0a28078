"""A planted world with known truth: true claims are supported, false ones contradicted, underpowered ones inconclusive."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from toy_house import FILE, full_record, house
from toy_world import bench, bits_of, change, record_of

from benchmark.analysis import claims
from benchmark.analysis.claims import CONTRADICTED, INCONCLUSIVE, NOT_RUN, SUPPORTED, Verdict, model, sources, verdicts
from benchmark.analysis.claims.model import Contrast
from benchmark.analysis.claims.sources import Effect, Paper, Records, Value
from benchmark.analysis.results import Measured
from benchmark.core import paths
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.exhibits.question import Question
from benchmark.records.metrics import BETAS
from benchmark.records.record import SELECTIONS, Best, BetaCurve, Histogram, Record
from benchmark.records.store import Store

SEEDS = (1, 2, 3)
HEAD = 'quote = "q"\nplace = "p"\nreading = "r."\n'
COLUMNS = ("1-shot", "16-shot")
Place = tuple[str, str]


class Bits:
    """A store that keeps every image's outcome in memory."""

    def __init__(self) -> None:
        self.of: dict[str, np.ndarray] = {}

    def correct(self, key: str, selection: str, target: str | None = None) -> np.ndarray:
        if key not in self.of:
            raise BenchError(f"{key}: gone")
        return self.of[key]


@cache
def asked(name: str, row: str, column: str, seed: int) -> Mapping[str, object]:
    (cell,) = [c for c in exhibit.load(name).cells() if (c.row, c.column) == (row, column)]
    return cell.runs(house(), [seed])[0].asked()


def world(
    truth: Mapping[Place, float], n: int, rng: np.random.Generator, name: str = "table4", seeds: Sequence[int] = SEEDS
) -> Records:
    """Records of cells whose true accuracies (%) are given.

    An image has a difficulty that every method shares, so that methods are right on much the same images; a support set is
    good or bad for everybody by half a point.
    """
    difficulty, luck = rng.random(n), dict(zip(seeds, rng.normal(0, 0.5, len(seeds)), strict=True))
    found: dict[Place, list[Record]] = {}
    store = Bits()
    for (row, column), accuracy in truth.items():
        for seed in seeds:
            share = (accuracy + luck[seed]) / 100
            swapped = np.where(rng.random(n) < 0.2, rng.random(n), difficulty)
            bits = swapped < share
            record = record_of(asked(name, row, column, seed), (int(bits.sum()),) * 3, n)
            store.of[record.key] = bits
            found.setdefault((row, column), []).append(record)
    return Records({name: Measured(exhibit.load(name), house(), [], found)}, store, "val")  # type: ignore[arg-type]


def claim(
    kind: str = "superiority", margin: float = 0.0, quantifier: str = "all", right: str = '"CoOp"'
) -> claims.Claim:
    return claims.parse(
        "c",
        HEAD + f'kind = "{kind}"\nmargin = {margin}\nquantifier = "{quantifier}"\n[[compare]]\nexhibit = "table4"\n'
        f'column = {list(COLUMNS)}\nleft = {{ row = "AMU-Tuning" }}\nright = {{ row = [{right}] }}\n',
    )


def planted(lead: float | Sequence[float], n: int, seed: int) -> Records:
    """AMU-Tuning ahead of CoOp by `lead` points, in both columns or in each by its own."""
    leads = lead if isinstance(lead, Sequence) else [lead] * len(COLUMNS)
    truth = {}
    for column, ahead in zip(COLUMNS, leads, strict=True):
        truth |= {("AMU-Tuning", column): 60 + ahead, ("CoOp", column): 60.0}
    return world(truth, n, np.random.default_rng(seed))


def rates(make: Callable[[int], Verdict], worlds: int = 40) -> dict[str, float]:
    found = [make(seed).says for seed in range(worlds)]
    return {says: found.count(says) / worlds for says in (SUPPORTED, CONTRADICTED, INCONCLUSIVE)}


@pytest.mark.parametrize("quantifier", ["all", "any", "most"])
def test_a_true_claim_is_supported_nine_times_of_ten(quantifier: str) -> None:
    found = rates(lambda seed: claims.verdict(claim(quantifier=quantifier), planted(5, 2000, seed)))
    assert found[SUPPORTED] >= 0.9
    assert found[CONTRADICTED] == 0


@pytest.mark.parametrize("quantifier", ["all", "any", "most"])
def test_a_false_claim_is_contradicted_nine_times_of_ten(quantifier: str) -> None:
    found = rates(lambda seed: claims.verdict(claim(quantifier=quantifier), planted(-5, 2000, seed)))
    assert found[CONTRADICTED] >= 0.9
    assert found[SUPPORTED] == 0


def test_one_false_part_contradicts_a_claim_about_all_and_not_one_about_any() -> None:
    assert rates(lambda s: claims.verdict(claim(), planted((5, -5), 2000, s)), 20)[CONTRADICTED] >= 0.9
    found = rates(lambda s: claims.verdict(claim(quantifier="any"), planted((5, -5), 2000, s)), 20)
    assert found[SUPPORTED] >= 0.9


@pytest.mark.parametrize("lead", [0.4, 0.0, -0.4])
def test_what_few_images_cannot_tell_is_inconclusive(lead: float) -> None:
    found = rates(lambda seed: claims.verdict(claim(), planted(lead, 200, seed)))
    assert found[INCONCLUSIVE] >= 0.85


def test_at_its_margin_a_claim_is_seldom_supported() -> None:
    """Both of two comparisons hold by chance in far fewer than one world of forty."""
    found = rates(lambda seed: claims.verdict(claim(margin=3.0), planted(3, 1000, seed)))
    assert found[SUPPORTED] <= 0.05
    assert found[CONTRADICTED] <= 0.15


def test_equal_methods_are_equivalent_and_unequal_ones_are_not() -> None:
    assert rates(lambda s: claims.verdict(claim("equivalence", 2.5), planted(0, 8000, s)), 20)[SUPPORTED] >= 0.8
    for lead in (6, -6):
        found = rates(lambda s, lead=lead: claims.verdict(claim("equivalence", 2.5), planted(lead, 2000, s)), 20)
        assert found[CONTRADICTED] >= 0.8


def test_a_mean_is_over_seeds_and_shows_its_parts() -> None:
    found = claims.verdict(claim(quantifier="mean"), planted((9, 3), 4000, 0))
    assert (found.says, found.at) == (SUPPORTED, "mean of 2 comparisons")
    assert found.effect == pytest.approx(np.mean([c.effect for c in found.comparisons]), abs=0.1)


def test_the_effect_is_that_of_the_weakest_part_with_all_records_behind_it() -> None:
    found = claims.verdict(claim(), planted((9, 4), 2000, 0))
    assert found.at == "AMU-Tuning against CoOp, 16-shot"
    assert found.low is not None
    assert found.high is not None
    assert found.effect is not None
    assert 0 < found.low < found.effect < found.high
    assert len(found.rests_on) == 12
    assert {c.over for c in found.comparisons} == {"seeds and images"}


def test_without_the_images_seeds_are_compared() -> None:
    source = planted(8, 2000, 0)
    source.store.of.clear()  # type: ignore[attr-defined]
    found = claims.verdict(claim(), source)
    assert {c.over for c in found.comparisons} == {"seeds"}
    counts = [
        [r.selections["val"].correct for r in source.measured["table4"].records[row, "1-shot"]]
        for row in ("AMU-Tuning", "CoOp")
    ]
    assert found.comparisons[0].effect == pytest.approx(np.mean(np.subtract(*counts)) / 20)


def test_images_of_other_data_are_not_paired() -> None:
    source = planted(8, 2000, 0)
    change(source.measured["table4"].records["CoOp", "1-shot"][0], fingerprints={"data": "squares-2"})
    assert [c.over for c in claims.verdict(claim(), source).comparisons] == ["seeds", "seeds and images"]


def test_only_seeds_that_both_have_are_compared() -> None:
    source = planted(8, 2000, 0)
    records = source.measured["table4"].records
    records["CoOp", "1-shot"] = records["CoOp", "1-shot"][1:]
    found = claims.verdict(claim(), source)
    assert len(found.comparisons[0].rests_on) == 4


def test_zero_shot_stands_beside_every_seed() -> None:
    truth = {("AMU-Tuning", column): 70.0 for column in COLUMNS}
    source = world(truth, 2000, np.random.default_rng(0))
    zero = world({("Zero-shot CLIP", column): 60.0 for column in COLUMNS}, 2000, np.random.default_rng(0), seeds=[0])
    source.measured["table4"].records.update(zero.measured["table4"].records)
    source.store.of.update(zero.store.of)  # type: ignore[attr-defined]
    found = claims.verdict(claim(right='"Zero-shot CLIP"'), source)
    assert found.says == SUPPORTED
    assert len(found.comparisons[0].rests_on) == 4


def test_what_is_not_measured_supports_nothing_but_one_contradiction_is_enough() -> None:
    for lead, says in ((8, INCONCLUSIVE), (-8, CONTRADICTED)):
        source = planted(lead, 2000, 0)
        del source.measured["table4"].records["CoOp", "16-shot"]
        found = claims.verdict(claim(), source)
        assert (found.says, found.compared, found.asked) == (says, 1, 2)
        assert found.reason == ("1 of 2 comparisons are not measured" if says == INCONCLUSIVE else "")


def test_with_nothing_measured_a_claim_is_not_run() -> None:
    found = claims.verdict(claim(), world({}, 10, np.random.default_rng(0)))
    assert (found.says, found.effect, found.reason) == (NOT_RUN, None, "2 of 2 comparisons are not measured")


WITH_PREMISE = (
    HEAD
    + 'kind = "superiority"\n'
    + "".join(
        f'[[compare]]\nexhibit = "table4"\ncolumn = "{column}"\npremise = {premise}\n'
        'left = { row = "AMU-Tuning" }\nright = { row = "CoOp" }\n'
        for column, premise in (("1-shot", "true"), ("16-shot", "false"))
    )
)
"""A claim on 16 shots that presupposes the lead at 1 shot."""


def test_a_false_premise_makes_a_claim_say_nothing() -> None:
    says = {
        leads: claims.verdict(claims.parse("c", WITH_PREMISE), planted(leads, 2000, 0))
        for leads in ((8, 8), (-8, 8), (8, -8))
    }
    assert [v.says for v in says.values()] == [SUPPORTED, INCONCLUSIVE, CONTRADICTED]
    assert says[-8, 8].reason == "its premise is contradicted: AMU-Tuning against CoOp, 1-shot"


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ("SSII", INCONCLUSIVE), ("SSSI", SUPPORTED), ("SSC", SUPPORTED),
        ("CII", INCONCLUSIVE), ("CCII", CONTRADICTED), ("CCS", CONTRADICTED), ("SC", CONTRADICTED),
    ],
)  # fmt: skip
def test_most_are_more_than_half_for_a_claim_and_half_against_it(says: str, verdict: str) -> None:
    contrast = Contrast("c", "superiority", 0.0, (), np.sum)
    effects = {"S": (1.0, 0.5, 1.5), "C": (-1.0, -1.5, -0.5), "I": (0.0, -1.0, 1.0)}
    tests = [verdicts.Tried(contrast, Effect(*effects[word], "images", ())) for word in says]
    assert verdicts._quantified("most", tests) == verdict


def test_a_premise_that_is_not_decided_makes_a_claim_say_nothing_either() -> None:
    found = claims.verdict(claims.parse("c", WITH_PREMISE), planted((0, 8), 2000, 0))
    assert (found.says, found.reason) == (
        INCONCLUSIVE,
        "its premise is inconclusive: AMU-Tuning against CoOp, 1-shot",
    )


def test_an_effect_over_three_seeds_has_two_degrees_of_freedom() -> None:
    contrast = Contrast("c", "superiority", 0.0, (), lambda values: values[..., 0])
    effect = sources._over_seeds(contrast, [[Value(1.0), Value(2.0), Value(3.0)]], ("key",))
    assert effect.low == pytest.approx(
        2 - 4.303 / 3**0.5, abs=1e-3
    )  # the 0.975 quantile of t with 2 degrees of freedom
    assert effect.p(0.0) == pytest.approx(0.0742, abs=1e-4)  # of t = 2 · √3 with 2 degrees of freedom


def test_a_contradiction_that_holms_adjustment_takes_away_is_not_one() -> None:
    """Twenty comparisons, one beyond its own interval by a little: chance would do that."""
    contrast = Contrast("c", "superiority", 0.0, (), np.sum)
    barely, even = Effect(-1.0, -1.98, -0.02, "images", ()), Effect(0.0, -1.0, 1.0, "images", ())
    tests = [verdicts.Tried(contrast, barely), *[verdicts.Tried(contrast, even)] * 19]
    assert tests[0].says == CONTRADICTED
    assert verdicts._quantified("all", tests) == INCONCLUSIVE
    assert verdicts._quantified("all", tests[:1]) == CONTRADICTED


@pytest.mark.parametrize(
    ("name", "says", "effect"),
    [
        ("complementarity-over-superiority-narrow", SUPPORTED, 68.32 - 65.34),
        ("complementarity-over-superiority-general", CONTRADICTED, 0.4286 - 0.7714),
        ("superiority-decides-among-alike-narrow", SUPPORTED, 69.35 - 68.32),
        ("amu-beats-cafo", CONTRADICTED, 62.60 - 63.80),
        ("amu-beats-baselines", SUPPORTED, 62.60 - 61.58),
        ("amu-leads-on-average", CONTRADICTED, 66.88 - 67.89),
        ("uf-helps", INCONCLUSIVE, 62.60 - 62.35),
        ("lp-and-cache-beat-mlp", NOT_RUN, None),
    ],
)
def test_the_printed_numbers_say(name: str, says: str, effect: float | None) -> None:
    found = claims.verdict(claims.load(name), Paper())
    assert found.says == says
    assert found.effect == (None if effect is None else pytest.approx(effect, abs=1e-4))


def test_a_printed_difference_has_the_error_of_two_shares_of_the_test_set() -> None:
    (first, *_) = claims.verdict(claims.load("uf-helps"), Paper()).comparisons
    error = sum(p * (1 - p) / 50_000 for p in (0.6170, 0.6116)) ** 0.5
    assert first.high is not None
    assert first.effect is not None
    assert first.high - first.effect == pytest.approx(100 * 1.96 * error, rel=1e-3)


def test_a_mean_of_sets_has_the_error_of_their_mean() -> None:
    roles = ["dtd", "imagenet"]
    question = Question(dataset="imagenet", mean_over={"dataset": roles})
    expected = (0.25 / 1692 + 0.25 / 50_000) ** 0.5 / 2
    assert sources._binomial(0.5, sources._images(question)) == pytest.approx(100 * expected)


def test_many_draws_agree_with_the_formula() -> None:
    def minus(values: np.ndarray) -> np.ndarray:
        return values[..., 0] - values[..., 1]

    drawn = sources.propagated(Contrast("c", "superiority", 0.0, (), minus), [Value(9, 0.3), Value(8, 0.4)], ())
    assert drawn.low == pytest.approx(1 - 1.96 * 0.5, abs=0.06)
    assert drawn.high == pytest.approx(1 + 1.96 * 0.5, abs=0.06)


def test_one_run_without_an_error_has_no_interval() -> None:
    contrast = Contrast("c", "superiority", 0.0, (), np.sum)
    effect = sources._over_seeds(contrast, [[Value(0.8)]], ("key",))
    assert (effect.low, effect.high) == (None, None)
    assert verdicts.Tried(contrast, effect).says == INCONCLUSIVE


def test_a_p_value_is_that_of_the_interval() -> None:
    assert Effect(1.0, 0.0, 2.0, "images", ()).p(0.0) == pytest.approx(0.05)
    assert Effect(1.0, 0.0, 2.0, "seeds", (), 2).p(0.0) == pytest.approx(0.05)
    assert Effect(1.0, 0.0, 2.0, "seeds", (), 2).p(-1.0) > Effect(1.0, 0.0, 2.0, "images", ()).p(-1.0)


def test_confidence_is_twice_the_auc_less_one() -> None:
    right, wrong = [0, 1, 2, 3], [3, 2, 1, 0]
    wins = sum(
        r * w * (1.0 if i > j else 0.5 if i == j else 0.0) for i, r in enumerate(right) for j, w in enumerate(wrong)
    )
    record = record_of({"shots": 0, "seed": 0})
    found = sources.confidence(replace(record, max_logit=Histogram(0, 4, right, wrong)))
    assert found is not None
    assert found.value == pytest.approx(2 * wins / 36 - 1)
    assert found.error > 0
    assert sources.confidence(replace(record, max_logit=Histogram(0, 4, [0, 0], [1, 2]))) is None


def test_the_span_of_a_curve_looks_two_octaves_around_its_best() -> None:
    best = len(BETAS) // 2
    correct = [0 if abs(i - best) > 16 else 80 - abs(i - best) for i in range(len(BETAS))]
    record = record_of({"shots": 1, "seed": 1}, n=100)
    found = sources.beta_span(replace(record, beta_curve=BetaCurve(correct, Best(1.0, 80))))
    assert found is not None
    assert found.value == 16
    assert BETAS[best + 16] / BETAS[best] == 4
    assert sources.beta_span(record) is None


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a world in which every operand of every claim is measured; the later row of an exhibit is the better."""
    store, suite = Store(tmp_path_factory.mktemp("results") / house().name), house()
    operands = {o for name in claims.names() for c in claims.load(name).contrasts for o in c.operands}
    made = {}
    for operand in sorted(operands, key=str):
        rows = [row["name"] for row in exhibit.load(operand.exhibit).rows]
        for run in model.cell(operand).runs(suite):
            made.setdefault(run.key, full_record(run, suite, 0.4 + 0.4 * rows.index(operand.row) / len(rows), 200))
    for record in made.values():
        store.put(record, bits_of(record))
    return store.root.parent


@pytest.mark.slow
def test_every_claim_has_a_verdict_of_each_source_in_plain_fields(full: Path) -> None:
    store = Store(full / house().name)
    rows = claims.all_verdicts(house(), store.records(), store)
    assert [row.id for row in rows] == list(claims.names())
    assert claims.SOURCES == ("paper", "released", "test", "val")
    assert all(tuple(row.verdicts) == claims.SOURCES for row in rows)
    assert {row.verdicts["val"].says for row in rows} == {SUPPORTED, CONTRADICTED, INCONCLUSIVE}
    json.dumps([asdict(row) for row in rows], allow_nan=False)


@pytest.mark.slow
def test_the_command_shows_lists_and_fails_on_a_contradiction(full: Path) -> None:
    options = ["--suite", FILE, "--results", full]
    code, out, err = bench("claims", *options)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 100
    beyond = [name for name in claims.names() if not claims.load(name).quote]
    assert lines[0].startswith(f"{len(claims.names()) - len(beyond)} conclusions of the paper, ")
    assert f"\n\n{len(beyond)} questions beyond the paper, " in out
    assert re.findall(r"\[([\w-]+)\]$", out.partition("beyond the paper")[0], flags=re.M).count(beyond[0]) == 0
    assert sorted(re.findall(r"\[([\w-]+)\]$", out, flags=re.M)) == sorted(claims.names())
    assert all(" ".join(claims.load(name).reading.split()) in " ".join(out.split()) for name in claims.names())
    papers = out.partition("questions beyond the paper")[0]
    sections = re.split(r"^(supported|contradicted|inconclusive|not run): ", papers, flags=re.M)
    parts = zip(sections[1::2], sections[2::2], strict=True)
    listed = {word: re.findall(r"\[([\w-]+)\]$", part, flags=re.M) for word, part in parts}
    assert all(f"{len(names)} {word}" in " ".join(lines[:2]) for word, names in listed.items())
    false = listed[CONTRADICTED][0]
    assert "next: bench claims CLAIM " in out
    code, out, _ = bench("claims", "amu-leads-at-16-shots", *options, "--format", "json")
    (row,) = json.loads(out)
    assert (code, row["verdicts"]["val"]["says"]) == (0, SUPPORTED)
    code, out, err = bench("claims", false.replace("-", " ").upper(), *options, "--fail-on", false)
    assert code == 1
    assert err.startswith(f"contradicted: {false}: ")
    assert out.startswith(f"{false}\n  the paper: “")
    assert f"  val: {CONTRADICTED}; " in out
    assert bench("claims", false, *options, "--fail-on", "amu-leads-at-16-shots")[0] == 0


def test_a_claim_to_fail_on_must_exist_and_be_measured(tmp_path: Path) -> None:
    options = ["--suite", FILE, "--results", tmp_path]
    code, out, err = bench("claims", *options, "--fail-on", "uf-help")
    assert (code, out) == (2, "")
    assert "did you mean 'uf-helps'?" in err
    assert bench("claims", *options, "--fail-on", "uf-helps")[0] == 3
    assert bench("claims", *options, "--fail-on", "all")[0] == 3
    assert bench("claims", "uf-help", *options)[0] == 2


def test_a_paper_without_its_numbers_prints_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)
    found = claims.verdict(claims.load("uf-helps"), Paper())
    assert (found.says, found.reason) == (NOT_RUN, "the paper prints no number for it")


def test_selections_are_judged_apart() -> None:
    record = record_of({"protocol": 0, "method": "m:M", "shots": 1, "seed": 1}, (40, 50, 60), 100)
    record = replace(
        record, selections={**record.selections, "released": replace(record.selections["test"], correct=55)}
    )
    question = Question(metric="accuracy")
    read = {name: sources._read(record, question, name) for name in SELECTIONS}
    assert {name: value.value for name, value in read.items() if value} == {
        "last": 40,
        "val": 50,
        "released": 55,
        "test": 60,
    }


def test_an_open_claim_says_how_many_seeds_would_tell_or_that_none_would() -> None:
    open_ = [claims.verdict(claim(), planted(1.0, 2000, seed)) for seed in range(10)]
    reasons = {v.reason.partition("; ")[2] for v in open_ if v.says == INCONCLUSIVE}
    assert any(re.fullmatch(r"about \d+ seeds would tell, if the effect is as large as it looks", r) for r in reasons)
    none = claims.verdict(claim(), planted(0.0, 200, 0))
    assert (
        none.reason == "the interval holds both what the claim says and what it denies; more seeds alone would not tell"
    )


def test_a_claim_that_asks_for_more_seeds_says_so_while_it_is_open() -> None:
    asking = claims.Claim(**{**vars(claim("equivalence", 1.0)), "seeds": 10})
    assert claims.verdict(asking, planted(0.0, 500, 0)).reason.endswith("; it asks for 10 seeds and has 3")
    assert claims.verdict(claim("equivalence", 1.0), planted(0.0, 500, 0)).reason.endswith("what it denies")


def test_an_effect_that_is_not_defined_says_why() -> None:
    (contrast,) = claims.load("selection-rule-picks-the-best").contrasts
    tried = verdicts.Tried(contrast, Effect(float("nan"), None, None, "seeds", ()))
    assert verdicts._why(claim(), tried) == "the rule picks none"
    (contrast,) = claims.load("superiority-decides-among-alike-general").contrasts
    tried = verdicts.Tried(contrast, Effect(float("nan"), None, None, "seeds", ()))
    assert "neither can be held fixed" in verdicts._why(claim(), tried)
