"""APE and APE-T: the channel scores against four loops, the bias image by image, and the start of APE-T."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from baselines.ape import APE, APET, channel_scores
from benchmark.methods import Samples


def vectors(task):
    """Unit text and unit mean images of each class, as lists."""
    keys = F.normalize(task.support.spaces["clip"].double().mean(0), dim=1)
    own = [[k for k, label in zip(keys, task.support.labels, strict=True) if label == c] for c in range(len(task.text))]
    return [[t.double(), *images] for t, images in zip(task.text, own, strict=True)]


def best(task, number, balance):
    """Channels with the largest score: two loops over classes, two over their vectors."""
    found = vectors(task)
    pairs = [(a, b) for a, b in product(range(len(found)), repeat=2) if a != b]
    scores = []
    for d in range(task.text.shape[1]):
        products = [float(x[d] * y[d]) for a, b in pairs for x in found[a] for y in found[b]]
        column = [float(t[d]) for t in task.text]
        mean = sum(column) / len(column)
        variance = sum((value - mean) ** 2 for value in column) / (len(column) - 1)
        scores.append(-balance * sum(products) / len(products) + (1 - balance) * variance)
    return sorted(sorted(range(len(scores)), key=lambda d: -scores[d])[:number]), scores


def test_the_score_without_loops_is_the_one_with_four(task):
    _, expected = best(task, 1, 0.3)
    means = torch.stack([sum(own) / len(own) for own in vectors(task)])
    assert channel_scores(means, task.text.double(), 0.3).tolist() == pytest.approx(expected, abs=1e-9)


def formula(task, x, channels, sharpness, delta):
    """Σ over a class's keys of exp(delta · KL) · exp(-sharpness (1 - cos)) on the kept channels."""
    rows = []
    for f in x["clip"].double():
        row = []
        for c, (_, *keys) in enumerate(vectors(task)):
            total = 0.0
            for key in keys:
                p = torch.stack([key @ t.double() for t in task.text]).softmax(0)[c]
                near = F.cosine_similarity(F.normalize(f, dim=0)[channels], key[channels], 0)
                total += math.exp(delta * -math.log2(p)) * math.exp(-sharpness * (1 - near))
            row.append(total)
        rows.append(row)
    return torch.tensor(rows)


def test_the_bias_is_the_paper_s_formula_with_loops(task):
    predictor = APE(beta=0.5, sharpness=2.0, delta=0.3)
    predictor.fit(task)
    channels, _ = best(task, 8, 0.7)  # 500 / 1024 of 16
    assert predictor.kept.tolist() == channels
    x = task.val.view()
    s = predictor.scores(x)
    assert torch.allclose(s.bias.double(), formula(task, x, channels, 2.0, 0.3).double(), rtol=1e-4)
    assert torch.allclose(s.fused, s.zero_shot + 0.5 * s.bias)


def test_before_training_ape_t_is_ape(task):
    settings = {"beta": 0.5, "sharpness": 2.0, "delta": 0.3}
    trained, free = APET(**settings), APE(**settings)
    trained.build(task)
    free.build(task)
    x = task.val.view()
    assert torch.allclose(trained.scores(x).fused, free.scores(x).fused, atol=1e-5)


def test_the_residual_moves_texts_and_keys_and_weights_count_keys(task):
    predictor = APET(sharpness=1.0)
    predictor.build(task)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        predictor.residual.copy_(torch.randn(predictor.residual.shape, generator=generator) / 10)
        predictor.weight.copy_(torch.rand(10, generator=generator))
    channels, x = predictor.start.kept, task.val.view()
    s, weights = predictor.scores(x), predictor.weight.detach().view(5, 2)
    for i, f in enumerate(F.normalize(x["clip"].double(), dim=1)):
        short = F.normalize(f[channels], dim=0)
        for c, (_, *keys) in enumerate(vectors(task)):
            moved = [F.normalize(key[channels], dim=0) + predictor.residual[c].detach() for key in keys]
            cache = sum(w * math.exp(-(1 - short @ k)) for w, k in zip(weights[c], moved, strict=True))
            text = 20 * f[channels] @ predictor.residual[c].detach().double()
            assert s.bias[i, c].item() == pytest.approx(float(text + cache), abs=1e-3)


def test_training_lowers_the_loss(task):
    built, trained = APET(), APET()
    built.build(task)
    trained.fit(task)
    x, labels = task.support.view(), task.support.labels
    assert F.cross_entropy(trained(x), labels) < F.cross_entropy(built(x), labels)


def test_constant_channels_are_as_good_as_others_and_break_nothing(task):
    flat = task.support.spaces["clip"].clone()
    flat[..., 3] = 0.0
    predictor = APE(share=1.0)
    predictor.fit(replace(task, support=Samples({"clip": flat}, task.support.labels)))
    assert predictor.scores(task.val.view()).fused.isfinite().all()


@pytest.mark.parametrize("cls", [APE, APET])
@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_that_is_none_is_refused(cls, share):
    with pytest.raises(ValueError, match="of the channels: give one above 0 and at most 1"):
        cls(share=share)


def test_a_class_without_images_is_named(task):
    kept = task.support.labels != 3
    few = Samples({"clip": task.support.spaces["clip"][:, kept]}, task.support.labels[kept])
    with pytest.raises(ValueError, match="class 3 has no support image; APE needs one of each"):
        APE().fit(replace(task, support=few))
