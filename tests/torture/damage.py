"""Damage to a file of any kind: of its bytes as they lie, by what is hostile to every reader, and by what is no file."""

import io
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

CANARY = "canary"
"""File that code in a damaged file would write in the working folder."""


class Code:
    """An object whose pickle runs code that leaves the canary."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (f"touch {CANARY}",)


# --- bytes of a valid file


def cut(content: bytes, dice: random.Random) -> bytes:
    """The beginning of a file, as a copy leaves it that was broken off."""
    return content[: dice.randrange(len(content) + 1)]


def flipped(content: bytes, dice: random.Random) -> bytes:
    """A file with one to ten bits flipped."""
    found = bytearray(content)
    for _ in range(dice.randint(1, 10)):
        found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
    return bytes(found)


def _in_place(content: bytes, dice: random.Random, other: Callable[[int], bytes], most: int = 64) -> bytes:
    """A file with a stretch of at most `most` bytes replaced, often near one of its ends, where headers are."""
    length = dice.randint(1, most)
    reach = min(len(content), 2000) if dice.random() < 0.5 else len(content)
    place = dice.randrange(reach) if dice.random() < 0.5 else len(content) - 1 - dice.randrange(reach)
    return content[:place] + other(length)[: len(content) - place] + content[place + length :]


def noisy(content: bytes, dice: random.Random) -> bytes:
    """A file with a stretch of random bytes."""
    return _in_place(content, dice, dice.randbytes)


def zeroed(content: bytes, dice: random.Random) -> bytes:
    """A file with a stretch of zeros, as a disk leaves it after a power cut."""
    return _in_place(content, dice, bytes, 5000)


def huge(content: bytes, dice: random.Random) -> bytes:
    """A file with a huge number in the place of four or eight bytes."""
    number = dice.choice([2**31 - 1, 2**32 - 1, 10**10, 2**40, 2**62, 2**63 - 1])
    packed = struct.pack("<Q", number)
    return _in_place(content, dice, lambda length: packed[: dice.choice((4, 8))], 1)


def large_digits(content: bytes, dice: random.Random) -> bytes:
    """A file with a run of digits in the place of one digit, for texts and headers in texts."""
    places = [place for place, byte in enumerate(content[:100_000]) if 48 <= byte <= 57]
    place = dice.choice(places) if places else 0
    return content[:place] + b"9" * dice.choice((9, 13, 19, 40, 5000)) + content[place + 1 :]


def swapped(content: bytes, dice: random.Random) -> bytes:
    """A file of which two parts have changed places."""
    first, second = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    return content[second:] + content[first:second] + content[:first]


def longer(content: bytes, dice: random.Random) -> bytes:
    """A file with itself or random bytes behind it."""
    return content + (content if dice.random() < 0.5 else dice.randbytes(dice.randint(1, 1000)))


def random_bytes(content: bytes, dice: random.Random) -> bytes:
    """Random bytes."""
    return dice.randbytes(dice.randint(1, 5000))


OF_BYTES = (cut, flipped, noisy, zeroed, huge, large_digits, swapped, longer, random_bytes)


# --- files that are hostile to some reader


def _saved(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def _zipped(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def _npy(shape: str, kind: str = "<f4") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"12345678"


def _safetensors(header: bytes, claimed: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if claimed is None else claimed) + header


POSITIONED = ("cls_token", "patch_embed.proj.weight", "pos_embed")
NO_NUMBERS = b'{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'


@cache
def hostile() -> dict[str, bytes]:
    """Contents that would run code, take gigabytes or hours, or end the process of a careless reader."""
    lists, zeros = b"\x80\x02" + b"]" * 5_000_000 + b".", bytes(400 << 20)
    objects = io.BytesIO()
    np.savez(objects, test_clip=np.array([Code()], dtype=object))
    return {
        "nothing": b"",
        "code in a pickle": pickle.dumps(Code()),
        "code in an older pickle": pickle.dumps({"train": [Code()]}, 0),
        "code in a checkpoint": _saved({"state_dict": Code()}),
        "code in TorchScript": _zipped(a__constants_pkl=b"", a__data_pkl=pickle.dumps(Code())),
        "code in an archive of arrays": objects.getvalue(),
        "lists in a pickle": lists,
        "lists in a checkpoint": _zipped(a__data_pkl=lists, a__version=b"3"),
        "tuples in a pickle": b"\x80\x02})" + b"\x85" * 500_000 + b"K\x01s.",
        "a memo in a pickle": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "bytes of a function": b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\xe4\x0bT\x02\x85R.",
        "one number shown often": _saved({"conv1.weight": torch.zeros(1).expand(40000, 40000)}),
        "a name of no text": _saved({"state_dict": {"conv1.weight": torch.zeros(3), 0: torch.zeros(3)}}),
        "a sparse tensor": _saved({"conv1.weight": torch.eye(3).to_sparse()}),
        "positions of one dimension": _saved(dict.fromkeys(POSITIONED, torch.zeros(3))),
        "zeros in an archive of arrays": _zipped(test_clip_npy=zeros, test__labels_npy=zeros),
        "zeros in TorchScript": _zipped(a__constants_pkl=b"", a__data_pkl=zeros, a__code_py=zeros),
        "an array of 116 TiB": _npy("(4, 8000000000000)"),
        "texts of no length": _npy("(1000000000000,)", "<U0"),
        "arrays of 116 TiB": _zipped(test_clip_npy=_npy("(4, 8000000000000)")),
        "a header of 4 EB": _safetensors(b"{", 1 << 62),
        "tensors of no numbers": _safetensors(b"{" + b",".join(b'"%d":' % i + NO_NUMBERS for i in range(60_000)) + b"}"),
        "a text nested deep": b"[" * 1_000_000,
        "tables nested deep": b'{"a":' * 100_000,
        "a text of empty lists": b"[" + b"[]," * 5_000_000 + b"[]]",
        "a long line": b"a" * 10_000_000,
        "no UTF-8": "caf\xe9\n".encode("latin-1") * 100,
        "halves of letters": b'{"train": [["\\ud800", 0, "\\udfff"]], "val": [], "test": []}',
        "control letters": b"\x1b]0;title\x07\r\n" * 100,
        "a page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    }  # fmt: skip


# --- what is no file


def pipe(path: Path) -> None:
    """A pipe without a writer."""
    os.mkfifo(path)


def endless(path: Path) -> None:
    """A link to a device without an end."""
    path.symlink_to("/dev/zero")


def nowhere(path: Path) -> None:
    """A link that leads nowhere."""
    path.symlink_to("nowhere")


def closed_loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path.name)


def sparse(path: Path) -> None:
    """A file of a terabyte that takes no place on the disk."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def gone(path: Path) -> None:
    """No file at all."""


def untouched(path: Path) -> None:
    """The file as it was made, which the product has to take."""


NO_FILES = (pipe, endless, nowhere, closed_loop, sparse, Path.mkdir, gone)
