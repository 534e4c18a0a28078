"""The nine published files, small, made once; and places where nothing of the user's own is found."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of every slot. Nothing may change in it."""
    import fake_weights

    folder = tmp_path_factory.mktemp("originals")
    fake_weights.make(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, cache and weights folder; the last is returned."""
    for variable in ("BENCH_CONFIG", "BENCH_DEVICE", "BENCH_DOWNLOAD", "BENCH_PRECISION", "TORCH_HOME", "HF_HOME"):
        monkeypatch.delenv(variable, raising=False)
    weights = tmp_path / "weights"
    weights.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(weights))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return weights


@pytest.fixture
def all_here(originals: Path, home: Path) -> Path:
    """The weights folder with the file of every slot in it."""
    for file in originals.iterdir():
        (home / file.name).symlink_to(file)
    return home
