"""The shipped weights: safetensors files in half precision, verified against SHA256SUMS before they are parsed."""

import hashlib
from functools import cache
from pathlib import Path

import safetensors.torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete

FOLDER = Path(__file__).parent / "weights"
SUMS = "SHA256SUMS"  # in the format of `sha256sum`, so that `sha256sum -c` checks it too


def fingerprint(role: str) -> str:
    """The sha256 of the weights of a role by SHA256SUMS; raises BenchError if no weights are shipped for the role."""
    return _sums(FOLDER)[_file(role)]


def load(role: str) -> dict[str, Tensor]:
    """Load the shipped weights of a role.

    Args:
        role: an encoder of the mini suite, such as "RN50".

    Returns:
        The state dict, floating-point tensors in float32.

    Raises:
        BenchError: if no weights are shipped for the role, or the file differs from SHA256SUMS.
        Incomplete: if the file or SHA256SUMS is missing.
    """
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
    """File name of a role without suffix: "ViT-B/16" -> "ViT-B-16"."""
    return role.replace("/", "-")


def _file(role: str) -> str:
    name = f"{stem(role)}.safetensors"
    if name not in _sums(FOLDER):
        known = ", ".join(sorted(file.removesuffix(".safetensors") for file in _sums(FOLDER)))
        raise BenchError(f"mini encoder {role!r} has no shipped weights; there are {known}")
    return name


@cache
def _sums(folder: Path) -> dict[str, str]:
    """The content of SHA256SUMS: file name -> hexadecimal digest."""
    path = folder / SUMS
    if not path.exists():
        raise Incomplete(f"{path}: missing; reinstall amu-bench")
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: digest for digest, name in lines}
