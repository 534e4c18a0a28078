"""What a method leaves behind in its run is put back and named, and does not reach the next."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from toy_world import here, some_run, toy

from benchmark.core import warned
from benchmark.core.foreign import Ended
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.features import text_classifiers
from benchmark.features.text_classifiers import Text
from benchmark.records.store import Store
from benchmark.running.measure import measure


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def run_of(name: str) -> Run:
    return some_run(method=f"toy_guests:{name}", settings={"strength": 1.0})


def test_the_next_run_is_as_if_there_had_been_no_guest(tmp_path: Path) -> None:
    trained = some_run(
        method="baselines.tip_adapter:TipAdapterF",
        settings={"recipe": {"lr": 0.001, "epochs": 2, "batch_size": 8, "eps": 1e-4, "weight_decay": 0.01}},
    )
    alone = measure(trained, here(toy()), Store(tmp_path / "alone"))
    folder = os.getcwd()
    record = measure(run_of("LeavesMuch"), here(toy()), Store(tmp_path / "after"))
    assert (os.getcwd(), torch.is_grad_enabled(), torch.get_default_dtype()) == (folder, True, torch.float32)
    after = measure(trained, here(toy()), Store(tmp_path / "after"))
    assert (after.selections, after.curves, after.warnings) == (alone.selections, alone.curves, None)
    assert record.warnings == [
        "toy_guests:LeavesMuch left torch.set_grad_enabled(False), torch.set_default_dtype(torch.float64), "
        "the working folder, put back"
    ]


def test_a_run_that_fails_leaves_nothing_either(tmp_path: Path) -> None:
    with warned.heard() as heard, pytest.raises(ValueError, match="enough"):
        measure(run_of("LeavesAndFails"), here(toy()), Store(tmp_path))
    assert torch.is_grad_enabled()
    assert heard.lines == ["toy_guests:LeavesAndFails left torch.set_grad_enabled(False), put back"]


def test_construction_leaves_nothing(tmp_path: Path) -> None:
    record = measure(run_of("LeavesWhenConstructed"), here(toy()), Store(tmp_path))
    assert torch.get_default_dtype() == torch.float32
    assert any("set_default_dtype" in line for line in record.warnings or ())


@pytest.mark.parametrize("name", ["LeavesWithSuccess", "LeavesAtOnce", "Interrupts"])
def test_a_method_that_ends_the_process_fails_and_stores_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(Ended, match=f"toy_guests:{name} ended with "):
        measure(run_of(name), here(toy()), Store(tmp_path))
    assert Store(tmp_path).records() == {}


def test_texts_that_a_method_changed_are_whole_for_the_next(tmp_path: Path) -> None:
    world, text = here(toy()), Text("imagenet", "RN50")
    before = text_classifiers.load(text, world)[0].clone()
    measure(run_of("ErasesTheTexts"), world, Store(tmp_path))
    assert torch.equal(text_classifiers.load(text, world)[0], before)


def test_a_clip_that_a_method_changed_is_loaded_again(tmp_path: Path) -> None:
    world = here(toy())
    clip = Opened(run_of("ErasesCLIP"), world).backbone.clip
    assert clip is not None
    before = clip.model.text_projection.clone()
    record = measure(run_of("ErasesCLIP"), world, Store(tmp_path))
    again = Opened(run_of("ErasesCLIP"), world).backbone.clip
    assert again is not None
    assert torch.equal(again.model.text_projection, before)
    assert record.warnings == ["toy_guests:ErasesCLIP left CLIP's text_projection, which is loaded again"]


def test_a_thread_that_runs_on_is_named_in_the_record(tmp_path: Path) -> None:
    record = measure(run_of("RunsOn"), here(toy()), Store(tmp_path))
    assert record.warnings == ["toy_guests:RunsOn left thread endless running"]
