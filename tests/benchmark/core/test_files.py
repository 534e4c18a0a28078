"""A folder that cannot be written to is one line with the option that chooses another one."""

from pathlib import Path

import pytest

from benchmark.core.errors import BenchError
from benchmark.core.files import check_writable, writing


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
