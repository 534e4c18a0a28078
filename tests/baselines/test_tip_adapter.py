"""Tip-Adapter: keys, affinities and class sums against loops and one-hot products."""

import math

import pytest
import torch
import torch.nn.functional as F

from baselines import tip_adapter
from baselines.tip_adapter import Cache, Search, TipAdapter, TipAdapterF, affinity, class_sums
from benchmark.methods import Samples, Task
from benchmark.numerics.logits import unit


def test_affinity_is_one_in_the_same_direction_and_falls_with_the_angle():
    keys = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    a = affinity(unit(torch.tensor([[5.0, 0.0]])) @ keys.T, sharpness=2.0)
    assert a[0].tolist() == pytest.approx([1.0, math.exp(-2), math.exp(-4)])


def test_keys_are_used_at_the_length_they_have():
    a = affinity(unit(torch.tensor([[5.0, 0.0]])) @ torch.tensor([[2.0], [0.0]]), sharpness=3.0)
    assert a.item() == pytest.approx(math.exp(3))


@pytest.mark.parametrize("counts", [[2, 2, 2], [1, 1, 1], [3, 1, 2], [0, 5, 1], [4]])
def test_class_sums_are_the_product_with_one_hot_labels(counts):
    counts = torch.tensor(counts)
    labels = torch.arange(len(counts)).repeat_interleave(counts)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(4, len(labels), generator=generator, dtype=torch.double, requires_grad=True)
    weights = torch.randn(4, len(counts), generator=generator, dtype=torch.double)

    dense = values @ F.one_hot(labels, len(counts)).double()
    assert torch.allclose(class_sums(values, counts), dense)
    (gradient,) = torch.autograd.grad((class_sums(values, counts) * weights).sum(), values)
    (expected,) = torch.autograd.grad((dense * weights).sum(), values)
    assert torch.allclose(gradient, expected)


def test_a_key_is_the_mean_over_the_views_made_unit_and_stands_with_its_class():
    rows = torch.tensor([[[0.0, 2.0], [1.0, 0.0], [6.0, 0.0]], [[0.0, 4.0], [1.0, 0.0], [0.0, 8.0]]])
    cache = Cache(Samples({"clip": rows}, torch.tensor([1, 0, 1])), "clip", classes=2, trained=False)
    assert torch.allclose(cache.keys, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))
    assert cache.counts.tolist() == [1, 2]


@pytest.mark.parametrize("at_a_time", [1, 40, 10**6])
def test_an_answer_is_the_same_however_many_affinities_are_worked_out_at_a_time(monkeypatch, at_a_time):
    support = Samples({"clip": torch.randn(1, 12, 4, generator=torch.Generator().manual_seed(0))}, torch.arange(12) % 3)
    cache = Cache(support, "clip", classes=3, trained=False)
    similarity = cache.match(torch.randn(11, 4, generator=torch.Generator().manual_seed(1)))
    expected = cache.answer(similarity, 2.0)
    monkeypatch.setattr(tip_adapter, "AT_A_TIME", at_a_time)
    with torch.no_grad():
        assert torch.equal(cache.answer(similarity, 2.0), expected)
        assert cache.answer(similarity[:0], 2.0).shape == (0, 3)


def shuffled_task(task):
    """The task with an unbalanced support set in no order: 9 of its 10 images."""
    order = torch.tensor([7, 2, 9, 0, 4, 5, 1, 8, 6])
    spaces = {name: value[:, order] for name, value in task.support.spaces.items()}
    return Task(text=task.text, support=Samples(spaces, task.support.labels[order]), logit_scale=20.0)


@pytest.mark.parametrize("shuffle", [False, True])
def test_scores_equal_the_formula_written_with_loops(task, shuffle):
    if shuffle:
        task = shuffled_task(task)
    predictor = TipAdapter(beta=1.5, sharpness=3.0)
    predictor.fit(task)
    x = task.val.view() if task.val else task.support.view(1)
    s = predictor.scores(x)
    for i, f in enumerate(x["clip"]):
        bias = [0.0] * 5
        for views, label in zip(task.support.spaces["clip"].transpose(0, 1), task.support.labels, strict=True):
            bias[label] += math.exp(-3.0 * (1 - F.cosine_similarity(f, views.mean(0), 0).item()))
        zero_shot = [20 * F.cosine_similarity(f, text, 0).item() for text in task.text]
        assert s.bias[i].tolist() == pytest.approx(bias, rel=1e-4)
        assert s.fused[i].tolist() == pytest.approx(
            [a + 1.5 * b for a, b in zip(zero_shot, bias, strict=True)], abs=1e-3
        )


def test_the_training_free_one_has_no_parameters_and_the_other_only_its_keys(task):
    free, trained = TipAdapter(), TipAdapterF()
    free.build(task)
    trained.build(task)
    assert list(dict(free.named_parameters())) == []
    assert list(dict(trained.named_parameters())) == ["cache.keys"]
    assert torch.equal(free.cache.keys, trained.cache.keys)


def test_training_lowers_the_loss_and_does_not_make_keys_unit_again(task):
    free, trained = TipAdapter(beta=1.17, sharpness=1.0), TipAdapterF()
    free.fit(task)
    trained.fit(task)
    x, labels = task.support.view(), task.support.labels
    assert F.cross_entropy(trained(x), labels) < F.cross_entropy(free(x), labels)
    assert (trained.cache.keys.norm(dim=1) - 1).abs().max() > 1e-4


def test_the_grids_are_the_official_ones_with_every_twentieth_sharpness():
    tunes = TipAdapter().tunes
    assert (len(tunes["sharpness"]), len(tunes["beta"])) == (10, 20)
    assert tunes["sharpness"][:2] == pytest.approx((0.1, 0.79))
    assert tunes["beta"][:2] == pytest.approx((0.1, 0.245))
    assert max(tunes["beta"]) == pytest.approx(2.855)  # the upper end, 3, is never reached officially either


def test_with_200_steps_the_grid_is_the_whole_official_one_up_to_the_data_set_s_own_ends():
    tunes = TipAdapterF(search=Search(sharpness=50, beta=20, steps=200)).tunes
    assert tunes["sharpness"] == pytest.approx([0.1 + i * 49.9 / 200 for i in range(200)])
    assert tunes["beta"] == pytest.approx([0.1 + j * 19.9 / 20 for j in range(20)])
    with pytest.raises(ValueError, match="search steps=30: the official search has 200; give a divisor of it"):
        Search(steps=30)
