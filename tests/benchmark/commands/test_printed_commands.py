"""Every command that is printed works when it is typed, and a selection of nothing says why."""

import html
import re
import shlex
from pathlib import Path
from typing import Any

import fake_weights
import numpy as np
import pytest
from toy_house import FILE as HOUSE
from toy_world import FILE, bench, planted, toy, undrawn

from benchmark.analysis.results import gather
from benchmark.commands.actions.run import _next_of
from benchmark.exhibits import exhibit
from benchmark.reporting.figures import draw

COMMAND = re.compile(r"\bbench (?:run|check|features|claims|list|report|doctor|weights|compare)\b[^`;|<>\n]*")
ENDS = re.compile(r" (?:measures|shows|says|makes|and)\b.*$|[.,)]+$")
CLASSES, TEST = 5, 40


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a blank in its name, in which results, reports and imports go to their defaults."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "no weights"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS", "BENCH_CONFIG", "BENCH_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(draw, "draw", undrawn)
    return folder


def archive(path: Path, shots: int = 2, seed: int = 0, width: int = 16, **changes: Any) -> Path:
    """An .npz of made-up features of CLIP and an auxiliary encoder; None leaves an array out."""
    random = np.random.default_rng(seed)
    centres = {space: random.normal(size=(CLASSES, width)) for space, width in (("clip", width), ("aux", 24))}
    found: dict[str, Any] = {"text": centres["clip"], "logit_scale": 100.0}
    for part, labels in (
        ("test", np.arange(TEST) % CLASSES),
        ("val", np.arange(4 * CLASSES) % CLASSES),
        (f"support{shots}", np.repeat(np.arange(CLASSES), shots)),
    ):
        found[f"{part}_labels"] = labels
        for space, centre in centres.items():
            found[f"{part}_{space}"] = centre[labels] + 0.5 * random.normal(size=(len(labels), centre.shape[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value for name, value in {**found, **changes}.items() if value is not None})
    return path


def commands(text: str) -> list[str]:
    """The commands that a text names."""
    return list(dict.fromkeys(ENDS.sub("", found).strip() for found in COMMAND.findall(text)))


def typed(command: str, *more: str) -> tuple[int, str, str]:
    return bench(*shlex.split(command)[1:], *more)


def next_command(*arguments: object) -> str:
    """The last line of an import, without its first word."""
    code, out, err = bench("features", "import", *arguments)
    assert code == 0, err
    return out.splitlines()[-1].removeprefix("next: ")


def measured(out: str, row: str) -> bool:
    """Whether the table has a number in a row."""
    (line,) = [line for line in out.splitlines() if line.startswith(f"| {row} |")]
    return bool(re.search(r"\| \**\d+\.\d", line))


FEW = ("--method", "Zero-shot CLIP", "--method", "Tip-Adapter", "--jobs", "1")

IMPORTS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "the paper's own roles": (["--dataset", "imagenet", "--classnames", "names.txt"], {}),
    "another data set": (["--dataset", "mine"], {}),
    "another backbone": (["--dataset", "imagenet", "--classnames", "names.txt", "--backbone", "ViT-L/14"], {}),
    "another of everything": (["--dataset", "mine", "--backbone", "EVA 02", "--aux", "dinov3"], {}),
    "a folder with a blank and a quote": (["--dataset", "mine", "--out", "it's here/too"], {}),
}


@pytest.mark.parametrize(("options", "changes"), IMPORTS.values(), ids=IMPORTS)
def test_the_command_after_an_import_measures_what_was_imported(
    options: list[str], changes: dict[str, Any], place: Path
) -> None:
    (place / "names.txt").write_text("\n".join(f"kind {c}" for c in range(CLASSES)))
    command = next_command(archive(place / "x.npz", **changes), *options)
    code, out, err = typed(command, *FEW)
    assert code == 0, err
    assert measured(out, "Zero-shot CLIP")
    assert measured(out, "Tip-Adapter")
    assert "lack" not in typed(command, "--dry-run", "--method", "AMU-Tuning")[2]


ENDING = {
    "run": ["run", "--table", "4", "--method", "Tip-Adapter", "--shots", "1", "--jobs", "1"],
    "run again": ["run", "--table", "4", "--method", "Tip-Adapter", "--shots", "1"],
    "report": ["report"],
    "claims": ["claims"],
    "compare": ["compare", "Tip-Adapter", "Zero-shot CLIP", "--shots", "1"],
    "list": ["list"],
    "features": ["features", "--table", "4"],
    "doctor": ["doctor", "--table", "4"],
}
"""Commands of which each ends with what comes next, in an order in which they can be typed."""


def test_every_command_ends_with_a_command_that_can_be_typed() -> None:
    bench("run", "--suite", FILE, "--table", "4", "--method", "Zero-shot CLIP", "--jobs", "1")
    asked = {name: bench(*words, "--suite", FILE) for name, words in ENDING.items()}
    asked |= {"lint-paper": bench("lint-paper"), "weights": bench("weights")}
    for name, (_, out, err) in asked.items():
        last = " ".join(out[out.rindex("next: ") :].split())
        assert "next: " in "\n".join(out.splitlines()[-2:]), (name, out, err)
        assert commands(last) or "--make" in last, name
        for command in commands(last):
            code, _, said = typed(command.replace("CLAIM", ""), "--help")  # which refuses options that there are not
            assert code == 0, (name, command, said)


def test_a_wide_interval_is_answered_with_the_command_for_more_seeds() -> None:
    shown = exhibit.load("table4")
    cells = [cell for cell in shown.cells() if (cell.row, cell.column) == ("Tip-Adapter", "4-shot")]
    told = []
    for counts in ([(1, 40, 1), (1, 42, 1), (1, 60, 1)], [(1, 40, 1), (1, 41, 1), (1, 40, 1)]):
        records = planted(shown, toy(), {("Tip-Adapter", "4-shot"): counts})
        told.append(_next_of([gather(shown, toy(), records)], cells))
    assert told == [
        f"bench run --table 4 --suite {FILE} --method Tip-Adapter --shots 4 --seeds 1-10 measures more seeds, which narrow"
        " 47.3 ± 27.4 of 3 seeds",
        f"bench report --suite {FILE} draws all that is measured as one page",
    ]
    assert _next_of([gather(shown, toy(), records)], []) == told[1], "of the cells that were asked"
    wide = planted(shown, toy(), {("Tip-Adapter", "4-shot"): [(1, 40, 1), (1, 42, 1), (1, 60, 1)]})
    assert _next_of([gather(shown, toy(), wide)], list(shown.cells())) == told[1], "after the whole table"


def test_the_command_after_an_import_asks_in_an_encoder_of_another_name_where_nothing_else_is_read(place: Path) -> None:
    whole = np.load(archive(place / "x.npz"))
    renamed = {name.replace("aux", "mae"): whole[name] for name in whole.files}
    np.savez(place / "x.npz", **renamed)
    command = next_command(place / "x.npz", "--dataset", "mine")
    assert command == "bench run --table 4 --dataset mine --aux mae --suite imported/mine.toml"
    code, _, err = typed(command, "--method", "AMU-Tuning", "--shots", "2", "--jobs", "1", "--dry-run")
    assert (code, "1 run:" in err) == (0, True), err


NOTHING: dict[str, tuple[list[str], str]] = {
    "a data set that is not there": (["--table", "4"], "data set imagenet is missing in this suite"),
    "a method": (["--table", "4", "--method", "AMU-Tuning"], "AMU-Tuning: data set imagenet is missing"),
    "in a dry run": (["--table", "4", "--dry-run"], "data set imagenet is missing in this suite"),
    "every exhibit": (["--all"], "data set imagenet is missing in this suite"),
    "a method that needs more": (
        ["--table", "4", "--dataset", "mine", "--method", "CoOp"],
        "CoOp: it prompts CLIP's towers, and of RN50 there are features alone",
    ),
    "shots that were not imported": (
        ["--table", "4", "--dataset", "mine", "--method", "Tip-Adapter", "--shots", "16"],
        "Tip-Adapter: of 16 shots there are no features of mine",
    ),
    "an exhibit of shifts": (["--table", "5"], "is missing in this suite"),
}


@pytest.mark.parametrize(("options", "said"), NOTHING.values(), ids=NOTHING)
def test_a_selection_of_nothing_ends_with_2_and_says_why(options: list[str], said: str, place: Path) -> None:
    next_command(archive(place / "x.npz"), "--dataset", "mine")
    code, out, err = bench("run", "--suite", "imported/mine.toml", *options)
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "0 runs: 0 done, 0 missing, 0 stale"
    assert said in err.splitlines()[-1]
    assert "nothing to run" not in err


def test_what_is_offered_instead_of_nothing_measures_something(place: Path) -> None:
    next_command(archive(place / "x.npz"), "--dataset", "mine")
    asked = (["run", "--table", "4"], ["run", "--all"], ["check"], ["check", "--update"])
    lines = [bench(*options, "--suite", "imported/mine.toml")[2].splitlines()[-1] for options in asked]
    for (command,) in map(commands, lines):
        code, out, err = typed(command, *FEW)
        assert (code, measured(out, "Zero-shot CLIP")) == (0, True), err


def test_a_grid_without_the_exhibit_says_that_no_cell_is_left(place: Path) -> None:
    text = HOUSE.read_text().replace("shots = [1, 16]", 'shots = [1, 16]\nwithout = ["table6"]', 1)
    (place / "poorer.toml").write_text(text)
    code, _, err = bench("run", "--table", "6", "--quick", "--suite", "poorer.toml")
    assert (code, err.splitlines()[-1]) == (
        2,
        "bench: nothing to measure in suite poorer: the options leave no cell of table6",
    )


def test_a_part_of_a_selection_that_is_nothing_is_said_and_the_rest_is_run(place: Path) -> None:
    command = next_command(archive(place / "x.npz"), "--dataset", "mine")
    code, out, err = typed(command, "--method", "CoOp", "--method", "Zero-shot CLIP", "--jobs", "1")
    assert (code, measured(out, "Zero-shot CLIP")) == (0, True)
    assert "not run: CoOp: it prompts CLIP's towers, and of RN50 there are features alone" in err


def test_shots_that_no_table_asks_about_are_said(place: Path) -> None:
    said = "note: of 3 shots nothing is measured: table 4 asks about 1, 2, 4, 8, 16"
    for shots, told in ((3, True), (2, False)):
        _, _, err = bench("features", "import", archive(place / "x.npz", shots), "--dataset", "mine")
        assert (said in err) is told


def test_an_import_for_clips_text_tower_names_its_weights_and_names_that_it_cannot_read(place: Path) -> None:
    weights = place / "my weights"
    fake_weights.make(weights, ["clip_rn50"])
    names = np.array(["n01440764", "robin", "crow", "owl", "wren"])
    source = archive(place / "x.npz", width=32, text=None, logit_scale=None, classnames=names)
    code, said, err = bench("features", "import", source, "--dataset", "mine", "--weights-dir", weights)
    assert (code, "note: 1 of 5 class names are ids or numbers, the first 'n01440764'" in err) == (0, True), err
    code, out, err = typed(said.splitlines()[-1].removeprefix("next: "), *FEW)
    assert (code, measured(out, "Zero-shot CLIP")) == (0, True), err


def test_what_is_done_already_is_no_selection_of_nothing(place: Path) -> None:
    command = next_command(archive(place / "x.npz"), "--dataset", "mine")
    for _ in range(2):
        code, _, err = typed(command, *FEW)
        assert code == 0, err
    assert "0 missing, 0 stale\nnothing to run" in err


def test_two_imports_of_one_data_set_keep_their_records_apart(place: Path) -> None:
    (place / "names.txt").write_text("\n".join(f"kind {c}" for c in range(CLASSES)))
    for number, name in enumerate(("tip", "cafo")):
        source = archive(place / f"{name}.npz", seed=number)
        command = next_command(source, "--classnames", "names.txt", "--out", name)
        code, _, err = typed(command, *FEW)
        assert (code, "0 stale" in err) == (0, True)
    assert {path.name for path in (place / "results").iterdir()} == {"tip-imagenet", "cafo-imagenet"}
    assert "0 missing, 0 stale" in typed(command, *FEW)[2]


def test_an_import_whose_records_would_lie_among_those_of_another_is_refused(place: Path) -> None:
    first, second = archive(place / "1.npz"), archive(place / "2.npz", seed=1)
    typed(next_command(first, "--dataset", "mine", "--out", "a/tip"), *FEW)
    code, out, err = bench("features", "import", second, "--dataset", "mine", "--out", "b/tip")
    assert (code, out) == (2, "")
    assert "results/tip-mine: holds records of other features" in err
    assert not list((place / "b" / "tip").iterdir())
    next_command(first, "--dataset", "mine", "--out", "b/tip")  # the same features may be imported anywhere
    code, _, err = typed(next_command(second, "--dataset", "mine", "--out", "a/tip"), *FEW)
    assert (code, "0 missing" in err, " 0 stale" in err) == (0, True, False), "features that are replaced are stale"


METHOD = """
from baselines.tip_adapter import TipAdapter

class Mine(TipAdapter):
    pass
"""


def test_every_command_on_the_page_and_in_notes_is_understood(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "mine.py").write_text(METHOD)
    (place / "own suites").mkdir()
    own = place / "own suites" / "squares.toml"
    own.write_text(FILE.read_text())
    options = ["--suite", "own suites/squares.toml", "--table", "4", "--shots", "1", "--seeds", "1,3", "--jobs", "1"]
    code, _, err = bench("run", *options, *FEW, "--method", "mine:Mine")
    assert code == 0, err
    assert bench("report", "--suite", "own suites/squares.toml")[0] == 0
    page = html.unescape((place / "reports" / "squares" / "index.html").read_text("utf-8"))
    found = [command for command in commands(page) if "--suite" in command]
    assert found
    for command in found:
        code, _, err = typed(command, "--dry-run")
        assert code == 0, (command, err)
        assert not err.startswith("0 runs")


def test_a_cell_of_an_added_row_and_of_other_seeds_is_measured_again_by_its_command(place: Path) -> None:
    from benchmark.analysis.results import gather
    from benchmark.exhibits import exhibit
    from benchmark.records.store import Store
    from benchmark.reporting.cells import _again
    from benchmark.suites import suite

    (place / "mine.py").write_text(METHOD)
    arguments = ["--suite", str(FILE), "--table", "4", "--method", "mine:Mine", "--shots", "1", "--seeds", "3"]
    code, _, err = bench("run", *arguments, "--jobs", "1")
    assert code == 0, err
    shown = exhibit.with_method(exhibit.load("table4"), "mine:Mine")
    found = gather(shown, suite.load(str(FILE), ["toy_world"]), Store(place / "results" / "toy").records())
    command = _again(found, "Mine", "1-shot")
    assert f"--suite {FILE} --method mine:Mine --shots 1 --seeds 3 --rerun" in command
    assert "1 run: 1 done" in typed(command, "--dry-run")[2]
    found.stale["Mine", "1-shot"] = ["RN50"]
    assert found.again(["Mine"]).endswith(" --method mine:Mine --rerun")
    assert found.again(["CoOp"]).endswith(f"--suite {FILE} --rerun")


def test_a_claim_names_the_commands_that_measure_it_in_the_suite_and_what_cannot_be_measured(place: Path) -> None:
    name = "amu-beats-baselines"
    _, out, _ = bench("claims", name, "--suite", HOUSE)
    assert commands(out)
    for command in commands(out):
        assert typed(command, "--dry-run")[0] == 0, command
    next_command(archive(place / "x.npz"), "--dataset", "mine")
    _, out, _ = bench("claims", name, "--suite", "imported/mine.toml")
    assert not commands(out)
    assert ": data set imagenet is missing in this suite" in out


def test_the_doctor_says_that_exhibits_ask_about_nothing_in_a_suite(place: Path) -> None:
    next_command(archive(place / "x.npz"), "--dataset", "mine")
    code, out, _ = bench("doctor", "--suite", "imported/mine.toml", "--table", "4")
    (line,) = [line for line in out.splitlines() if line.startswith("BAD")]
    assert (code, "table4: data set imagenet is missing in this suite; type bench run" in line) == (3, True)
    assert bench("doctor", "--suite", "imported/mine.toml")[0] == 0


def test_compare_offers_a_command_or_says_why_there_is_none(place: Path) -> None:
    next_command(archive(place / "x.npz"), "--dataset", "mine")
    rows = ["Tip-Adapter", "Zero-shot CLIP"]
    code, _, err = bench("compare", *rows, "--suite", "imported/mine.toml")
    assert (code, "not run: data set imagenet is missing in this suite" in err) == (3, True)
    code, _, err = bench("compare", *rows, "--suite", FILE)
    (command,) = commands(err)
    assert (code, typed(command, "--dry-run")[0]) == (3, 0)


def test_check_and_features_name_the_suite_in_what_they_offer(place: Path) -> None:
    offered = bench("check", "--suite", FILE)[2] + bench("check", "--update", "--suite", HOUSE)[2]
    assert commands(offered) == [f"bench run --all --suite {FILE}", f"bench run --all --quick --suite {HOUSE}"]
    for command in commands(offered):
        assert typed(command, "--dry-run")[0] == 0
    bench("run", "--table", "4", "--suite", FILE, *FEW, "--shots", "1", "--seeds", "1")
    (command,) = commands(bench("check", "--suite", FILE)[2])
    assert command == f"bench check --update --suite {FILE}"
    (command,) = commands(bench("features", "--suite", FILE, "--part", "generated")[2])
    assert typed(command)[0] == 0
