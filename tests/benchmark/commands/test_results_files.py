"""`bench results export` and `import`: the way of records through a file, its exit codes, and its refusals."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from toy_world import FILE, bench, bits_of, numbered

import benchmark as ab
from benchmark.core.errors import ExitCode
from benchmark.records.lines import COLUMNS
from benchmark.records.store import Store

SUITE = ["--suite", FILE]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two records in the results of a working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    found = Store(tmp_path / "results" / "toy")
    for number in (1, 2):
        found.put(numbered(number), bits_of(numbered(number)))
    return found


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_exported_is_imported_letter_by_letter_and_a_merge_says_same(store: Store, tmp_path: Path) -> None:
    code, out, err = bench("results", "export", *SUITE)
    assert (code, err) == (ExitCode.OK, "")
    assert out.splitlines()[0] == "wrote results.jsonl: 2 runs"
    assert out.splitlines()[1].startswith("next: bench results import results.jsonl --suite ")
    code, out, err = bench("results", "import", "results.jsonl", *SUITE, "--results", "new")
    assert (code, err) == (ExitCode.OK, "")
    assert out.splitlines()[0] == (
        "results.jsonl: 2 records taken, 0 here with the same answers, 0 here with other answers, which stay, 0 left out"
    )
    assert content(tmp_path / "new" / "toy") == content(store.root)
    _, out, _ = bench("results", "merge", "results", *SUITE, "--results", "new")
    assert "0 records taken, 2 here with the same answers" in out


@pytest.mark.usefixtures("store")
def test_the_table_the_file_and_the_frame_have_the_same_columns_and_counts() -> None:
    assert bench("results", "export", *SUITE, "--out", "a table.csv")[0] == ExitCode.OK
    assert bench("results", "export", *SUITE)[0] == ExitCode.OK
    table, frame = pd.read_csv("a table.csv"), ab.results(suite=str(FILE))
    lines = pd.read_json("results.jsonl", lines=True)
    assert tuple(table.columns) == tuple(frame.columns) == tuple(lines.columns[: len(COLUMNS)]) == COLUMNS
    for name in ("key", "selection", "correct", "accuracy"):
        assert table[name].tolist() == frame[name].tolist() == lines[name].tolist()


@pytest.mark.usefixtures("store")
def test_the_standard_output_has_the_lines_and_nothing_else(tmp_path: Path) -> None:
    code, out, err = bench("results", "export", *SUITE, "--out", "-")
    assert (code, err) == (ExitCode.OK, "")
    assert [json.loads(line)["selection"] for line in out.splitlines()] == ["last", "val", "released", "test"] * 2
    _, out, _ = bench("results", "export", *SUITE, "--out", "-", "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(out)))) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"results", "cache"} & {
        path.name for path in tmp_path.iterdir()
    }


def test_a_damaged_record_is_not_exported_and_the_command_ends_with_7(store: Store) -> None:
    (store.root / f"{numbered(1).key}.json").write_text("{")
    code, _, err = bench("results", "export", *SUITE)
    assert code == ExitCode.DAMAGED
    assert f"skipped {store.root / numbered(1).key}.json: not readable as JSON" in err.replace(
        "results/toy", str(store.root)
    )
    assert len(Path("results.jsonl").read_text().splitlines()) == 4


def test_a_record_whose_answers_go_while_it_is_exported_is_left_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: Store, record: object) -> dict[str, object]:
        raise FileNotFoundError(2, "No such file or directory", "x.npz")

    monkeypatch.setattr(Store, "answers_of", gone)
    code, _, err = bench("results", "export", *SUITE)
    assert code == ExitCode.DAMAGED
    assert f"{numbered(1).key}.json: x.npz: No such file or directory" in err


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (
            ["--out", "x.csv", "--format", "jsonl"],
            ExitCode.USAGE,
            "--out x.csv: is named as csv, and --format says jsonl",
        ),
        (["--out", "/dev/null"], ExitCode.USAGE, "--out /dev/null: cannot be written (a device, not a regular file)"),
        (["--out", "results"], ExitCode.USAGE, "--out results: cannot be written (Is a directory); name a file"),
        (["--results", "none"], ExitCode.MISSING, "there are no records; measure some with bench run"),
    ],
)
def test_what_cannot_be_written_is_a_line(options: list[str], code: ExitCode, words: str) -> None:
    ended, out, err = bench("results", "export", *SUITE, *options)
    assert (ended, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("store")
def test_damaged_lines_are_named_and_counted_for_programs_too() -> None:
    bench("results", "export", *SUITE)
    text = Path("results.jsonl").read_text()
    Path("results.jsonl").write_text(text + "{}\n" * 30)
    code, out, err = bench("results", "import", "results.jsonl", *SUITE, "--results", "new", "--json")
    assert code == ExitCode.DAMAGED
    (said,) = json.loads(out)
    assert said.keys() == {"file", "lines", "records", "taken", "same", "different", "left_out"}
    assert (said["file"], said["lines"], len(said["taken"]), len(said["left_out"])) == ("results.jsonl", 8, 2, 30)
    assert err.splitlines()[0].startswith("left out results.jsonl, line 9: of schema None")
    assert err.splitlines()[20:] == ["left out 10 more of results.jsonl; --json names all"]


@pytest.mark.usefixtures("store")
def test_a_table_is_checked_and_not_imported(tmp_path: Path) -> None:
    bench("results", "export", *SUITE, "--format", "csv")
    code, out, err = bench("results", "import", "results.csv", *SUITE, "--results", "new")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "results.csv: has counts and no answers, of which no record is made; import the .jsonl" in err
    bench("results", "export", *SUITE)
    code, out, err = bench("results", "import", "--check", "results.csv", "results.jsonl", *SUITE, "--results", "new")
    assert (code, err) == (ExitCode.OK, "")
    assert out.splitlines() == [
        "results.csv: 8 valid lines, 0 not valid",
        "results.jsonl: 8 valid lines, 2 whole records, 0 not valid",
    ]
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("store")
def test_nothing_is_taken_where_one_of_the_files_is_no_results_file(tmp_path: Path) -> None:
    bench("results", "export", *SUITE)
    Path("other.jsonl").write_text('{"acc": 1}\n')
    for name, code in (("other.jsonl", ExitCode.USAGE), ("none.jsonl", ExitCode.MISSING)):
        ended, out, err = bench("results", "import", "results.jsonl", name, *SUITE, "--results", "new")
        assert (ended, out) == (code, "")
        assert err.startswith(f"bench: {name}: ")
    assert not (tmp_path / "new").exists()
