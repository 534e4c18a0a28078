"""Work takes denormal numbers for 0, which no answer shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from toy_methods import least
from toy_world import here, some_run, toy

from baselines.tip_adapter import affinity
from benchmark.core.machine import flushes_denormals, flushing_denormals
from benchmark.records.store import Store
from benchmark.running import workers
from benchmark.running.measure import measure


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("jobs", [1, 2])
def test_work_takes_them_for_0_here_and_in_workers_and_this_process_is_as_before(jobs: int) -> None:
    assert least("") > 0
    assert [done.result for done in workers.each(least, ["a", "b"], jobs)] == [0.0, 0.0]
    assert least("") > 0


def test_a_context_within_another_leaves_the_outer_one() -> None:
    with flushing_denormals():
        with flushing_denormals():
            assert flushes_denormals()
        assert flushes_denormals()
    assert not flushes_denormals()


@pytest.mark.parametrize("method", ["baselines.tip_adapter:TipAdapterF", "baselines.cafo:CaFo"])
def test_answers_are_equal_where_affinities_are_denormal(method: str, tmp_path: Path) -> None:
    recipe = {"optimizer": "adamw", "lr": 0.001, "epochs": 3, "batch_size": 8, "eps": 1e-4, "weight_decay": 0.01}
    settings = {"sharpness": 60.0, "recipe": recipe}
    run = some_run(method=method, settings=settings)
    slow = measure(run, here(toy()), Store(tmp_path / "slow"))
    with flushing_denormals():
        fast = measure(run, here(toy()), Store(tmp_path / "fast"))
    assert (fast.selections, fast.curves) == (slow.selections, slow.curves)
    for name in fast.selections:
        answers = [Store(tmp_path / where).correct(run.key, name) for where in ("slow", "fast")]
        assert (answers[0] == answers[1]).all()


def test_affinities_of_images_unlike_a_key_are_denormal_at_that_sharpness() -> None:
    affinities = affinity(torch.tensor([-0.46, -0.7]), 60.0)
    assert (affinities > 0).all()
    assert (affinities < torch.finfo(torch.float32).tiny).all()
