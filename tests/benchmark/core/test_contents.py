"""Files are known by their bytes, which are read once and again only after a change."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.core import contents
from benchmark.core.contents import hashes
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import file_hash

OLD = 1_000_000_000
"""A time in seconds long before now: a file that was just written is not remembered."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in (("a/1", b"one"), ("a/2", b"two"), ("b/3", b"three")):
        put(tmp_path / "images" / name, content)
    return tmp_path / "images"


def put(file: Path, content: bytes, when: int = OLD) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (when, when))


NAMES = [b"a/1", b"a/2", b"b/3"]


def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read from now on."""
    found: list[str] = []
    own = contents._hash
    monkeypatch.setattr(contents, "_hash", lambda path: found.append(path.name) or own(path))
    return found


def test_the_hashes_are_those_of_the_bytes_in_the_order_of_the_names(root: Path, tmp_path: Path) -> None:
    found = hashes(root, [b"b/3", b"a/1"], tmp_path / "cache")
    assert [row.tobytes().hex() for row in found] == [file_hash(root / "b/3"), file_hash(root / "a/1")]


def test_a_second_look_reads_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hashes(root, NAMES, tmp_path / "cache")
    seen = read(monkeypatch)
    assert np.array_equal(hashes(root, NAMES[::-1], tmp_path / "cache"), first[::-1])
    assert seen == []


def rewritten(file: Path) -> None:
    put(file, b"TWO", OLD + 1)


def restored(file: Path) -> None:
    """Other bytes of the same size and time in the same file."""
    put(file, b"TWO")


def exchanged(file: Path) -> None:
    """Another file of the same size and times under the name."""
    put(file.with_suffix(".new"), b"TWO")
    os.replace(file.with_suffix(".new"), file)


@pytest.mark.parametrize("change", [rewritten, restored, exchanged])
def test_only_a_changed_file_is_read_again(
    change: "type[rewritten]", root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hashes(root, NAMES, tmp_path / "cache")
    seen = read(monkeypatch)
    change(root / "a/2")
    now = hashes(root, NAMES, tmp_path / "cache")
    assert seen == ["2"]
    assert (now != first).any(axis=1).tolist() == [False, True, False]


def test_a_file_that_was_just_written_is_not_remembered(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a/1").write_bytes(b"new")
    hashes(root, NAMES, tmp_path / "cache")
    seen = read(monkeypatch)
    hashes(root, NAMES, tmp_path / "cache")
    assert seen == ["1"]


def test_two_folders_of_one_name_are_remembered_apart(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "other/images/a/1", b"ONE")
    first = hashes(root, NAMES[:1], tmp_path / "cache")
    assert not np.array_equal(hashes(tmp_path / "other/images", NAMES[:1], tmp_path / "cache"), first)


ONE = {"names": np.array([b"a/1"]), "stamps": np.zeros(1, contents._STAMP), "hashes": np.zeros((1, 32), np.uint8)}
LOST = {name: array for name, array in ONE.items() if name != "hashes"}
MEMORIES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "two letters": lambda file: file.write_bytes(b"PK"),
    "the end missing": lambda file: file.write_bytes(file.read_bytes()[:-40]),
    "a byte that is another": lambda file: file.write_bytes(file.read_bytes().replace(b"a/1", b"a/7", 1)),
    "encrypted": lambda file: file.write_bytes(_encrypted(file.read_bytes())),
    "stamps of another form": lambda file: np.savez(file, **{**ONE, "stamps": np.zeros(1)}),
    "hashes of floats": lambda file: np.savez(file, **{**ONE, "hashes": np.zeros((1, 32))}),
    "more names than hashes": lambda file: np.savez(file, **{**ONE, "names": np.array([b"a/1", b"a/2"])}),
    "one name alone": lambda file: np.savez(file, **{**ONE, "names": np.array(b"a/1")}),
    "without hashes": lambda file: np.savez(file, **LOST),
    "objects": lambda file: np.savez(file, **{**ONE, "names": np.array([{}])}, allow_pickle=True),
    "a named pipe": lambda file: (file.unlink(), os.mkfifo(file)),
}


def _encrypted(archive: bytes) -> bytes:
    """An archive whose directory says that its entries are encrypted."""
    return re.sub(rb"(PK\x01\x02.{4}).", lambda entry: entry[1] + b"\1", archive, flags=re.DOTALL)


@pytest.mark.parametrize("damage", MEMORIES.values(), ids=MEMORIES)
def test_a_damaged_memory_is_made_again(damage: Callable[[Path], object], root: Path, tmp_path: Path) -> None:
    first = hashes(root, NAMES, tmp_path / "cache")
    (memory,) = (tmp_path / "cache/contents").iterdir()
    damage(memory)
    assert np.array_equal(hashes(root, NAMES, tmp_path / "cache"), first)
    assert len(contents._Memory(root, tmp_path / "cache").names) == len(NAMES), "it is remembered again"


def test_missing_files_are_counted_and_the_first_is_named(root: Path, tmp_path: Path) -> None:
    (root / "a/2").unlink()
    (root / "b/3").unlink()
    with pytest.raises(Incomplete, match=r"a/2: the first of 2 missing files of 3 that are listed; copy them"):
        hashes(root, NAMES, tmp_path / "cache")


def test_what_cannot_be_read_is_named_in_one_line(root: Path, tmp_path: Path) -> None:
    (root / "a/dir").mkdir()
    with pytest.raises(BenchError, match=r"a/dir: cannot be read \(Is a directory\)"):
        hashes(root, [b"a/dir"], tmp_path / "cache")


def test_no_files_have_no_hashes(root: Path, tmp_path: Path) -> None:
    assert hashes(root, [], tmp_path / "cache").shape == (0, 32)


def test_forgotten_files_are_read_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents.forget(tmp_path / "cache")
    hashes(root, NAMES, tmp_path / "cache")
    contents.forget(tmp_path / "cache")
    seen = read(monkeypatch)
    hashes(root, NAMES, tmp_path / "cache")
    assert sorted(seen) == ["1", "2", "3"]


def test_changed_files_are_those_with_other_bytes_than_are_remembered(root: Path, tmp_path: Path) -> None:
    hashes(root, NAMES[:2], tmp_path / "cache")
    put(root / "a/1", b"one", OLD + 5)  # touched: the same bytes
    put(root / "a/2", b"TWO", OLD + 5)
    put(root / "b/3", b"THREE", OLD + 5)  # never read before
    assert contents.changed(root, NAMES, tmp_path / "cache") == ["a/2"]
    assert contents.changed(root, NAMES, tmp_path / "cache") == []


def test_a_file_is_changed_even_where_its_stat_tells_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "stamp", lambda path: (3, OLD, OLD, 1))
    hashes(root, NAMES[:2], tmp_path / "cache")
    put(root / "a/2", b"TWO")
    assert contents.changed(root, NAMES[:2], tmp_path / "cache") == ["a/2"]


def test_the_digest_depends_on_the_order(root: Path, tmp_path: Path) -> None:
    found = hashes(root, NAMES, tmp_path / "cache")
    assert contents.digest(found) != contents.digest(found[::-1])
    assert contents.digest(found) == contents.digest(found.copy())


def test_parts_are_read_again_when_their_file_has_changed(root: Path, tmp_path: Path) -> None:
    parts, seen = [b"a/1/x", b"a/1/y", b"a/2/x"], list[bytes]()

    def of(name: bytes) -> bytes:
        seen.append(name)
        return name.rjust(32)

    def look() -> list[bytes]:
        seen.clear()
        found = hashes(root, parts, tmp_path / "cache", read=contents.Read(lambda name: name[:3], of))
        assert [row.tobytes().strip() for row in found] == parts
        return sorted(seen)

    assert look() == parts
    assert look() == []
    put(root / "a/1", b"other", OLD)
    assert look() == parts[:2]
    (root / "a/2").unlink()
    with pytest.raises(Incomplete, match=r"a/2: no such file"):
        look()
