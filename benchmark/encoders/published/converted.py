"""Header of a file that `bench convert` wrote, checked against its tensors and its use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from benchmark.core import tensor_files

SLOT, WEIGHTS, EPOCHS = "slot", "weights_sha256", "epochs"
"""Notes in the header of a converted file: its slot, the digest of its weights (`containers.digest`), and how many epochs
its training took, where the published file says so."""
SOURCE, KIND, HASHES = "source", "kind", ("sha256", "md5")
"""Further notes: name and kind of the published file; its hashes are "source_sha256" and "source_md5"."""


@dataclass(frozen=True)
class Source:
    """The published file that a file was converted from, by the latter's header.

    Attributes:
        name: Name of the file.
        kind: Kind of the encoder in it (`containers`).
        hashes: "sha256", "md5" -> hash of its bytes, as far as the header has them.
    """

    name: str
    kind: str
    hashes: Mapping[str, str]


def notes(file: Path) -> dict[str, str]:
    """Notes in the header of a file of safetensors; none for other files."""
    try:
        with tensor_files.opened(file) as opened:
            return opened.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def damaged(file: Path, weights: str) -> str:
    """One line on a converted file with other weights than were written; "" for other files.

    Args:
        file: The file.
        weights: Digest of the weights in it.

    Returns:
        The line, with what to do.
    """
    said = notes(file)
    if SLOT not in said or said.get(WEIGHTS) == weights:
        return ""
    return f"{file}: damaged: its weights are not those that were converted; {_again(said[SLOT])}"


def source(file: Path) -> Source | None:
    """The published file that a file was converted from; None for a file that was not converted."""
    said = notes(file)
    if SLOT not in said:
        return None
    hashes = {name: said[f"{SOURCE}_{name}"] for name in HASHES if f"{SOURCE}_{name}" in said}
    return Source(said.get(SOURCE, ""), said.get(KIND, ""), hashes)


def epochs(file: Path) -> int:
    """Epochs of the training, by the header of a converted file; 0 if it does not say them."""
    said = notes(file)
    return int(said[EPOCHS]) if SLOT in said and said.get(EPOCHS, "").isdecimal() else 0


def of_another(file: Path, slot: str) -> str:
    """One line on a file that was converted for another slot than it is named after; "" for other files."""
    said = notes(file).get(SLOT, slot)
    return "" if said == slot else f"{file}: was converted for {said}, not for {slot}; {_again(slot)}"


def _again(slot: str) -> str:
    return f"convert the published file again: bench weights import --slot {slot} FILE"
