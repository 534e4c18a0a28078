"""What is here: versions, device, weights, folders, caches. What is missing, and what to type."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark import assets, paths, provenance
from benchmark.errors import BenchError
from benchmark.store import Store
from benchmark.suite import Suite


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `ok` is False where something has to be done."""

    what: str
    says: str
    ok: bool = True


def examine(suite: Suite, results: Path, reports: Path) -> Iterator[Finding]:
    """Look at everything a run needs."""
    yield from _software()
    yield from _machine()
    yield from _encoders(suite)
    yield _finding("data", partial(_data, suite))
    yield _folder("results", results / suite.name, "--results")
    yield _folder("reports", reports / suite.name, "--reports")
    yield _folder("cache", paths.cache(), "BENCH_CACHE")
    yield _records(results / suite.name)
    yield _references()


def _software() -> Iterator[Finding]:
    yield Finding("python", provenance.conditions()["python"])
    for name, found in provenance.versions().items():
        yield Finding(name, found, found != "not installed")
    from benchmark.encoders.libraries import TORCHVISION_MENDED

    if TORCHVISION_MENDED:
        yield Finding("torchvision", "its build does not match torch's; its compiled operators are left out")


def _machine() -> Iterator[Finding]:
    import torch

    yield Finding("cpu", provenance.cpu_name())
    yield Finding("threads", f"{torch.get_num_threads()} of {os.cpu_count()} cores")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    yield Finding("gpu", f"{gpu}; runs use the CPU")


def _encoders(suite: Suite) -> Iterator[Finding]:
    for role in suite.encoders:
        yield _finding(f"weights {role}", partial(_weights, suite, role))


def _weights(suite: Suite, role: str) -> str:
    encoder = assets.encoder(suite, role)
    encoder.loaded  # noqa: B018  (builds the network and fills it)
    return f"ok, sha256 {encoder.fingerprint[:12]}…"


def _finding(what: str, look: Callable[[], str]) -> Finding:
    """What a look says, or what became of it: an examination goes on whatever it meets."""
    try:
        return Finding(what, look())
    except BenchError as error:
        return Finding(what, str(error), ok=False)
    except Exception as error:
        return Finding(what, f"{type(error).__name__}: {' '.join(str(error).split())}", ok=False)


def _data(suite: Suite) -> str:
    sizes = []
    for role in suite.datasets:
        dataset = assets.dataset(suite, role)
        sizes.append(f"{role}: {len(dataset.classnames)} classes, {len(dataset.ids('test'))} test images")
    return "; ".join(sizes)


def _folder(what: str, folder: Path, how: str) -> Finding:
    nearest = next(p for p in [folder, *folder.absolute().parents] if p.exists())
    ok = nearest.is_dir() and os.access(nearest, os.W_OK)
    files = [p for p in folder.rglob("*") if p.is_file()] if folder.is_dir() else []
    size = sum(p.stat().st_size for p in files) / 2**20
    says = f"{folder} ({len(files)} files, {size:.1f} MiB)" if ok else f"{folder} cannot be written; see {how}"
    return Finding(what, says, ok)


def _records(folder: Path) -> Finding:
    store = Store(folder)
    usable = len(store.records())
    broken = "".join(f"; {name}: {why}" for name, why in store.problems.items())
    return Finding("records", f"{usable} usable{broken}", ok=not store.problems)


def _references() -> Finding:
    folder = paths.reference()
    files = sorted(p.name for p in folder.rglob("*.csv")) if folder.is_dir() else []
    return Finding("reference numbers", f"{folder}: {', '.join(files) or 'none'}", ok=bool(files))
