"""Header of a file that `bench convert` wrote, checked against its tensors and its use."""

from pathlib import Path

from safetensors import SafetensorError

from benchmark.core import tensor_files

SLOT, WEIGHTS = "slot", "weights_sha256"
"""Notes in the header of a converted file: its slot, and the digest of its weights (`containers.digest`)."""


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


def of_another(file: Path, slot: str) -> str:
    """One line on a file that was converted for another slot than it is named after; "" for other files."""
    said = notes(file).get(SLOT, slot)
    return "" if said == slot else f"{file}: was converted for {said}, not for {slot}; {_again(slot)}"


def _again(slot: str) -> str:
    return f"convert the published file again: bench weights import --slot {slot} FILE"
