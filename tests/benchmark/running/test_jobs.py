"""What a worker is given: a piece of features, the classifier of a data set, or a run to be measured."""

import re
from pathlib import Path

import pytest
import torch
from toy_world import here, record_of, some_run, toy

from benchmark.features import filling, requests, shard_files, text_classifiers
from benchmark.features.requests import Request
from benchmark.features.text_classifiers import Text
from benchmark.records.store import Store
from benchmark.running import jobs

TEST, TEXT = Request("imagenet", "RN50", "test", 0), Text("imagenet", "RN50")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def test_a_shard_becomes_a_file_of_the_features_of_its_images() -> None:
    world = here(toy())
    (shard,) = filling.missing([TEST], world)
    expected = filling.extract(TEST, world)
    assert jobs.fill(world, shard) is None
    assert filling.missing([TEST], world) == []
    assert torch.equal(shard_files.read(requests.path(TEST, world)), expected)


def test_a_text_becomes_the_file_of_its_classifier_and_of_nothing_else() -> None:
    world = here(toy())
    jobs.fill(world, TEXT)
    assert text_classifiers.needed([some_run()], world) == []
    assert len(filling.missing([TEST], world)) == 1


def test_a_run_is_stored_and_its_accuracy_under_val_is_told_in_per_cent(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    told = jobs.measured(here(toy()), some_run(), store)
    record = store.get(some_run().key)
    assert record is not None
    right = int(store.correct(some_run().key, "val").sum())
    assert re.fullmatch(r"val \d+\.\d\d %", told)
    assert (told, record.n) == (f"val {right / 160:.2%}".replace("%", " %"), 160)


def test_the_accuracy_is_that_of_val_and_not_of_another_selection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record = record_of(some_run().asked(), (1, 2, 3), 8)
    monkeypatch.setattr(jobs, "measure", lambda *_: record)
    assert jobs.measured(here(toy()), some_run(), Store(tmp_path)) == "val 25.00 %"


def test_a_run_that_was_measured_since_it_was_planned_is_not_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, run, world = Store(tmp_path / "results"), some_run(), here(toy())
    planned = store.stamp(run.key)
    assert planned is None
    jobs.measured(world, run, store)
    assert jobs.measured(world, run, store) == "measured by another process"
    there = store.stamp(run.key)
    assert there is not None
    assert jobs.measured(world, run, store, {run.key: there}).startswith("val ")  # type: ignore[union-attr]
    assert store.stamp(run.key) != there, "with --rerun it is measured again"
