"""The pace of this machine is the time of a piece of work, however many threads torch has."""

import torch

from benchmark.core import pace


def test_a_round_takes_time_and_leaves_the_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert pace.seconds() > 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
