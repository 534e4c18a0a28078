"""The shipped weights: safetensors in half precision, checked against SHA256SUMS before they are read."""

import hashlib
from functools import cache
from pathlib import Path

import safetensors.torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete

FOLDER = Path(__file__).parent / "weights"
SUMS = "SHA256SUMS"  # in the format of `sha256sum`, so that `sha256sum -c` checks it too


def fingerprint(role: str) -> str:
    """The sha256 that the weights of a role ought to have. BenchError if there are none."""
    return _sums(FOLDER)[_file(role)]


def load(role: str) -> dict[str, Tensor]:
    """State dict of a role, floating-point tensors in float32. BenchError if the file is missing or not the one shipped."""
    path, expected = FOLDER / _file(role), fingerprint(role)
    if not path.exists():
        raise Incomplete(f"{path}: missing; reinstall amu-bench, or make it with `bench pretrain {role}`")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise BenchError(
            f"{path}: damaged or changed (sha256 {found[:12]}..., but {SUMS} says {expected[:12]}...); "
            f"reinstall amu-bench, or update {SUMS} if you made new weights"
        )
    state = safetensors.torch.load(content)
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}


def stem(role: str) -> str:
    """A role as the name of a file: "ViT-B/16" is kept in ViT-B-16.safetensors."""
    return role.replace("/", "-")


def _file(role: str) -> str:
    name = f"{stem(role)}.safetensors"
    if name not in _sums(FOLDER):
        known = ", ".join(sorted(file.removesuffix(".safetensors") for file in _sums(FOLDER)))
        raise BenchError(f"mini encoder {role!r} has no shipped weights; there are {known}")
    return name


@cache
def _sums(folder: Path) -> dict[str, str]:
    """File name -> sha256."""
    path = folder / SUMS
    if not path.exists():
        raise Incomplete(f"{path}: missing; reinstall amu-bench")
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: digest for digest, name in lines}
