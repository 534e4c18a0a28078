"""Fixtures and settings of all tests: one thread for torch, an unchanged environment, and a small few-shot task."""

import os
import signal
from collections.abc import Iterator

import pytest
import sklearn  # noqa: F401  its first import sets KMP_DUPLICATE_LIB_OK and KMP_INIT_AT_FORK
import torch

from benchmark.methods import Task
from benchmark.methods.contract.toy import toy_task

collect_ignore = ["toys", "torture"]
torch.set_num_threads(1)
# A background job of a shell ignores Ctrl-C, and so would every process that a test starts from there.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The suite files of tests/toys name readers and loaders there.
os.environ["BENCH_TRUST_SUITE"] = os.pathsep.join(("toy_world", "toy_house", "toy_outside", "toy_openers"))


@pytest.fixture(autouse=True)
def _environment_unchanged() -> Iterator[None]:
    """Fail a test that leaves an environment variable added, changed or deleted, and restore the variable."""
    before = dict(os.environ)
    yield
    after = dict(os.environ)
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} - {"PYTEST_CURRENT_TEST"}
    for name in changed:
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]
    assert not changed, f"the test leaves changed: {', '.join(sorted(changed))}; use monkeypatch.setenv"


@pytest.fixture
def task() -> Task:
    """Five classes, two shots, two views, the spaces clip, mocov3 and dino, and a tiny CLIP."""
    return toy_task()
