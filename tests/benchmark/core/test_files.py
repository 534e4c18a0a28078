"""Text files are read with and without a byte order mark; files and folders that cannot be used are one line."""

import codecs
import os
from pathlib import Path

import pytest

from benchmark.core.errors import BenchError
from benchmark.core.files import check_writable, listed, read_json, read_lines, read_text, tidy, writing, written_whole


def test_an_error_of_writing_names_the_folder_the_reason_and_the_option() -> None:
    with pytest.raises(BenchError) as told, writing("results", Path("there"), "--results"):
        raise PermissionError(13, "Permission denied")
    assert (
        str(told.value) == "results folder there: cannot be written (Permission denied); choose another with --results"
    )
    assert isinstance(told.value.__cause__, PermissionError)


def test_an_error_without_a_system_s_words_is_told_in_its_own() -> None:
    with pytest.raises(BenchError, match=r"cannot be written \(disk of cardboard\)"), writing("x", Path("y"), "--z"):
        raise OSError("disk of cardboard")


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError, match="a bug"), writing("results", Path("there"), "--results"):
        raise KeyError("a bug")


def test_a_folder_that_can_be_written_to_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    check_writable("results", folder, "--results")
    assert list(folder.iterdir()) == []
    (folder / "kept").write_text("x")
    check_writable("results", folder, "--results")
    assert [path.name for path in folder.iterdir()] == ["kept"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="choose another with BENCH_CACHE"):
        check_writable("cache", tmp_path / "file" / below, "BENCH_CACHE")


def test_a_folder_that_exists_and_refuses_the_probe_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, data: bytes) -> int:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(BenchError, match=r"cannot be written \(Permission denied\)"):
        check_writable("results", tmp_path, "--results")


TEXT = "naïve robin\nowl\n"
MARKED = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + TEXT.encode(),
    "windows line ends": TEXT.replace("\n", "\r\n").encode(),
    "old mac line ends": TEXT.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("content", MARKED.values(), ids=MARKED)
def test_a_text_is_the_same_with_and_without_a_byte_order_mark_and_with_any_line_end(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_bytes(content)
    assert read_text(tmp_path / "names.txt") == TEXT
    assert read_lines(tmp_path / "names.txt") == ["naïve robin", "owl"]


UNREADABLE = {
    "latin-1": ("ant\nbée\n".encode("latin-1"), r"line 2 is no UTF-8 text"),
    "utf-16 without a mark": ("ant\nbee\n".encode("utf-16-le"), r"line 1 has a zero byte"),
    "utf-16 with a mark": ("ant".encode("utf-16"), r"line 1 is no UTF-8 text"),
}


@pytest.mark.parametrize(("content", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_text_is_told_with_file_and_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(BenchError, match=rf"names\.txt: cannot be read as text \({words}\); save it as UTF-8"):
        read_text(tmp_path / "names.txt")


def test_a_missing_file_and_a_folder_are_told_in_the_words_of_the_reader(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"^list a: cannot be read \(No such file or directory\)$"):
        read_text(tmp_path / "a", what="list a", kind="")
    with pytest.raises(BenchError, match=r"cannot be read as a name a line \(Is a directory\)"):
        read_lines(tmp_path, kind="a name a line")


def test_json_has_a_mark_or_none_and_a_remedy_where_it_is_none(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}')
    assert read_json(file, "fetch it") == {"a": 1}
    for content in (b"{", b"[" * 100_000, b"\xff"):
        file.write_bytes(content)
        with pytest.raises(BenchError, match=r"list\.json: cannot be read as JSON \(.+\); fetch it$"):
            read_json(file, "fetch it")


def test_files_are_listed_in_order_and_none_where_there_is_no_folder(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in listed("results", tmp_path, "*.json", "--results")] == ["a.json", "b.json"]
    assert listed("results", tmp_path / "none", "*.json", "--results") == []


@pytest.mark.parametrize(("name", "reason"), [("x" * 300, "File name too long"), ("closed", "Permission denied")])
def test_a_folder_that_cannot_be_read_is_told_and_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    if name == "closed":
        monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(BenchError) as told:
        listed("results", tmp_path / name, "*.json", "--results")
    assert str(told.value).endswith(f"{name}: cannot be read ({reason}); choose another with --results")


def _killed_while_writing(where: Path) -> Path:
    """The temporary file of a writer that ends before its last line."""
    before = set(where.parent.iterdir())
    with written_whole("cache", where, "BENCH_CACHE"):
        (temporary,) = set(where.parent.iterdir()) - before
        os.link(temporary, where.parent / "kept")
    where.unlink()
    return (where.parent / "kept").rename(temporary)


def test_temporary_files_without_a_write_for_an_hour_are_removed(tmp_path: Path) -> None:
    old, another, young = (_killed_while_writing(tmp_path / name) for name in ("a[1].bin", "b.bin", "a[1].bin"))
    others = [tmp_path / ".a[1].binary.swp", tmp_path / "a[1].bin.tmp"]
    for path in others:
        path.touch()
    for path in (old, another, *others):
        os.utime(path, (0, 0))
    tidy(tmp_path, "a[1].bin")
    assert set(tmp_path.iterdir()) == {young, another, *others}
    tidy(tmp_path)
    assert set(tmp_path.iterdir()) == {young, *others}
