"""A claim is data: its operands are cells that exist, its contrasts are what the file says, a mistake is one line."""

import math

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr
from toy_house import house

from benchmark.analysis import claims
from benchmark.analysis.claims import effects, model
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit

HEAD = 'quote = "q"\nplace = "p"\nreading = "r"\n'
PAIR = 'kind = "superiority"\n[[compare]]\nexhibit = "table4"\ncolumn = ["1-shot", "2-shot"]\n'
SIDES = 'left = { row = "AMU-Tuning" }\nright = { row = ["CoOp", "CaFo*"] }\n'

ASKED_OF_THE_PAPER = [
    "amu-beats-baselines",
    "complementarity-over-superiority-narrow",
    "complementarity-over-superiority-general",
    "superiority-decides-among-alike-narrow",
    "lp-and-cache-beat-mlp",
    "initialisation-helps",
    "joint-training-starves-the-bias",
    "beta-matters",
    "confidence-tells-right-from-wrong",
    "aux-helps",
    "mtfi-helps",
    "uf-helps",
    "gains-carry-to-shifts",
    "gains-carry-to-backbones",
    "selection-rule-picks-the-best",
]


@pytest.mark.parametrize("name", claims.names())
def test_every_operand_of_every_claim_is_a_cell_that_runs(name: str) -> None:
    claim = claims.load(name)
    assert bool(claim.quote) == bool(claim.place)
    assert claim.reading.endswith(".")
    assert claim.contrasts
    suite = house(datasets={k: {**v, "generated": 2, "sentences": True} for k, v in house().datasets.items()})
    for contrast in claim.contrasts:
        for operand in contrast.operands:
            assert model.cell(operand).runs(suite, [1]), operand


def test_every_kind_is_there_and_what_the_paper_concludes() -> None:
    assert set(ASKED_OF_THE_PAPER) <= set(claims.names())
    kinds = {contrast.kind for name in claims.names() for contrast in claims.load(name).contrasts}
    assert kinds == set(model.KINDS)


def test_claims_come_in_the_order_of_their_exhibits() -> None:
    places = [exhibit.load(claims.load(name).exhibits[0]).place for name in claims.names()]
    assert places == sorted(places)


def test_lists_stand_for_each_of_their_members() -> None:
    claim = claims.parse("c", HEAD + PAIR + SIDES)
    assert [contrast.name for contrast in claim.contrasts] == [
        "AMU-Tuning against CoOp, 1-shot",
        "AMU-Tuning against CaFo*, 1-shot",
        "AMU-Tuning against CoOp, 2-shot",
        "AMU-Tuning against CaFo*, 2-shot",
    ]
    assert claim.exhibits == ["table4"]


def test_an_order_is_each_against_the_next() -> None:
    rows = 'best_first = [{ row = "AMU-Tuning" }, { row = "CaFo*" }, { row = "CoOp" }]\n'
    claim = claims.parse("c", HEAD + PAIR.replace("superiority", "order") + rows)
    assert [c.name for c in claim.contrasts][:2] == [
        "AMU-Tuning against CaFo*, 1-shot",
        "CaFo* against CoOp, 1-shot",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAIR + SIDES.replace("CoOp", "Coop"), "unknown row of table4 in claims/c.toml 'Coop': did you mean 'CoOp'?"),
        (PAIR.replace("2-shot", "3-shot") + SIDES, "unknown column of table4 in claims/c.toml '3-shot'"),
        (PAIR.replace("table4", "table44") + SIDES, "unknown exhibit 'table44': did you mean 'table4'?"),
        (PAIR.replace("superiority", "superior") + SIDES, "unknown kind in claims/c.toml 'superior'"),
        ('quantifier = "each"\n' + PAIR + SIDES, "unknown quantifier in claims/c.toml 'each'"),
        (PAIR + SIDES.replace("right", "rihgt"), "unknown key of a comparison in claims/c.toml 'rihgt'"),
        (PAIR + 'left = { row = "CoOp" }\n', "claims/c.toml: a comparison of its kind needs 'right'"),
        (
            PAIR + 'left = { rwo = "CoOp" }\nright = { row = "CoOp" }\n',
            "unknown key of an operand in claims/c.toml 'rwo'",
        ),
        ("kind = ", "claims/c.toml: "),
        ('colour = "red"\n' + PAIR + SIDES, "claims/c.toml: "),
        (
            'kind = "trend"\n[[compare]]\nexhibit = "table2"\nof = { row = "none (zero-shot CLIP)", column = "SUP" }\n',
            "table2 has no cell at none (zero-shot CLIP), SUP",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_line_that_names_it(text: str, said: str) -> None:
    with pytest.raises(BenchError) as raised:
        claims.parse("c", HEAD + text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_name_mistyped_is_told_the_nearest() -> None:
    with pytest.raises(BenchError, match="unknown claim 'uf-help': did you mean 'uf-helps'"):
        claims.load("uf-help")


def test_the_rank_correlation_is_spearmans_ties_included() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, (20, 6)).astype(float), rng.normal(size=(20, 6))
    expected = [spearmanr(*pair).statistic for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(effects.rank_correlation(a, b), expected)


def test_what_is_the_same_everywhere_has_no_rank_correlation() -> None:
    assert math.isnan(effects.rank_correlation(np.ones(6), np.arange(6.0)))


def test_the_stronger_association_is_a_difference_of_two() -> None:
    left, right, outcome = [1.0, 2, 3, 4], [4.0, 3, 2, 1], [1.0, 2, 3, 4]
    assert effects.stronger(np.array([*left, *right, *outcome])) == pytest.approx(2)


def test_the_partial_correlation_is_that_of_what_the_third_leaves_over() -> None:
    left, given, outcome = np.random.default_rng(2).normal(size=(3, 9))
    ranks = [rankdata(x) for x in (left, given, outcome)]
    rest = [x - np.polyval(np.polyfit(ranks[1], x, 1), ranks[1]) for x in (ranks[0], ranks[2])]
    found = effects.partial(np.concatenate([left, given, outcome]))
    assert found == pytest.approx(pearsonr(*rest).statistic)


def test_the_rules_choice_is_held_against_the_best_of_the_rest() -> None:
    picked = effects.Picked("tableselection", ["a", "b", "c", "d"])  # the rule takes the top three of each
    superior, complementary, outcome = [9.0, 8, 7, 1], [1.0, 2, 3, 4], [50.0, 60, 70, 65]
    assert picked(np.array([*superior, *complementary, *outcome])) == 60 - 70  # b and c are in both, b is superior
    draws = np.array([[*superior, *complementary, *outcome]] * 2)
    assert picked(draws).tolist() == [-10, -10]


def test_an_exhibit_without_a_rule_picks_no_point() -> None:
    with pytest.raises(BenchError, match=r"table4\.toml has no"):
        effects.Picked("table4", ["a"])(np.zeros(3))


def test_an_effect_of_many_cells_has_its_words_and_its_reason_for_not_being_defined() -> None:
    assert effects.stronger.words == "difference of rank correlations"
    assert effects.stronger.undefined == "the effect is not defined for these numbers"
    assert "neither can be held fixed" in effects.partial.undefined
