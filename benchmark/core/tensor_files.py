"""Files of safetensors that others wrote: regular files with a header of bounded size; the library checks the rest."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from benchmark.core import regular

HEADER = 4 << 20
"""Bytes of the largest header; that of a checkpoint with 10,000 tensors has a million."""


def opened(path: Path, framework: str = "pt") -> safe_open:
    """Open a file for its notes and tensors, which are read when they are asked for.

    A file that cannot be read or is no regular one is an OSError.

    Args:
        path: The file.
        framework: "pt" for tensors of PyTorch, "np" for arrays of NumPy.

    Returns:
        The opened file.

    Raises:
        SafetensorError: If the file is damaged, or its header claims more bytes than a header has.
    """
    with regular.opened(path) as file:
        header = int.from_bytes(file.read(8), "little")
    if header > HEADER:
        raise SafetensorError(f"its header claims {header:,} bytes, the most that is read is {HEADER:,}")
    return safe_open(path, framework)
