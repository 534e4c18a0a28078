"""Products of float32 are exact where features are made and methods work, whatever torch and its environment allow."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from toy_methods import rounding

from benchmark.core import float32
from benchmark.core.paths import REPOSITORY
from benchmark.running import workers

EXACT = ("highest", False, False, True)
"""Precision of matrix products; whether products and convolutions may be rounded to TF32; whether cuDNN is used."""


@pytest.fixture(autouse=True)
def _switches() -> Iterator[None]:
    before = float32.switches()
    yield
    float32.switch(before)


def test_nothing_rounds_to_tf32_and_cudnn_stays_on() -> None:
    torch.set_float32_matmul_precision("high")
    assert rounding() != EXACT
    with float32.exact():
        assert rounding() == EXACT


def test_every_switch_is_as_before_at_the_end_also_after_an_error() -> None:
    torch.set_float32_matmul_precision("high")
    before, flags = float32.switches(), torch.backends.cudnn.set_flags()
    with pytest.raises(ZeroDivisionError), float32.exact():
        raise ZeroDivisionError
    assert (float32.switches(), torch.backends.cudnn.set_flags()) == (before, flags)


def test_a_context_within_another_leaves_the_outer_one() -> None:
    with float32.exact():
        with float32.exact():
            pass
        assert rounding() == EXACT


@pytest.mark.parametrize("jobs", [1, 2])
def test_work_is_exact_here_and_in_workers(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1")
    assert [done.result for done in workers.each(rounding, ["a", "b"], jobs)] == [EXACT, EXACT]


def test_the_override_of_the_environment_would_round_them() -> None:
    code = "from toy_methods import rounding; print(rounding()[:2])"
    environment = {**os.environ, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1", "PYTHONPATH": f"{REPOSITORY}:tests/toys"}
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, check=True
    )
    assert child.stdout.decode().strip() == "('high', True)"
