"""Where a number comes from is told of the process that made it."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.core.paths import REPOSITORY


def in_a_child(code: str) -> list[int]:
    """The numbers that a new process prints."""
    command = [sys.executable, "-c", f"from benchmark.core.machine import peak_memory_mib as peak\n{code}"]
    return [int(n) for n in subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.split()]


def test_the_peak_is_the_most_that_this_process_held() -> None:
    code = "print(peak())\nheld = bytearray(b'1') * 2**27\nprint(peak())\ndel held\nprint(peak())"
    before, holding, after = in_a_child(code)
    assert before + 100 < holding <= after + 1 < before + 200  # the kernel's count is up to some pages late


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="elsewhere than on Linux getrusage tells it alone")
def test_what_a_parent_held_is_not_its_childs() -> None:
    held = bytearray(b"1") * 2**28
    (peak,) = in_a_child("print(peak())")
    assert 5 < peak < 128
    assert len(held) == 2**28
