"""The linear probe: the estimator, its search, its milestones."""

import math
from dataclasses import replace

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from baselines import lp_clip
from baselines.lp_clip import LPCLIP, TOLERANCE, logistic_regression, search
from benchmark.core import warned
from benchmark.methods import Samples, training


def blobs(classes=4, shots=6, width=3, offset=5.0, scale=0.1):
    """Overlapping classes, far from the origin and badly scaled, as CLIP's features are."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(classes).repeat_interleave(shots)
    centres = torch.randn(classes, width, generator=generator)
    return offset + scale * (centres[labels] + torch.randn(len(labels), width, generator=generator)), labels


@pytest.mark.parametrize("c", [0.1, 10.0, 1000.0])
def test_the_gradient_of_the_stated_objective_is_zero_at_the_solution(c):
    x, labels = blobs()
    weight, bias = logistic_regression(x.double(), labels, 4, c, tolerance=1e-6)
    error = (x.double() @ weight.T + bias).softmax(1) - torch.eye(4, dtype=torch.double)[labels]
    # a thousandth of what it is at the starting point, in the coordinates of the features
    start = (torch.full_like(error, 0.25) - torch.eye(4)[labels]).T @ x.double()
    assert (error.T @ x.double() + weight / c).abs().max() < 1e-3 * start.abs().max()
    assert error.sum(0).abs().max() < 1e-3


@pytest.mark.parametrize("shots", [2, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_fit_stops_where_the_gradient_of_the_summed_loss_is_small_however_many_images_are_summed(shots, dtype):
    """In the coordinates of the optimiser, x' = (x - mean) / s, where W' = s · W and C' = s² · C."""
    x, labels = blobs(shots=shots)
    weight, bias = (part.double() for part in logistic_regression(x.double(), labels, 4, 100.0))
    centred = (x - x.mean(0)).double()
    s = centred.square().mean().sqrt()
    error = (x.double() @ weight.T + bias).softmax(1) - torch.eye(4, dtype=torch.double)[labels]
    gradient = error.T @ (centred / s) + weight * s / (100 * s**2)
    assert max(gradient.abs().max(), error.sum(0).abs().max()) <= 1.01 * TOLERANCE
    again = logistic_regression(x.to(dtype), labels, 4, 100.0)
    assert again[0].dtype == dtype
    assert torch.allclose(again[0].double(), weight, rtol=1e-5)


def test_moving_all_features_by_an_offset_moves_only_the_intercept():
    x, labels = blobs(offset=0.0, scale=1.0)
    weight, bias = logistic_regression(x, labels, 4, 1.0, tolerance=1e-6)
    moved, moved_bias = logistic_regression(x + 100, labels, 4, 1.0, tolerance=1e-6)
    assert torch.allclose(weight, moved, atol=1e-3)
    assert torch.allclose(bias, moved_bias + 100 * moved.sum(1), atol=0.05)


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_scikit_learns_estimator_in_other_coordinates(classes):
    x, labels = blobs(classes=classes, offset=1.0, scale=1.0)
    weight, bias = logistic_regression(x, labels, classes, 0.5, tolerance=1e-6)
    theirs = LogisticRegression(C=0.5, max_iter=10_000, tol=1e-10).fit(x.double().numpy(), labels.numpy())
    ours = (x @ weight.T + bias).softmax(1)
    assert torch.allclose(ours.double(), torch.from_numpy(theirs.predict_proba(x.double().numpy())), atol=1e-3)


def test_a_fit_that_the_released_code_stops_is_told_in_a_line_with_its_c(monkeypatch):
    monkeypatch.setattr(lp_clip, "MAX_ITER", 3)
    with warned.heard() as heard:
        logistic_regression(*blobs(), 4, 1000.0)
    assert heard.lines == ["L-BFGS stopped after the 3 iterations of the released code, at C = 1000"]
    monkeypatch.undo()
    with warned.heard() as heard:
        logistic_regression(*blobs(), 4, 1000.0)
    assert heard.lines == []


def test_a_class_without_images_is_named():
    x, labels = blobs()
    with pytest.raises(ValueError, match="class 4 has no support image"):
        logistic_regression(x, labels, 5, 1.0)


def asked(accuracy):
    """The powers that the search asks about, in order, without repetition."""
    powers = {}
    search(lambda power: powers.setdefault(power, accuracy(power)))
    return list(powers)


def test_the_search_asks_seven_powers_and_then_closes_in_on_the_best():
    powers = asked(lambda power: -abs(power - 1.3))
    assert powers[:7] == [6, 4, 2, 0, -2, -4, -6]
    assert len(powers) == 7 + 2 + 6  # two ends; the first middle is the peak, the last is not asked about
    assert abs(min(powers, key=lambda power: abs(power - 1.3)) - 1.3) < 2 / 2**6


def test_the_bracket_is_one_power_to_either_side_of_the_best():
    powers = asked(lambda power: -abs(power - 2))
    assert {1.0, 3.0} <= set(powers)
    assert all(1 <= power <= 3 for power in powers[7:])


def official(accuracy):
    """The search of lpclip/ in its own units: a list of C from the largest down, argmax, eight rounds over both ends."""
    listed = [10.0**power for power in (6, 4, 2, 0, -2, -4, -6)]
    values = [accuracy(c) for c in listed]
    peak = listed[values.index(max(values))]
    low, high = peak / 10, peak * 10
    for _ in range(8):
        final = high if accuracy(low) < accuracy(high) else low
        middle = (low * high) ** 0.5
        low, high = (middle, high) if final == high else (low, middle)
    return math.log10(final)


def steps(seed, levels):
    """An accuracy over log₁₀ C with as many values as `levels`, constant on intervals of random ends."""
    generator = torch.Generator().manual_seed(seed)
    ends = (16 * torch.rand(40, generator=generator) - 8).sort().values
    values = torch.randint(levels, (41,), generator=generator)
    return lambda power: float(values[torch.searchsorted(ends, power)])


@pytest.mark.parametrize("levels", [1, 2, 3, 100])
def test_the_search_ends_where_the_released_one_does(levels):
    for seed in range(20):
        accuracy = steps(seed, levels)
        assert search(accuracy) == pytest.approx(official(lambda c, f=accuracy: f(math.log10(c))), abs=1e-9)


@pytest.mark.parametrize("levels", [2, 3, 100])
def test_where_the_search_ends_is_as_accurate_as_all_that_was_asked(levels):
    for seed in range(20):
        accuracy = steps(seed, levels)
        assert accuracy(search(accuracy)) == max(map(accuracy, asked(accuracy)))


def test_of_equal_powers_the_largest_counts_and_of_equal_ends_the_smaller():
    assert search(lambda power: 0.5) == 5
    assert asked(lambda power: 0.5)[7:9] == [7, 5]
    assert search(lambda power: float(power <= -2)) == -3  # of -2, -4 and -6 the first, then of -1 and -3 the second


def test_the_chosen_fit_is_the_best_on_validation_and_the_last_milestone(task):
    def accuracy(p):
        return (p(task.val.view()).argmax(1) == task.val.labels).float().mean().item()

    found = []
    with training.watching(lambda p: found.append((accuracy(p), p.weight.detach().clone()))):
        probe = LPCLIP()
        probe.fit(task)
    assert 9 <= len(found) - 1 <= 15
    assert found[-1][0] == max(value for value, _ in found)
    assert torch.equal(found[-1][1], probe.weight)


def test_of_equally_good_fits_that_of_the_search_is_kept(task, monkeypatch):
    monkeypatch.setattr(lp_clip, "search", lambda accuracy: [accuracy(power) for power in (2.0, 0.5, -1.0)] and 0.5)
    probe = LPCLIP()
    probe.fit(task)
    weight, _ = logistic_regression(task.support.view()["clip"], task.support.labels, 5, 10**0.5)
    assert torch.equal(probe.weight, weight)


def test_without_validation_images_it_is_fitted_once_at_c_1(task):
    probe = LPCLIP()
    probe.fit(replace(task, val=None))
    x = task.support.view()["clip"]
    weight, bias = logistic_regression(x, task.support.labels, 5, 1.0)
    assert torch.equal(probe.weight, weight)
    assert torch.equal(probe.bias, bias)


def test_only_the_view_without_augmentation_is_trained_on(task):
    spaces = {name: value.clone() for name, value in task.support.spaces.items()}
    spaces["clip"][1] += 100
    one, two = LPCLIP(), LPCLIP()
    one.fit(task)
    two.fit(replace(task, support=Samples(spaces, task.support.labels)))
    assert torch.equal(one.weight, two.weight)


def test_its_logits_know_nothing_of_the_text(task):
    probe = LPCLIP()
    probe.fit(task)
    x = task.support.view()
    expected = torch.stack([probe.weight @ f + probe.bias for f in x["clip"]])
    assert torch.allclose(probe.scores(x).fused, expected, atol=1e-5)
