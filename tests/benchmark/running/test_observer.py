"""One training run, four numbers; a scripted predictor shows which."""

import dataclasses
from collections.abc import Mapping, Sequence
from math import log, prod
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from toy_world import here

from amu.heads import LP, MLP, CacheHead
from amu.tuning import PRESETS, AMUTuning
from baselines.cafo import CaFo
from baselines.tip_adapter import TipAdapter, TipAdapterF
from benchmark.exhibits.opened import Opened
from benchmark.methods import Choice, Features, Predictor, Samples, Scores, Task, scoring, training
from benchmark.methods.contract.toy import toy_samples, toy_task
from benchmark.methods.scoring import parts, right, tuned
from benchmark.records.record import SELECTIONS
from benchmark.running import observer as observer_module
from benchmark.running.observer import Observer
from benchmark.running.search import Found, curves, grid, search


def sample(labels: Sequence[int]) -> Samples:
    """Images whose feature is their own number: image i is [i]."""
    return Samples({"clip": torch.arange(len(labels), dtype=torch.float).view(1, -1, 1)}, torch.tensor(labels))


class Scripted(Predictor):
    """At each milestone it answers what the script says: one class for every image of any set."""

    tunes: ClassVar[Mapping[str, Sequence[float]]] = {}

    def __init__(self, answers: Sequence[int]) -> None:
        super().__init__()
        self.answers = answers
        self.answer = nn.Parameter(torch.tensor(-1.0))

    def fit(self, task: Task | None = None) -> None:
        for answer in self.answers:
            self.answer.data.fill_(answer)
            training.milestone(self)

    def scores(self, x: Features) -> Scores:
        fused = nn.functional.one_hot(self.answer.long().expand(len(x["clip"])), 5).float()
        return Scores(zero_shot=torch.zeros_like(fused), bias=fused, fused=fused)


# Of four validation images one is of class 1, two of class 2 …; of test images otherwise.
VAL, TEST = sample([1, 2, 2, 3, 3]), sample([1, 1, 1, 2, 2, 4])


NO_CHOICE = Choice()


def observed(
    answers: Sequence[int], val: Samples | None = VAL, released: Choice = NO_CHOICE
) -> tuple[Observer, Scripted]:
    observer, predictor = Observer(val, TEST, released=released), Scripted(answers)
    with training.watching(observer.watch):
        predictor.fit()
    return observer, predictor


def picked(
    answers: Sequence[int], val: Samples | None = VAL, released: Choice = NO_CHOICE
) -> dict[str, tuple[int, int]]:
    observer, predictor = observed(answers, val, released)
    return {name: (o.epoch, int(o.correct.sum())) for name, o in observer.outcomes(predictor).items()}


def test_last_val_and_test_pick_their_own_epochs() -> None:
    # epoch 1 is best on test (3 of 6), epoch 2 on val (2 of 5), epoch 3 is the last (1 of 6)
    assert picked([1, 2, 4]) == {"last": (3, 1), "val": (2, 2), "released": (3, 1), "test": (1, 3)}


@pytest.mark.parametrize(("images", "expected"), [(None, (3, 1)), ("val", (2, 2)), ("test", (1, 3))])
def test_released_picks_the_epoch_on_the_images_that_the_released_code_does(
    images: str | None, expected: tuple[int, int]
) -> None:
    assert picked([1, 2, 4], released=Choice(epoch=images))["released"] == expected


def test_without_validation_images_a_release_that_chooses_on_them_chooses_nothing() -> None:
    on_val = Choice(epoch="val", settings="val", better="test")
    assert picked([1, 2, 4], val=None, released=on_val)["released"] == (3, 1)


def test_the_curves_count_every_epoch() -> None:
    assert observed([1, 2, 4])[0].curves == {"val": [1, 2, 0], "test": [3, 2, 1]}


def test_of_equals_on_val_the_later_stays_and_on_test_the_first() -> None:
    # class 2 and class 3 are both right twice on val; class 1 at both ends is right three times on test
    assert picked([2, 3, 0])["val"] == (2, 0)
    assert picked([3, 2, 0])["val"] == (2, 2)
    assert picked([1, 0, 1])["test"] == (1, 3)


def test_without_validation_images_val_is_last() -> None:
    assert picked([1, 2, 4], val=None) == {"last": (3, 1), "val": (3, 1), "released": (3, 1), "test": (1, 3)}


def test_a_method_without_any_milestone_is_scored_as_it_ends() -> None:
    observer, predictor = observed([])
    predictor.answer.data.fill_(2)
    outcomes = observer.outcomes(predictor)
    assert {name: int(o.correct.sum()) for name, o in outcomes.items()} == dict.fromkeys(SELECTIONS, 2)


def test_which_images_were_right_is_kept_in_their_order() -> None:
    observer, predictor = observed([2])
    assert observer.outcomes(predictor)["val"].correct.tolist() == [False, False, False, True, True, False]


def test_the_predictor_is_left_as_it_was() -> None:
    observer, predictor = observed([1, 2, 4])
    observer.outcomes(predictor)
    assert predictor.answer.item() == 4


def test_the_summary_is_plain_data() -> None:
    observer, predictor = observed([1, 2, 4])
    assert observer.outcomes(predictor)["test"].summary().to_json() == {"correct": 3, "epoch": 1, "tuned": {}}


class Weighted(Predictor):
    """Two classes; zero-shot says 0 by one point and the bias says 1 by x: right for class 1 where beta · x > 1."""

    tunes: ClassVar[Mapping[str, Sequence[float]]] = {"beta": (0.5, 1.0, 2.0, 4.0)}

    def __init__(self, beta: float = 0.0) -> None:
        super().__init__()
        self.beta = beta

    def scores(self, x: Features) -> Scores:
        s0 = torch.tensor([1.0, 0.0]).expand(len(x["clip"]), 2)
        bias = torch.cat([torch.zeros_like(x["clip"]), x["clip"]], 1)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)


def ones(*values: float) -> Samples:
    """Images of class 1 with these features."""
    return Samples({"clip": torch.tensor(values).view(1, -1, 1)}, torch.ones(len(values), dtype=torch.long))


def weighed(observer: Observer, beta: float = 0.0) -> dict[str, tuple[dict[str, float], int]]:
    """Settings and right test images of each selection, of a training of one epoch."""
    predictor = Weighted(beta)
    with training.watching(observer.watch):
        training.milestone(predictor)
    found = {name: (o.tuned, int(o.correct.sum())) for name, o in observer.outcomes(predictor).items()}
    assert predictor.beta == beta
    return found


# On val the only image is right from beta = 4/3 on, to the end of the range; on test both are from 10/3 on.
ON_VAL, ON_TEST = {"beta": pytest.approx((4 / 3 * 4) ** 0.5)}, {"beta": pytest.approx((10 / 3 * 4) ** 0.5)}


def test_tuned_values_are_searched_separately_on_val_and_test_and_put_back() -> None:
    assert weighed(Observer(ones(0.75), ones(0.75, 0.3))) == {
        "last": ({}, 0),
        "val": (ON_VAL, 1),
        "released": ({}, 0),
        "test": (ON_TEST, 2),
    }


@pytest.mark.parametrize(
    ("released", "expected"),
    [
        (Choice(epoch="test"), ({}, 0)),
        (Choice(epoch="test", settings="val"), (ON_VAL, 1)),
        (Choice(epoch="val", settings="test"), (ON_TEST, 2)),
        (Choice(settings="test", tunes=("beta",)), (ON_TEST, 2)),
        (Choice(settings="test", tunes=()), ({}, 0)),
    ],
)
def test_released_searches_the_settings_on_the_images_that_the_released_code_does(
    released: Choice, expected: tuple[dict[str, float], int]
) -> None:
    assert weighed(Observer(ones(0.75), ones(0.75, 0.3), released=released))["released"] == expected


def test_settings_found_on_val_are_kept_only_where_they_beat_the_method_s_own_on_test() -> None:
    # At the method's own beta of 5 all test images are right; val's image, of class 0, is right below beta = 4/3 alone.
    val = Samples({"clip": torch.tensor([[[0.75]]])}, torch.tensor([0]))
    plain, judged = Choice(settings="val"), Choice(settings="val", better="test")
    found = [weighed(Observer(val, ones(0.75), released=c), beta=5.0)["released"] for c in (plain, judged)]
    assert found == [({"beta": pytest.approx((0.5 * 4 / 3) ** 0.5)}, 0), ({}, 1)]
    better = weighed(Observer(ones(0.75), ones(0.75, 0.3), released=judged))["released"]
    assert better == (ON_VAL, 1)


def test_selections_that_search_one_state_on_the_same_images_share_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[Samples] = []

    def noting(predictor: Predictor, prepared: Any, samples: Samples, names: Any = None) -> Found | None:
        searched.append(samples)
        return search(predictor, prepared, samples, names)

    monkeypatch.setattr(observer_module, "search", noting)
    observer = Observer(ones(0.75), ones(0.75, 0.3), released=Choice(epoch="test", settings="val", better="test"))
    assert weighed(observer)["released"] == (ON_VAL, 1)
    assert [id(samples) for samples in searched] == [id(observer.sets["val"]), id(observer.sets["test"])]


def test_how_many_images_a_selection_picked_by_is_kept() -> None:
    predictor, observer = Weighted(), Observer(ones(0.75, 0.1), ones(0.75, 0.3, 0.3, 0.1))
    with training.watching(observer.watch):
        training.milestone(predictor)
    observer.outcomes(predictor)
    assert observer.curves == {"val": [0], "test": [0]}
    assert observer.picked_on == {"val": 1, "test": 3}


def test_a_value_no_better_than_the_method_s_own_is_not_taken() -> None:
    predictor, observer = Weighted(beta=3.0), Observer(ones(0.75), ones(0.75))
    with training.watching(observer.watch):
        training.milestone(predictor)
    assert observer.outcomes(predictor)["val"].tuned == {}


def ready(predictor: Predictor, samples: Samples) -> tuple[Predictor, list[Features], Samples]:
    return predictor, [predictor.prepare(x) for x in parts(samples)], samples


def built(method: type[Predictor], settings: Mapping[str, Any], task: Task) -> Predictor:
    predictor = method(**settings)
    predictor.build(task)
    return predictor


SEARCHED: list[tuple[type[Predictor], Mapping[str, Any]]] = [
    (TipAdapter, {}),
    (TipAdapterF, {}),
    (CaFo, {}),
    *((AMUTuning, {"preset": preset}) for preset in PRESETS),
    (LP, {}),
    (CacheHead, {}),
    (MLP, {}),
]
SPACES = ("clip", "dino", "mocov3")


@pytest.mark.parametrize(("method", "settings"), SEARCHED)
def test_the_grid_is_scoring_again_for_each_point(method: type[Predictor], settings: Mapping[str, Any]) -> None:
    samples = toy_samples(SPACES, 5, 6, seed=3)
    predictor = built(method, settings, toy_task())
    counts = grid(*ready(predictor, samples))
    assert len(counts) == prod(len(values) for values in predictor.tunes.values())
    for point, count in counts[::13]:
        with tuned(predictor, point):
            naive = sum(
                int(predictor({space: value[0, i : i + 1] for space, value in samples.spaces.items()}).argmax())
                == label
                for i, label in enumerate(samples.labels.tolist())
            )
        assert count == naive, point


@pytest.mark.parametrize(("method", "settings"), SEARCHED)
def test_the_exact_curve_has_the_grid_s_counts_at_its_values_and_never_less_between_them(
    method: type[Predictor], settings: Mapping[str, Any]
) -> None:
    samples = toy_samples(SPACES, 5, 40, seed=3)
    predictor, *images = ready(built(method, settings, toy_task()), samples)
    betas = list(predictor.tunes["beta"])
    on_grid = {frozenset(point.items()): count for point, count in grid(predictor, *images)}
    most = 0
    for point, curve in curves(predictor, *images):
        counts = [on_grid[frozenset({**point, "beta": beta}.items())] for beta in betas]
        assert curve.at(betas) == counts
        highest = curve.bests(min(betas), max(betas))[0].correct
        assert highest >= max(counts)
        most = max(most, highest)
    best = search(predictor, *images)
    assert best is not None
    assert best.correct == most
    with tuned(predictor, best.tuned):
        assert int(right(predictor, samples).sum()) == most
    assert len(set(on_grid.values())) > 1  # the search has something to find


class Narrow(Weighted):
    """Right for class 1 of three where 1 < beta · x < 1.2: class 2 is further behind and gains twice as fast."""

    def scores(self, x: Features) -> Scores:
        s0 = torch.tensor([1.0, 0.0, -1.2]).expand(len(x["clip"]), 3)
        bias = torch.cat([torch.zeros_like(x["clip"]), x["clip"], 2 * x["clip"]], 1)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)


def test_the_exact_search_finds_what_lies_between_the_grid_s_values() -> None:
    case = ready(Narrow(), ones(0.8))
    assert [count for _, count in grid(*case)] == [0, 0, 0, 0]
    best = search(*case)
    assert best is not None
    assert best.correct == 1
    assert best.tuned["beta"] == pytest.approx((1 / 0.8 * 1.2 / 0.8) ** 0.5)


class Bumps(Predictor):
    """Two settings. Each image is right on a stretch of beta, another one for each kind."""

    tunes: ClassVar[Mapping[str, Sequence[float]]] = {"kind": (0.0, 1.0), "beta": (1.0, 100.0)}

    def __init__(self, kind: float = 0.0, beta: float = 1.0, stretches: Sequence[Sequence[tuple[float, float]]] = ()):
        super().__init__()
        self.kind = kind
        self.beta = beta
        self.stretches = stretches

    def scores(self, x: Features) -> Scores:
        """Class 1 is ahead of class 0 from the low end on, class 2 of class 1 from the high end on."""
        low, high = torch.tensor(self.stretches[int(self.kind)]).float()[x["clip"][:, 0].long()].T
        s0 = torch.stack([torch.zeros_like(low), -low, -low - high], 1)
        bias = torch.tensor([0.0, 1.0, 2.0]).expand(len(low), 3)
        return Scores(zero_shot=s0, bias=bias, fused=s0 + self.beta * bias)


def found(predictor: Bumps) -> Found:
    """What a search finds for as many images of class 1 as there are stretches."""
    images = len(predictor.stretches[0])
    best = search(*ready(predictor, ones(*map(float, range(images)))))
    assert best is not None
    return best


NOWHERE = (200, 201)  # beyond the range that is declared


def test_of_stretches_as_good_the_widest_in_proportion_is_taken_at_its_geometric_middle() -> None:
    # 2 to 8 is four times as high as low, 20 to 60 only three times
    best = found(Bumps(stretches=[[(2, 8), (20, 60)], [NOWHERE, NOWHERE]]))
    assert best == ({"kind": 0, "beta": pytest.approx(4)}, 1, 1, pytest.approx(log(4)))


def test_the_method_s_own_beta_is_kept_where_none_is_better() -> None:
    assert found(Bumps(beta=25.0, stretches=[[(2, 8), (20, 60)], [NOWHERE, NOWHERE]])) == (
        {"kind": 0, "beta": 25},
        1,
        2,
        0,
    )


def test_the_other_settings_of_the_method_s_own_are_kept_where_none_are_better() -> None:
    assert found(Bumps(kind=1, stretches=[[(1, 100)], [(20, 60)]])).tuned["kind"] == 1
    assert found(Bumps(kind=1, stretches=[[(2, 100), (2, 100)], [(20, 60), (2, 3)]])).tuned["kind"] == 0


def test_the_search_keeps_to_the_range_that_is_declared() -> None:
    best = found(Bumps(stretches=[[(50, 1000), (50, 1000)], [NOWHERE, NOWHERE]]))
    assert best.tuned == {"kind": 0, "beta": pytest.approx((50 * 100) ** 0.5)}


def test_images_are_searched_in_parts_and_the_curve_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, samples = built(TipAdapter, {}, toy_task()), toy_samples(("clip",), 5, 9, seed=4)
    whole = search(*ready(predictor, samples))
    monkeypatch.setattr(scoring, "PART", 7)
    assert search(*ready(predictor, samples)) == whole


class FromNothing(Weighted):
    tunes: ClassVar[Mapping[str, Sequence[float]]] = {"beta": (0.0, 1.0)}


def test_a_range_that_begins_at_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="beta is tuned from 0: its range must lie above 0"):
        search(*ready(FromNothing(), ones(1.0)))


class Kinds(Bumps):
    tunes: ClassVar[Mapping[str, Sequence[float]]] = {"kind": (0.0, 1.0)}


def test_a_method_that_tunes_no_beta_is_searched_point_by_point() -> None:
    assert found(Kinds(beta=30, stretches=[[(2, 8)], [(20, 60)]])) == ({"kind": 1}, 1, 0, 0)


def test_a_predictor_with_nothing_to_tune_has_nothing_to_search() -> None:
    assert grid(*ready(Scripted([1]), VAL)) == []
    assert search(*ready(Scripted([1]), VAL)) is None


def test_tuned_values_are_put_back_even_when_scoring_fails() -> None:
    predictor = Weighted(beta=7.0)
    with pytest.raises(ZeroDivisionError), tuned(predictor, {"beta": 1.0}):
        raise ZeroDivisionError
    assert predictor.beta == 7.0


def test_scoring_keeps_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    enabled: list[bool] = []
    scores = Weighted.scores

    def noting(self: Weighted, x: Features) -> Scores:
        enabled.append(torch.is_grad_enabled())
        return scores(self, x)

    monkeypatch.setattr(Weighted, "scores", noting)
    right(Weighted(), ones(1.0))
    search(*ready(Weighted(), ones(1.0)))
    grid(*ready(Weighted(), ones(1.0)))
    assert enabled == 6 * [False]


def reachable(thing: Any, seen: dict[int, Any]) -> dict[int, Any]:
    """Everything that attributes, items and fields of a thing lead to."""
    if id(thing) in seen or isinstance(thing, int | float | str | type | None):
        return seen
    seen[id(thing)] = thing
    parts: list[Any] = []
    if isinstance(thing, Mapping):
        parts = list(thing.values())
    elif isinstance(thing, list | tuple | set):
        parts = list(thing)
    elif dataclasses.is_dataclass(thing):
        parts = [getattr(thing, f.name) for f in dataclasses.fields(thing)]
    elif not isinstance(thing, Tensor) and hasattr(thing, "__dict__"):
        parts = list(vars(thing).values())
    for part in parts:
        reachable(part, seen)
    return seen


def test_nothing_in_a_task_leads_to_the_test_images(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_world import some_run, toy

    from benchmark.running import task as tasks

    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    build, test = tasks.build(Opened(some_run(shots=2), here(toy())))
    hidden = [test.labels, *test.spaces.values()]
    found = [t for t in reachable(build, {}).values() if isinstance(t, Tensor)]
    assert build.support.labels in [t for t in found if t is build.support.labels]  # the walk does reach tensors
    for tensor in found:
        for secret in hidden:
            assert tensor.untyped_storage().data_ptr() != secret.untyped_storage().data_ptr()
    assert len(test) == 160
    assert all(len(samples) < 160 for samples in (build.support, build.val) if samples is not None)
