"""One training run, three numbers; a scripted predictor shows which."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from baselines.cafo import CaFo
from baselines.tip_adapter import TipAdapter
from benchmark import train
from benchmark.predictor import Features, Predictor, Samples, Scores, Task
from benchmark.selection import Observer, parts, right, sweep, tuned
from benchmark.toy import toy_samples, toy_task


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
            train.milestone(self)

    def scores(self, x: Features) -> Scores:
        fused = nn.functional.one_hot(self.answer.long().expand(len(x["clip"])), 5).float()
        return Scores(zero_shot=torch.zeros_like(fused), bias=fused, fused=fused)


# Of four validation images one is of class 1, two of class 2 …; of test images otherwise.
VAL, TEST = sample([1, 2, 2, 3, 3]), sample([1, 1, 1, 2, 2, 4])


def observed(answers: Sequence[int], val: Samples | None = VAL) -> tuple[Observer, Scripted]:
    observer, predictor = Observer(val, TEST), Scripted(answers)
    with train.watching(observer.watch):
        predictor.fit()
    return observer, predictor


def picked(answers: Sequence[int], val: Samples | None = VAL) -> dict[str, tuple[int, int]]:
    observer, predictor = observed(answers, val)
    return {name: (o.epoch, int(o.correct.sum())) for name, o in observer.outcomes(predictor).items()}


def test_last_val_and_test_pick_their_own_epochs() -> None:
    # epoch 1 is best on test (3 of 6), epoch 2 on val (2 of 5), epoch 3 is the last (1 of 6)
    assert picked([1, 2, 4]) == {"last": (3, 1), "val": (2, 2), "test": (1, 3)}


def test_the_curves_count_every_epoch() -> None:
    assert observed([1, 2, 4])[0].curves == {"val": [1, 2, 0], "test": [3, 2, 1]}


def test_of_equals_on_val_the_later_stays_and_on_test_the_first() -> None:
    # class 2 and class 3 are both right twice on val; class 1 at both ends is right three times on test
    assert picked([2, 3, 0])["val"] == (2, 0)
    assert picked([3, 2, 0])["val"] == (2, 2)
    assert picked([1, 0, 1])["test"] == (1, 3)


def test_without_validation_images_val_is_last() -> None:
    assert picked([1, 2, 4], val=None) == {"last": (3, 1), "val": (3, 1), "test": (1, 3)}


def test_a_method_without_any_milestone_is_scored_as_it_ends() -> None:
    observer, predictor = observed([])
    predictor.answer.data.fill_(2)
    outcomes = observer.outcomes(predictor)
    assert {name: int(o.correct.sum()) for name, o in outcomes.items()} == {"last": 2, "val": 2, "test": 2}


def test_which_images_were_right_is_kept_in_their_order() -> None:
    observer, predictor = observed([2])
    assert observer.outcomes(predictor)["val"].correct.tolist() == [False, False, False, True, True, False]


def test_the_predictor_is_left_as_it_was() -> None:
    observer, predictor = observed([1, 2, 4])
    observer.outcomes(predictor)
    assert predictor.answer.item() == 4


def test_the_summary_is_plain_data() -> None:
    observer, predictor = observed([1, 2, 4])
    assert observer.outcomes(predictor)["test"].summary() == {"correct": 3, "epoch": 1, "tuned": {}}


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


def test_tuned_values_are_searched_separately_on_val_and_test_and_put_back() -> None:
    # on val beta = 2 makes the only image right, on test the last needs 4; of equal values the first is taken
    predictor, observer = Weighted(), Observer(ones(0.75), ones(0.75, 0.3))
    with train.watching(observer.watch):
        train.milestone(predictor)
    found = {name: (o.tuned, int(o.correct.sum())) for name, o in observer.outcomes(predictor).items()}
    assert found == {"last": ({}, 0), "val": ({"beta": 2.0}, 1), "test": ({"beta": 4.0}, 2)}
    assert predictor.beta == 0.0


def test_a_value_no_better_than_the_method_s_own_is_not_taken() -> None:
    predictor, observer = Weighted(beta=3.0), Observer(ones(0.75), ones(0.75))
    with train.watching(observer.watch):
        train.milestone(predictor)
    assert observer.outcomes(predictor)["val"].tuned == {}


def swept(predictor: Predictor, samples: Samples) -> list[tuple[dict[str, float], int]]:
    return sweep(predictor, [predictor.prepare(x) for x, _ in parts(samples)], samples.labels)


@pytest.mark.parametrize("method", [TipAdapter, CaFo])
def test_sweeping_over_beta_is_scoring_again_for_each_value(method: type[Predictor]) -> None:
    task, samples = toy_task(), toy_samples(("clip", "dino"), 5, 6, seed=3)
    predictor = method()
    predictor.build(task)
    fast = swept(predictor, samples)
    assert len(fast) == 200
    for point, score in fast[::13]:
        with tuned(predictor, point):
            naive = sum(
                int(predictor({space: value[0, i : i + 1] for space, value in samples.spaces.items()}).argmax())
                == label
                for i, label in enumerate(samples.labels.tolist())
            )
        assert score == naive, point
    assert len({score for _, score in fast}) > 1  # the search has something to find


def test_sweeping_a_predictor_with_nothing_to_tune_is_empty() -> None:
    assert swept(Scripted([1]), VAL) == []


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
    swept(Weighted(), ones(1.0))
    assert enabled == [False, False]


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

    from benchmark import task as tasks

    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    build, test = tasks.build(some_run(shots=2), toy())
    hidden = [test.labels, *test.spaces.values()]
    found = [t for t in reachable(build, {}).values() if isinstance(t, Tensor)]
    assert build.support.labels in [t for t in found if t is build.support.labels]  # the walk does reach tensors
    for tensor in found:
        for secret in hidden:
            assert tensor.untyped_storage().data_ptr() != secret.untyped_storage().data_ptr()
    assert len(test) == 160
    assert all(len(samples) < 160 for samples in (build.support, build.val) if samples is not None)
