"""Records that version 0.1 measured are read, tabulated, exported and merged as today's are.

`of_0_1/mini` was measured by the code of that version, each record with `bench run --table 4 --shots 1 --seeds 1 --method`:
Tip-Adapter-F by its last commit, 0c1044fd; Tip-Adapter by one before records had checksums, fbd37ebd.
"""

import json
import shutil
from pathlib import Path

import pytest
from toy_world import bench

import benchmark as ab
from benchmark.core.errors import ExitCode
from benchmark.records import lines
from benchmark.records.consistency import CHECKSUM, disagreement
from benchmark.records.record import Record
from benchmark.records.store import Store

THERE = Path(__file__).parent / "of_0_1"
SEALED, UNSEALED = "d0c4f3237ce6b815a4cc", "5c41d5ad1219a5e32f8c"
CORRECT = {
    SEALED: {"last": 5787, "val": 5764, "released": 5798, "test": 5798},
    UNSEALED: {"last": 5750, "val": 5648, "released": 5798, "test": 5798},
}


@pytest.fixture
def records() -> dict[str, Record]:
    store = Store(THERE / "mini")
    found = store.records()
    assert store.problems == {}
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a copy of these results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(THERE, tmp_path / "results")
    return tmp_path


def test_they_are_valid_and_agree_with_their_answers(records: dict[str, Record]) -> None:
    assert {record.conditions["amu_bench"] for record in records.values()} == {"0.1.0"}
    for key, counts in CORRECT.items():
        assert {name: chosen.correct for name, chosen in records[key].selections.items()} == counts
        assert disagreement(records[key]) == ""
    files = {key: json.loads((THERE / "mini" / f"{key}.json").read_text()) for key in records}
    assert {key for key, said in files.items() if CHECKSUM in said} == {SEALED}


def test_their_lines_keep_the_schema(records: dict[str, Record]) -> None:
    found = [line for record in records.values() for line in lines.of(record, str)]
    assert [lines.complaint(line) for line in found] == [""] * 8


@pytest.mark.usefixtures("place")
def test_they_are_in_the_frame_and_in_the_table() -> None:
    frame = ab.results().query("selection == 'val'").set_index("method")["correct"]
    assert frame.to_dict() == {"Tip-Adapter": CORRECT[UNSEALED]["val"], "Tip-Adapter-F": CORRECT[SEALED]["val"]}
    table = ab.read(table=4).pivot()
    assert table.loc["Tip-Adapter-F", "1-shot"] == pytest.approx(57.64)


def test_they_are_exported_and_imported_as_they_are_merged(place: Path) -> None:
    assert bench("results", "export")[0] == ExitCode.OK
    assert bench("results", "import", "results.jsonl", "--results", "imported")[0] == ExitCode.OK
    assert bench("results", "merge", "results", "--results", "merged")[0] == ExitCode.OK
    imported, merged = (
        {path.name: path.read_bytes() for path in (place / name / "mini").iterdir()} for name in ("imported", "merged")
    )
    assert imported == merged
    for path in (place / "results" / "mini").glob(f"{SEALED}*"):
        assert imported[path.name] == path.read_bytes()
    before, after = (
        json.loads((THERE / "mini" / f"{UNSEALED}.json").read_text()),
        json.loads(imported[f"{UNSEALED}.json"]),
    )
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
        "answers",
        CHECKSUM,
    }
    assert "2 here with the same answers" in bench("results", "merge", "results", "--results", "imported")[1]
