"""Facts about files are computed once for each content, and the weights of a slot are remembered."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from benchmark.core import file_facts
from benchmark.core.errors import BenchError
from benchmark.core.file_facts import FileFacts, file_hash


@pytest.fixture
def facts(tmp_path: Path) -> FileFacts:
    return FileFacts(tmp_path / "cache")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"abc")
    os.utime(path, (1_000_000, 1_000_000))  # seconds after a write, another one may have an equal time
    return path


class Counting:
    """A computation that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_the_hash_is_that_of_the_bytes(facts: FileFacts, file: Path, algorithm: str) -> None:
    expected = hashlib.new(algorithm, b"abc").hexdigest()
    assert file_hash(file, algorithm) == expected
    assert facts.hash(file, algorithm) == expected


def test_a_fact_is_computed_once_and_outlives_the_object(facts: FileFacts, file: Path) -> None:
    compute = Counting()
    assert [facts.of(file, "count", compute), facts.of(file, "count", compute)] == [1, 1]
    assert FileFacts(facts.cache).of(file, "count", compute) == 1
    assert compute.calls == 1


def test_facts_of_several_names_and_files_stand_side_by_side(facts: FileFacts, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"abc")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    facts.of(file, "a", lambda: 1)
    facts.of(file, "b", lambda: [2])
    facts.of(other, "a", lambda: None)
    assert (facts.known(file, "a"), facts.known(file, "b"), facts.known(other, "a")) == (1, [2], None)
    assert facts.of(other, "a", lambda: pytest.fail("None was computed already")) is None


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_file_of_another_size_or_time_is_looked_at_again(facts: FileFacts, file: Path, change: str) -> None:
    compute, stat = Counting(), file.stat()
    facts.of(file, "count", compute)
    if change == "size":
        file.write_bytes(b"abcd")
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    assert facts.known(file, "count") is None
    assert facts.of(file, "count", compute) == 2


def test_a_fact_of_an_older_meaning_is_not_read(facts: FileFacts, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts.of(file, "count", lambda: 1)
    monkeypatch.setattr(file_facts, "VERSION", file_facts.VERSION + 1)
    assert facts.known(file, "count") is None


def test_a_slot_trusts_one_digest_and_a_digest_belongs_to_one_slot(facts: FileFacts) -> None:
    assert facts.trusted() == {}
    facts.trust("dino", "d1")
    facts.trust("spark", "d2")
    assert facts.trusted() == {"dino": "d1", "spark": "d2"}
    facts.trust("spark", "d1")
    assert facts.trusted() == {"spark": "d1"}
    facts.trust("spark", "d3")
    assert facts.trusted() == {"spark": "d3"}


def test_facts_and_trust_do_not_erase_each_other(facts: FileFacts, file: Path) -> None:
    facts.of(file, "a", lambda: 1)
    facts.trust("dino", "d1")
    facts.of(file, "b", lambda: 2)
    assert (facts.known(file, "a"), facts.known(file, "b"), facts.trusted()) == (1, 2, {"dino": "d1"})


@pytest.mark.parametrize("content", ["{", "[]", '{"files": {}}', '{"files": 1, "trusted": {}}', "null"])
def test_a_damaged_store_is_an_empty_one(facts: FileFacts, file: Path, content: str) -> None:
    facts.cache.mkdir()
    facts.file.write_text(content)
    assert (facts.known(file, "a"), facts.trusted()) == (None, {})
    assert facts.of(file, "a", lambda: 1) == 1
    assert json.loads(facts.file.read_text())["trusted"] == {}


def test_nothing_but_the_store_is_left_in_the_cache(facts: FileFacts, file: Path) -> None:
    facts.hash(file)
    assert list(facts.cache.iterdir()) == [facts.file]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, file: Path) -> None:
    (tmp_path / "no folder").write_text("x")
    with pytest.raises(BenchError, match="choose another with BENCH_CACHE"):
        FileFacts(tmp_path / "no folder").hash(file)


FORMS = {
    "no JSON": b"{",
    "bytes": bytes(range(256)),
    "nested deep": b"[" * 100_000,
    "a list": b"[]",
    "lists in the places of tables": b'{"files": [], "trusted": []}',
    "no table of files": b'{"trusted": {}}',
    "facts that are no table": b'{"files": {"KEY": 3}, "trusted": {"a": 3}}',
    "a fact of another form": b'{"files": {"KEY": {"sha256": 3, "content": [1]}}, "trusted": {}}',
    "a hash that is none": b'{"files": {"KEY": {"sha256": "abc", "content": "ab"}}, "trusted": {}}',
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_a_memory_of_another_form_is_made_again(content: bytes, facts: FileFacts, file: Path) -> None:
    facts.cache.mkdir()
    facts.file.write_bytes(content.replace(b"KEY", file_facts._key(file).encode()))
    assert facts.known(file, "sha256", file_facts.is_hash) is None
    assert facts.trusted() == {}
    assert facts.hash(file) == hashlib.sha256(b"abc").hexdigest()
    assert facts.of(file, "content", lambda: ["a", "b"], lambda fact: fact == ["a", "b"]) == ["a", "b"]
    assert FileFacts(facts.cache).known(file, "sha256") == hashlib.sha256(b"abc").hexdigest()


def test_a_pipe_in_the_place_of_the_memory_is_replaced(facts: FileFacts, file: Path) -> None:
    facts.cache.mkdir()
    os.mkfifo(facts.file)
    facts.trust("slot", "digest")
    assert facts.trusted() == {"slot": "digest"}
