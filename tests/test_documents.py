"""The documents are true: their code runs, their commands exist, their files are there."""

import ast
import re
import shlex
from inspect import signature
from pathlib import Path

import click
import pytest
from toy_world import bits_of, numbered, planted, toy

import benchmark
from benchmark.analysis import results
from benchmark.cli import cli
from benchmark.core.errors import ExitCode
from benchmark.core.paths import REPOSITORY
from benchmark.data.published import sets
from benchmark.encoders.published import slots
from benchmark.exhibits import exhibit
from benchmark.methods.construct import predictor_class
from benchmark.methods.contract.clauses import check
from benchmark.records import exporting, lines
from benchmark.records.exporting import Exporter
from benchmark.records.store import Store
from benchmark.suites import suite

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/cluster.md",
    "docs/commands.md",
    "docs/findings-mini.md",
    "docs/mini-suite.md",
    "docs/negatives.md",
    "docs/notebook.md",
    "docs/paper-suite.md",
    "docs/protocol.md",
    "docs/reliability.md",
    "benchmark/mini/weights/MODEL_CARD.md",
]


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text(name), flags=re.S)


def commands(name: str) -> list[list[str]]:
    """Every `bench …` that a document shows, in a code span or on a line of a block."""
    found = re.findall(r"`(bench [^`]+)`|^(?:\s{4})?(?:\S*/)?(bench .+)$", text(name), flags=re.M)
    return [shlex.split(span or line, comments=True)[1:] for span, line in found]


def test_the_notebook_lines_run(capsys):
    *_, code = blocks("docs/notebook.md", "python")
    exec(compile(code, "docs/notebook.md", "exec"), {})
    assert re.search(r"tensor\(\[\d, \d, \d, \d, \d\]\)", capsys.readouterr().out)


def test_the_lines_that_read_results_find_what_they_name(capsys, tmp_path, monkeypatch):
    *_, code, _ = blocks("docs/notebook.md", "python")
    shown, columns = exhibit.load("table4"), ["selection", "row", "shots", "mean"]
    counts = {("Tip-Adapter", "4-shot"): [(1, 40, 1)], ("Zero-shot CLIP", "4-shot"): [(1, 30, 1)]}
    written = results.csv(results.gather(shown, toy(), planted(shown, toy(), counts)))
    assert set(columns) <= set(written.partition("\n")[0].split(","))
    assert all(f'"{name}"' in code or f"{name} ==" in code for name in columns)
    (tmp_path / "reports/mini").mkdir(parents=True)
    (tmp_path / "reports/mini/table4.csv").write_text(written)
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("pandas")
    exec(compile(code, "docs/notebook.md", "exec"), {})
    assert re.search(r"Tip-Adapter +NaN +40.0", capsys.readouterr().out)


def test_every_call_of_the_notebook_page_can_be_made():
    calls = re.findall(r"ab\.\w+\([^`\n]*\)", text("docs/notebook.md"))
    found = [node for call in calls for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Call)]
    called = [node for node in found if isinstance(node.func.value, ast.Name) and node.func.value.id == "ab"]
    assert {node.func.attr for node in called} == {*benchmark.__all__} - {"Table"}
    for node in called:
        named = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
        signature(getattr(benchmark, node.func.attr)).bind(*map(ast.literal_eval, node.args), **named)


def test_the_method_of_the_contributing_guide_keeps_the_contract(tmp_path, monkeypatch):
    (code,) = blocks("CONTRIBUTING.md", "python")
    (tmp_path / "guide_of_methods.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    outcomes = check(predictor_class("guide_of_methods:Prototype"))
    assert outcomes
    assert [outcome.reason for outcome in outcomes if not outcome.passed] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_shown_exists_with_its_options(name):
    for arguments in commands(name):
        if arguments[0].startswith("-"):
            continue
        command = cli.commands[arguments[0]]
        if isinstance(command, click.Group) and arguments[1:2] and arguments[1] in command.commands:
            command = command.commands[arguments[1]]
        assert isinstance(command, click.Command)
        known = {option for p in command.params for option in p.opts}
        assert {a for a in arguments if a.startswith("--")} <= known, arguments


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_local_link_leads_somewhere(name):
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text(name)):
        assert (REPOSITORY / name).parent.joinpath(target).exists(), target


def test_every_command_has_a_row():
    rows = re.findall(r"^\| `bench ([\w-]+)", text("docs/commands.md"), flags=re.M)
    assert sorted(rows) == sorted(cli.commands)


def test_every_exit_code_has_a_row():
    codes = re.findall(r"^\| (\d+) \| ", text("docs/commands.md"), flags=re.M)
    assert [int(code) for code in codes] == [*ExitCode]


def test_the_readme_is_short_and_leads_to_every_document():
    assert len(text("README.md").splitlines()) <= 60
    documents = {path.name for path in (REPOSITORY / "docs").glob("*.md")}
    assert documents <= set(re.findall(r"\]\(docs/([\w-]+\.md)\)", text("README.md")))


def test_both_make_targets_and_the_pip_way_use_the_constraints():
    assert "constraints.txt" in text("README.md")
    assert "constraints.txt" in text("Makefile")


def test_the_constraints_pin_every_requirement_exactly():
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    required = re.findall(r"^    ([A-Za-z_0-9-]+)>=", text("setup.cfg"), flags=re.M)
    assert {name.lower().replace("_", "-") for name in required} <= pinned
    assert Path(REPOSITORY / "Makefile").exists()


def test_the_paper_suite_s_walk_lists_everything_with_its_page_and_licence():
    rows = [line.split(" | ") for line in text("docs/paper-suite.md").splitlines() if line.startswith("| ")]
    cells = {cell.strip("|` ") for row in rows for cell in row}
    for known in sets.SETS.values():
        (row,) = [
            row for row in rows if any(known.page == cell.split(" (the")[0] for cell in row) and known.title in row[0]
        ]
        assert (known.licence or "*unverified*") in row[-1], known.key
        assert known.places[0].split("/")[0] in text("docs/paper-suite.md")
    for slot in (slot for slot in slots.SLOTS.values() if not slot.optional):
        (row,) = [row for row in rows if row[0] == f"| {slot.name}"]
        assert row[2] == slot.page
        assert (slot.licence or "*unverified*") in row[3]
        assert not slot.files or slot.files[0] in cells


def test_the_paper_suite_s_walk_knows_how_many_runs_an_exhibit_has():
    world = suite.load("paper")

    def runs(names):
        return len({run.key for name in names for cell in exhibit.load(name).cells() for run in cell.runs(world)})

    listed = re.findall(r"^\| (Table|Figure) (\d) \| ([\d,]+) \|", text("docs/paper-suite.md"), flags=re.M)
    assert len(listed) == 9
    for kind, number, said in listed:
        assert runs([f"{kind.lower()}{number}"]) == int(said.replace(",", "")), (kind, number)
    (said,) = re.findall(r"^\| all of the paper's exhibits \| ([\d,]+) \|", text("docs/paper-suite.md"), flags=re.M)
    assert runs([name for name in exhibit.names() if exhibit.load(name).place < 20]) == int(said.replace(",", ""))


def test_the_table_of_a_results_file_has_the_fields_of_its_schema():
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", text("docs/exchange.md").partition("JSON Schema")[2], flags=re.M
    )
    assert rows == [(name, field["description"]) for name, field in lines.SCHEMA["properties"].items()]
    assert f"](../benchmark/records/{lines.FILE})" in text("docs/exchange.md")


def test_the_lines_that_read_a_results_file_find_what_they_name(tmp_path, monkeypatch):
    *_, read, unpack = blocks("docs/exchange.md", "python")
    monkeypatch.chdir(tmp_path)
    store, record = Store(tmp_path / "toy"), numbered(1)
    written = Exporter(store, str).lines(store.put(record, bits_of(record)))
    (tmp_path / "results.jsonl").write_text("".join(f"{exporting.jsonl(said)}\n" for said in written))
    found = {}
    exec(compile(read, "docs/exchange.md", "exec"), found)
    exec(compile(unpack, "docs/exchange.md", "exec"), found)
    assert found["right"].tolist() == bits_of(record)["val"].tolist()
    assert len(found["runs"]) == 4
