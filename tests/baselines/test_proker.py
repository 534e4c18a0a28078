"""ProKeR against ridge regression in the kernel's own terms, and at the ends of its settings."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines import proker
from baselines.proker import ProKeR
from benchmark.core import warned
from benchmark.methods import Samples


def formula(task, aux, x, sharpness, lam, views):
    """scale · k(f, S) (K + λ I)⁻¹ (Y - F Tᵀ) with a kernel filled entry by entry and an explicit inverse."""

    def cos(a, b):
        return F.cosine_similarity(a.double(), b.double(), 0).item()

    places = [(v, i) for v in range(views) for i in range(len(task.support))]
    points = [task.support.spaces[aux][v, i] for v, i in places]
    kernel = torch.tensor([[math.exp(-sharpness * (1 - cos(a, b))) for b in points] for a in points]).double()
    left = torch.tensor(
        [
            [
                float(task.support.labels[i] == c) - cos(task.support.spaces["clip"][v, i], t)
                for c, t in enumerate(task.text)
            ]
            for v, i in places
        ]
    ).double()
    answers = torch.linalg.inv(kernel + lam * torch.eye(len(points))) @ left
    near = torch.tensor([[math.exp(-sharpness * (1 - cos(f, p))) for p in points] for f in x[aux]]).double()
    return task.logit_scale * near @ answers


@pytest.mark.parametrize(("aux", "views"), [("clip", 2), ("mocov3", 1)])
def test_the_bias_is_ridge_regression_of_what_zero_shot_leaves_over(task, aux, views):
    predictor = ProKeR(aux=aux, sharpness=1.3, lam=0.2, views=views)
    predictor.fit(task)
    x = task.val.view()
    s = predictor.scores(x)
    assert torch.allclose(s.bias.double(), formula(task, aux, x, 1.3, 0.2, views), rtol=1e-3, atol=1e-3)
    assert torch.allclose(s.fused, s.zero_shot + 0.2 * s.bias)  # beta is λ


def test_a_kernel_of_ones_gives_every_image_the_same_bias(task):
    predictor = ProKeR(sharpness=0.0, lam=0.5, views=1)
    predictor.fit(task)
    support, labels = task.support.view()["clip"], task.support.labels
    left = F.one_hot(labels, 5) - F.normalize(support, dim=1) @ task.text.T
    expected = task.logit_scale / (0.5 + len(labels)) * left.sum(0)
    assert torch.allclose(predictor.scores(task.val.view()).bias, expected.expand(5, 5), atol=1e-4)


def test_a_kernel_of_zeros_between_images_answers_at_the_support_images_alone(task):
    predictor = ProKeR(sharpness=1e4, lam=0.25, views=1)
    predictor.fit(task)
    x, labels = task.support.view(), task.support.labels
    left = F.one_hot(labels, 5) - F.normalize(x["clip"], dim=1) @ task.text.T
    s = predictor.scores(x)
    assert torch.allclose(s.bias, task.logit_scale / 1.25 * left, rtol=0.02, atol=0.02)
    assert predictor.scores(task.val.view()).bias.abs().max() == 0


def test_a_vanishing_lam_is_zero_shot_clip(task):
    predictor = ProKeR(lam=1e-7)
    predictor.fit(task)
    s = predictor.scores(task.val.view())
    assert torch.equal(s.fused.argmax(1), s.zero_shot.argmax(1))


def test_views_that_would_not_fit_are_left_out_and_said(task, monkeypatch):
    monkeypatch.setattr(proker, "POINTS", 12)
    predictor = ProKeR()
    with warned.heard() as heard:
        predictor.fit(task)
    assert heard.lines == ["ProKeR: 1 of 2 views, as its kernel has at most 12 points"]
    assert len(predictor.points) == 10


@pytest.mark.parametrize("wrong", [{"lam": 0.0}, {"lam": -1.0}, {"views": 0}])
def test_settings_without_a_solution_are_refused(wrong):
    with pytest.raises(ValueError, match="both must be positive"):
        ProKeR(**wrong)


def test_a_class_without_images_is_named(task):
    kept = task.support.labels != 3
    few = Samples({"clip": task.support.spaces["clip"][:, kept]}, task.support.labels[kept])
    with pytest.raises(ValueError, match="class 3 has no support image; ProKeR needs one of each"):
        ProKeR().fit(replace(task, support=few))


def test_the_transferred_pair_goes_by_shots():
    assert ProKeR.published("imagenet", 4) == {"sharpness": 1.5, "lam": 0.05, "views": 1}
    assert ProKeR.published("dtd", 12) == {"sharpness": 1.66, "lam": 0.07}
    assert ProKeR.published("dtd", 0) == {}
