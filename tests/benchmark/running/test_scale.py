"""How long a command takes on other numbers of workers is what workers that sleep as long would take."""

import pytest

from benchmark.running.scale import Scale, makespan


@pytest.mark.parametrize(
    ("seconds", "workers", "expected"),
    [([3, 2, 2], 1, 7), ([3, 2, 2], 2, 4), ([2, 2, 3], 2, 5), ([3, 2, 2], 9, 3), ([], 4, 0), ([1] * 64, 64, 1)],
)
def test_a_worker_takes_the_next_piece_when_it_has_done_one(
    seconds: list[float], workers: int, expected: float
) -> None:
    assert makespan(seconds, workers) == expected


def test_runs_begin_when_all_features_are_there() -> None:
    scale = Scale(shards=[10, 10, 10], runs=[4, 4], start=1)
    assert scale.seconds(1) == 1 + 30 + 8
    assert scale.seconds(2) == 1 + 20 + 4
    assert scale.seconds(64) == 1 + 10 + 4
    assert scale.efficiency(2) == 38 / (2 * 25)


def test_the_work_is_said_in_hours_of_the_device_and_of_cores_and_in_bytes() -> None:
    work = {"shards": [1800.0], "runs": [3600.0, 1800.0], "written": 2_000_000_000, "read": 5_000_000_000}
    on_gpus = Scale(**work, photographs=900_000, gpu=True, untimed=3)  # type: ignore[arg-type]
    first, *others = on_gpus.lines([1, 64])
    assert first == (
        "work: 2.00 GPU-hours, 3.00 CPU-hours, 2.0 GB of features to write, 5.0 GB to read, "
        "3 runs that nobody timed not counted; the longest piece takes 1 h 00 min"
    )
    assert [" ".join(line.split()) for line in others] == [
        "1 worker 2 h 00 min, 100% busy",
        "64 workers 1 h 30 min, 2% busy",
    ]
    on_cores = Scale(**work, threads=4)  # type: ignore[arg-type]
    assert on_cores.lines([1])[0].startswith("work: 8.00 CPU-hours, ")


def test_nothing_to_do_takes_no_time() -> None:
    assert (Scale([], []).seconds(8), Scale([], []).efficiency(8)) == (0, 1)
