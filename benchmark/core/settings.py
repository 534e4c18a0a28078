"""Where data, weights and results lie, and how encoders run: read once, by the command, and handed down as one value.

An option wins, then the environment, then bench.toml, then the default. bench.toml lies in the working folder, or where
BENCH_CONFIG says. All of its keys:

    [data]
    root = "/data"                  # --data-root, BENCH_DATA; the layout that CoOp and Tip-Adapter users have
    paths = { imagenet = "/ssd/in1k" }      # a data set that lies elsewhere
    [weights]
    dir = "/weights"                # --weights-dir, BENCH_WEIGHTS
    paths = { mocov3_rn50 = "/elsewhere/r-50-1000ep.pth.tar" }
    [run]
    device = "cuda"                 # --device, BENCH_DEVICE
    precision = "bf16"              # BENCH_PRECISION; of the encoders: fp32, bf16 or fp16
    download = true                 # --download, BENCH_DOWNLOAD=1: open_clip and timm may fetch what they offer

Without a key in bench.toml: --results and BENCH_RESULTS, --reports and BENCH_REPORTS, BENCH_CACHE, BENCH_DEBUG.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import BenchError
from benchmark.core.names import choose

if TYPE_CHECKING:
    import torch

KEYS: dict[str, dict[str, type]] = {
    "data": {"root": str, "paths": dict},
    "weights": {"dir": str, "paths": dict},
    "run": {"device": str, "precision": str, "download": bool},
}
_WORDS = {str: "a text", dict: 'a table of texts, name = "path"', bool: "true or false"}


@dataclass(frozen=True)
class Settings:
    """Everything that a command is told and that is no question: folders, device, precision, threads.

    Frozen and plain, so that worker processes get the same value. It names no run and no record.

    Attributes:
        results: Folder of the records, results/<suite>/.
        reports: Folder of tables, pictures and the page.
        cache: Folder of features and of other files that can be made again.
        data_root: Folder of the published data sets; None where nobody said.
        data_paths: Key of a published data set -> its own folder, where it lies elsewhere.
        weights_dirs: Folders searched for weights: the user's own first, then the caches that other tools fill.
        weights_paths: Weights slot -> its file, where it lies elsewhere.
        device: Where encoders and methods run: "cpu", "cuda", "cuda:1".
        precision: Precision of published encoders: "fp32", "bf16" or "fp16".
        download: Whether weights that open_clip and timm offer may be fetched.
        threads: Threads of this process; 0 leaves the choice to the libraries.
        debug: Whether a method's own failure is raised with its traceback.
    """

    results: Path = Path("results")
    reports: Path = Path("reports")
    cache: Path = field(default_factory=lambda: Path("~/.cache/amu-bench").expanduser())
    data_root: Path | None = None
    data_paths: Mapping[str, Path] = field(default_factory=dict)
    weights_dirs: tuple[Path, ...] = (Path("weights"),)
    weights_paths: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    precision: str = "fp32"
    download: bool = False
    threads: int = 0
    debug: bool = False

    @property
    def torch_device(self) -> "torch.device":
        """The device, checked. BenchError where it is of no known kind, or not in this machine. Imports torch."""
        from benchmark.core import devices

        return devices.usable(self.device)


def read(
    *,
    results: str | None = None,
    reports: str | None = None,
    data_root: str | None = None,
    weights_dir: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    download: bool = False,
) -> Settings:
    """The settings of a command: its options over the environment over bench.toml over the defaults.

    Args:
        results: --results.
        reports: --reports.
        data_root: --data-root.
        weights_dir: --weights-dir.
        device: --device.
        precision: --precision.
        download: --download.

    Returns:
        The settings, every folder with "~" resolved.

    Raises:
        BenchError: bench.toml cannot be read, or a key or value in it is mistaken.
    """
    said = os.environ
    file = _file(said)
    home_cache = Path(said.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    torch_home = Path(said.get("TORCH_HOME") or home_cache / "torch")
    hugging_face = said.get("HF_HUB_CACHE") or Path(said.get("HF_HOME") or home_cache / "huggingface") / "hub"
    own_weights = weights_dir or said.get("BENCH_WEIGHTS") or _value(file, "weights", "dir") or "weights"
    root = data_root or said.get("BENCH_DATA") or _value(file, "data", "root")
    searched = (own_weights, "~/.cache/clip", torch_home / "hub" / "checkpoints", hugging_face)
    return Settings(
        results=Path(results or said.get("BENCH_RESULTS") or "results").expanduser(),
        reports=Path(reports or said.get("BENCH_REPORTS") or "reports").expanduser(),
        cache=Path(said.get("BENCH_CACHE") or home_cache / "amu-bench").expanduser(),
        data_root=Path(root).expanduser() if root else None,
        data_paths=_paths(file, "data"),
        weights_dirs=tuple(Path(folder).expanduser() for folder in searched),
        weights_paths=_paths(file, "weights"),
        device=device or said.get("BENCH_DEVICE") or _value(file, "run", "device") or "cpu",
        precision=precision or said.get("BENCH_PRECISION") or _value(file, "run", "precision") or "fp32",
        download=download or _download(said, file),
        debug=bool(said.get("BENCH_DEBUG")),
    )


def _download(said: Mapping[str, str], file: Mapping[str, Mapping[str, Any]]) -> bool:
    """BENCH_DOWNLOAD, where it is set (0 and nothing mean no), else bench.toml."""
    if "BENCH_DOWNLOAD" in said:
        return said["BENCH_DOWNLOAD"] not in ("", "0")
    return bool(_value(file, "run", "download"))


def _value(file: Mapping[str, Mapping[str, Any]], table: str, key: str) -> Any:
    return file.get(table, {}).get(key)


def _paths(file: Mapping[str, Mapping[str, Any]], table: str) -> dict[str, Path]:
    """The table `paths` of [data] or [weights]."""
    return {name: Path(path).expanduser() for name, path in (_value(file, table, "paths") or {}).items()}


def _file(said: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """bench.toml of the working folder, or the file that BENCH_CONFIG names; empty where there is none."""
    path = Path(said.get("BENCH_CONFIG") or "bench.toml").expanduser()
    if path.is_file():
        return _checked(path)
    if "BENCH_CONFIG" in said:
        raise BenchError(f"BENCH_CONFIG={path}: no such file")
    return {}


def _checked(path: Path) -> dict[str, dict[str, Any]]:
    """The file's tables. BenchError names the file and the key or value that is mistaken."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BenchError(f"{path}: cannot be read ({error})") from error
    for table, keys in said.items():
        known = KEYS[choose(table, KEYS, f"table in {path}")]
        if not isinstance(keys, dict):
            raise BenchError(f"{path}: {table} is {keys!r}, not a table; write [{table}]")
        for key, value in keys.items():
            kind = known[choose(key, known, f"key of [{table}] in {path}")]
            inner = list(value.values()) if isinstance(value, dict) else []
            if not isinstance(value, kind) or not all(isinstance(v, str) for v in inner):
                raise BenchError(f"{path}: [{table}] {key} is {value!r}, not {_WORDS[kind]}")
    return said
