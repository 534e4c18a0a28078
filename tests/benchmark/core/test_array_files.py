"""Arrays of others are read whole, or refused in a sentence before they take memory."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmark.core import archives, array_files

ARRAYS = {
    "numbers": np.arange(6, dtype=">f4").reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "one number": np.array(3),
    "no numbers": np.empty((0, 5), dtype=np.float16),
    "texts": np.array(["a", "ß"]),
    "bytes": np.array([b"a", b"bc"]),
    "half of the memory is zeros": np.zeros((1000, 1000)),
}


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _claiming(shape: str, descr: str = "'<f4'", content: bytes = b"12345678") -> bytes:
    """An .npy file by its description, with a few bytes of content whatever it claims."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_each_kind_are_read_as_they_were(save: object, tmp_path: Path) -> None:
    save(tmp_path / "x.npz", **ARRAYS)  # type: ignore[operator]
    found, others = array_files.read_npz(tmp_path / "x.npz")
    assert found.keys() == ARRAYS.keys()
    assert others == []
    for name, array in ARRAYS.items():
        np.save(tmp_path / "x.npy", array)
        for read in (found[name], array_files.read(tmp_path / "x.npy")):
            assert read.dtype == array.dtype
            assert np.array_equal(read, array)


def test_arrays_that_are_not_wanted_are_named_and_not_looked_at(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", _npy(np.arange(3)))
        archive.writestr("b.npy", b"no array")
        archive.writestr("c.npy", bytes(archives.MUCH + 1))
    found, others = array_files.read_npz(tmp_path / "x.npz", lambda name: name == "a")
    assert found["a"].tolist() == [0, 1, 2]
    assert others == ["b", "c"]


WRONG = {
    "a header that claims 116 TiB": (
        _claiming("(4, 8000000000000)"),
        r"claims 128,000,000,000,000 bytes, there are 8$",
    ),
    "a header that claims one number too few": (_claiming("(1,)"), "claims 4 bytes, there are 8"),
    "sizes below zero": (_claiming("(-1, -2)"), "of no shape that an array can have"),
    "many texts of no length": (_claiming("(10**15,)".replace("10**15", "1" + 15 * "0"), "'<U0'", b""), "of no shape"),
    "Python objects": (_claiming("(1,)", "'|O'"), "Object arrays cannot be loaded"),
    "a header that is no dictionary": (_claiming("(2,)").replace(b"{", b"["), "."),
    "a header nested deep": (_claiming("(" * 5000), "."),
    "a header cut off": (_npy(np.arange(3))[:40], "."),
    "an unknown version": (_claiming("(2,)").replace(b"Y\x01", b"Y\x09"), "."),
    "nothing": (b"", "."),
    "a pickle": (b"\x80\x04N.", "magic string"),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_an_array_that_is_not_what_it_claims_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        array_files.read(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("known.npy", content)
    with pytest.raises(ValueError, match=words):
        array_files.read_npz(tmp_path / "x.npz")


def _archive(compression: int = zipfile.ZIP_DEFLATED, content: bytes = _npy(np.arange(100))) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("known.npy", content)
    return stream.getvalue()


def _directory_of(size: int) -> bytes:
    """An archive that says its directory has this size, in the form for large files."""
    whole = _archive()
    end = whole.rfind(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, end)
    return whole[:end] + record + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1) + whole[end:]


def _changed(offset: int, to: bytes) -> bytes:
    """An archive with other bytes in its directory, at an offset from the entry's beginning."""
    whole = bytearray(_archive())
    place = whole.rfind(b"PK\1\2") + offset
    whole[place : place + len(to)] = to
    return bytes(whole)


ARCHIVES = {
    "encrypted": (_changed(8, b"\1\0"), "known.npy in it is encrypted"),
    "of a compression that NumPy does not write": (_archive(zipfile.ZIP_LZMA), "unknown compression 14"),
    "of a compression that nobody knows": (_changed(10, b"\x63\0"), "unknown compression 99"),
    "full of zeros": (
        _archive(content=bytes(archives.MUCH + 1)),
        "bytes in it would unpack to 134,217,729",
    ),
    "with a directory of 17 MB": (_directory_of(17 << 20), "directory is larger than 16,777,216 bytes"),
    "cut off": (_archive()[:-30], "."),
    "changed in the middle": (
        _archive(zipfile.ZIP_STORED).replace(struct.pack("<q", 50), struct.pack("<q", 51)),
        "CRC",
    ),
    "a page": (b"<html>", "no zip archive"),
}


@pytest.mark.parametrize(("content", "words"), ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_cannot_be_read_or_would_swell_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        array_files.read_npz(tmp_path / "x.npz")


def test_what_is_stored_in_many_bytes_may_have_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MUCH", 1000)
    rows = np.random.default_rng(0).normal(size=(50, 40))
    np.savez_compressed(tmp_path / "x.npz", rows=rows)
    assert np.array_equal(array_files.read_npz(tmp_path / "x.npz").found["rows"], rows)
    np.savez_compressed(tmp_path / "x.npz", rows=np.zeros_like(rows))
    with pytest.raises(ValueError, match="would unpack to"):
        array_files.read_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("read", [array_files.read, array_files.read_npz])
def test_a_missing_file_and_a_pipe_are_the_system_s_errors(read: object, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("missing", "No such file"), ("pipe", "named pipe")):
        with pytest.raises(OSError, match=words):
            read(tmp_path / name)  # type: ignore[operator]


def test_random_bytes_at_any_place_give_a_value_error_or_the_arrays(tmp_path: Path) -> None:
    generator, whole = np.random.default_rng(1), _archive()
    for _ in range(300):
        content = bytearray(whole)
        place = generator.integers(len(content))
        content[place : place + 4] = generator.bytes(len(content[place : place + 4]))
        (tmp_path / "x.npz").write_bytes(content)
        try:
            found = array_files.read_npz(tmp_path / "x.npz").found
        except ValueError:
            continue
        assert all(np.array_equal(array, np.arange(100)) for array in found.values())


def test_what_is_packed_is_read_again_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(array_files.packed({"bits": np.arange(3, dtype=np.uint8), "held": np.empty(0)}))
    found = array_files.read_npz(tmp_path / "a.npz").found
    assert {name: array.tolist() for name, array in found.items()} == {"bits": [0, 1, 2], "held": []}


def test_objects_are_not_packed() -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        array_files.packed({"x": np.array([None])})
