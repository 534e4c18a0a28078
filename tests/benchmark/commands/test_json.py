"""`--json` on every command that answers: the standard output is JSON and nothing else, whatever is printed beside it."""

import json
from pathlib import Path

import pytest
from toy_world import FILE, bench, bits_of, planted, toy

from benchmark.core import paths, streams
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.methods.contract import clauses
from benchmark.methods.contract.clauses import Result
from benchmark.records.store import Store

SUITE = ["--suite", FILE]
ANSWERS: dict[str, tuple[list[object], type, set[str]]] = {
    "list": (["list", *SUITE], dict, {"tables", "figures", "methods", "data sets", "backbones", "encoders", "suites"}),
    "doctor": (["doctor", *SUITE], list, {"what", "says", "ok"}),
    "claims": (["claims", *SUITE], list, {"id", "reading", "verdicts", "exhibits"}),
    "compare": (["compare", "Tip-Adapter", "CoOp", *SUITE], dict, {"table4"}),
    "check": (["check", *SUITE], dict, {"counts", "cells", "means", "detectable"}),
    "features": (["features", *SUITE], list, {"dataset", "encoder", "part", "state", "files", "bytes"}),
    "weights": (["weights"], list, {"name", "state", "path", "says"}),
    "lint-paper": (["lint-paper"], list, {"kind", "where", "says", "sources"}),
}
"""Command -> what is typed, the kind of its answer, and fields that the answer, or each of its entries, has."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of Table 4 at two seeds, and the reference run of them."""
    folder = tmp_path_factory.mktemp("made")
    shown, store = exhibit.load("table4"), Store(folder / "results" / "toy")
    counts = {(cell.row, cell.column): [(50, 60, 70), (50, 62, 70)] for cell in shown.cells() if cell.runs(toy(), [1])}
    for record in planted(shown, toy(), counts).values():
        store.put(record, bits_of(record))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "reference", lambda: folder / "reference")
        assert bench("check", "--update", *SUITE, "--results", folder / "results")[0] == 0
    return folder


@pytest.fixture(autouse=True)
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder beside these records."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "reference", lambda: made / "reference")
    monkeypatch.setenv("BENCH_RESULTS", str(made / "results"))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "weights"))


@pytest.mark.parametrize("name", ANSWERS)
def test_the_standard_output_is_json_with_the_documented_fields(name: str) -> None:
    typed, kind, fields = ANSWERS[name]
    code, out, err = bench(*typed, "--json")
    assert code in (ExitCode.OK, ExitCode.MISSING, ExitCode.NOTHING_COMPARED), err
    said = json.loads(out)
    assert type(said) is kind
    for entry in said if kind is list else [said]:
        assert fields <= entry.keys()
    assert out.isascii()


def test_format_json_says_the_same() -> None:
    assert bench("lint-paper", "--json") == bench("lint-paper", "--format", "json")


def test_two_forms_at_once_are_a_line() -> None:
    code, out, err = bench("check", *SUITE, "--json", "--format", "junit")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "--json and --format junit exclude each other" in err


@pytest.mark.parametrize("typed", [["compare", "A", "B"], ["claims", "none"], ["test-method", "no.such:Method"]])
def test_an_error_leaves_the_standard_output_empty(typed: list[str]) -> None:
    code, out, err = bench(*typed, "--json")
    assert code == ExitCode.USAGE
    assert out == ""
    assert err.startswith("bench: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("reason", ["", "it does not"])
def test_test_method_says_each_clause_and_what_a_method_prints_is_no_part_of_it(
    reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"chatty_{'broken' if reason else 'whole'}"
    (tmp_path / f"{name}.py").write_text(
        'print("imported")\nfrom baselines.tip_adapter import TipAdapter\n\nclass Chatty(TipAdapter):\n    pass\n'
    )

    def checked(cls: type) -> list[Result]:
        print("checked", cls.__name__)
        return [Result(name, str(c.__doc__), "" if i else reason) for i, (name, c) in enumerate(clauses.contract())]

    monkeypatch.setattr(clauses, "check", checked)
    code, out, err = bench("test-method", f"{name}.py:Chatty", "--json")
    said = json.loads(out)
    assert {"imported", "checked Chatty"} <= set(err.splitlines())
    assert (said["method"], said["whole"]) == (f"{name}.py:Chatty", not reason)
    assert code == (ExitCode.REGRESSION if reason else ExitCode.OK)
    assert (said["clauses"][0]["kept"], said["clauses"][0]["reason"]) == (not reason, reason)
    assert all(clause["kept"] and clause["says"] for clause in said["clauses"][1:])
    assert said["unseen"] == list(clauses.UNSEEN.values())
    assert said["notes"] == []


@pytest.mark.parametrize("fails", [False, True])
def test_the_standard_output_is_given_back(fails: bool, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with streams.kept_for_answer():
            print("beside")
            streams.answer_json({"é": float("nan")})
            if fails:
                raise ValueError
    except ValueError:
        pass
    print("after")
    streams.answer("text")
    out, err = capsys.readouterr()
    assert err == "beside\n"
    assert out == '{\n "\\u00e9": null\n}\nafter\ntext\n'
