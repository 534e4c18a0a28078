"""From a run to its record, and the same run twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_world import here, some_run, toy

from baselines.zero_shot import ZeroShotCLIP
from benchmark.core import devices, warned
from benchmark.core.errors import BenchError
from benchmark.exhibits import run as runs
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.question import Question
from benchmark.exhibits.run import Run
from benchmark.features import filling, requests
from benchmark.features.requests import Request
from benchmark.methods import scoring
from benchmark.methods.samples import Features, Scores
from benchmark.numerics.logits import unit
from benchmark.records.record import SELECTIONS, Drawn, Record, Selection
from benchmark.records.store import Store
from benchmark.running import task
from benchmark.running.measure import measure
from benchmark.suites.world import World

CAFO = "baselines.cafo:CaFo"
SHORT = {"baselines.clip_adapter:CLIPAdapter": {"recipe": {"epochs": 1}}}
QUESTION = Question(dataset="imagenet", backbone="RN50", shots=1)
ZERO = some_run(method="baselines.zero_shot:ZeroShotCLIP", shots=0, seed=0, settings={})


@pytest.fixture(scope="module")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


pytestmark = pytest.mark.usefixtures("_cache")


def without_time(record: Record) -> Record:
    return {k: v for k, v in record.to_json().items() if k not in ("seconds", "measured", "peak_memory_mib")}


def test_zero_shot_is_the_text_nearest_in_angle(tmp_path: Path) -> None:
    world, store = toy(), Store(tmp_path)
    record = measure(ZERO, here(world), store)
    clip = here(world).encoder("RN50").clip
    assert clip is not None
    data = here(world).dataset("imagenet")
    text = clip.classifier(data.classnames, data.templates)
    images = filling.load(Request("imagenet", "RN50", "test", 0), here(world))[0]
    right = 0
    for image, label in zip(images, data.labels("test", data.ids("test")), strict=True):
        right += int((unit(image) @ text.T).argmax()) == label
    assert {record.selections[s].correct for s in SELECTIONS} == {right}
    assert (record.n, record.n_val, record.parameters) == (160, 0, 0)
    assert store.correct(ZERO.key, "val").sum() == right


def test_the_record_that_comes_back_is_the_one_on_disk(tmp_path: Path) -> None:
    run, store = some_run(), Store(tmp_path)
    record = measure(run, here(toy()), store)
    found = store.get(run.key)
    assert found is not None
    assert found.to_json() == json.loads(json.dumps(record.to_json()))
    assert record.n_val == 16
    assert record.fingerprints == Opened(run, here(toy())).fingerprints
    assert {"data", "RN50", "method"} <= record.fingerprints.keys()


def test_the_record_says_how_its_features_were_made(tmp_path: Path) -> None:
    run, world = some_run(), World(toy(), replace(here(toy()).settings, precision="bf16", cache=tmp_path / "cache"))
    made = measure(run, world, Store(tmp_path)).conditions
    assert (made["features_device"], made["features_precision"]) == ("cpu", "bf16")
    assert "features_resizing" not in made  # the toy world's images have one size
    later = World(toy(), replace(world.settings, precision="fp32"))
    assert measure(run, later, Store(tmp_path)).conditions["features_precision"] == "bf16"  # as they lie on disk


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Memory suffices for 50 images at a time; the numbers of images that were scored."""
    batches: list[int] = []
    scores = ZeroShotCLIP.scores

    def crowd(self: ZeroShotCLIP, x: Features) -> Scores:
        batches.append(len(x["clip"]))
        if batches[-1] > 50:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return scores(self, x)

    monkeypatch.setattr(ZeroShotCLIP, "scores", crowd)
    return batches


def test_a_run_that_lacks_memory_is_begun_once_more_in_smaller_parts(
    tmp_path: Path, crowded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = scoring.PART
    monkeypatch.setattr(scoring, "SMALL", 40)
    record = measure(ZERO, here(toy()), Store(tmp_path / "small"))
    assert (crowded[0], set(crowded[1:])) == (160, {40})
    assert plain == scoring.PART
    (line,) = record.warnings or []
    assert line == (
        "begun again in parts of 40 images after OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    )
    monkeypatch.undo()
    assert measure(ZERO, here(toy()), Store(tmp_path / "whole")).selections == record.selections


def test_a_run_that_lacks_memory_twice_and_one_that_fails_otherwise_are_not_begun_again(
    tmp_path: Path, crowded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SMALL", 60)
    with pytest.raises(torch.OutOfMemoryError):
        measure(ZERO, here(toy()), Store(tmp_path))
    assert crowded == [160, 60]

    def wrong(self: ZeroShotCLIP, x: Features) -> Scores:
        crowded.append(0)
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(ZeroShotCLIP, "scores", wrong)
    with pytest.raises(RuntimeError, match="shapes"):
        measure(ZERO, here(toy()), Store(tmp_path))
    assert crowded[2:] == [0]


def test_while_memory_is_spared_an_accelerator_counts_as_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (7, 8))
    with devices.sparing():
        assert devices.free_memory(torch.device("cuda")) == 0
        assert devices.free_memory(torch.device("cpu")) is None
    assert devices.free_memory(torch.device("cuda")) == 7


@pytest.mark.parametrize(
    "run",
    [
        some_run(shots=2),
        some_run(
            method="amu.tuning:AMUTuning",
            settings={"recipe": {"lr": 0.01, "epochs": 2, "batch_size": 8}},
        ),
    ],
)
def test_the_same_run_twice_is_the_same_record(tmp_path: Path, run: Run) -> None:
    one, two = (measure(run, here(toy()), Store(tmp_path / name)) for name in "ab")
    assert without_time(one) == without_time(two)


def test_every_epoch_is_a_point_of_the_curves(tmp_path: Path) -> None:
    settings = {"recipe": {"lr": 0.01, "epochs": 3, "batch_size": 8}}
    run = some_run(method="baselines.tip_adapter:TipAdapterF", settings=settings)
    record = measure(run, here(toy()), Store(tmp_path))
    assert {name: len(curve) for name, curve in record.curves.items()} == {"val": 3, "test": 3}
    assert record.curves["test"][2] == record.selections["last"].correct
    assert record.selections["test"].correct >= max(record.curves["test"])
    assert record.parameters == 16 * 16


def released_and_test(method: str, folder: Path, **changes: object) -> tuple[Record, Selection, Selection]:
    """The record of three epochs, and what it has under the two selections that may look at test images."""
    settings = {"recipe": {"lr": 0.01, "epochs": 3, "batch_size": 8}}
    question = replace(QUESTION, method=method, arguments=settings, **changes)
    world = toy(datasets={name: toy().datasets["imagenet"] for name in ("imagenet", "dtd")})
    record = measure(runs.make(world, question, 1), here(world), Store(folder))
    return record, record.selections["released"], record.selections["test"]


def test_amu_tuning_s_released_code_chooses_the_epoch_alone(tmp_path: Path) -> None:
    record, released, test = released_and_test("amu.tuning:AMUTuning", tmp_path)
    assert record.asked["released"] == {"epoch": "test"}
    assert (released.correct, released.tuned) == (max(record.curves["test"]), {})
    assert (released.epoch, test.correct > released.correct) == (test.epoch, True)


def test_tip_adapter_f_s_released_code_searches_on_test_in_the_role_of_imagenet_and_on_val_elsewhere(
    tmp_path: Path,
) -> None:
    _, released, test = released_and_test("baselines.tip_adapter:TipAdapterF", tmp_path / "a")
    assert released == test
    record, released, test = released_and_test("baselines.tip_adapter:TipAdapterF", tmp_path / "b", dataset="dtd")
    assert record.asked["released"] == {"epoch": "test", "settings": "val", "better": "test"}
    assert released.epoch == test.epoch
    assert max(record.curves["test"]) <= released.correct < test.correct


def test_a_method_that_learns_colours_is_better_than_one_that_answers_alike(tmp_path: Path) -> None:
    flat = measure(some_run(method="toy_methods:Flat", settings={}), here(toy()), Store(tmp_path))
    tip = measure(some_run(shots=16), here(toy()), Store(tmp_path))
    assert flat.selections["val"].correct == 10  # class 0 is right for its ten images of 160
    assert tip.selections["val"].correct > 80


def test_a_task_has_the_drawn_images_of_every_space() -> None:
    run, world = some_run(method="baselines.cafo:CaFo", shots=4, settings={}), toy()
    build, test = task.build(Opened(run, here(world)))
    draw = here(world).dataset("imagenet").draw(4, run.seed)
    assert set(build.support.spaces) == {"clip", "dino"}
    assert (len(build.support), build.support.views, len(test), test.views) == (64, 2, 160, 1)
    assert build.val is not None
    assert len(build.val) == 64
    pool = filling.load(Request("imagenet", "dino", "pool", run.seed), here(world))
    assert torch.equal(build.support.spaces["dino"], pool[:, torch.as_tensor(draw.support)])
    assert build.support.labels.bincount().tolist() == [4] * 16
    assert build.seed == run.seed


def test_what_learns_nothing_gets_no_images_and_makes_none() -> None:
    build, _ = task.build(Opened(ZERO, here(toy())))
    assert (len(build.support), build.val) == (0, None)
    assert [request.part for request in requests.of(Opened(ZERO, here(toy())))] == ["test"]


def test_an_encoder_without_a_text_tower_is_no_backbone() -> None:
    with pytest.raises(BenchError, match="mocov3 has no text tower, so it cannot be a backbone"):
        task.build(Opened(some_run(backbone="mocov3"), here(toy())))


CROPPED: list[tuple[str, dict[str, Any], str, tuple[float, float]]] = [
    ("baselines.clip_adapter:CLIPAdapter", {}, "0.08 to 1", (0.08, 1.0)),
    ("baselines.tip_adapter:TipAdapter", {}, "0.5 to 1", (0.5, 1.0)),
    ("baselines.lp_clip:LPCLIP", {}, "none", (0.5, 1.0)),
    ("baselines.clip_adapter:CLIPAdapter", {"reader": "toy_world:Anew"}, "the data set's own", (0.5, 1.0)),
    ("baselines.clip_adapter:CLIPAdapter", {"views": 1}, "none", (0.5, 1.0)),
]


@pytest.mark.parametrize(("method", "suite", "words", "scale"), CROPPED)
def test_a_method_is_trained_on_its_family_s_crops_and_the_record_says_which(
    tmp_path: Path, method: str, suite: dict[str, Any], words: str, scale: tuple[float, float]
) -> None:
    reader = {"reader": suite.get("reader", "toy_world:Squares")}
    world = toy(datasets={"imagenet": reader}, views=suite.get("views", 2))
    run = runs.make(world, replace(QUESTION, method=method, arguments=SHORT.get(method)), 1)
    build, _ = task.build(Opened(run, here(world)))
    whole = filling.load(requests.request("imagenet", "RN50", "pool", 1, 1, here(world), scale), here(world))
    kept = here(world).dataset("imagenet").draw(1, 1).support
    assert torch.equal(build.support.spaces["clip"], whole[:, torch.as_tensor(kept)])
    record = measure(run, here(world), Store(tmp_path))
    assert (record.crops, record.asked["crops"]) == (words, run.crops and list(run.crops))


def test_a_run_that_learns_nothing_says_nothing_of_crops(tmp_path: Path) -> None:
    assert measure(ZERO, here(toy()), Store(tmp_path)).crops is None


def test_the_names_of_the_drawn_images_are_kept_once_for_all_runs_that_share_them(tmp_path: Path) -> None:
    world = toy(datasets={"imagenet": {"reader": "toy_world:Anew"}})
    store = Store(tmp_path / "results")
    records = [
        measure(runs.make(world, replace(QUESTION, method=m), 1), here(world), store)
        for m in ("baselines.tip_adapter:TipAdapter", CAFO)
    ]
    assert records[0].draw == records[1].draw
    (kept,) = (tmp_path / "results" / "draws").iterdir()
    names = json.loads(kept.read_text())
    assert (kept.stem, len(names["support"]), len(names["val"])) == (records[0].draw, 16, 16)
    assert names["support"][0].startswith("square/")
    assert measure(some_run(), here(toy()), store).draw is None, "squares without names"
    assert len(store.records()) == 3, "a list of images is no record"


def test_a_suite_that_asks_for_published_settings_gets_those_of_the_data_set_and_shots() -> None:
    method = "toy_methods:Flat"
    question = replace(QUESTION, method=method, shots=2)
    world = toy(published=True)
    assert runs.make(toy(), question, 1).settings["strength"] == 1.0
    assert runs.make(world, question, 1).settings["strength"] == 2.0
    assert runs.make(world, replace(question, arguments={"strength": 3.0}), 1).settings["strength"] == 3.0
    world = toy(published=True, methods={method: {"strength": 4.0}})
    assert runs.make(world, question, 1).settings["strength"] == 4.0


FEW = {"reader": "toy_world:Few", "most": 4, "of_first": 2, "val": 3, "val_of_first": 0}


def counted(spec: dict[str, object], shots: int, tmp_path: Path) -> Record:
    return measure(some_run(shots=shots), here(toy(datasets={"imagenet": spec})), Store(tmp_path))


def test_a_record_counts_the_images_that_the_run_learnt_from_and_chose_on(tmp_path: Path) -> None:
    record = counted({"reader": "toy_world:Squares"}, 2, tmp_path)
    assert (record.support, record.validation) == (Drawn(32, 2, 2), Drawn(32, 2, 2))


def test_a_class_with_fewer_images_than_shots_is_counted(tmp_path: Path) -> None:
    record = counted(FEW, 16, tmp_path)
    assert record.support == Drawn(15 * 4 + 2, 2, 4)
    assert record.validation == Drawn(15 * 3, 0, 3)
    assert record.n_val == 45
    assert json.loads((tmp_path / f"{record.key}.json").read_text())["support"] == {
        "images": 62,
        "fewest": 2,
        "most": 4,
    }


def test_an_image_that_is_drawn_again_counts_once(tmp_path: Path) -> None:
    record = counted({**FEW, "reader": "toy_world:Repeated"}, 8, tmp_path)
    assert record.support == Drawn(62, 2, 4, repeated=16 * 8 - 62)


def test_without_validation_images_none_are_counted(tmp_path: Path) -> None:
    record = counted({"reader": "toy_world:Few", "val": 0, "val_of_first": 0}, 1, tmp_path)
    assert (record.n_val, record.validation) == (0, Drawn(0, 0, 0))


def test_predicted_classes_are_kept_of_a_test_set_that_is_not_balanced_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    world = here(toy(datasets={"imagenet": {"reader": "toy_world:Lopsided"}}))
    record = measure(ZERO, world, store)
    found = store.tested(record)
    assert found is not None
    assert found.labels.tolist() == [c % 16 for c in range(16 * 10 - 3)]
    assert (found.labels == found.predicted).tolist() == store.correct(record.key, "val").tolist()
    assert 0 < record.selections["val"].correct < record.n
    assert found.classes[:2] == ("colour0", "colour1")
    assert store.records() == {record.key: record}
    balanced = measure(ZERO, here(toy()), store)
    assert balanced.tested is None
    assert store.tested(balanced) is None


def test_a_run_that_learns_nothing_counts_nothing(tmp_path: Path) -> None:
    record = measure(ZERO, here(toy()), Store(tmp_path))
    assert (record.support, record.validation, record.warnings) == (None, None, None)


def test_what_a_library_warned_of_is_in_the_record_and_passed_on_to_who_listens(tmp_path: Path) -> None:
    run = some_run(method="toy_methods:Warned", settings={})
    with warned.heard() as heard:
        record = measure(run, here(toy()), Store(tmp_path))
    assert record.warnings == ["RuntimeWarning: failed to converge (status=0) (3 times)"] == heard.lines
