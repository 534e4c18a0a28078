"""Settings of a command: folders of data, weights and results, and device and precision of the encoders.

A command reads its settings once and passes them on as one value. Command-line options override environment variables, these
override bench.toml, and bench.toml overrides the defaults. bench.toml is read from the working folder or from the path in
BENCH_CONFIG. All of its keys:

    [data]
    root = "/data"                  # --data-root, BENCH_DATA; in the folder layout of CoOp and Tip-Adapter
    paths = { imagenet = "/ssd/in1k" }      # data sets outside of root
    [weights]
    dir = "/weights"                # --weights-dir, BENCH_WEIGHTS
    paths = { mocov3_rn50 = "/elsewhere/r-50-1000ep.pth.tar" }
    [run]
    device = "cuda"                 # --device, BENCH_DEVICE
    precision = "bf16"              # BENCH_PRECISION; of published encoders: fp32, bf16 or fp16
    download = true                 # --download, BENCH_DOWNLOAD=1: allow the download of weights that open_clip or timm offer

Without a key in bench.toml: --results and BENCH_RESULTS, --reports and BENCH_REPORTS, BENCH_CACHE, BENCH_DEBUG; and
--trust-suite and BENCH_TRUST_SUITE, because a bench.toml may lie in the folder of the suite file that is to be trusted.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core import paths
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.files import read_text
from benchmark.core.names import choose
from benchmark.core.paths import expanded

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
    """Settings that do not identify a run or a record: folders, device, precision, threads.

    Immutable and plain data, so that worker processes get an equal value.

    Attributes:
        results: Folder of the records, which are in results/<suite>/.
        reports: Folder of tables, figures and the HTML page.
        cache: Folder of features and of other files that can be computed again.
        data_root: Folder of the published data sets; None if not set.
        data_paths: Key of a published data set -> its folder, for data sets outside of `data_root`.
        weights_dirs: Folders searched for weights: first the user's own, then the caches of other tools.
        weights_paths: Weights slot -> its file, for files outside of `weights_dirs`.
        device: Device of encoders and methods: "cpu", "cuda", "cuda:1"; several for as many worker processes: "cuda:all",
            "cuda:0,cuda:1".
        precision: Precision of published encoders: "fp32", "bf16" or "fp16".
        download: Whether weights that open_clip or timm offer may be downloaded.
        trusted: Modules and suite files whose code a suite file may name (`benchmark.suites.trust`).
        threads: Threads of this process; 0 leaves the choice to the libraries.
        debug: Whether an error in a method is raised with its traceback.
    """

    results: Path = Path("results")
    reports: Path = Path("reports")
    cache: Path = field(default_factory=lambda: (paths.home() or Path()) / ".cache" / "amu-bench")
    data_root: Path | None = None
    data_paths: Mapping[str, Path] = field(default_factory=dict)
    weights_dirs: tuple[Path, ...] = (Path("weights"),)
    weights_paths: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    precision: str = "fp32"
    download: bool = False
    trusted: tuple[str, ...] = ()
    threads: int = 0
    debug: bool = False

    @property
    def torch_device(self) -> "torch.device":
        """The device, of several the first, checked; BenchError if it is unknown or not in this machine. Imports torch."""
        from benchmark.core import devices

        return devices.usable("cuda" if self.device == devices.ALL else self.device.partition(",")[0])


def read(
    *,
    results: str | None = None,
    reports: str | None = None,
    data_root: str | None = None,
    weights_dir: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    download: bool = False,
    trust_suite: Sequence[str] = (),
) -> Settings:
    """Read the settings of a command from its options, the environment and bench.toml, in this order of precedence.

    A file bench.toml that cannot be read, or that has an unknown key or a wrong value, raises BenchError.

    Args:
        results: --results.
        reports: --reports.
        data_root: --data-root.
        weights_dir: --weights-dir.
        device: --device.
        precision: --precision.
        download: --download.
        trust_suite: --trust-suite, in addition to the names in BENCH_TRUST_SUITE, separated as in PATH.

    Returns:
        The settings, with "~" expanded in every path.
    """
    said = os.environ
    file = _file(said)
    own_weights = weights_dir or said.get("BENCH_WEIGHTS") or _value(file, "weights", "dir") or "weights"
    root = data_root or said.get("BENCH_DATA") or _value(file, "data", "root")
    return Settings(
        results=expanded(results or said.get("BENCH_RESULTS") or "results"),
        reports=expanded(reports or said.get("BENCH_REPORTS") or "reports"),
        cache=_cache(said),
        data_root=expanded(root) if root else None,
        data_paths=_paths(file, "data"),
        weights_dirs=(expanded(own_weights), *_caches_of_others(said)),
        weights_paths=_paths(file, "weights"),
        device=device or said.get("BENCH_DEVICE") or _value(file, "run", "device") or "cpu",
        precision=precision or said.get("BENCH_PRECISION") or _value(file, "run", "precision") or "fp32",
        download=download or _download(said, file),
        trusted=(*trust_suite, *filter(None, said.get("BENCH_TRUST_SUITE", "").split(os.pathsep))),
        debug=debugging(),
    )


def absolute(told: Settings) -> Settings:
    """The settings with absolute paths, which mean the same in every working folder."""
    return replace(
        told,
        results=told.results.absolute(),
        reports=told.reports.absolute(),
        cache=told.cache.absolute(),
        data_root=told.data_root and told.data_root.absolute(),
        data_paths={name: path.absolute() for name, path in told.data_paths.items()},
        weights_dirs=tuple(folder.absolute() for folder in told.weights_dirs),
        weights_paths={name: path.absolute() for name, path in told.weights_paths.items()},
    )


def on_this_machine(told: Settings) -> Settings:
    """The settings of a command that was typed on another machine, for this one.

    Args:
        told: Settings there, with absolute paths.

    Returns:
        The settings with those of its folders that exist here, and in the place of each other one that of this machine's
        environment and bench.toml. Device, precision and the rest are as told.
    """
    own = read()
    return replace(
        told,
        cache=told.cache if told.cache.is_dir() else own.cache,
        data_root=told.data_root if told.data_root and told.data_root.is_dir() else own.data_root,
        data_paths={**own.data_paths, **{name: path for name, path in told.data_paths.items() if path.exists()}},
        weights_dirs=tuple(dict.fromkeys((*filter(Path.is_dir, told.weights_dirs), *own.weights_dirs))),
        weights_paths={
            **own.weights_paths,
            **{name: path for name, path in told.weights_paths.items() if path.exists()},
        },
    )


def debugging() -> bool:
    """Whether BENCH_DEBUG asks for the tracebacks of errors."""
    return bool(os.environ.get("BENCH_DEBUG"))


def _cache(said: Mapping[str, str]) -> Path:
    """Folder of features; BenchError without a home folder to keep them in."""
    if folder := said.get("BENCH_CACHE") or _below(said.get("XDG_CACHE_HOME") or _home_cache(), "amu-bench"):
        return expanded(folder)
    raise BenchError("there is no home folder to keep features in; name a folder with BENCH_CACHE")


def _caches_of_others(said: Mapping[str, str]) -> list[Path]:
    """Folders in which clip, torch and huggingface_hub keep weights, as far as there are any."""
    above = said.get("XDG_CACHE_HOME") or _home_cache()
    torch_home = said.get("TORCH_HOME") or _below(above, "torch")
    hugging_face = said.get("HF_HOME") or _below(above, "huggingface")
    hub = said.get("HF_HUB_CACHE") or _below(hugging_face, "hub")
    found = (_below(_home_cache(), "clip"), _below(torch_home, "hub/checkpoints"), hub)
    return [expanded(folder) for folder in found if folder]


def _home_cache() -> str:
    """The folder of caches in the user's home folder; "" without one."""
    return _below(str(paths.home() or ""), ".cache")


def _below(folder: str, name: str) -> str:
    """A path in a folder; "" without a folder."""
    return os.path.join(folder, name) if folder else ""


def _download(said: Mapping[str, str], file: Mapping[str, Json]) -> bool:
    """The value of BENCH_DOWNLOAD if set ("0" and "" mean no), else that of bench.toml."""
    if "BENCH_DOWNLOAD" in said:
        return said["BENCH_DOWNLOAD"] not in ("", "0")
    return bool(_value(file, "run", "download"))


def _value(file: Mapping[str, Json], table: str, key: str) -> Any:
    return file.get(table, {}).get(key)


def _paths(file: Mapping[str, Json], table: str) -> dict[str, Path]:
    """The key `paths` of table [data] or [weights], with "~" expanded."""
    return {name: expanded(path) for name, path in (_value(file, table, "paths") or {}).items()}


def _file(said: Mapping[str, str]) -> Mapping[str, Json]:
    """Tables of the file in BENCH_CONFIG, else of bench.toml in the working folder; empty if there is none."""
    path = expanded(said.get("BENCH_CONFIG") or "bench.toml")
    if path.is_file():
        return _checked(path)
    if "BENCH_CONFIG" in said:
        raise BenchError(f"BENCH_CONFIG={path}: no such file")
    return {}


def _checked(path: Path) -> Mapping[str, Json]:
    """Tables of a settings file; BenchError with the file and the unknown key or wrong value."""
    text = read_text(path, kind="")
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
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
