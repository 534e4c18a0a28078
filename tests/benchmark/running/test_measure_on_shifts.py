"""A run is tested on its data set's shifts too; stand-ins reach those who want them; images are looked at once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_house import CLASSES, PER_CLASS, PLACES, Tiles, house
from toy_world import here, numbered, some_run

from amu.tuning import AMUTuning
from baselines.cafo import CaFo
from baselines.clip_adapter import CLIPAdapter
from baselines.coop import CoOp
from baselines.lp_clip import LPCLIP
from baselines.tip_adapter import RECIPE
from baselines.zero_shot import ZeroShotCLIP
from benchmark.core import code
from benchmark.core.errors import BenchError
from benchmark.exhibits import run as runs
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.question import Question
from benchmark.exhibits.run import Run
from benchmark.features import filling, requests
from benchmark.features.requests import Request, Wave
from benchmark.methods import Predictor, Samples, Scores, Task
from benchmark.methods.contract.toy import WIDTH, toy_task
from benchmark.methods.scoring import right
from benchmark.numerics.logits import unit
from benchmark.records import record as record_module
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store
from benchmark.running import task as task_module
from benchmark.running.measure import measure
from benchmark.running.observer import Observer
from benchmark.suites import suite

AMU = "amu.tuning:AMUTuning"
QUESTION = Question(dataset="imagenet", backbone="RN50", shots=1)
SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def house_run(**changes: Any) -> Run:
    return some_run(**{"suite": "toy_house", **changes})


class Fixed(Predictor):
    """Answers with the same logits for every image."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, x: Any) -> torch.Tensor:
        return self.logits.expand(len(x["clip"]), -1)

    def scores(self, x: Any) -> Scores:
        return Scores(self(x), self(x), self(x))


def images(labels: list[int]) -> Samples:
    return Samples({"clip": torch.zeros(1, len(labels), 1)}, torch.tensor(labels))


def test_only_the_classes_that_a_shift_holds_may_be_answered() -> None:
    answers = Fixed([1.0, 9.0, 3.0, 8.0])  # 1 of all four; 2 of {0, 2}; 3 of {2, 3}
    assert right(answers, images([1, 2, 3])).tolist() == [True, False, False]
    assert right(answers, images([1, 2, 3]), torch.tensor([0, 2])).tolist() == [False, True, False]
    assert right(answers, images([1, 2, 3]), torch.tensor([2, 3])).tolist() == [False, False, True]


@pytest.mark.parametrize("cls", [ZeroShotCLIP, CoOp, LPCLIP, CLIPAdapter])
def test_a_class_with_its_logit_to_itself_keeps_it_among_fewer_classes(cls: type[Predictor]) -> None:
    fitted, task = _fitted(cls())
    classes = torch.tensor([4, 0, 2])
    whole, few = fitted.scores(task.support.view()), fitted.among(classes).scores(task.support.view())
    for name in ("zero_shot", "bias", "fused"):
        assert torch.equal(getattr(few, name), getattr(whole, name)[:, classes])


@pytest.mark.parametrize("preset", ["paper", "official+uf"])
def test_uncertainty_and_z_score_among_fewer_classes_are_those_of_a_task_with_no_others(preset: str) -> None:
    fitted, task = _fitted(AMUTuning(preset=preset))
    classes = torch.tensor([4, 0, 2])
    alone = AMUTuning(preset=preset)
    alone.build(replace(task, text=task.text[classes], support=_of(task.support, classes)))
    alone.weight = torch.nn.Parameter(fitted.weight.detach()[classes])
    x = task.support.view()
    torch.testing.assert_close(fitted.among(classes)(x), alone(x))
    assert not torch.allclose(fitted.among(classes)(x), fitted(x)[:, classes]), "statistics over all differ"


def test_similarities_of_caches_among_fewer_classes_are_those_of_a_task_with_no_others() -> None:
    fitted, task = _fitted(CaFo(recipe=replace(RECIPE, epochs=1, lr=1e-9)))  # keys as they were filled
    classes = torch.tensor([4, 0, 2])
    alone = CaFo()
    alone.build(replace(task, text=task.text[classes], support=_of(task.support, classes)))
    x = task.support.view()
    torch.testing.assert_close(fitted.among(classes)(x), alone(x), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(fitted.among(classes)(x), fitted(x)[:, classes], atol=1e-2)


def _fitted(predictor: Any) -> tuple[Any, Task]:
    task = toy_task()
    predictor.fit(task)
    return predictor, task


def _of(samples: Samples, classes: torch.Tensor) -> Samples:
    """Their images alone, labelled by the places of their classes."""
    places = torch.cat([(samples.labels == c).nonzero()[:, 0] for c in classes])
    labels = torch.tensor([classes.tolist().index(c) for c in samples.labels[places].tolist()])
    return Samples({space: value[:, places] for space, value in samples.spaces.items()}, labels)


TILES = f"tiles-13-[1, 3, 5] {code.fingerprint(Tiles)}"
"""The shift's content, and the code of its reader, which is none of the harness."""


def test_a_shift_says_over_which_classes_statistics_run_and_a_record_keeps_it(tmp_path: Path) -> None:
    world = house()
    held = {**world.datasets, "imagenet_a": {**world.datasets["imagenet_a"], "statistics": "held"}}
    run = runs.make(world, replace(QUESTION, method=AMU, shots=4), 1)
    records = [measure(run, here(w), Store(tmp_path / str(i))) for i, w in enumerate((world, house(datasets=held)))]
    assert [r.shifts["imagenet_a"].statistics for r in records] == ["all", "held"]
    assert [r.fingerprints["imagenet_a"] for r in records] == [TILES, f"{TILES} held"]
    assert records[0].shifts["imagenet_r"] == records[1].shifts["imagenet_r"]


def test_every_shift_is_counted_under_every_selection_and_among_its_own_classes(tmp_path: Path) -> None:
    run, world = house_run(shots=4), house()
    record = measure(run, here(world), Store(tmp_path))
    assert list(record.shifts) == SHIFTS
    assert {role: on.n for role, on in record.shifts.items()} == {
        "imagenetv2": 6 * PER_CLASS["test"],
        "imagenet_sketch": 6 * PER_CLASS["test"],
        "imagenet_a": 3 * PER_CLASS["test"],
        "imagenet_r": 2 * PER_CLASS["test"],
    }
    build, _ = task_module.build(Opened(run, here(world)))
    predictor = run.predictor()
    predictor.fit(build)
    held = task_module.shifts(Opened(run, here(world)))["imagenet_a"]
    expected = 0
    for logits, label in zip(predictor(held.samples.view()), held.samples.labels.tolist(), strict=True):
        expected += max([1, 3, 5], key=lambda c: logits[c].item()) == label
    assert record.shifts["imagenet_a"].selections["last"].correct == expected


def test_the_answers_to_the_images_of_every_shift_are_kept_and_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = measure(house_run(shots=4), here(house()), store)
    assert record.shifts is not None
    for role, on in record.shifts.items():
        for name, selection in on.selections.items():
            answers = store.correct(record.key, name, role)
            assert (len(answers), int(answers.sum())) == (on.n, selection.correct)
    with pytest.raises(BenchError, match="of a selection that the record does not have"):
        store.correct(record.key, "val", "imagenet_z")


def test_a_data_set_without_shifts_has_none(tmp_path: Path) -> None:
    assert measure(house_run(dataset="dtd"), here(house()), Store(tmp_path)).shifts == {}


def test_what_a_record_keeps_is_valid_and_of_its_own_counts(tmp_path: Path) -> None:
    record = measure(house_run(shots=2), here(house()), Store(tmp_path))
    assert record_module.invalid(record.to_json(), record.key) == ""
    assert sum(record.max_logit.right) + sum(record.max_logit.wrong) == record.n
    chosen = record.selections["val"].tuned
    assert record.beta_curve.best.correct >= record.selections["val"].correct, chosen
    assert set(record.metrics) == set(record.shifts["imagenet_a"].selections) == set(SELECTIONS)


def test_a_method_without_a_weight_to_tune_has_no_curve(tmp_path: Path) -> None:
    run = house_run(method="baselines.zero_shot:ZeroShotCLIP", shots=0, seed=0, settings={})
    record = measure(run, here(house()), Store(tmp_path))
    assert record.beta_curve is None
    correct = record.selections["val"].correct
    assert sum(record.max_logit.right) == correct  # its logits are zero-shot CLIP's


def test_each_state_is_looked_at_once_however_many_selections_end_in_it() -> None:
    seen: list[list[str]] = []
    observer = Observer(images([0]), images([0, 1]), lambda predictor, scores, names: seen.append(list(names)) or {})
    observer.outcomes(Fixed([2.0, 1.0]))  # type: ignore[arg-type]
    assert seen == [list(SELECTIONS)]


def test_fingerprints_name_the_shifts_so_that_a_new_one_makes_old_records_stale() -> None:
    run, world = house_run(), house()
    found = Opened(run, here(world)).fingerprints
    assert found["imagenet_a"] == TILES
    fewer = house(datasets={**world.datasets, "imagenet": {**world.datasets["imagenet"], "shifts": SHIFTS[:1]}})
    assert Opened(run, here(fewer)).fingerprints != found


def test_encoders_that_do_not_see_the_shifts_are_spared_them() -> None:
    datasets = house().datasets
    world = house(datasets={**datasets, "imagenet": {**datasets["imagenet"], "shift_encoders": ["RN50"]}})
    assert house_run().shifts(world) == SHIFTS
    blind = house_run(method="baselines.cafo:CaFo", settings={})  # reads dino too
    assert blind.shifts(world) == ()
    assert {r.dataset for r in requests.of(Opened(blind, here(world)))} == {"imagenet"}


def test_generated_images_and_sentences_reach_the_method_that_wants_them() -> None:
    run, world = house_run(method="baselines.cafo:CaFo", settings={"generated": True}), house()
    build, _ = task_module.build(Opened(run, here(world)))
    assert build.generated is not None
    assert build.sentences is not None
    assert build.generated.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert {name: tuple(v.shape[:2]) for name, v in build.generated.spaces.items()} == {
        "clip": (2, 12),
        "dino": (2, 12),
    }
    first = torch.from_numpy(Tiles().generated(2)[0]).permute(0, 3, 1, 2)
    torch.testing.assert_close(build.generated.spaces["dino"][0], here(world).encoder("dino").encode(first, 64))
    assert {r.part for r in requests.of(Opened(run, here(world)))} == {"test", "pool", "val", "generated"}


def test_others_get_neither() -> None:
    build, _ = task_module.build(Opened(house_run(), here(house())))
    assert (build.generated, build.sentences) == (None, None)


def test_a_classifier_of_sentences_is_the_mean_direction_of_each_class() -> None:
    clip = here(house()).encoder("RN50").clip
    assert clip is not None
    found = clip.sentence_classifier([["a red bee", "small owl"], ["yak"]])
    texts = unit(clip.encode_text(["a red bee", "small owl", "yak"]))
    torch.testing.assert_close(found, unit(torch.stack([(texts[0] + texts[1]) / 2, texts[2]])))


def test_places_and_pixels_are_spaces_like_any_other() -> None:
    run = house_run(method="baselines.vt_clip:VTCLIP", settings={}, backbone="RN101")
    assert run.roles() == {"clip": "RN101", "clip_spatial": "RN101:spatial"}
    build, test = task_module.build(Opened(run, here(house())))
    assert build.support.spaces["clip_spatial"].shape == (2, CLASSES, PLACES, WIDTH)
    maple = house_run(method="baselines.maple:MaPLe", settings={})
    assert maple.roles()["pixels"] == "pixels"
    _, test = task_module.build(Opened(maple, here(house())))
    assert test.spaces["pixels"].dtype == torch.uint8
    np.testing.assert_array_equal(
        test.spaces["pixels"][0].permute(0, 2, 3, 1).numpy(), Tiles().images("test", range(48))
    )


def wanted() -> list[Request]:
    roles = ("RN50", "ViT-B/16", "RN50:spatial", "pixels", "dino")
    return [Request("imagenet", role, part, 1) for role in roles for part in ("pool", "val")]


def test_requests_for_the_same_images_are_one_wave_and_the_largest_come_first() -> None:
    found = requests.waves([*wanted(), Request("dtd", "dino", "pool", 1)], here(house()))
    assert [(wave.requests[0].dataset, wave.requests[0].part, len(wave.requests)) for wave in found] == [
        ("imagenet", "pool", 5),
        ("dtd", "pool", 1),
        ("imagenet", "val", 5),
    ]
    assert found[1].label(house()) == "dtd, pool images of seed 1: dino"


def test_of_what_is_large_a_suite_may_keep_fewer_views() -> None:
    few = house(views=3, large_views=2)
    found = {tuple(r.role for r in wave.requests): wave for wave in requests.waves(wanted(), here(few))}
    small, large = ("RN50", "ViT-B/16", "dino"), ("RN50:spatial", "pixels")
    assert set(found) == {small, large}
    shapes = [
        filling.load(Request("dtd", role, "pool", 1), here(few)).shape[0] for role in ("RN50", "pixels", "RN50:spatial")
    ]
    assert shapes == [3, 2, 2]
    vt_clip = runs.make(few, replace(QUESTION, dataset="dtd", method="baselines.vt_clip:VTCLIP"), 1)
    assert vt_clip.views == 2
    support = task_module.build(Opened(vt_clip, here(few)))[0].support
    assert {space: len(x) for space, x in support.spaces.items()} == {"clip": 2, "clip_spatial": 2}
    whole = filling.load(Request("dtd", "RN50", "pool", 1), here(few))
    assert torch.equal(support.spaces["clip"][:, 0], whole[:2, 0])
    assert runs.make(few, replace(QUESTION, method="baselines.tip_adapter:TipAdapter"), 1).views == 3


def test_a_wave_makes_what_each_request_would_have_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    original = Tiles.images
    monkeypatch.setattr(Tiles, "images", lambda self, split, ids: looks.append(len(ids)) or original(self, split, ids))
    world = house(name="waves")
    wave = Wave(tuple(r for r in wanted() if r.part == "pool"))
    (shard,) = requests.shards_of(wave, here(world))
    filling.fill_shard(shard, here(world))
    assert sum(looks) == 16 * CLASSES
    for request in wave.requests:
        assert requests.path(request, here(world)).is_file()
        assert torch.equal(filling.load(request, here(world)), filling.extract(request, here(world)))


def test_a_role_with_a_slash_is_a_file_of_its_own_and_places_are_apart_from_the_whole() -> None:
    names = {requests.path(r, here(house())).name for r in wanted()}
    assert len(names) == len(wanted())
    assert not any("/" in name or ":" in name for name in names)


def test_an_encoder_without_places_says_so() -> None:
    with pytest.raises(ValueError, match="dino has no spatial features"):
        filling.extract(Request("imagenet", "dino:spatial", "val", 1), here(house()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shifts": []}, "shifts is no object"),
        ({"shifts": {"v2": {"n": 3}}}, "shifts.v2.selections is no object"),
        ({"metrics": {"last": {}, "val": {}}}, "metrics.test is no object"),
        (
            {"metrics": {s: {"cmy_raw": "x"} for s in SELECTIONS}},
            "a metric is missing or of another type",
        ),
        (
            {"beta_curve": {"correct": ["x"], "best": {"beta": 1, "correct": 1}}},
            "a count is missing or of another type",
        ),
        ({"beta_curve": {"correct": [1]}}, "beta_curve.best is no object"),
        ({"max_logit": {"low": 0, "high": 1, "right": [1]}}, "max_logit.wrong is missing"),
        (
            {"shifts": {"v2": {"n": 3, "selections": {s: {"correct": 4} for s in SELECTIONS}}}},
            "v2 selection 'last': correct is no count from 0 to 3",
        ),
    ],
)
def test_a_record_whose_extras_cannot_be_read_is_no_record(change: dict[str, Any], words: str) -> None:
    said = {**numbered(1).to_json(), **change}
    assert words in record_module.invalid(said, said["key"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('shifts = ["imagenetv2"', 'shifts = ["imagenetv3"', "unknown shift of imagenet in x.toml 'imagenetv3'"),
        ("generated = 2", 'shift_encoders = ["RN51"]', "unknown shift encoder of imagenet in x.toml 'RN51'"),
        ("shots = [1, 16]", "shot = [1]", "unknown key of [quick] in x.toml 'shot': did you mean 'shots'?"),
    ],
)
def test_a_mistake_in_the_suite_s_file_is_named(old: str, new: str, words: str) -> None:
    from toy_house import FILE

    text = FILE.read_text()
    assert old in text
    with pytest.raises(BenchError) as caught:
        suite.parse("x", text.replace(old, new, 1))
    assert words in str(caught.value)
