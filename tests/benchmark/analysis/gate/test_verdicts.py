"""The gate: red for two points in one method, green for another seed's luck, and every format and exit code."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from toy_world import FILE, bench, change, record_of, table, toy

from benchmark.analysis import claims
from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate import verdicts as check
from benchmark.analysis.gate.formats import FORMATS
from benchmark.analysis.gate.reference_run import ANSWERS, READINGS, Golden
from benchmark.analysis.gate.verdicts import AGREES, BETTER, MISSING, OPEN, WORSE, Verdict
from benchmark.analysis.results import gather
from benchmark.core import paths
from benchmark.core.errors import BenchError, Incomplete
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records import reference
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
    found = check.against_golden(gather(shown(), toy(), store.records()), Golden("toy"), store)
    return {(v.row, v.column): v for v in found}


def test_the_same_run_agrees_image_by_image(gate: Path) -> None:
    measure(gate / "results" / "toy", level)
    found = verdicts(gate)
    assert {(v.says, v.how, v.effect) for v in found.values()} == {(AGREES, "images", 0.0)}
    code, out, err = held(gate)
    assert (code, err) == (0, "")
    assert out == "4 cells compared: 4 agree, 0 worse, 0 better, 0 inconclusive; 0 not measured\n"


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
    assert {v.how for v in found.values()} == {"means"}
    assert not {WORSE, BETTER} & {v.says for v in found.values()}
    assert held(gate)[0] == 0


@pytest.mark.slow
def test_how_often_luck_turns_it_red_and_two_points_do() -> None:
    """A family of 40 cells by image, 3 seeds of 10,000 images of which 4 % differ from run to run.

    Simulated as the gate computes: false alarms in at most 1 family of 20, two points found in at least 19 of 20.
    """
    rng = np.random.default_rng(0)

    def family(drop: float) -> list[Verdict]:
        found = []
        for cell in range(40):
            shift = drop if cell == 0 else 0.0
            d = rng.choice([-1, 0, 1], (3, N), p=[0.02 + shift, 0.96 - shift, 0.02]).mean(0)
            error = 100 * d.std(ddof=1) / N**0.5
            found.append(Verdict("t", str(cell), "c", 60, 60 + 100 * d.mean(), 100 * d.mean(), error, how="images"))
        return check.adjusted(found)

    alarms = sum(any(v.says == WORSE for v in family(0.0)) for _ in range(100))
    hits = sum(family(0.02)[0].says == WORSE for _ in range(100))
    print(f"false alarms {alarms} %, regressions of two points found {hits} %")
    assert alarms <= 5
    assert hits >= 95


def test_a_part_of_the_reference_may_be_measured(gate: Path) -> None:
    measure(gate / "results" / "toy", level, seeds=(1,))
    found = verdicts(gate)
    assert {(v.says, v.how) for v in found.values()} == {(AGREES, "images")}
    for path in sorted((gate / "results" / "toy").glob("*.json"))[:1]:
        path.unlink()
    assert sorted(v.says for v in verdicts(gate).values()) == sorted([AGREES] * 3 + [MISSING])


def test_better_is_said_and_is_green(gate: Path) -> None:
    measure(gate / "results" / "toy", lambda row, _: 0.65 if row == "Two" else 0.6, salt=1)
    code, out, _ = held(gate)
    assert code == 0
    assert out.count("better: table0: Two") == 2


def test_the_test_is_against_the_margin_and_not_against_nothing() -> None:
    sure = Verdict("t", "r", "c", 60, 59.5, effect=-0.5, error=0.01)
    assert check.adjusted([sure])[0].says == AGREES
    unsure = Verdict("t", "r", "c", 60, 58, effect=-2.0, error=1.0)
    assert check.adjusted([unsure])[0].says == OPEN
    assert unsure.interval == pytest.approx((-3.96, -0.04), abs=0.01)
    none = Verdict("t", "r", "c", 60, 50, effect=-10.0)
    assert check.adjusted([none])[0].says == OPEN


def test_the_family_shares_one_level(gate: Path) -> None:
    edge = Verdict("t", "r", "c", 60, 58.5, effect=-1.5, error=0.25)  # p = 0.023
    assert check.adjusted([edge])[0].says == WORSE
    assert {v.says for v in check.adjusted([edge] * 3)} == {OPEN}


def test_against_the_paper_a_cell_is_held_to_its_printed_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "printed", lambda *_: 63.0)
    monkeypatch.setattr(reference, "known_images", lambda _: N)
    suite = toy(comparable=True)
    store = measure(tmp_path, level)
    found = check.against_paper(gather(shown(), suite, store.records()))
    assert len(found) == 4
    assert all(v.expected == 63.0 and v.how == "means" for v in found)


def test_a_cell_of_another_number_of_images_than_published_is_not_held_to_its_printed_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "printed", lambda *_: 63.0)
    monkeypatch.setattr(reference, "known_images", lambda _: N + 1)
    assert check.against_paper(gather(shown(), toy(comparable=True), measure(tmp_path, level).records())) == []


def test_json_has_a_cell_each_and_only_finite_numbers(gate: Path) -> None:
    measure(gate / "results" / "toy", level)
    code, out, _ = held(gate, "--format", "json")
    said = json.loads(out)
    assert (code, len(said["cells"]), said["counts"][AGREES]) == (0, 4, 4)
    lonely = json.loads(FORMATS["json"]([Verdict("t", "r", "c", 60, 50, effect=-10.0)]))["cells"][0]
    assert (lonely["effect"], lonely["low"]) == (-10.0, None)


def test_junit_parses_and_counts_what_is_worse_and_what_is_missing(gate: Path) -> None:
    measure(gate / "results" / "toy", lambda row, _: 0.57 if row == "Two" else 0.6, salt=1)
    next((gate / "results" / "toy").glob("*.json")).unlink()
    _, out, _ = held(gate, "--format", "junit")
    suite = ElementTree.fromstring(out)
    assert (suite.get("tests"), int(suite.get("failures", "0"))) == ("4", len(suite.findall("testcase/failure")))
    assert suite.findall("testcase/failure")[0].get("message", "").startswith("worse: table0: Two")


def test_hostile_names_stay_text_in_junit_and_in_workflow_commands() -> None:
    bad = Verdict("t", '<x a="1">&\n::set-output::', "c%", 60, 50, effect=-10.0, error=0.1)
    (found,) = check.adjusted([bad])
    case = ElementTree.fromstring(FORMATS["junit"]([found])).find("testcase")
    assert case is not None
    assert '<x a="1">&' in str(case.get("name"))
    lines = FORMATS["github"]([found]).splitlines()
    assert lines[0].startswith("::error title=bench check::worse: t: <x")
    assert "%0A" in lines[0]
    assert "c%25" in lines[0]
    assert len(lines) == 2


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
    assert (code, err.count("\n")) == (2, 1)
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
    assert {v.how for v in verdicts(gate).values()} == {"means"}


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
    assert {(v.says, v.how) for v in verdicts(gate).values()} == {(AGREES, "images")}
    code, out, _ = held(gate)
    assert out.startswith("6 cells compared: 6 agree")


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
    (found,) = check.against_golden(measured, Golden("toy"), store)
    assert (found.says, found.how, found.measured, found.effect) == (AGREES, "images", 60, 0)


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
    gate, report = text.index("bench check --format github"), text.index("bench check --format junit")
    assert gate < report
    assert "if: always()" in text[gate:report]


SHIFTED = [{"name": "A", "shots": 1, "target": "imagenet_a"}, {"name": "CMY", "shots": 1, "metric": "cmy_centred"}]


def seed_by_seed(folder: Path, accuracy: Callable[[str, int], int], seeds: tuple[int, ...] = (1, 2, 3)) -> Store:
    """Records of a table that reads a shift and a ratio: (row, seed) -> images right of 4,000; seeds have luck."""
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
            store.put(record, {name: np.arange(N) < 6000 for name in record.selections})
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
        return check.against_golden(gather(lopsided(), SHIFTING, ours.records()), Golden("toy"), ours)

    return verdicts


@pytest.mark.parametrize(("seeds", "how"), [((1, 2, 3), "seeds"), ((1,), "one seed")])
def test_what_has_no_answers_of_images_is_compared_seed_by_seed_and_the_same_run_agrees(
    by_seed: Callable[..., list[Verdict]], seeds: tuple[int, ...], how: str
) -> None:
    found = by_seed(lambda row, seed: 2000, seeds)
    assert {(v.how, v.says) for v in found} == {(how, AGREES)}
    assert len(found) == 24


def test_one_seed_has_no_interval_of_width_zero_where_every_other_cell_is_the_same_as_before(
    by_seed: Callable[..., list[Verdict]],
) -> None:
    """75 of 4,000 images fewer: an accuracy has its interval over these images, a ratio has none, which the text says."""
    found = {v.column: v for v in by_seed(lambda row, seed: 2000 - 75 * (row == "7"), (1,)) if v.row == "7"}
    accuracy, ratio = found["A"], found["CMY"]
    error = 100 * ((0.525 * 0.475 + 0.50625 * 0.49375) / 4000) ** 0.5
    assert accuracy.interval == pytest.approx((-1.875 - 1.96 * error, -1.875 + 1.96 * error), abs=1e-3)
    assert accuracy.line == "inconclusive: table0: 7, A: 50.62 against 52.50, -1.88 (-4.06 to +0.31, by images)"
    assert ratio.line == "inconclusive: table0: 7, CMY: 0.35 against 0.35, +0.00 (no interval, one seed)"


def test_one_seed_is_held_to_the_scatter_of_all_cells_where_there_is_any(
    by_seed: Callable[..., list[Verdict]],
) -> None:
    found = by_seed(lambda row, seed: 2000 + (-1) ** int(row) * 4, (1,))
    assert {(v.how, v.says) for v in found} == {("seeds", AGREES)}


def test_another_machine_s_tenths_agree_and_one_method_s_points_on_a_shift_are_red(
    by_seed: Callable[..., list[Verdict]],
) -> None:
    """Ten images of 4,000 are a quarter of a point; the seeds themselves are 2.5 points apart."""

    def tenths(row: str, seed: int) -> int:
        return 2000 + (-1) ** (int(row) + seed) * 10

    found = by_seed(lambda row, seed: tenths(row, seed) - 120 * (row == "7"))
    says = {(v.row, v.column): v.says for v in found}
    assert says["7", "A"] == WORSE
    assert {word for (row, column), word in says.items() if row != "7" and column == "A"} == {AGREES}


def test_a_damaged_file_of_readings_is_one_line(by_seed: Callable[..., list[Verdict]]) -> None:
    path = Golden("toy").folder / READINGS
    path.write_text("run,value\nx,many\n")
    with pytest.raises(BenchError, match="make it again with bench check --update"):
        by_seed(lambda row, seed: 2000)


def test_without_the_file_of_readings_means_are_compared(by_seed: Callable[..., list[Verdict]]) -> None:
    (Golden("toy").folder / READINGS).unlink()
    assert {v.how for v in by_seed(lambda row, seed: 2000)} == {"means"}


def test_the_paper_s_printed_numbers_are_no_reference_run_of_the_paper_suite() -> None:
    assert (paths.reference() / "paper" / "table4.csv").is_file()
    assert Golden("paper").folder != paths.reference() / "paper"
    with pytest.raises(Incomplete, match="there is no reference run for suite paper"):
        Golden("paper").exhibits()
