"""A record is compared with its answers once, and again when a file of either has changed."""

import os
from pathlib import Path

import pytest
from toy_world import bits_of, numbered

from benchmark.records import answers
from benchmark.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two records that were written long ago, and a cache folder."""
    store = Store(tmp_path / "results", cache=tmp_path / "cache")
    for number in (1, 2):
        store.put(numbered(number), bits_of(numbered(number)))
    age(store)
    return store


def age(store: Store) -> None:
    """Give all files of a store an earlier time."""
    for path in store.root.iterdir():
        os.utime(path, (1e9, 1e9))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files of answers that are opened."""
    names: list[str] = []
    read = answers.read
    monkeypatch.setattr(answers, "read", lambda path, *more: names.append(path.name) or read(path, *more))
    return names


def again(store: Store) -> Store:
    """The same store in another process."""
    return Store(store.root, cache=store.cache)


def test_answers_are_opened_at_the_first_look_and_not_at_the_second(store: Store, opened: list[str]) -> None:
    first = store.records()
    assert len(opened) == 2
    assert again(store).records() == first
    assert len(opened) == 2
    assert Store(store.root).records() == first
    assert len(opened) == 4, "without a cache folder nothing is remembered"


def test_a_store_remembers_for_itself_without_a_cache_folder(store: Store, opened: list[str]) -> None:
    alone = Store(store.root)
    assert alone.records() == alone.records()
    assert len(opened) == 2


def test_answers_of_the_same_size_and_time_are_opened_and_named(store: Store) -> None:
    store.records()
    path = min(store.root.glob("*.npz"))
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, (1e9, 1e9))
    found = again(store)
    assert len(found.records()) == 1
    assert "its answers" in next(iter(found.problems.values()))


def test_a_record_of_the_same_size_and_time_is_read_and_named(store: Store) -> None:
    store.records()
    path = min(store.root.glob("*.json"))
    path.write_text(path.read_text().replace('"parameters": 0', '"parameters": 1'))
    os.utime(path, (1e9, 1e9))
    found = again(store)
    assert len(found.records()) == 1
    assert "its checksum is of another content" in found.problems[path.name]


def test_answers_that_are_gone_are_missed(store: Store) -> None:
    store.records()
    min(store.root.glob("*.npz")).unlink()
    assert len(again(store).records()) == 1


def test_what_was_written_a_moment_ago_is_not_remembered(store: Store, opened: list[str]) -> None:
    store.put(numbered(3), bits_of(numbered(3)))
    store.records()
    opened.clear()
    again(store).records()
    assert len(opened) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"[" * 200_000, b"\xff", b'{"x.json": 3}'])
def test_a_damaged_memory_is_no_memory(store: Store, opened: list[str], content: bytes) -> None:
    store.records()
    assert store.cache is not None
    (memory,) = (store.cache / "records").iterdir()
    memory.write_bytes(content)
    assert len(again(store).records()) == 2
    assert len(opened) == 4


def test_a_remembered_record_of_another_shape_is_compared(store: Store, opened: list[str]) -> None:
    store.records()
    assert store.cache is not None
    (memory,) = (store.cache / "records").iterdir()
    memory.write_text(memory.read_text().replace("[", "[[").replace("]", "]]"))
    assert len(again(store).records()) == 2
    assert len(opened) == 4


def test_a_cache_folder_that_cannot_be_written_is_no_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(Store(store.root, cache=tmp_path / "file").records()) == 2


def test_deleted_records_are_forgotten(store: Store) -> None:
    store.records()
    assert store.cache is not None
    (memory,) = (store.cache / "records").iterdir()
    gone = min(store.root.glob("*.json"))
    store.delete(gone.stem)
    store.put(numbered(3), bits_of(numbered(3)))
    age(store)
    again(store).records()
    assert gone.stem not in memory.read_text()
