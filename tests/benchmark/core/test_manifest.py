"""Files are what SHA256SUMS lists, or the folder is damaged."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.core import manifest
from benchmark.core.errors import Damaged, Refused

CONTENTS = {"a.csv": b"x\n", "b.csv": b"", "c.npz": bytes(range(256))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / manifest.SUMS).write_text(manifest.text(CONTENTS))
    return tmp_path


def test_files_as_listed_are_read(folder: Path) -> None:
    manifest.verify(folder, "mend it")
    assert {name: manifest.read(folder, name, "mend it") for name in CONTENTS} == CONTENTS
    assert manifest.read(folder, "d.csv", "mend it") is None


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="a program of GNU")
def test_sha256sum_reads_the_list(folder: Path) -> None:
    command = ["sha256sum", "--check", "--strict", manifest.SUMS]
    assert subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.count(": OK") == 3


def test_another_content_a_missing_and_an_unlisted_file_are_damage(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"y\n")
    (folder / "b.csv").unlink()
    (folder / "d.csv").write_bytes(b"")
    for name, words in {"a.csv": "is not as it was written", "b.csv": "is not there", "d.csv": "is not listed"}.items():
        with pytest.raises(Damaged, match=f"{name}: {words}.*; mend it$"):
            manifest.read(folder, name, "mend it")
    with pytest.raises(Damaged, match=r"a\.csv"):
        manifest.verify(folder, "mend it")


def test_without_a_list_files_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"y\n")
    assert manifest.read(tmp_path, "a.csv", "") == b"y\n"
    assert manifest.read(tmp_path / "nowhere", "a.csv", "") is None
    assert manifest.sums(tmp_path, "") is None
    manifest.verify(tmp_path, "")


def test_a_file_that_may_not_be_read_is_refused_and_not_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, *_: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("benchmark.core.regular.read_bytes", denied)
    with pytest.raises(Refused, match=r"SHA256SUMS: cannot be read \(Permission denied\)$"):
        manifest.read(folder, "a.csv", "mend it")
