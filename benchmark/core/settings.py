"""Where published data and weights lie, and how encoders run: an option wins, then the environment, then bench.toml.

bench.toml lies in the working folder, or where BENCH_CONFIG says. All of its keys:

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
"""

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.core.errors import BenchError
from benchmark.core.names import choose

KEYS: dict[str, dict[str, type]] = {
    "data": {"root": str, "paths": dict},
    "weights": {"dir": str, "paths": dict},
    "run": {"device": str, "precision": str, "download": bool},
}
_WORDS = {str: "a text", dict: 'a table of texts, name = "path"', bool: "true or false"}


def configure(
    *,
    data_root: str | None = None,
    weights_dir: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    download: bool = False,
) -> None:
    """Put a command's options into the environment, which worker processes inherit. None leaves things as they are."""
    options = {
        "BENCH_DATA": data_root,
        "BENCH_WEIGHTS": weights_dir,
        "BENCH_DEVICE": device,
        "BENCH_PRECISION": precision,
        "BENCH_DOWNLOAD": "1" if download else None,
    }
    os.environ.update({name: value for name, value in options.items() if value is not None})


def said() -> tuple[str | None, ...]:
    """All that decides what is found and how it is used, for whoever remembers what was opened."""
    names = ("DATA", "WEIGHTS", "DEVICE", "PRECISION", "DOWNLOAD", "CONFIG")
    return (*(os.environ.get(f"BENCH_{name}") for name in names), os.getcwd())


def data_root() -> Path | None:
    """The folder that holds the published data sets, or None where nobody said."""
    return _folder("BENCH_DATA", "data", "root")


def dataset_override(key: str) -> Path | None:
    """Where a data set lies by itself, from [data] paths, or None."""
    return _override("data", key)


def weights_dirs() -> list[Path]:
    """Folders that weights are looked for in: the user's own first, then the caches that other tools fill."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    own = _folder("BENCH_WEIGHTS", "weights", "dir") or Path("weights")
    torch_home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    hugging_face = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"
    return [
        own,
        Path("~/.cache/clip").expanduser(),
        torch_home / "hub" / "checkpoints",
        Path(hugging_face).expanduser(),
    ]


def weights_override(slot: str) -> Path | None:
    """The file for a weights slot, from [weights] paths, or None."""
    return _override("weights", slot)


def device() -> str:
    """Where encoders and methods run: "cpu", "cuda", "cuda:1", ..."""
    return os.environ.get("BENCH_DEVICE") or _said("run", "device") or "cpu"


def precision() -> str:
    """In which numbers published encoders run: "fp32" unless something else is asked for."""
    return os.environ.get("BENCH_PRECISION") or _said("run", "precision") or "fp32"


def download() -> bool:
    """Whether weights that open_clip and timm offer may be fetched."""
    if "BENCH_DOWNLOAD" in os.environ:
        return os.environ["BENCH_DOWNLOAD"] not in ("", "0")
    return bool(_said("run", "download"))


def config() -> Path:
    """The file that is read: BENCH_CONFIG, else bench.toml in the working folder."""
    return Path(os.environ.get("BENCH_CONFIG") or "bench.toml").expanduser()


def _folder(variable: str, table: str, key: str) -> Path | None:
    found = os.environ.get(variable) or _said(table, key)
    return Path(found).expanduser() if found else None


def _override(table: str, key: str) -> Path | None:
    found = (_said(table, "paths") or {}).get(key)
    return Path(found).expanduser() if found else None


def _said(table: str, key: str) -> Any:
    path = config()
    if not path.is_file():
        if "BENCH_CONFIG" in os.environ:
            raise BenchError(f"BENCH_CONFIG={path}: no such file")
        return None
    return _read(path, path.stat().st_mtime_ns).get(table, {}).get(key)


@lru_cache(maxsize=4)
def _read(path: Path, _: int) -> dict[str, dict[str, Any]]:
    """The file, every key and type of it checked."""
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
