"""The reference run is held against its hashes, and can be made again whatever is left of it."""

import hashlib
import itertools
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from toy_world import FILE, bench, bits_of, edited, planted, table, toy

from benchmark.analysis.gate.reference_run import ANSWERS, READINGS, Golden
from benchmark.core import manifest, pace, paths
from benchmark.core.errors import Damaged, Incomplete
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records import reference
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store

COLUMNS = [{"name": "1-shot", "shots": 1}, {"name": "CMY", "shots": 1, "metric": "cmy_centred"}]
SHOWN = {
    "table0": table(columns=COLUMNS),
    "table1": table(columns=[{"name": "2-shot", "shots": 2}], id="table1"),
}
WRITTEN = ["table0.csv", "table1.csv", ANSWERS, READINGS, "seconds.csv", "conditions.json"]
READ = ["table0.csv", "table1.csv", ANSWERS, READINGS]
SUITE = ["--suite", FILE]
Damage = Callable[[Path], object]


def fill(folder: Path, shown: Exhibit, right: int = 50) -> None:
    """Records of every cell of an exhibit at two seeds, of which so many of 100 images are right."""
    counts = {(cell.row, cell.column): [(40, right, 60), (42, right + 2, 61)] for cell in shown.cells() if cell.method}
    for record in planted(shown, toy(), counts).values():
        whole = edited(record, metrics={name: {"cmy_centred": 0.5} for name in SELECTIONS})
        Store(folder).put(whole, bits_of(whole))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with records of two tables in results/, and their reference run in reference/toy/."""
    made = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        in_folder(made, patch)
        for shown in SHOWN.values():
            fill(made / "results" / "toy", shown)
        assert bench("check", "--update", *SUITE)[0] == 0
    return made


def in_folder(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Records, cache and reference numbers of the two tables are in this folder, and this machine keeps its pace."""
    patch.setattr(pace, "seconds", lambda: 0.01)
    patch.setattr(exhibit, "load", SHOWN.__getitem__)
    patch.setattr(exhibit, "names", lambda: tuple(SHOWN))
    patch.setattr(paths, "reference", lambda: folder / "reference")
    patch.setenv("BENCH_RESULTS", str(folder / "results"))
    patch.setenv("BENCH_CACHE", str(folder / "cache"))


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    in_folder(tmp_path, monkeypatch)
    return tmp_path


def folder(place: Path) -> Path:
    return place / "reference" / "toy"


def contents(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder(place).iterdir()}


def _edited(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Damage] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 10]),
    "cut at a line": lambda path: path.write_bytes(path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n"),
    "empty": lambda path: path.write_bytes(b""),
    "edited": _edited,
    "gone": lambda path: path.unlink(),
    "other bytes": lambda path: path.write_bytes(b"\xff\x00\xfe" * 100),
    "a pipe": _as_pipe,
}


def test_an_update_lists_every_file_that_it_writes_as_sha256sum_does(place: Path) -> None:
    listed = dict(reversed(line.split("  ")) for line in (folder(place) / "SHA256SUMS").read_text().splitlines())
    found = {name: hashlib.sha256(content).hexdigest() for name, content in contents(place).items()}
    assert found.pop("SHA256SUMS")
    assert listed == found
    assert sorted(listed) == sorted(WRITTEN)
    assert bench("check", *SUITE)[::2] == (0, "")


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_of_the_reference_run_is_named_and_nothing_is_judged(place: Path, name: str, kind: str) -> None:
    DAMAGES[kind](folder(place) / name)
    code, out, err = bench("check", *SUITE)
    assert (code, out, err.count("\n")) == (7, "", 1)
    assert err.startswith(f"bench: {folder(place) / name}: ")
    assert err.endswith(f"; make it again with bench check --update --suite {FILE}\n")


@pytest.mark.parametrize("name", ["table0.csv", ANSWERS, READINGS])
def test_one_exhibit_is_not_judged_either_where_a_file_that_it_rests_on_is_damaged(place: Path, name: str) -> None:
    DAMAGES["cut at a line"](folder(place) / name)
    assert bench("check", "--table", "0", *SUITE)[:2] == (7, "")


def test_a_file_that_is_not_listed_is_no_part_of_the_reference_run(place: Path) -> None:
    sums = folder(place) / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(keepends=True) if "table1" not in line))
    code, _, err = bench("check", *SUITE)
    assert code == 7
    assert "table1.csv: is not listed in SHA256SUMS" in err


@pytest.mark.parametrize("content", [b"", b"\n", b"abc  table0.csv\n", b"\xff" * 9, b"0" * 64 + b"  ../up.csv x\n"])
def test_a_damaged_list_of_hashes_is_named(place: Path, content: bytes) -> None:
    (folder(place) / "SHA256SUMS").write_bytes(content)
    code, _, err = bench("check", *SUITE)
    assert (code, err.count("\n")) == (7, 1)
    assert "SHA256SUMS: is no list of hashes and names; make it again with bench check --update" in err


def test_a_list_of_hashes_that_is_cut_anywhere_is_never_taken(place: Path) -> None:
    sums = folder(place) / "SHA256SUMS"
    content = sums.read_bytes()
    for length in random.Random(0).sample(range(len(content) - 1), 25):
        sums.write_bytes(content[:length])
        assert bench("check", *SUITE)[0] == 7, length


def test_a_reference_run_of_before_the_hashes_is_taken_with_a_line(place: Path) -> None:
    (folder(place) / "SHA256SUMS").unlink()
    code, out, err = bench("check", *SUITE)
    assert (code, err.count("\n")) == (0, 1)
    assert "has no SHA256SUMS, so that a changed file is not found; bench check --update" in err
    assert out.startswith("6 cells compared")
    assert ": 6 agree" in out


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("kind", ["cut", "empty", "other bytes", "a pipe"])
def test_without_hashes_what_cannot_be_read_is_named_all_the_same(place: Path, name: str, kind: str) -> None:
    (folder(place) / "SHA256SUMS").unlink()
    DAMAGES[kind](folder(place) / name)
    code, out, err = bench("check", *SUITE)
    assert (code, out) == (7, "")
    assert f"{folder(place) / name}: cannot be read (" in err


@pytest.mark.parametrize("name", [ANSWERS, READINGS])
def test_without_hashes_answers_and_readings_are_missed_all_the_same(place: Path, name: str) -> None:
    (folder(place) / "SHA256SUMS").unlink()
    (folder(place) / name).unlink()
    code, _, err = bench("check", *SUITE)
    assert code == 7
    assert f"{name}: is not there; make it again" in err


@pytest.mark.parametrize("name", READ)
def test_without_hashes_no_cut_and_no_flipped_bit_ends_in_a_traceback(place: Path, name: str) -> None:
    (folder(place) / "SHA256SUMS").unlink()
    path, dice = folder(place) / name, random.Random(name)
    whole = path.read_bytes()
    for _ in range(40):
        content = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.5 else whole)
        for _ in range(3 * bool(content)):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        golden = Golden("toy")
        with suppress(Damaged):  # and nothing else
            assert [golden.cells(one) for one in SHOWN] + [golden.all_answers, golden.all_readings]


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("kind", DAMAGES)
def test_an_update_of_all_needs_nothing_of_the_old(place: Path, name: str, kind: str) -> None:
    before = contents(place)
    DAMAGES[kind](folder(place) / name)
    code, _, err = bench("check", "--update", *SUITE)
    assert (code, err) == (0, "")
    assert contents(place) == before
    assert bench("check", *SUITE)[0] == 0


def test_an_update_of_all_needs_no_list_of_hashes(place: Path) -> None:
    before = contents(place)
    (folder(place) / "SHA256SUMS").write_bytes(b"torn")
    assert bench("check", "--update", *SUITE)[0] == 0
    assert contents(place) == before


@pytest.mark.parametrize("name", ["table1.csv", ANSWERS, READINGS, "SHA256SUMS"])
def test_an_update_of_a_part_does_not_keep_what_is_damaged(place: Path, name: str) -> None:
    DAMAGES["cut"](folder(place) / name)
    before = contents(place)
    code, out, err = bench("check", "--update", "--table", "0", *SUITE)
    assert (code, out, err.count("\n")) == (7, "", 1)
    assert "make it again with bench check --update" in err
    assert "table1 would be kept from the old one" in err
    assert contents(place) == before


def test_an_update_of_a_part_does_not_read_the_part_that_it_replaces(place: Path) -> None:
    before = contents(place)
    DAMAGES["cut"](folder(place) / "table0.csv")
    code, out, _ = bench("check", "--update", "--table", "0", *SUITE)
    assert code == 0
    assert "table0: new, for the old one is damaged" in out
    assert contents(place) == before


def test_an_update_of_a_part_lists_the_rest_too(place: Path) -> None:
    (folder(place) / "SHA256SUMS").unlink()
    assert bench("check", "--update", "--table", "1", *SUITE)[0] == 0
    assert bench("check", *SUITE)[::2] == (0, "")
    assert "table0.csv" in (folder(place) / "SHA256SUMS").read_text()


@pytest.mark.parametrize("step", range(len(WRITTEN) + 1))
def test_an_update_that_stops_anywhere_leaves_a_whole_reference_run_or_a_line(
    place: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place / "results" / "toy", SHOWN["table0"], right=58)
    fill(place / "results" / "toy", SHOWN["table1"], right=58)
    before, count, rename = contents(place), itertools.count(), os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).parent == folder(place) and next(count) == step:
            raise OSError(28, "No space left on device")
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, _, err = bench("check", "--update", *SUITE)
    assert code == 6
    assert "No space left on device" in err
    assert not list(folder(place).glob(".*"))
    if step == 0:
        assert contents(place) == before
    else:
        with pytest.raises(Damaged, match="make it again"):
            manifest.verify(folder(place), "make it again")


def test_an_installed_package_s_own_reference_run_is_not_overwritten(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(place)
    monkeypatch.setattr(paths, "INSTALLED", place / "reference")
    code, out, err = bench("check", "--update", *SUITE)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{folder(place)}: belongs to the installed package and stays as published" in err
    assert contents(place) == before


def test_an_update_says_where_it_writes(place: Path) -> None:
    _, out, _ = bench("check", "--update", *SUITE)
    assert [line for line in out.splitlines() if line.startswith("wrote ")] == [
        f"wrote {folder(place) / name}" for name in [*WRITTEN, "SHA256SUMS"]
    ]


def test_no_reference_run_is_made_of_a_store_with_a_damaged_record(place: Path) -> None:
    before = contents(place)
    min((place / "results" / "toy").glob("*.npz")).unlink()
    code, out, err = bench("check", "--update", *SUITE)
    assert (code, out) == (7, "")
    assert "a reference run is made of whole records; bench run measures the skipped ones again" in err
    assert contents(place) == before


def test_a_folder_that_may_not_be_read_is_no_reference_run_that_is_missing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("benchmark.core.regular.opened", denied)
    with pytest.raises(Exception, match=r"SHA256SUMS: cannot be read \(Permission denied\)") as found:
        Golden("toy").exhibits()
    assert not isinstance(found.value, Incomplete)
    assert getattr(found.value, "exit_code", None) == 6


@pytest.mark.parametrize("name", ["paper", "mini"])
def test_the_published_numbers_are_listed_and_whole(name: str) -> None:
    there = paths.reference() / name
    listed = manifest.sums(there, "")
    assert listed is not None
    assert sorted(listed) == sorted(path.name for path in there.iterdir() if path.suffix in (".csv", ".npz", ".json"))
    manifest.verify(there, "")


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_of_the_paper_s_numbers_is_named(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = paths.reference() / "paper"
    (tmp_path / "paper").mkdir()
    for path in published.iterdir():
        (tmp_path / "paper" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)
    assert reference.rows("table4.csv")
    reference.verify()
    reference._rows.cache_clear()
    DAMAGES[kind](tmp_path / "paper" / "table4.csv")
    for read in (lambda: reference.rows("table4.csv"), reference.verify):
        with pytest.raises(Damaged, match=r"table4\.csv: .*git checkout or a new installation restores it"):
            read()
    for command in ("check", "report", "claims"):
        code, _, err = bench(command, *SUITE, "--results", tmp_path)
        assert (code, err.count("\n")) == (7, 1)
        assert "table4.csv: " in err
