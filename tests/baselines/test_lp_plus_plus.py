"""LP++ against the paper's steps with gradients written out, image by image."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.lp_plus_plus import LPPlusPlus, rates
from benchmark.methods import Samples, training


def start(task):
    """Sums of features, and 250 times the mean over classes of the mean cosine with a class's own text."""
    f = F.normalize(task.support.spaces["clip"][1].double(), dim=1)
    text, labels = task.text.double(), task.support.labels
    sums = torch.zeros_like(text)
    cosines = [[] for _ in text]
    for feature, label in zip(f, labels, strict=True):
        sums[label] += feature
        cosines[label].append(feature @ text[label])
    return f, sums, 250 * sum(sum(own) / len(own) for own in cosines) / len(cosines)


def trained(task, epochs, every, clears):
    """w, b and α after `epochs`: momentum 0.9 on w and b, and a plain step of α every `every` epochs."""
    f, w, alpha = start(task)
    fresh = LPPlusPlus()
    fresh.build(task)
    b = fresh.constant.detach().double()
    text, labels, n = task.text.double(), task.support.labels, len(f)
    alpha = alpha.expand(len(text)).clone()
    gram = sum(torch.outer(x, x) for x in f)
    lr_w = 4 * n / torch.linalg.eigvalsh(gram).max()
    lr_alpha = n / (4 * max(sum((x @ t) ** 2 for x in f) for t in text))
    speed_w, speed_b, kept = torch.zeros_like(w), torch.zeros_like(b), torch.zeros_like(alpha)
    for epoch in range(1, epochs + 1):
        of_w, of_b, of_alpha = torch.zeros_like(w), torch.zeros_like(b), torch.zeros_like(alpha)
        for x, label in zip(f, labels, strict=True):
            p = torch.stack([x @ w[c] + b[c] + alpha[c] * (x @ text[c]) for c in range(len(text))]).softmax(0)
            for c in range(len(text)):
                error = (p[c] - float(c == label)) / n
                of_w[c] += error * x
                of_b[c] += error
                of_alpha[c] += error * (x @ text[c])
        speed_w, speed_b = 0.9 * speed_w + of_w, 0.9 * speed_b + of_b
        w, b = w - lr_w * speed_w, b - lr_w * speed_b
        kept = of_alpha if clears else kept + of_alpha
        if epoch % every == 0:
            alpha = alpha - lr_alpha * kept
    return w, b, alpha


@pytest.mark.parametrize("preset", ["paper", "official"])
def test_it_takes_the_paper_s_steps_or_those_of_a_gradient_that_is_never_cleared(task, preset):
    predictor = LPPlusPlus(preset=preset, epochs=6, every=2)
    predictor.fit(task)
    found = [predictor.weight, predictor.constant, predictor.alpha]
    for ours, theirs in zip(found, trained(task, 6, 2, clears=preset == "paper"), strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=1e-3, atol=1e-4)


def test_the_two_presets_part(task):
    found = []
    for preset in ("paper", "official"):
        predictor = LPPlusPlus(preset=preset, epochs=20)
        predictor.fit(task)
        found.append(predictor.alpha)
    assert not torch.allclose(*found, rtol=1e-3)


def test_its_logits_are_a_probe_and_a_weighted_text(task):
    predictor = LPPlusPlus()
    predictor.build(task)
    _, sums, alpha = start(task)
    constant = predictor.constant.detach()
    x = task.val.view()
    s = predictor.scores(x)
    for i, image in enumerate(F.normalize(x["clip"].double(), dim=1)):
        expected = [
            image @ sums[c] + constant[c] + alpha * (image @ task.text[c].double()) for c in range(len(task.text))
        ]
        assert s.fused[i].tolist() == pytest.approx([float(value) for value in expected], abs=1e-3)


def test_the_rates_are_of_the_sum_over_images_and_not_of_their_mean():
    f = torch.tensor([[3.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    of_weights, of_alpha = rates(f, torch.tensor([[1.0, 2.0], [1.0, 0.0], [1.0, 0.0]]))
    assert of_weights == pytest.approx(4 * 3 / 25)
    assert of_alpha == pytest.approx(3 / (4 * 4))


def test_every_epoch_is_a_milestone(task):
    seen = []
    with training.watching(lambda p: seen.append(p.alpha.detach().clone())):
        LPPlusPlus(epochs=12).fit(task)
    assert len(seen) == 12
    assert torch.equal(seen[0], seen[8])
    assert not torch.equal(seen[8], seen[9])


@pytest.mark.parametrize("wrong", [{"preset": "papr"}, {"epochs": 0}, {"every": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=r"there are paper and official|must be positive"):
        LPPlusPlus(**wrong)


def test_a_class_without_images_is_named(task):
    kept = task.support.labels != 3
    few = Samples({"clip": task.support.spaces["clip"][:, kept]}, task.support.labels[kept])
    with pytest.raises(ValueError, match=r"class 3 has no support image; LP\+\+ needs one of each"):
        LPPlusPlus().fit(replace(task, support=few))
