"""What is typed wrongly ends in one line and a documented exit code, before anything runs."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from toy_world import FILE, bench, numbered, undrawn

from benchmark import __version__, cli
from benchmark.commands import options
from benchmark.commands.lazy import LazyCommand
from benchmark.methods.contract import clauses
from benchmark.methods.contract.clauses import Result
from benchmark.mini.pretraining.pretrain import ALGORITHMS
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.running import workers

TOYS = Path(__file__).parents[1] / "toys"
QUICK = ["--table", "4", "--suite", str(FILE), "--shots", "1", "--jobs", "1"]
ZERO, TIP = ["--method", "Zero-shot CLIP"], ["--method", "Tip-Adapter"]
HANG = 600
"""Seconds after which a process that does not end is given up; no outcome depends on it."""


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(draw, "draw", undrawn)
        yield


FAULTY = """from baselines.zero_shot import ZeroShotCLIP
from benchmark.methods import Predictor


class Misspelt(ZeroShotCLIP):

    def scores(self, x):
        return unti(x["clip"])


class Bare(ZeroShotCLIP):

    def scores(self, x):
        return super().scores(x).fused
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which results and reports go to their defaults."""
    monkeypatch.chdir(tmp_path)
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def records(place: Path) -> list[str]:
    return sorted(p.stem for p in (place / "results" / "toy").glob("*.json"))


@pytest.fixture
def _nothing_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Crew", lambda *_: pytest.fail("something ran"))


@pytest.mark.usefixtures("_nothing_may_run")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing chosen; type bench run --table 4 or --all, or bench list"),
        (["--table", "44"], "unknown table '44': did you mean '4'? there are 4, 1, 2, 3, 5 and 8 more"),
        (["--figure", "9"], "unknown figure '9'"),
        (["--table", "4", "--suite", "minni"], "unknown suite 'minni': did you mean 'mini'?"),
        (["--table", "4", "--suite", "nowhere.toml"], "suite file nowhere.toml: cannot be read"),
        ([*QUICK, "--method", "Copp"], "unknown method 'Copp': did you mean 'CoOp'?"),
        ([*QUICK, "--method", "no.such:Method"], "method 'no.such:Method' cannot be imported"),
        ([*QUICK, "--method", "toy_methods:NoPredictor"], "is no benchmark.methods.predictor.Predictor"),
        ([*QUICK, "--method", "toy_methods:Forgetful"], "a run is named by its settings"),
        ([*QUICK, "--shots", "3"], "unknown number of shots '3': there are 1, 2, 4, 8, 16"),
        ([*QUICK, "--shots", "one"], "'one' is no list of whole numbers; write 1,2,4 or 1-3"),
        ([*QUICK, "--shots", "1,,2"], "is no list of whole numbers"),
        ([*QUICK, "--shots", "4-1"], "is no list of whole numbers"),
        ([*QUICK, "--seeds", "x"], "is no list of whole numbers"),
        ([*QUICK, "--jobs", "0"], "0 is not in the range x>=1"),
        ([*QUICK, "--tabel", "4"], "No such option"),
        ([*QUICK, "--shots", "1", "16"], "unexpected extra argument (16) (a list has no spaces: --shots 1,16)"),
        ([*QUICK, "--seeds", "1,", "2"], "is no list of whole numbers"),
        ([*QUICK, "3"], "unexpected extra argument (3) (bench run --help lists what there is)"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(place: Path, arguments: list[str], said: str) -> None:
    code, out, err = bench("run", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("bench: ")
    assert said in err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["runn"], "runn"), (["list", "--suite", "x"], "unknown suite 'x'"), (["list", "--format", "xml"], "json")],
)
def test_a_mistake_in_another_command_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    code, out, err = bench(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_without_a_command_help_is_shown_with_exit_2() -> None:
    code, out, _ = bench()
    assert code == 2
    assert "Start with: bench run --table 4" in out


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    code, out, err = bench(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: bench {command} ")
    assert "Returns:" not in out


@pytest.mark.parametrize(("name", "entry"), cli.COMMANDS.items(), ids=cli.COMMANDS)
def test_the_table_of_commands_has_each_command_s_own_name_and_help(name: str, entry: LazyCommand) -> None:
    command = cli.cli.commands[name]
    assert command.name == name
    assert " ".join((command.help or "").split("\n\n")[0].split()) == entry.help


def test_the_list_of_commands_reads_as_if_all_were_loaded() -> None:
    formatters = click.HelpFormatter(width=80), click.HelpFormatter(width=80)
    context = click.Context(cli.cli)
    cli.cli.format_commands(context, formatters[0])
    click.Group(commands=dict(cli.cli.commands)).format_commands(context, formatters[1])
    assert formatters[0].getvalue() == formatters[1].getvalue()


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [(["--help"], []), (["weights", "--help"], ["weights"]), (["lint-paper", "--help"], ["lint_paper"])],
)
def test_a_command_is_imported_only_when_it_is_asked_for(arguments: list[str], loaded: list[str]) -> None:
    modules = [entry.target.partition(":")[0] for entry in cli.COMMANDS.values()]
    code = f"""
import sys
from benchmark.cli import cli
cli.main({arguments!r}, prog_name="bench", standalone_mode=False)
print([name.rpartition(".")[2] for name in {modules!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=TOYS.parents[1], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(loaded)


def test_the_options_of_run_stand_under_three_headings() -> None:
    out = bench("run", "--help")[1]
    sections = {part.splitlines()[0]: part for part in out.split("\n\n") if not part.startswith(" ")}
    headings = ["What to measure:", "How much and how:", "Where data, weights and results are:", "Options:"]
    assert list(sections)[1:] == headings
    assert sections["Options:"].splitlines()[1:] == ["  -h, --help  Show this message and exit."]
    for option, heading in (("--table", 0), ("--quick", 1), ("--precision", 1), ("--weights-dir", 2)):
        assert f"  {option} " in sections[headings[heading]]


def test_each_option_of_run_has_one_heading() -> None:
    command = cli.cli.commands["run"]
    assert isinstance(command, options.HeadedCommand)
    listed = [name for names in command.headings.values() for name in names]
    assert sorted(listed) == sorted(str(parameter.name) for parameter in command.params)


def test_the_help_of_pretrain_names_every_role_that_can_be_pre_trained() -> None:
    (said,) = re.findall(r"ROLE is one of ([^.]+)\.", " ".join(bench("pretrain", "--help")[1].split()))
    assert said.split(", ") == list(ALGORITHMS)


def test_the_version_is_told() -> None:
    assert bench("--version") == (0, f"bench, version {__version__}\n", "")


@pytest.mark.parametrize(("text", "numbers"), [("1,2,4", [1, 2, 4]), ("1-3", [1, 2, 3]), ("0,8-9", [0, 8, 9])])
def test_numbers_may_be_listed_or_spanned(text: str, numbers: list[int]) -> None:
    assert options.Numbers().convert(text, None, None) == numbers


@pytest.mark.usefixtures("_nothing_may_run")
def test_a_dry_run_says_what_it_would_do_and_does_nothing(place: Path) -> None:
    code, out, err = bench("run", *QUICK, *TIP, "--dry-run")
    assert (code, out) == (0, "")
    assert "2 runs: 0 done, 2 missing, 0 stale" in err
    assert "features to make: 1,312 images, " in err
    assert "2 to run with 1 worker, time: unknown (no method like it was timed)" in err
    assert list(place.iterdir()) == []


@pytest.mark.usefixtures("_nothing_may_run")
@pytest.mark.parametrize("folder", ["results", "reports"])
def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(place: Path, folder: str) -> None:
    (place / folder).write_text("a file")
    code, out, err = bench("run", *QUICK, *ZERO)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"bench: {folder} folder {folder}/toy: cannot be written")
    assert err.splitlines()[-1].endswith(f"choose another with --{folder}")


@pytest.mark.usefixtures("_nothing_may_run")
def test_a_cache_that_cannot_be_written_is_said_before_anything_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "cache").write_text("a file")
    monkeypatch.setenv("BENCH_CACHE", str(place / "cache"))
    code, _, err = bench("run", *QUICK, *ZERO)
    assert code == 2
    assert err.splitlines()[-1].endswith("choose another with BENCH_CACHE")


def test_running_draws_the_table_and_running_again_runs_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = bench("run", *QUICK, *ZERO, *TIP)
    assert code == 0
    assert "[3/3]" in err
    assert out.startswith("| method | 1-shot |")
    assert len(records(place)) == 3  # zero-shot once, Tip-Adapter for two seeds
    assert sorted(p.name for p in (place / "reports" / "toy").iterdir()) == ["table4.csv", "table4.md", "table4.png"]
    monkeypatch.setattr(workers, "Crew", lambda *_: pytest.fail("something ran"))
    code, again, err = bench("run", *QUICK, *ZERO, *TIP)
    assert (code, again) == (0, out)
    assert "3 runs: 3 done, 0 missing, 0 stale\nnothing to run" in err


def test_a_deleted_record_is_the_only_one_made_again(place: Path) -> None:
    bench("run", *QUICK, *TIP)
    keys = records(place)
    Store(place / "results" / "toy").delete(keys[0])
    _, _, err = bench("run", *QUICK, *TIP)
    assert "2 runs: 1 done, 1 missing, 0 stale" in err
    assert "[1/1]" in err
    assert records(place) == keys


def test_a_record_of_older_weights_is_called_stale_and_made_again_on_request(place: Path) -> None:
    bench("run", *QUICK, *ZERO)
    older = place / "older" / "toy.toml"
    older.parent.mkdir()
    older.write_text(FILE.read_text().replace('"toy_world:Squares"', '"toy_world:Squares"\nfingerprint = "squares-0"'))
    arguments = ["--table", "4", *ZERO, "--jobs", "1", "--suite", str(older)]
    code, _, err = bench("run", *arguments)
    assert code == 0
    assert "1 run: 0 done, 0 missing, 1 stale\nstale: measured on other data or weights" in err
    assert "nothing to run" in err
    _, _, err = bench("run", *arguments, "--rerun")
    assert "[1/1]" in err
    assert "1 done" in bench("run", *arguments)[2]


def test_a_run_that_fails_is_one_line_and_exit_4_and_the_others_are_measured(place: Path) -> None:
    code, out, err = bench("run", *QUICK, *ZERO, "--method", "toy_methods:Failing", "--seeds", "1")
    assert code == 4
    (failed,) = [line for line in err.splitlines() if line.startswith("FAILED")]
    assert failed.startswith("FAILED Failing, imagenet, 1 shot, seed 1: ValueError: first line second line (")
    assert len(records(place)) == 1
    assert "| Failing | – |" in out


def test_a_run_that_fails_is_called_failed_under_the_table_with_its_reason(place: Path) -> None:
    bench("run", *QUICK, *ZERO, "--method", "toy_methods:Failing", "--seeds", "1")
    text = (place / "reports" / "toy" / "table4.md").read_text(encoding="utf-8")
    assert re.search(
        r"^- Failing: failed at 1-shot: ValueError: first line second line \(.*; not yet run at", text, re.M
    )


def with_data(place: Path, reader: str, **options: str | int) -> str:
    """A suite file: the toy suite with another reader of its data set, which is given options."""
    lines = [f'"toy_world:{reader}"', *(f"{name} = {json.dumps(value)}" for name, value in options.items())]
    file = place / f"{reader.lower()}.toml"
    file.write_text(FILE.read_text().replace('"toy_world:Squares"', "\n".join(lines)))
    return str(file)


def torn(place: Path, split: str) -> list[str]:
    """Options for the toy suite with images of a split that cannot be read."""
    file = with_data(place, "Torn", split=split, fingerprint=split)
    return ["--table", "4", "--suite", file, "--shots", "1", "--seeds", "1", "--jobs", "1"]


def test_runs_whose_features_failed_are_not_tried_and_named_under_the_table(place: Path) -> None:
    code, out, err = bench("run", *torn(place, "test"), *ZERO, *TIP)
    assert (code, err.count("FAILED"), err.count("test.png: torn")) == (4, 1, 1)
    assert "2 runs not tried, for want of what failed" in err
    assert "| Tip-Adapter | – |" in out
    text = (place / "reports" / "torn" / "table4.md").read_text(encoding="utf-8")
    assert "- Zero-shot CLIP: failed: test.png: torn." in text
    assert "Tip-Adapter: failed at 1-shot: test.png: torn; not yet run at 2-shot, 4-shot" in text


def test_runs_that_do_not_need_what_failed_are_measured(place: Path) -> None:
    code, _, err = bench("run", *torn(place, "train"), *ZERO, *TIP)
    assert code == 4
    assert "1 run not tried, for want of what failed" in err
    assert "Zero-shot CLIP" in err
    text = (place / "reports" / "torn" / "table4.md").read_text(encoding="utf-8")
    assert "- Zero-shot CLIP" not in text
    assert "Tip-Adapter: failed at 1-shot: train.png: torn" in text


def test_a_librarys_warning_is_one_line_with_the_name_of_its_run_and_a_sentence_under_the_table(place: Path) -> None:
    code, out, err = bench("run", *QUICK, "--method", "toy_methods:Warned", "--seeds", "1")
    said = "RuntimeWarning: failed to converge (status=0) (3 times)"
    assert code == 0
    assert [line for line in err.splitlines() if "converge" in line] == [
        f"warning Warned, imagenet, 1 shot, seed 1: {said}"
    ]
    assert f"Warned at 1-shot: a library warned: {said}." in out


def test_fewer_images_than_shots_are_told_with_the_table(place: Path) -> None:
    few = with_data(place, "Few", most=4, of_first=2, val=0, val_of_first=0)
    arguments = ["--suite", few, "--seeds", "1", "--jobs", "1", "--method", "LP-CLIP"]
    code, out, _ = bench("run", "--table", "4", "--shots", "2,16", *arguments)
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("| LP-CLIP"))
    assert [cell.rstrip().endswith("†") for cell in row.split("|")[2:-1]] == [False, True]
    assert "† 16-shot: at most 4 images of a class, 2 of some (imagenet)." in out
    assert "No validation images at 2-shot, 16-shot: `val` is the last epoch there." in out


def test_anybody_s_method_is_a_row_of_the_table(place: Path) -> None:
    code, out, _ = bench("run", *QUICK, "--method", "toy_methods:Flat", "--seeds", "1")
    assert code == 0
    assert "| Flat | 6.2 +4.9 -2.8 |" in out  # 10 of 160


def test_a_torn_record_is_named_and_measured_again(place: Path) -> None:
    bench("run", *QUICK, *ZERO)
    (key,) = records(place)
    (place / "results" / "toy" / f"{key}.json").write_text("{")
    code, _, err = bench("run", *QUICK, *ZERO)
    assert code == 0
    assert f"skipped results/toy/{key}.json: not readable as JSON" in err
    assert "[1/1]" in err


def test_the_report_is_written_from_what_is_there(place: Path) -> None:
    store, record = Store(place / "results" / "toy"), numbered(1)
    store.root.mkdir(parents=True)
    (store.root / f"{record.key}.json").write_text("torn")
    code, out, err = bench("report", "--suite", FILE)
    assert code == 0
    assert "wrote reports/toy/index.html" in out
    assert f"{record.key}.json: not readable" in err
    page = (place / "reports" / "toy" / "index.html").read_text(encoding="utf-8")
    assert f"{record.key}.json" in page


def test_results_go_where_the_option_or_else_the_environment_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_RESULTS", str(place / "from-environment"))
    bench("run", *QUICK, *ZERO)
    assert len(list((place / "from-environment" / "toy").glob("*.json"))) == 1
    bench("run", *QUICK, *ZERO, "--results", place / "from-option")
    assert len(list((place / "from-option" / "toy").glob("*.json"))) == 1


def test_a_report_on_a_folder_without_records_is_a_line_and_exit_3(place: Path) -> None:
    code, out, err = bench("report", "--suite", FILE, "--results", "nowhere")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("bench: nowhere/toy: there are no records; measure some with bench run ")
    assert not (place / "reports").exists()


@pytest.mark.parametrize(("method", "reason"), [
    ("Misspelt", "NameError: name 'unti' is not defined ("),
    ("Bare", "scores(x) must return Scores(zero_shot, bias, fused), got Tensor"),
])  # fmt: skip
def test_the_contract_names_each_fault_once_with_its_place(
    place: Path, monkeypatch: pytest.MonkeyPatch, method: str, reason: str
) -> None:
    module = place / "faulty_methods.py"
    module.write_text(FAULTY)
    monkeypatch.syspath_prepend(place)
    code, out, _ = bench("test-method", f"faulty_methods:{method}")
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith(("kept", "BROKEN"))]
    assert line.startswith(f"BROKEN scores at all: {reason}")
    assert out.splitlines()[-1] == "0 of 37 clauses kept; mend what is BROKEN, then ask again"
    if method == "Misspelt":
        assert f"{module}, line 8, in scores" in line


def test_a_fault_that_breaks_several_clauses_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [Result("alone", "", "a fault"), Result("deterministic", "", ""), Result("milestones", "", "a fault")]
    monkeypatch.setattr(clauses, "check", lambda *_: broken)
    code, out, _ = bench("test-method", "baselines.zero_shot:ZeroShotCLIP")
    assert (code, out.splitlines()[:2]) == (1, ["kept   deterministic", "BROKEN alone: a fault (so is milestones)"])


def test_the_contract_is_asked_of_any_class() -> None:
    code, _, err = bench("test-method", "toy_methods:NoPredictor")
    assert (code, err.count("\n")) == (2, 1)
    code, out, _ = bench("test-method", "baselines.zero_shot:ZeroShotCLIP")
    assert code == 0
    assert "BROKEN" not in out
    assert out.splitlines()[-1].endswith(
        "clauses kept; next: bench run --table 4 --method baselines.zero_shot:ZeroShotCLIP"
    )


def started(place: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TOYS}{os.pathsep}{TOYS.parents[1]}",
        "BENCH_TEST_STARTED": str(place / "started"),
    }
    command = [sys.executable, "-c", "from benchmark.cli import main; main()", *arguments]
    return subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_ctrl_c_is_exit_130_and_what_was_measured_stays(place: Path) -> None:
    bench("run", *QUICK, "--method", "toy_methods:Flat", "--seeds", "1,2")  # makes the features that Slow needs
    process = started(place, "run", *QUICK, "--method", "toy_methods:Slow", "--seeds", "1,2", "--jobs", "2")
    while not (place / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("bench: interrupted; what was measured stays")
    assert "Traceback" not in err
    assert len(records(place)) == 2


@pytest.mark.slow
def test_workers_measure_what_one_process_measures_and_a_killed_one_costs_one_run(place: Path) -> None:
    one_seed = ["--seeds", "1"]
    assert bench("run", *QUICK, *TIP, *one_seed, "--results", "alone")[0] == 0
    arguments = [*TIP, "--method", "toy_methods:Killing", *one_seed, "--jobs", "2", "--results", "together"]
    process = started(place, "run", *QUICK, *arguments)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 4
    assert err.count("FAILED Killing") == 1
    alone, together = (Store(place / name / "toy").records() for name in ("alone", "together"))
    ((key, record),) = alone.items()
    assert list(together) == [key]
    assert (together[key].selections, together[key].curves) == (record.selections, record.curves)


def test_records_are_plain_json_that_anybody_can_read(place: Path) -> None:
    bench("run", *QUICK, *ZERO)
    (key,) = records(place)
    record = json.loads((place / "results" / "toy" / f"{key}.json").read_text())
    assert record["asked"]["suite"] == "toy"
    assert not any(str(place) in text for text in map(str, record.values()))


@pytest.mark.usefixtures("_nothing_may_run")
@pytest.mark.parametrize("typed", ["4", "table4", "Table 4"])
def test_a_table_is_chosen_by_its_number_or_its_id(place: Path, typed: str) -> None:
    code, _, err = bench("run", "--suite", str(FILE), "--table", typed, "--shots", "1", "--seeds", "1", "--dry-run")
    assert code == 0, err
