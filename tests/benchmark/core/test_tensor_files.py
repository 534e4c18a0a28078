"""Files of safetensors are opened, or are an error of the system or of the library before anything takes memory."""

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from benchmark.core import tensor_files


def test_tensors_and_notes_are_read(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.arange(3)}, tmp_path / "x.safetensors", {"kind": "toy"})
    with tensor_files.opened(tmp_path / "x.safetensors") as file:
        assert file.get_tensor("a").tolist() == [0, 1, 2]
        assert file.metadata() == {"kind": "toy"}
    with tensor_files.opened(tmp_path / "x.safetensors", "np") as file:
        assert file.get_tensor("a").tolist() == [0, 1, 2]


def test_a_header_that_claims_more_than_the_limit_is_refused_even_where_the_file_has_it(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}'.ljust(tensor_files.HEADER)
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"1")
    with tensor_files.opened(path) as file:
        assert file.get_tensor("a").tolist() == [ord("1")]
    path.write_bytes((len(header) + 1).to_bytes(8, "little") + header + b" 1")
    with pytest.raises(SafetensorError, match="its header claims 4,194,305 bytes"):
        tensor_files.opened(path)


def test_a_damaged_file_a_missing_one_and_a_pipe_are_errors_of_these_kinds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "short").write_bytes(b"1234")
    with pytest.raises(SafetensorError):
        tensor_files.opened(tmp_path / "short")
    for name, words in (("missing", "No such file"), ("pipe", "named pipe")):
        with pytest.raises(OSError, match=words):
            tensor_files.opened(tmp_path / name)
