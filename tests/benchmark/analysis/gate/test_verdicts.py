"""The gate: red for two points in one method, green for another seed's luck, and every format and exit code."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
from toy_world import FILE, bench, change, record_of, table, toy

from benchmark.analysis import claims
from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate.difference import COUNTS, Difference, of_answers
from benchmark.analysis.gate.reference_run import ANSWERS, READINGS, Golden
from benchmark.analysis.gate.verdicts import (
    AGREES,
    BETTER,
    MISSING,
    OPEN,
    PATH,
    RATIO_PATH,
    WORSE,
    Verdict,
    against_golden,
    against_paper,
    judge,
)
from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.core.errors import BenchError, Damaged, Incomplete
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records import reference
from benchmark.records.answers import on
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store

N = 10_000
METHODS = {"One": "baselines.tip_adapter:TipAdapter", "Two": "baselines.lp_clip:LPCLIP"}
Chance = Callable[[str, int], float]


def shown() -> Exhibit:
    return table(rows=[{"name": name, "method": method} for name, method in METHODS.items()])


def measure(
    folder: Path, chance: Chance, seeds: tuple[int, ...] = (1, 2, 3), flips: float = 0.02, salt: int = 0
) -> Store:
    """Records of every cell: an image is right by its difficulty and the seed's luck; `salt` draws some images again."""
    store = Store(folder)
    hard = np.random.default_rng(0).uniform(-0.3, 0.3, N)
    for place, cell in enumerate(shown().cells()):
        for seed in seeds:
            luck = np.random.default_rng([place, seed]).normal(0, 0.01)
            rng = np.random.default_rng([1, place, seed])
            answers = rng.uniform(size=N) < chance(cell.row, seed) + hard + luck
            other = np.random.default_rng([2, place, seed, salt])
            again = (other.uniform(size=N) < flips) & (salt > 0)
            answers = np.where(again, other.uniform(size=N) < chance(cell.row, seed) + hard + luck, answers)
            count = int(answers.sum())
            record = record_of(cell.runs(toy(), [seed])[0].asked(), (count,) * 3, N)
            store.put(record, dict.fromkeys(SELECTIONS, answers))
    return store


def level(_: str, seed: int) -> float:
    return 0.6


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reference run of the table, and a place for new results."""
    one = shown()
    monkeypatch.setattr(exhibit, "load", lambda _: one)
    monkeypatch.setattr(exhibit, "names", lambda: ("table0",))
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    measure(tmp_path / "golden" / "toy", level)
    code, _, err = bench("check", "--update", "--suite", FILE, "--results", tmp_path / "golden")
    assert (code, err) == (0, "")
    return tmp_path


def held(gate: Path, *options: str) -> tuple[int, str, str]:
    return bench("check", "--suite", FILE, "--results", gate / "results", *options)


def verdicts(gate: Path) -> dict[tuple[str, str], Verdict]:
    store = Store(gate / "results" / "toy")
    found = against_golden(gather(shown(), toy(), store.records()), Golden("toy"), store)
    return {(v.row, v.column): v for v in judge(found).cells}


def test_the_same_run_agrees_image_by_image(gate: Path) -> None:
    measure(gate / "results" / "toy", level)
    found = verdicts(gate)
    assert {(v.says, v.difference.how, v.effect) for v in found.values()} == {(AGREES, "images", 0.0)}
    code, out, err = held(gate)
    assert (code, err) == (0, "")
    first, second, *_ = out.splitlines()
    assert first == (
        "4 cells compared (4 different questions): 4 agree, 0 worse, 0 better, 0 inconclusive; 0 not measured"
    )
    assert second == "3 means over cells: 3 agree, 0 worse, 0 better, 0 inconclusive"


def test_a_regression_of_two_points_in_one_method_is_red(gate: Path) -> None:
    measure(gate / "results" / "toy", lambda row, _: 0.57 if row == "Two" else 0.6, salt=1)
    found = verdicts(gate)
    assert {row: found[row, "1-shot"].says for row in METHODS} == {"One": AGREES, "Two": WORSE}
    code, out, _ = held(gate)
    assert code == 1
    assert out.count("worse: table0: Two") == 2


def test_another_machine_s_flips_of_single_images_stay_green(gate: Path) -> None:
    measure(gate / "results" / "toy", level, salt=5)
    assert {v.says for v in verdicts(gate).values()} == {AGREES}
    assert held(gate)[0] == 0


def test_other_seeds_are_compared_by_their_means_and_their_luck_is_no_alarm(gate: Path) -> None:
    measure(gate / "results" / "toy", level, seeds=(4, 5, 6))
    found = verdicts(gate)
    assert {v.difference.how for v in found.values()} == {"means"}
    assert not {WORSE, BETTER} & {v.says for v in found.values()}
    code, _, err = held(gate)
    assert (code, err) == (8, "more than half of the questions are inconclusive: measure more seeds\n")


def test_a_part_of_the_reference_may_be_measured(gate: Path) -> None:
    measure(gate / "results" / "toy", level, seeds=(1,))
    found = verdicts(gate)
    assert {(v.says, v.difference.how) for v in found.values()} == {(AGREES, "images")}
    for path in sorted((gate / "results" / "toy").glob("*.json"))[:1]:
        path.unlink()
    assert sorted(v.says for v in verdicts(gate).values()) == sorted([AGREES] * 3 + [MISSING])


def test_a_run_that_lost_a_cell_of_the_reference_does_not_pass_unless_it_is_allowed(gate: Path) -> None:
    store = measure(gate / "results" / "toy", level)
    lost = next(iter(shown().cells()))
    for run in lost.runs(toy(), (1, 2, 3)):
        store.delete(run.key)
    code, out, err = held(gate)
    assert (code, err.count("\n")) == (3, 1)
    assert "3 agree, 0 worse, 0 better, 0 inconclusive; 1 not measured" in out
    assert f"1 cell of the reference not measured, or at fewer seeds, the first table0: One, {lost.column};" in err
    code, _, err = held(gate, "--allow-missing")
    assert (code, err.count("\n")) == (0, 1)
    assert err.endswith("; allowed by --allow-missing\n")


def test_a_run_that_lost_seeds_of_the_reference_does_not_pass_either(gate: Path) -> None:
    measure(gate / "results" / "toy", level, seeds=(1,))
    code, out, _ = held(gate)
    assert code == 3
    assert "0 not measured, 4 at fewer seeds than the reference" in out
    assert held(gate, "--allow-missing")[0] == 0


def test_seeds_of_the_reference_beyond_the_suite_s_are_compared_and_not_demanded(gate: Path) -> None:
    assert toy().seeds == [1, 2]
    measure(gate / "results" / "toy", level, seeds=(1, 2))
    code, out, err = held(gate)
    assert (code, err, "fewer seeds" in out) == (0, "", False)
    measure(gate / "results" / "toy", lambda *_: 0.5, seeds=(3,), salt=1)
    assert held(gate)[0] == 1, "the third seed is compared where it is measured"


def test_a_worse_cell_is_red_whether_or_not_others_are_missing(gate: Path) -> None:
    store = measure(gate / "results" / "toy", lambda row, _: 0.57 if row == "Two" else 0.6, salt=1)
    for run in next(iter(shown().cells())).runs(toy(), (1, 2, 3)):
        store.delete(run.key)
    assert held(gate, "--allow-missing")[0] == held(gate)[0] == 1


def test_the_quick_grid_is_held_to_its_own_cells_and_seeds(gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = toy(quick={"seeds": [1], "shots": [1]})
    monkeypatch.setattr("benchmark.commands.actions.opening.load_suite", lambda *_: quick)
    store = measure(gate / "results" / "toy", level, seeds=(1,))
    for cell in shown().cells():
        for run in cell.runs(toy(), [1]) if cell.question.shots == 2 else ():
            store.delete(run.key)
    assert held(gate)[0] == 3
    code, out, err = held(gate, "--quick")
    assert (code, err) == (0, "")
    assert out.startswith("2 cells compared (2 different questions): 2 agree")


def test_better_is_said_and_is_green(gate: Path) -> None:
    measure(gate / "results" / "toy", lambda row, _: 0.65 if row == "Two" else 0.6, salt=1)
    code, out, _ = held(gate)
    assert code == 0
    assert out.count("better: table0: Two") == 2


def verdict(effect: float, error: float, name: str = "r") -> Verdict:
    """A verdict on a difference with a known error, which is judged alone."""
    difference = Difference(effect, error**2, COUNTS)
    return Verdict("t", name, "c", 60, 60 + effect, difference, asked=(name,), method="M")


def alone(effect: float, error: float) -> Verdict:
    return judge([verdict(effect, error)]).cells[0]


def test_a_loss_is_worse_where_it_is_sure_and_not_small() -> None:
    assert alone(-2.0, 0.5).says == WORSE
    assert alone(2.0, 0.5).says == BETTER
    assert alone(-0.5, 0.01).says == AGREES, "sure, but small"
    assert alone(-0.99, 0.1).says == OPEN, "sure, small, and perhaps large"
    assert alone(-2.0, 1.5).says == OPEN, "large, but not sure"
    assert alone(-2.0, 1.0).interval == pytest.approx((-3.96, -0.04), abs=0.01)
    assert alone(-10.0, nan).says == OPEN
    assert "(no interval, by counts)" in alone(-10.0, nan).line


def test_the_family_is_the_different_questions_and_shares_one_level() -> None:
    """p = 0.02: sure alone, not as one of three, and as one that three cells show."""
    edge = [verdict(-2.0, 2.0 / 2.326, name) for name in "abc"]
    assert judge(edge[:1]).cells[0].says == WORSE
    assert {v.says for v in judge(edge).cells} == {OPEN}
    shown_thrice = [replace(edge[0], row=row) for row in "abc"]
    assert {v.says for v in judge(shown_thrice).cells} == {WORSE}
    assert len(judge(shown_thrice).questions) == 1


def of_images(name: str, method: str, lost: int, gained: int = 0, n: int = 2000, shift: int = 0) -> Verdict:
    """A verdict on a question with answers, of which some are lost and some are gained."""
    values = np.roll(100.0 * np.repeat([1, -1, 0], [gained, lost, n - gained - lost]), shift)
    difference = of_answers({("imagenet", "squares", 0): values}, {name: 1.0})
    effect = difference.effect
    return Verdict("t", name, "c", 60, 60 + effect, difference, asked=(name,), method=method)


def test_a_small_loss_in_all_cells_of_a_method_is_found_in_their_mean() -> None:
    """Thirty cells lose 1.5 points each, surely in none of them; the other method's cells lose nothing."""
    cells = [of_images(f"a{i}", "A", lost=130, gained=100, shift=61 * i) for i in range(30)]
    cells += [of_images(f"b{i}", "B", lost=100, gained=100, shift=61 * i) for i in range(30)]
    gate = judge(cells)
    assert {v.says for v in gate.cells} == {OPEN}
    says = {v.row: v.says for v in gate.means}
    assert says == {"A": WORSE, "B": AGREES, "all methods": WORSE}
    assert gate.red
    mean = gate.means[0]
    assert (mean.line.partition(": 5")[0], mean.effect) == ("worse: mean: A, 30 questions", pytest.approx(-1.5))


def test_a_loss_of_a_third_of_a_point_everywhere_is_within_the_margin() -> None:
    gate = judge([of_images(f"a{i}", "A", lost=106, gained=100, shift=61 * i) for i in range(30)])
    assert [v.says for v in gate.means] == [AGREES, AGREES]


def test_a_question_that_many_cells_show_counts_once_in_a_mean() -> None:
    broken, sound = of_images("broken", "A", lost=100), of_images("sound", "A", lost=0)
    gate = judge([broken, replace(broken, exhibit="u"), replace(broken, exhibit="v"), sound])
    assert [v.column for v in gate.means] == ["2 questions", "2 questions"]
    assert gate.means[0].effect == -2.5


def test_a_number_that_is_the_reference_s_in_every_run_agrees_without_an_error() -> None:
    assert judge([of_images("same", "A", lost=0)]).cells[0].says == AGREES


def test_against_the_paper_a_cell_is_held_to_its_printed_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "printed", lambda *_: 63.0)
    monkeypatch.setattr(reference, "known_images", lambda _: N)
    suite = toy(comparable=True)
    store = measure(tmp_path, level)
    found = against_paper(gather(shown(), suite, store.records()))
    assert len(found) == 4
    assert all(v.expected == 63.0 and v.difference.how == "means" for v in found)


def test_a_printed_number_has_the_error_of_its_test_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reference, "printed", lambda *_: 63.0)
    monkeypatch.setattr(reference, "known_images", lambda _: N)
    measured = gather(shown(), toy(comparable=True), measure(tmp_path, level).records())
    variances = []
    for images in (N, 4 * N):
        monkeypatch.setattr(reference, "images", lambda _, images=images: images)
        variances.append(against_paper(measured)[0].difference.variance)
    binomial = 100**2 * 0.63 * 0.37
    assert variances[0] - variances[1] == pytest.approx(binomial / N - binomial / (4 * N), rel=1e-3)


def test_a_cell_of_another_number_of_images_than_published_is_not_held_to_its_printed_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "printed", lambda *_: 63.0)
    monkeypatch.setattr(reference, "known_images", lambda _: N + 1)
    assert against_paper(gather(shown(), toy(comparable=True), measure(tmp_path, level).records())) == []


def test_a_contradicted_claim_is_red_where_it_is_named(gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(gate / "results" / "toy", level)
    monkeypatch.setattr(claims, "names", lambda: ("uf-helps", "aux-helps"))
    monkeypatch.setattr(claims, "all_verdicts", lambda *_: [])
    monkeypatch.setattr(claims, "gate", lambda _, fail_on: 1 if "uf-helps" in fail_on else 0)
    assert held(gate, "--fail-on", "uf-helps")[0] == 1
    assert held(gate, "--fail-on", "aux-helps")[0] == 0


def test_what_is_no_option_or_no_exhibit_or_no_claim_is_exit_2(gate: Path) -> None:
    measure(gate / "results" / "toy", level)
    assert held(gate, "--against", "silver")[0] == 2
    assert held(gate, "--format", "yaml")[0] == 2
    code, out, err = held(gate, "--against", "paper")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "its values are not the paper's to compare; use --against golden" in err


def test_a_claim_to_fail_on_that_there_is_not_is_exit_2_before_anything_else(tmp_path: Path) -> None:
    code, _, err = bench("check", "--suite", FILE, "--results", tmp_path, "--fail-on", "uf-help")
    assert (code, err.count("\n")) == (2, 1)
    assert "did you mean 'uf-helps'?" in err


def test_a_claim_named_that_is_not_run_is_exit_3_and_a_regression_comes_first(
    gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "names", lambda: ("uf-helps", "aux-helps"))
    monkeypatch.setattr(claims, "all_verdicts", lambda *_: [])
    monkeypatch.setattr(claims, "gate", lambda *_: 3)
    measure(gate / "results" / "toy", level)
    assert held(gate, "--fail-on", "uf-helps")[0] == 3
    measure(gate / "results" / "toy", lambda row, _: 0.5 if row == "Two" else 0.6)
    assert held(gate, "--fail-on", "uf-helps")[0] == 1


def test_no_reference_and_no_records_are_exit_3(gate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = held(gate)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "there are no records" in err
    measure(gate / "results" / "toy", level)
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "nowhere")
    code, _, err = held(gate)
    assert code == 3
    assert "there is no reference run" in err
    with pytest.raises(Incomplete, match="there is no reference run of table9"):
        Golden("toy").cells("table9")


def test_nothing_in_common_is_exit_5(gate: Path) -> None:
    store = Store(gate / "results" / "toy")
    record = record_of({"protocol": 0, "method": "m:M", "shots": 1, "seed": 1})
    store.put(record, {name: np.arange(10) < s.correct for name, s in record.selections.items()})
    code, _, err = held(gate)
    assert (code, err.count("\n")) == (5, 1)


def test_a_damaged_reference_is_one_line(gate: Path) -> None:
    measure(gate / "results" / "toy", level)
    (gate / "reference" / "toy" / ANSWERS).write_bytes(b"PK no zip")
    code, _, err = held(gate)
    assert (code, err.count("\n")) == (7, 1)
    assert "make it again with bench check --update" in err
    with pytest.raises(BenchError):
        Golden("toy").answers({"key": "x", "n": 1, "fingerprints": {}})


def test_an_update_says_what_changes(gate: Path) -> None:
    measure(gate / "results" / "toy", lambda row, _: 0.5 if row == "Two" else 0.6)
    code, out, _ = held(gate, "--update")
    assert code == 0
    changed = [line for line in out.splitlines() if " -> " in line]
    assert [line.partition(":")[2].split(",")[0].strip() for line in changed] == ["Two", "Two"]
    assert held(gate)[0] == 0


def test_answers_of_other_images_are_not_paired(gate: Path) -> None:
    """The same question, asked of a data set that has become another."""
    store = measure(gate / "results" / "toy", level)
    for key, record in store.records().items():
        bits = {s: store.correct(key, s) for s in record.selections}
        store.put(replace(record, fingerprints={**record.fingerprints, "data": "squares-2"}), bits)
    assert {v.difference.how for v in verdicts(gate).values()} == {"means"}


def test_an_update_of_one_exhibit_leaves_the_others_as_they_were(gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(gate / "results" / "toy", level)
    other = replace(shown(), id="table1", columns=shown().columns[:1])
    by_name = {"table0": shown(), "table1": other}
    monkeypatch.setattr(exhibit, "load", by_name.__getitem__)
    monkeypatch.setattr(exhibit, "names", lambda: tuple(by_name))
    before = (gate / "reference" / "toy" / "table0.csv").read_bytes()
    code, out, _ = held(gate, "--update", "--table", "1")
    assert code == 0
    assert "table1: new" in out
    assert (gate / "reference" / "toy" / "table0.csv").read_bytes() == before
    assert {(v.says, v.difference.how) for v in verdicts(gate).values()} == {(AGREES, "images")}
    code, out, _ = held(gate)
    assert out.startswith("6 cells compared (4 different questions): 6 agree")


def test_a_cell_that_is_a_search_over_runs_is_paired_by_the_runs_it_picked(
    gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searching = table(
        rows=[{"name": "One", "method": METHODS["One"], "search": {"beta": [2.0]}}],
        columns=[{"name": "1-shot", "shots": 1}],
    )
    monkeypatch.setattr(exhibit, "load", lambda _: searching)
    store = Store(gate / "results" / "toy")
    (cell,) = searching.cells()
    for run in cell.runs(toy()):
        answers = np.arange(N) < (6000 if run.settings["beta"] == 2 else 5900)
        count = int(answers.sum())
        record = replace(record_of(run.asked(), (count,) * 3, N), picked_on={"val": count, "test": count})
        store.put(record, dict.fromkeys(SELECTIONS, answers))
    assert held(gate, "--update")[0] == 0
    measured = gather(searching, toy(), store.records())
    (found,) = against_golden(measured, Golden("toy"), store)
    assert (found.says, found.difference.how, found.measured, found.effect) == (AGREES, "images", 60, 0)


WORKFLOW = Path(__file__).parents[4] / ".github" / "workflows" / "bench.yml"


def test_the_workflow_runs_the_quick_grid_and_then_the_gate_with_commands_that_there_are() -> None:
    """Each bench command of the file is asked for its help with its own options: what is misspelt is exit 2."""
    commands = re.findall(r"run: bench ([^>\n]*)", WORKFLOW.read_text("utf-8"))
    assert [c.split()[0] for c in commands] == ["run", "check", "check"]
    assert "--quick" in commands[0]
    for command in commands:
        assert bench(*command.split(), "--help")[0] == 0
        assert bench(*command.split(), "--no-such-option")[0] == 2


def test_a_step_of_the_workflow_that_only_reports_does_so_when_the_gate_is_red() -> None:
    text = WORKFLOW.read_text("utf-8")
    gate, report = text.index("bench check --quick --format github"), text.index("bench check --quick --format junit")
    assert gate < report
    assert "if: always()" in text[gate:report]


SHIFTED = [{"name": "A", "shots": 1, "target": "imagenet_a"}, {"name": "CMY", "shots": 1, "metric": "cmy_centred"}]


def seed_by_seed(
    folder: Path, accuracy: Callable[[str, int], int], seeds: tuple[int, ...] = (1, 2, 3), answers: bool = False
) -> Store:
    """Records of a table that reads a shift and a ratio: (row, seed) -> images right of 4,000; seeds have luck.

    Early records keep no `answers` to the images of a shift.
    """
    store = Store(folder)
    for cell in lopsided().cells():
        for run in cell.runs(SHIFTING, seeds):
            count = accuracy(cell.row, run.seed) + 100 * run.seed
            record = record_of(run.asked(), (6000,) * 3, N)
            selections = {name: {"correct": count} for name in record.selections}
            change(
                record,
                shifts={"imagenet_a": {"n": 4000, "selections": selections}},
                metrics={name: {"cmy_centred": 0.3 + count / 40_000} for name in record.selections},
                fingerprints={**record.fingerprints, "imagenet_a": "squares-a"},
            )
            kept = {name: np.arange(N) < 6000 for name in record.selections}
            on_shift = {on(name, "imagenet_a"): np.arange(4000) < count for name in record.selections}
            store.put(record, {**kept, **(on_shift if answers else {})})
    return store


ROWS = [{"name": f"{i}", "method": METHODS["One"], "with": {"beta": 1.0 + i}} for i in range(12)]
SHIFTING = toy(
    datasets={
        "imagenet": {"reader": "toy_world:Squares", "shifts": ["imagenet_a"]},
        "imagenet_a": {"reader": "toy_world:Squares"},
    }
)


def lopsided() -> Exhibit:
    return table(rows=ROWS, columns=SHIFTED)


@pytest.fixture
def by_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, int], int]], list[Verdict]]:
    """Makes a reference of 2,000 images right, and holds other records against it."""
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    monkeypatch.setattr(exhibit, "names", lambda: ("table0",))
    store = seed_by_seed(tmp_path / "golden", lambda row, seed: 2000)
    reference_run.update([gather(lopsided(), SHIFTING, store.records())], store.records(), store)

    def verdicts(accuracy: Callable[[str, int], int], seeds: tuple[int, ...] = (1, 2, 3)) -> list[Verdict]:
        ours = seed_by_seed(tmp_path / "ours", accuracy, seeds)
        return list(judge(against_golden(gather(lopsided(), SHIFTING, ours.records()), Golden("toy"), ours)).cells)

    return verdicts


@pytest.mark.parametrize("seeds", [(1, 2, 3), (1,)])
def test_the_numbers_of_the_same_run_agree(by_seed: Callable[..., list[Verdict]], seeds: tuple[int, ...]) -> None:
    found = by_seed(lambda row, seed: 2000, seeds)
    assert {(v.difference.how, v.says) for v in found} == {("counts", AGREES)}
    assert len(found) == 24


def test_the_error_of_a_count_contains_the_images_of_the_test_set(by_seed: Callable[..., list[Verdict]]) -> None:
    """75 of 4,000 images fewer at one seed, where every other cell is as before: an error by 4,000 images of each side."""
    found = {v.column: v for v in by_seed(lambda row, seed: 2000 - 75 * (row == "7"), (1,)) if v.row == "7"}
    accuracy, ratio = found["A"], found["CMY"]
    images = 100**2 * (0.525 * 0.475 + 0.50625 * 0.49375) / 4000
    assert accuracy.error == pytest.approx((images + PATH**2) ** 0.5)
    assert accuracy.says == OPEN
    assert accuracy.line.startswith(
        "inconclusive: table0: 7, A: 50.62 against 52.50, -1.88 (-4.10 to +0.35, by counts)"
    )
    largest = (0.3525 * (2 - 0.3525) + 0.350625 * (2 - 0.350625)) / N
    assert ratio.error == pytest.approx((largest + RATIO_PATH**2) ** 0.5)
    assert ratio.says == OPEN


def test_a_shift_is_compared_image_by_image_where_both_sides_keep_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4,000 images of a shift 75 others are wrong; its error is that of 75 changed answers."""
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    monkeypatch.setattr(exhibit, "names", lambda: ("table0",))
    store = seed_by_seed(tmp_path / "golden", lambda row, seed: 2000, (1,), answers=True)
    reference_run.update([gather(lopsided(), SHIFTING, store.records())], store.records(), store)
    ours = seed_by_seed(tmp_path / "ours", lambda row, seed: 1925, (1,), answers=True)
    found = judge(against_golden(gather(lopsided(), SHIFTING, ours.records()), Golden("toy"), ours))
    accuracies = [v for v in found.cells if v.column == "A"]
    assert {v.difference.how for v in accuracies} == {"images"}
    changed = 75 / 4000
    assert accuracies[0].difference.variance == pytest.approx(100**2 * changed * (1 - changed) / 3999)
    assert found.red


def test_another_machine_s_tenths_are_no_alarm_and_ten_points_on_a_shift_are_red(
    by_seed: Callable[..., list[Verdict]],
) -> None:
    """Ten images of 4,000 are a quarter of a point; the seeds themselves are 2.5 points apart."""

    def tenths(row: str, seed: int) -> int:
        return 2000 + (-1) ** (int(row) + seed) * 10

    found = by_seed(lambda row, seed: tenths(row, seed) - 400 * (row == "7"))
    says = {(v.row, v.column): v.says for v in found}
    assert says["7", "A"] == WORSE
    assert WORSE not in {word for (row, _), word in says.items() if row != "7"}


def test_a_damaged_file_of_readings_is_one_line(by_seed: Callable[..., list[Verdict]]) -> None:
    path = Golden("toy").folder / READINGS
    path.write_text("run,value\nx,many\n")
    with pytest.raises(BenchError, match="make it again with bench check --update"):
        by_seed(lambda row, seed: 2000)


def test_without_the_file_of_readings_nothing_is_compared(by_seed: Callable[..., list[Verdict]]) -> None:
    (Golden("toy").folder / READINGS).unlink()
    with pytest.raises(Damaged, match="is not there, and SHA256SUMS lists it; make it again with bench check --update"):
        by_seed(lambda row, seed: 2000)


def test_the_paper_s_printed_numbers_are_no_reference_run_of_the_paper_suite() -> None:
    assert (paths.reference() / "paper" / "table4.csv").is_file()
    assert Golden("paper").folder != paths.reference() / "paper"
    with pytest.raises(Incomplete, match="there is no reference run for suite paper"):
        Golden("paper").exhibits()
