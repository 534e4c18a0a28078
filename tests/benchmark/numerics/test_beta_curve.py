"""The exact curve over beta against brute force in fractions: ties, equal slopes, and its own breakpoints."""

from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from benchmark.numerics import beta_curve

INF = float("inf")


def brute_force(s0, b, labels, beta):
    """Count by adding up every logit as a fraction; of equal logits the first wins, as argmax has it."""
    right = 0
    for row0, row, label in zip(s0.tolist(), b.tolist(), labels.tolist(), strict=True):
        logits = [Fraction(x) + Fraction(beta) * Fraction(y) for x, y in zip(row0, row, strict=True)]
        right += logits.index(max(logits)) == label
    return right


def logits(kind, seed, n=40, classes=5):
    """ "smooth": normal draws.  "ties": s₀ in -3 … 3 and b in {0, 1, 2}, so that bounds are halves and slopes often equal."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    if kind == "smooth":
        return (*torch.randn(2, n, classes, generator=generator), labels)
    s0 = torch.randint(-3, 4, (n, classes), generator=generator)
    return s0.float(), torch.randint(0, 3, (n, classes), generator=generator).float(), labels


@pytest.mark.parametrize("kind", ["smooth", "ties"])
@pytest.mark.parametrize("seed", range(5))
def test_the_curve_equals_brute_force_at_random_betas(kind, seed):
    case = logits(kind, seed)
    betas = (4 * torch.randn(50, dtype=torch.double, generator=torch.Generator().manual_seed(seed))).tolist()
    assert beta_curve.exact(*case).at(betas) == [brute_force(*case, beta) for beta in betas]


@pytest.mark.parametrize("seed", range(10))
def test_with_ties_and_equal_slopes_it_equals_brute_force_at_its_breakpoints_and_between_them(seed):
    case = logits("ties", seed)
    curve = beta_curve.exact(*case)
    points, at, between = (part.tolist() for part in curve.steps())
    assert at == [brute_force(*case, point) for point in points]
    assert at == curve.at(points)
    middles = [points[0] - 1, *((a + b) / 2 for a, b in pairwise(points)), points[-1] + 1]
    assert between == [brute_force(*case, middle) for middle in middles]
    assert len(set(at)) > 2


def test_the_smooth_curve_changes_by_one_image_at_each_breakpoint():
    points, _, between = beta_curve.exact(*logits("smooth", 0)).steps()
    assert len(points) > 20
    assert between.diff().abs().tolist() == [1] * len(points)


def one(s0, b, label):
    return beta_curve.exact(torch.tensor([s0]), torch.tensor([b]), torch.tensor([label]))


def test_an_image_is_right_from_where_its_bias_has_caught_up():
    """Behind by 3, gaining 2 a unit of beta: right from 1.5 on."""
    curve = one([0.0, 3.0], [2.0, 0.0], 0)
    assert curve.at([0, 1.4, 1.6, 100]) == [0, 0, 1, 1]


@pytest.mark.parametrize(("label", "at_the_bound"), [(0, 1), (1, 0)])
def test_where_two_classes_are_level_the_first_wins(label, at_the_bound):
    s0, b = [3.0, 3.0], [0.0, 0.0]
    s0[label], b[label] = 0.0, 2.0
    assert one(s0, b, label).at([1.5]) == [at_the_bound]


@pytest.mark.parametrize(
    ("s0", "label", "right"), [([1.0, 1.0], 0, 1), ([1.0, 1.0], 1, 0), ([1.0, 2.0], 1, 1), ([1.0, 2.0], 0, 0)]
)
def test_equal_slopes_leave_the_order_of_zero_shot_at_every_beta(s0, label, right):
    curve = one(s0, [5.0, 5.0], label)
    assert curve.at([-100, 0, 100]) == [right] * 3
    assert len(curve.steps().points) == 0


def test_an_image_can_be_right_at_a_single_beta():
    """Class 0 meets its rivals, both later in order, at beta 1: one behind it ends there, one ahead of it begins there."""
    curve = one([0.0, 1.0, -1.0], [0.0, -1.0, 1.0], 0)
    assert curve.at([0.999, 1, 1.001]) == [0, 1, 0]
    assert curve.best(0, 5) == (1.0, 1)


def test_an_image_that_is_right_nowhere_leaves_no_trace():
    assert len(one([0.0, 1.0, -1.0], [0.0, -1.0, 2.0], 0).steps().points) == 0


def intervals(*ends):
    """One image an interval, in two classes: class 0 is right between the ends, for beta (x - low) and (high - x)."""
    s0 = torch.tensor([[0.0, low, -high] for low, high in ends])
    b = torch.tensor([[0.0, -1.0, 1.0]]).expand(len(ends), 3)
    return beta_curve.exact(s0, b, torch.zeros(len(ends), dtype=torch.long))


def test_the_widest_stretch_of_the_most_images_is_found():
    curve = intervals((0, 2), (1, 4), (6, 8), (5, 9))
    assert curve.widest() == (6, 8, 2)
    assert curve.best() == (7, 2)


def test_of_equally_wide_stretches_the_first_is_taken():
    assert intervals((0, 2), (4, 6)).widest() == (0, 2, 1)


def test_the_search_stays_in_the_range_it_is_given():
    curve = intervals((0, 2), (1, 4), (6, 8), (5, 9))
    assert curve.widest(0, 3) == (1, 2, 2)
    assert curve.widest(2.5, 3) == (2.5, 3, 1)
    assert curve.widest(7, 7) == (7, 7, 2)
    assert curve.widest(20) == (20, INF, 0)


def test_two_stretches_that_a_lost_point_parts_are_two_and_that_a_point_joins_are_one():
    """[0, 2] and [2, 3] overlap at 2 alone. Where the rival is the earlier class, they are [0, 2) and (2, …) instead."""
    assert intervals((0, 2), (2, 3)).widest(0, 9) == (2, 2, 2)
    s0, b = torch.tensor([[0.0, 2.0], [0.0, -2.0]]), torch.tensor([[0.0, -1.0], [0.0, 1.0]])
    parted = beta_curve.exact(s0, b, torch.tensor([1, 1]))
    assert parted.at([1, 2, 3]) == [1, 0, 1]
    assert parted.widest(0, 5) == (2, 5, 1)
    joined = beta_curve.exact(s0.flip(1), b.flip(1), torch.tensor([0, 0]))
    assert joined.at([1, 2, 3]) == [1, 2, 1]


def test_a_stretch_without_end_gives_a_beta_inside_it():
    curve = one([0.0, 3.0], [2.0, 0.0], 0)
    assert curve.widest() == (1.5, INF, 1)
    assert curve.best() == (3.0, 1)
    assert one([1.0, 0.0], [1.0, 0.0], 0).best() == (1.0, 1)


def test_the_best_of_smooth_logits_is_as_good_as_the_best_of_a_fine_grid():
    case = logits("smooth", 3)
    beta, correct = beta_curve.exact(*case).best(0, 10)
    assert brute_force(*case, beta) == correct
    assert correct >= max(brute_force(*case, k / 20) for k in range(200))


def test_many_images_are_taken_in_parts(monkeypatch):
    case = logits("ties", 1)
    whole = beta_curve.exact(*case).steps()
    monkeypatch.setattr(beta_curve, "AT_A_TIME", 35)
    assert all(torch.equal(a, b) for a, b in zip(whole, beta_curve.exact(*case).steps(), strict=True))


@pytest.mark.parametrize("bad", [float("nan"), INF])
def test_a_logit_that_is_no_number_is_refused(bad):
    with pytest.raises(ValueError, match="not finite"):
        one([0.0, bad], [0.0, 1.0], 0)


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match=r"s0 \[2, 3\], b \[2, 2\]"):
        beta_curve.exact(torch.zeros(2, 3), torch.zeros(2, 2), torch.zeros(2))


def test_a_range_without_a_low_end_or_upside_down_is_refused():
    for low, high in ((-INF, 1), (2, 1), (float("nan"), 1)):
        with pytest.raises(ValueError, match="finite low end"):
            intervals((0, 1)).widest(low, high)


def test_ten_thousand_images_of_a_hundred_classes_make_two_steps_an_image_at_most():
    s0, b, labels = logits("smooth", 0, n=10_000, classes=100)
    curve = beta_curve.exact(s0, b, labels)
    steps = curve.steps()
    assert [len(part) - len(steps.points) for part in steps] == [0, 0, 1]
    assert 100 < len(steps.points) <= 20_000
    betas = [0.0, 0.5, 1.0, 4.0]
    summed = [int(((s0.double() + beta * b.double()).argmax(1) == labels).sum()) for beta in betas]
    assert curve.at(betas) == summed
