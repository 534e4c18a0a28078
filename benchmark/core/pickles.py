"""Pickles of others: their opcodes are looked at before anything is made of them.

An unpickler that knows inert classes alone runs no code, and still may take gigabytes for some bytes: for lists of nothing,
for a place in its memo that it makes room for, for a number of bytes that is only claimed. It ends the process for a key of
100,000 nested tuples, whose hash is worked out without an end in sight.
"""

import pickletools
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from benchmark.core import regular

LARGEST = 8 << 20
"""Bytes of the largest pickle beside the tensors of a checkpoint; one of 10,000 tensors has 2 million."""

OPCODES = 2_000_000
"""Opcodes of the longest pickle; CoOp's list of 20,000 images has 400,000."""

TUPLES = 50_000
"""Tuples in a pickle, nested or not; a checkpoint has about 5 for each tensor."""


class Excessive(ValueError):
    """A pickle has more of something than data have."""


def names(stream: BytesIO) -> Iterator[str]:
    """Read over a pickle, without making anything of it, and name the globals that loading it would ask for.

    Args:
        stream: The bytes from the beginning of the pickle; in the end it is left behind the pickle.

    Yields:
        Names of globals, "module.name", in their order.

    Raises:
        Excessive: If it has more opcodes or tuples than a pickle of data.
        ValueError: If it is no pickle, has no end, or asks for places that it does not fill.
    """
    strings, tuples = ["", ""], 0
    for count, (code, argument, _) in enumerate(pickletools.genops(stream)):
        tuples += code.name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
        if count > OPCODES or tuples > TUPLES:
            raise Excessive(f"a pickle of more than {OPCODES:,} opcodes, or {TUPLES:,} tuples, holds no data")
        if code.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > OPCODES:
            raise ValueError(f"its pickle asks for {argument:,} places in memory")
        if isinstance(argument, str):
            strings = [strings[1], argument]
        if code.name == "GLOBAL":
            yield strings[1].replace(" ", ".")
        elif code.name == "STACK_GLOBAL":
            yield ".".join(strings)


def check(stream: BytesIO) -> BytesIO:
    """Return a stream that holds one pickle, at its beginning; Excessive or another ValueError as `names`."""
    for _ in names(stream):
        pass
    stream.seek(0)
    return stream


def beginning(path: Path) -> BytesIO:
    """The first bytes of a file, as many as the largest pickle has; OSError as `regular.opened`."""
    with regular.opened(path) as file:
        return BytesIO(file.read(LARGEST))


def whole(stream: BinaryIO) -> BytesIO:
    """All bytes of a stream that holds one pickle; Excessive if it has more than the largest."""
    content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Excessive(f"its pickle is larger than {LARGEST:,} bytes, the most that is read")
    return BytesIO(content)
