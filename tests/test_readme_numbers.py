"""Every number of the answer in the README, and of Table 4 in the findings, is the reference run's or the paper's."""

import csv
import re
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest

from benchmark.analysis.gate.reference_run import Golden
from benchmark.core.numbers import fixed, interval
from benchmark.core.paths import REPOSITORY
from benchmark.core.text import counted
from benchmark.exhibits import exhibit
from benchmark.numerics import stats
from benchmark.records import reference
from benchmark.suites import suite

OURS = "AMU-Tuning"
SAME_IMAGES = ("LP-CLIP", "CoOp", "CLIP-Adapter", "VT-CLIP", "Tip-Adapter-F", "CaFo*")
SHOTS = (1, 2, 4, 8, 16)
NUMBER = r"[+-]?\d+\.\d+"
GOLDEN = Golden("mini")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def answer() -> dict[str, str]:
    """Conclusion -> what the README answers."""
    rows = re.findall(r"^\| (.+) \| (.+) \|$", text("README.md").partition("## ")[0], flags=re.M)
    return dict(rows[1:])


def rows(selection: str) -> dict[tuple[str, str], dict[str, str]]:
    return rows_of("table4", selection)


@cache
def rows_of(name: str, selection: str) -> dict[tuple[str, str], dict[str, str]]:
    found = csv.DictReader((REPOSITORY / f"results/reference/mini/{name}.csv").open(encoding="utf-8"))
    return {(row["row"], row["column"]): row for row in found if row["selection"] == selection}


@cache
def keys_of(name: str) -> dict[tuple[str, str], list[str]]:
    """Cell of an exhibit -> the keys of its runs at the seeds of the reference, 1 to 3 or 1 to 10."""
    world, found = suite.load("mini"), {}
    for cell in exhibit.load(name).cells():
        if row := rows_of(name, "val").get((cell.row, cell.column)):
            seeds = range(1, int(row["seeds"]) + 1)
            found[cell.row, cell.column] = [run.key for run in cell.runs(world, seeds)]
    return found


def keys() -> dict[tuple[str, str], list[str]]:
    return keys_of("table4")


def answers_of(runs: list[str], of: str) -> list[np.ndarray]:
    """Which images runs classify correctly, of the images with a name."""
    return [np.unpackbits(GOLDEN.all_answers[f"{key}-{of}"], count=10_000).astype(bool) for key in runs]


@cache
def images() -> str:
    """The name of the test images; runs have answers to shifts too, of which they classify another number correctly."""
    runs = {key for found in keys().values() for key in found}
    answered = [name.partition("-") for name in GOLDEN.all_answers]
    of_all = set.intersection(*({of for key, _, of in answered if key == run} for run in runs))
    place = OURS, "16-shot"
    (found,) = (
        of for of in of_all if sum(map(np.sum, answers_of(keys()[place], of))) == int(rows("val")[place]["correct"])
    )
    return found


def of_runs(runs: list[str]) -> tuple[np.ndarray, ...]:
    """Which test images runs classify correctly."""
    return tuple(answers_of(runs, images()))


@cache
def right(row: str, column: str) -> tuple[np.ndarray, ...]:
    """Which test images each seed's run classifies correctly, with as many correct ones as Table 4 of the reference has."""
    found = of_runs(keys()[row, column])
    assert len(found) == int(rows("val")[row, column]["seeds"])
    assert sum(map(np.sum, found)) == int(rows("val")[row, column]["correct"])
    return found


def mean(row: dict[str, str]) -> float:
    """The accuracy in per cent, from whole numbers."""
    return 100 * int(row["correct"]) / int(row["n"])


def lead(other: str, shots: int) -> stats.Paired:
    column = f"{shots}-shot"
    return paired(right(OURS, column), right(other, column))


def paired(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> stats.Paired:
    """The difference at the seeds that both sides have, the first ones."""
    common = min(len(left), len(right))
    return stats.paired(left[:common], right[:common])


def words(found: stats.Paired) -> str:
    return fixed(found.effect, 1, "+") + interval(found.low, found.high, 1)


@pytest.fixture
def answers() -> dict[str, str]:
    said = answer()
    assert len(said) == 5
    return said


def test_the_world_is_as_large_as_the_readme_says():
    # n counts the images of all seeds
    learnt = [row for (name, _), row in rows("val").items() if name != "Zero-shot CLIP"]
    assert {(row["n"], row["seeds"]) for row in learnt} == {("100000", "10")}
    assert "(100 classes, 10,000 test images, 10 seeds; epoch and settings" in text("README.md")


def test_what_holds_is_the_smallest_of_the_leads(answers):
    said = answers["AMU-Tuning beats each method that sees the same images, at 1 to 16 shots"]
    leads = {(other, shots): lead(other, shots) for other, shots in product(SAME_IMAGES, SHOTS)}
    assert all(found.low > 0 for found in leads.values())
    (other, shots), least = min(leads.items(), key=lambda item: item[1].effect)
    assert said == (
        f"**holds**: all {len(leads)} intervals are above zero; the smallest lead is {words(least)}, "
        f"over {other.replace('*', chr(92) + '*')} at {counted(shots, 'shot')}"
    )


def test_cafo_with_generated_images_is_beaten_at_sixteen_shots(answers):
    found = lead("CaFo", 16)
    assert found.low > 0
    assert (
        answers["AMU-Tuning beats CaFo, which also has generated images, at 16 shots"] == f"**holds**: {words(found)}"
    )


def test_cafo_is_ahead_at_the_fewest_shots_as_printed(answers):
    said = answers["AMU-Tuning beats CaFo at every number of shots"]
    found = {shots: lead("CaFo", shots) for shots in SHOTS}
    assert [shots for shots in SHOTS if found[shots].high < 0] == [1, 2]
    assert all(found[shots].low > 0 for shots in (4, 8, 16))
    printed = {row["method"]: float(row["accuracy"]) for row in reference.rows("table4.csv") if row["shots"] == "1"}
    least = fixed(printed[OURS] - printed["CaFo"], 2, "+")
    assert said == (
        f"**no**: {words(found[1])} at 1 shot, {words(found[2])} at 2; in the paper's own Table 4 {least} at 1 shot"
    )


def test_gda_is_ahead_on_the_same_feature_and_behind_on_clip_alone(answers):
    said = answers["given AMU-Tuning's auxiliary feature, a later head is not better"]
    heads = keys_of("tablesamefeature")
    row = "auxiliary and zero-shot CLIP"
    gda, ours = (of_runs(heads[row, f"16-shot, {head}"]) for head in ("GDA", OURS))
    ahead = paired(gda, ours)
    behind = paired(right(OURS, "16-shot"), of_runs(keys_of("tablelater")["GDA", "16-shot"]))
    assert ahead.low > 0
    assert said == (
        f"**no**: GDA is ahead, by {words(ahead).removeprefix('+')} at 16 shots; "
        f"on CLIP alone it is {fixed(behind.effect, 1)} behind"
    )


def test_what_choosing_on_test_adds_is_the_range_over_shots(answers):
    (said,) = [told for asked, told in answers.items() if "test images adds" in asked]
    adds = [mean(rows("test")[OURS, f"{k}-shot"]) - mean(rows("val")[OURS, f"{k}-shot"]) for k in SHOTS]
    assert said.startswith(f"{fixed(min(adds), 1)} to {fixed(max(adds), 1)}, ")
    assert len(re.findall(NUMBER, said)) == 2


def test_the_findings_show_table_4_of_the_reference():
    shown = text("docs/findings-mini.md")
    for row in exhibit.load("table4").rows:
        counts = [[int(one.sum()) for one in right(row["name"], f"{shots}-shot")] for shots in SHOTS]
        cells = [stats.interval(correct, [10_000] * len(correct)) for correct in counts]
        line = " | ".join(f"{fixed(middle, 1)} ± {fixed((high - low) / 2, 1)}" for middle, low, high in cells)
        assert f"| {row['name'].replace('*', chr(92) + '*')} | {line} |" in shown


def test_the_rendered_world_is_not_called_imagenet():
    told = text("README.md")
    assert "imagenet" not in told
    assert all("suite" in line or "ImageNet," in line for line in told.splitlines() if "ImageNet" in line)
