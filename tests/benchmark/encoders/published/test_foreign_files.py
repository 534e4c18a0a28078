"""Checkpoints of others, damaged and hostile files: a line each in little memory, and the tensors where there are some."""

import io
import os
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from benchmark.core.archives import MUCH
from benchmark.core.errors import BenchError
from benchmark.encoders.published import containers, torchscript


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


def saved(content: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def of_pickle(content: bytes, **entries: bytes) -> bytes:
    """A TorchScript archive with this pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/constants.pkl", b"")
        archive.writestr("a/data.pkl", content)
        for name, entry in entries.items():
            archive.writestr(f"a/{name}", entry)
    return stream.getvalue()


def told(content: bytes, path: Path) -> str:
    """The line on a file that is refused."""
    path.write_bytes(content)
    with pytest.raises(BenchError) as error:
        containers.digest(containers.read(path).tensors)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    return line.removeprefix(f"{path}: ")


# --- mappings with any tensors

SOME = torch.arange(6.0).reshape(2, 3)
WITH_QUANTISED = torch.quantize_per_tensor(SOME, 0.1, 0, torch.qint8)
NO_STATE_DICTS = {
    "a number for a name": ({0: SOME}, "a tensor named 0, which"),
    "a tuple for a name": ({(1, 2): SOME}, "a tensor named <tuple>, which"),
    "nothing for a name": ({None: SOME}, "a tensor named <NoneType>, which"),
    "a name of control letters": ({"a\n\x1b]0;x\x07": SOME}, r"a tensor named a\?\?\]0;x\?, which"),
    "a name that is no text": ({"a\udcff": SOME}, r"a tensor named a\?, which"),
    "a name nested thousands deep": ({"module." * 3000 + "a": SOME}, "a tensor named module.module.*…, which"),
    "sparse": ({"a": SOME.to_sparse()}, "a as a tensor that is sparse_coo float32, not plain numbers"),
    "without numbers": ({"a": SOME.to("meta")}, "a as a tensor without numbers"),
    "complex": ({"a": SOME.to(torch.complex64)}, "a as a tensor that is strided complex64"),
    "conjugated": ({"a": SOME.to(torch.complex64).conj()}, "a as a tensor that is strided complex64"),
    "quantised": ({"a": WITH_QUANTISED}, "a as a tensor that is strided qint8"),
    "of eight bits": ({"a": SOME.to(torch.float8_e4m3fn)}, "a as a tensor that is strided float8_e4m3fn"),
    "no tensors, and names of any kind": (
        {10**50: 1, "\x1b": 2, (3,): 3},
        r"no tensors \(its keys: <int>, \?, <tuple>\)",
    ),
}


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(("content", "words"), NO_STATE_DICTS.values(), ids=NO_STATE_DICTS)
def test_what_is_no_state_dict_of_plain_numbers_is_no_weights(
    content: dict[Any, Any], words: str, wrapped: bool, tmp_path: Path
) -> None:
    held = {"conv1.weight": SOME, **content} if "no tensors" not in words else content
    line = told(saved({"state_dict": held, "epoch": 3} if wrapped and held is not content else held), tmp_path / "f.pt")
    assert re.match(f"holds {words}", line)
    with pytest.raises(containers.NoWeights):
        containers.read(tmp_path / "f.pt")


PLAIN: dict[str, Callable[[], Tensor]] = {
    "a parameter": lambda: torch.nn.Parameter(SOME.clone()),
    "wants a gradient": lambda: SOME.clone().requires_grad_(),
    "negated": lambda: torch.complex(SOME, -SOME).conj().imag,
    "transposed": lambda: SOME.T.contiguous().T,
    "a part of a larger one": lambda: torch.arange(12.0)[:6].reshape(2, 3),
    "in half precision": lambda: SOME.half(),
}


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_plain_numbers_are_read_however_they_were_saved(make: Callable[[], Tensor], tmp_path: Path) -> None:
    (tmp_path / "f.pt").write_bytes(saved({"model": {"a": make()}}))
    tensors = containers.read(tmp_path / "f.pt").tensors
    assert torch.equal(tensors["a"].float(), SOME)
    assert containers.digest(tensors) == containers.digest({"a": SOME})


POSITIONS = [torch.zeros(shape) for shape in ((), (5,), (4, 4), (1, 2, 4), (0, 5, 5), (1, 5, 5, 5))]


@pytest.mark.parametrize("positions", POSITIONS, ids=lambda positions: str(list(positions.shape)))
def test_positions_of_another_shape_are_of_another_network(positions: Tensor) -> None:
    state = {"cls_token": SOME, "patch_embed.proj.weight": torch.zeros(768, 3, 16, 16), "pos_embed": positions}
    assert containers.recognise(state)[0] == "something else"


def test_prefixes_of_several_wrappers_are_taken_off_in_any_order() -> None:
    state = {f"module._orig_mod.module.{name}": SOME for name in ("conv1.weight", "layer1.0.conv1.weight")}
    assert containers.bare(state).keys() == {"conv1.weight", "layer1.0.conv1.weight"}
    assert containers.bare({"module.a": SOME, "_orig_mod.a": SOME}).keys() == {"module.a", "_orig_mod.a"}
    assert containers.bare({}) == {}


# --- small files that swell


def _shown_often(*sizes: int) -> Tensor:
    return torch.zeros(1).expand(*sizes)


def _lists(count: int) -> bytes:
    return b"\x80\x02" + b"]" * count + b"."


def _laughs() -> bytes:
    """Modules that each hold the one before twice: 2^60 paths."""
    new, content = b"c__torch__\nM\n)\x81}", b"\x80\x02c__torch__\nM\n)\x81}bq\x00"
    for i in range(60):
        held = b"h" + bytes([i])
        content += new + b"(X\x01\x00\x00\x00a" + held + b"X\x01\x00\x00\x00b" + held + b"ubq" + bytes([i + 1])
    return content + b"."


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        pipe = tarfile.TarInfo("storages")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    return stream.getvalue()


EMPTY = torch.zeros(1, 1).to_sparse()
MODULE = b"c__torch__\nM\n)\x81"
DEEP = b"\x80\x02" + (MODULE + b"}X\x01\x00\x00\x00a") * 2000 + b"N" + b"sb" * 2000 + b"."
ITSELF = b"\x80\x02" + MODULE + b"q\x00}X\x01\x00\x00\x00ah\x00sb."
SWELLING = {
    "one number shown often": (saved({"a": _shown_often(40000, 40000)}), "would become tensors of 6,400,000,000"),
    "and in an older file": (saved(_shown_often(40000, 40000), _use_new_zipfile_serialization=False), "of 6,400,000,000"),
    "more than fits anywhere": (saved({"a": _shown_often(3000000, 3000000)}), "tensors of 36,000,000,000,000"),
    "many of these": (saved({"x": {str(i): _shown_often(3000, 3000) for i in range(50)}}), "tensors of 1,800,000,000"),
    "a sparse one": (saved({"a": EMPTY.sparse_resize_((40000, 40000), 2, 0)}), "tensors of 6,400,000,000"),
    "bytes that a function makes": (saved({"a": Call(bytearray, 10**10)}), "would run .*bytearray"),
    "tensors that a constructor makes": (saved({"a": Call(torch.Tensor, 10**5, 10**5)}), "would run torch.Tensor"),
    "a pickle of lists": (_lists(3_000_000), "more than 2,000,000 opcodes"),
    "an archive's pickle of lists": (of_pickle(_lists(3_000_000)), "more than 2,000,000 opcodes"),
    "a pickle that is long": (of_pickle(bytes(9 << 20)), "larger than 8,388,608 bytes"),
    "a TorchScript of zeros": (of_pickle(bytes(MUCH + 1)), "would unpack to"),
    "modules in modules": (of_pickle(_laughs()), "more than 10,000 modules"),
    "modules nested deep": (of_pickle(DEEP), "nested too deep"),
    "a module that holds itself": (of_pickle(ITSELF), "nested too deep"),
    "a header of 4 GB": (struct.pack("<Q", 1 << 32) + b"{", "its header claims 4,294,967,296 bytes"),
    "a tar of a pipe": (_tar(), "."),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), SWELLING.values(), ids=SWELLING)
def test_a_small_file_that_would_become_large_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    assert re.search(words, told(content, tmp_path / "f.pt"))


def test_compressed_tensors_of_torch_are_refused_where_they_would_be_read_as_they_lie(tmp_path: Path) -> None:
    stream = io.BytesIO()
    whole = zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(100)})))
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in whole.infolist():
            archive.writestr(entry.filename.upper(), whole.read(entry))
    assert "compressed tensors" in told(stream.getvalue(), tmp_path / "f.pt")


def test_what_is_shown_a_few_times_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.pt").write_bytes(saved({"a": _shown_often(1000, 1000)}))
    assert containers.read(tmp_path / "f.pt").tensors["a"].shape == (1000, 1000)


def test_a_tensor_of_nothing_in_huge_columns_has_a_digest(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}'
    (tmp_path / "f.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert containers.digest(containers.read(tmp_path / "f.safetensors").tensors)


# --- special files, and a folder of checkpoints


def test_a_special_file_is_a_line_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "zero.pt").symlink_to("/dev/zero")
    for name, words in (("pipe.pt", "a named pipe"), ("zero.pt", "a device")):
        with pytest.raises(BenchError, match=rf"{name}: cannot be read \({words}, not a regular file\)$"):
            containers.read(tmp_path / name)


def test_torchscript_modules_give_the_names_of_their_tensors(tmp_path: Path) -> None:
    inner = torchscript._Module()
    inner.state = {"weight": SOME, "training": True}
    outer = torchscript._Module()
    outer.state = {"a": inner, "b": inner, "bias": SOME}
    assert torchscript._walk(outer).keys() == {"a.weight", "b.weight", "bias"}


def test_bytes_of_a_checkpoint_that_change_are_a_line_or_tensors(tmp_path: Path) -> None:
    state = {"conv1.weight": torch.zeros(20), "layer1.0.conv1.weight": SOME}
    generator = torch.Generator().manual_seed(1)
    wholes = [saved(state), saved(state, _use_new_zipfile_serialization=False), safetensors.torch.save(state)]
    for whole in wholes:
        for _ in range(100):
            content = bytearray(whole)
            place = int(torch.randint(len(content), (1,), generator=generator))
            content[place : place + 4] = bytes(torch.randint(256, (4,), generator=generator).tolist())
            (tmp_path / "f.pt").write_bytes(content)
            assert _read_or_told(tmp_path / "f.pt").isprintable()


def _read_or_told(path: Path) -> str:
    try:
        return containers.digest(containers.read(path).tensors)
    except BenchError as error:
        return str(error)
