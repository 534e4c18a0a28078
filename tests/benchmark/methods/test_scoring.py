"""Which images are classified correctly: in parts, among some classes, and without touching the method."""

from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.methods import Features, Predictor, Samples, Scores, scoring
from benchmark.methods.scoring import joined, parts, right, right_answers, tuned
from benchmark.methods.sealed import Breach, Sealed, sealing


class Given(Predictor):
    """Its feature space "clip" holds the logits."""

    def __init__(self, *, beta: float = 1.0, strength: float = 2.0) -> None:
        super().__init__()
        self.beta, self.strength = beta, strength

    def scores(self, x: Features) -> Scores:
        return Scores(zero_shot=x["clip"], bias=x["clip"], fused=x["clip"])


class Centred(Given):
    """Among some classes the third is lowered: a stand-in for a statistic over an image's classes."""

    def among(self, classes: Tensor) -> Predictor:
        class Few(Given):
            def scores(self, x: Features) -> Scores:
                logits = x["clip"][:, classes] - 100.0 * (classes == 2)
                return Scores(zero_shot=logits, bias=logits, fused=logits)

        return Few()


LOGITS = torch.tensor([[3.0, 1.0, 2.0], [0.0, 1.0, 2.0], [5.0, 1.0, 2.0]])


def samples(labels: list[int], logits: Tensor = LOGITS) -> Samples:
    return Samples({"clip": logits[None]}, torch.tensor(labels))


def test_an_image_is_right_where_its_label_has_the_largest_logit() -> None:
    assert right(Given(), samples([0, 1, 0])).tolist() == [True, False, True]


def test_of_several_views_the_first_is_scored() -> None:
    both = Samples({"clip": torch.stack([LOGITS, -LOGITS])}, torch.tensor([0, 2, 0]))
    assert right(Given(), both).tolist() == [True, True, True]


def test_among_some_classes_only_these_are_predicted_under_their_own_numbers() -> None:
    few = torch.tensor([1, 2])
    assert right(Given(), samples([2, 2, 2]), few).tolist() == [True] * 3
    assert right(Given(), samples([0, 2, 0]), few).tolist() == [False, True, False]


def test_statistics_run_over_all_classes_unless_the_held_ones_are_asked_for() -> None:
    few = torch.tensor([1, 2])
    assert right(Centred(), samples([2, 2, 2]), few).tolist() == [True] * 3
    assert right(Centred(), samples([2, 2, 2]), few, "all").tolist() == [True] * 3
    assert right(Centred(), samples([1, 1, 1]), few, "held").tolist() == [True] * 3


def test_images_are_scored_in_parts_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PART", 2)
    seven = samples([0] * 7, torch.arange(21.0).view(7, 3))
    assert [x["clip"][:, 0].tolist() for x in parts(seven)] == [[0.0, 3.0], [6.0, 9.0], [12.0, 15.0], [18.0]]
    assert right(Given(), samples([0, 2, 0])).tolist() == [True, True, True]


def test_no_gradient_is_kept() -> None:
    seen: list[bool] = []

    class Noting(Given):
        def scores(self, x: Features) -> Scores:
            seen.append(torch.is_grad_enabled())
            return super().scores(x)

    right(Noting(), samples([0, 1, 0]))
    assert seen == [False]


def test_sealed_labels_are_read_for_the_comparison_and_are_sealed_while_the_method_runs() -> None:
    hidden = Sealed(samples([0, 1, 0]))

    class Curious(Given):
        def scores(self, x: Features) -> Scores:
            with pytest.raises(Breach):
                _ = hidden.labels
            return super().scores(x)

    with sealing():
        assert right(Curious(), hidden).tolist() == [True, False, True]
        with pytest.raises(Breach):
            _ = hidden.labels


def test_answers_may_be_those_of_a_part_of_the_images() -> None:
    assert right_answers(torch.tensor([1, 0]), samples([0, 1, 0]), slice(1, 3)).tolist() == [True, True]


def test_scores_of_parts_are_joined_name_by_name() -> None:
    one, two = (Scores(*(torch.full((n, 2), float(i)) for i in range(3))) for n in (1, 2))
    both = joined([one, two])
    assert [part.tolist() for part in (both.zero_shot, both.bias, both.fused)] == [
        [[i, i]] * 3 for i in (0.0, 1.0, 2.0)
    ]


def test_values_are_changed_within_the_context_alone_even_where_it_fails() -> None:
    method = Given()
    with tuned(method, {"beta": 5.0, "strength": 0.0}):
        assert (method.beta, method.strength) == (5.0, 0.0)
    assert (method.beta, method.strength) == (1.0, 2.0)

    def fail(values: dict[str, Any]) -> None:
        with tuned(method, values):
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail({"beta": 5.0})
    assert method.beta == 1.0
