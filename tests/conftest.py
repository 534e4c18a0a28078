"""What many tests share: one thread, and a small few-shot task."""

import signal

import pytest
import torch

from benchmark.methods import Task
from benchmark.methods.contract.toy import toy_task

torch.set_num_threads(1)
# A background job of a shell ignores Ctrl-C, and so would every process that a test starts from there.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def task() -> Task:
    """Five classes, two shots, two views, the spaces clip, mocov3 and dino, and a tiny CLIP."""
    return toy_task()
