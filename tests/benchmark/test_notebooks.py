"""The notebooks of examples/ run in a folder of their own, are stored without outputs, and begin with a title."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from benchmark.core.paths import REPOSITORY

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
psutil = pytest.importorskip("psutil")

NOTEBOOKS = sorted((REPOSITORY / "examples").glob("*.ipynb"))
NEEDED = 6 << 30
"""Bytes of free memory that the kernel and its workers may need; with less the system may kill the kernel."""

HANG = 1800
"""Seconds after which a cell that does not end is given up; no outcome depends on it."""

SHOWN = {
    "own_images": ("image folder digits: 10 classes", "AMU-Tuning", "no difference shown"),
    "own_method": ("all 37 clauses kept", "Prototype", "AMU-Tuning"),
    "read_the_results": ("Tip-Adapter", "toprule", "image/png", "supported"),
}
"""Notebook -> words that stand in its outputs."""


def read(path: Path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_begins_with_a_title(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, originals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if psutil.virtual_memory().available < NEEDED:
        pytest.skip(f"less than {NEEDED >> 30} GiB of memory are free")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    bench = bin_folder / "bench"
    bench.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from benchmark.cli import main; main()" "$@"\n')
    bench.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(bin_folder), os.environ["PATH"])))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("BENCH_WEIGHTS", str(originals))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "place"
    place.mkdir()
    notebook = read(shutil.copy(path, place))
    nbclient.NotebookClient(notebook, timeout=HANG, resources={"metadata": {"path": str(place)}}).execute()
    outputs = str([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    for words in SHOWN[path.stem]:
        assert words in outputs
