"""One fake data root for all tests that only read it."""

from dataclasses import replace
from pathlib import Path

import fake_trees
import pytest

from benchmark.data.published import sets


@pytest.fixture(scope="session")
def whole_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All fifteen sets; not to be changed."""
    return fake_trees.make(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own data, caches and bench.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_DATA", "BENCH_CONFIG", "BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root that the readers look at."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("BENCH_DATA", str(folder))
    return folder


@pytest.fixture
def small_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many images are published as the fake trees hold."""
    for key, known in sets.SETS.items():
        monkeypatch.setitem(sets.SETS, key, replace(known, **fake_trees.counts(key)))
