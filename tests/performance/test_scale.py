"""The paper suite on paper: the runs are those that the documents count, and workers that sleep agree with the schedule."""

import pytest

from benchmark.running.scale import Scale
from performance import scale


def test_the_runs_are_those_of_the_paper_s_exhibits() -> None:
    runs = scale.runs()
    assert len(runs) == 1565  # docs/paper-suite.md
    longest = max(runs, key=scale.seconds)
    assert (longest.method.partition(":")[2], longest.dataset, longest.shots) == ("CoCoOp", "imagenet", 16)
    assert min(map(scale.seconds, runs)) == 60 * scale.LEAST


def test_features_take_their_passes_at_the_stated_pace() -> None:
    assert sum(scale.stated([]).shards) == pytest.approx(12_300)


def test_workers_that_sleep_are_busy_no_longer_than_the_schedule_says() -> None:
    small = Scale(shards=[1.0] * 8, runs=[4.0, 1.0, 1.0, 1.0])
    assert 0 < scale.slept(small, 4, 0.02) <= small.efficiency(4)
