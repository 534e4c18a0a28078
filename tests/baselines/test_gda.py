"""GDA against the formula of the paper, written with loops and an explicit inverse."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.gda import GDA
from benchmark.core import warned
from benchmark.methods import Samples, Task
from benchmark.methods.contract.toy import toy_task


def formula(task, space, x):
    """f · P μ_c + log 1/C - ½ μ_cᵀ P μ_c, with P = D · inverse((n - 1) S + tr(S) I) from lists of samples."""
    samples = [
        (F.normalize(view[i].double(), dim=0), int(task.support.labels[i]))
        for view in task.support.spaces[space]
        for i in range(len(task.support))
    ]
    classes, width, n = len(task.text), len(samples[0][0]), len(samples)
    means = []
    for c in range(classes):
        own = [f for f, label in samples if label == c]
        means.append(sum(own) / len(own))
    covariance = torch.zeros(width, width, dtype=torch.double)
    for f, label in samples:
        covariance += torch.outer(f - means[label], f - means[label]) / (n - 1)
    precision = width * torch.linalg.inv((n - 1) * covariance + covariance.trace() * torch.eye(width))
    rows = []
    for image in x:
        f = F.normalize(image.double(), dim=0)
        rows.append(
            [f @ precision @ m + torch.tensor(1 / classes).double().log() - m @ precision @ m / 2 for m in means]
        )
    return torch.tensor(rows)


@pytest.mark.parametrize("aux", ["clip", "mocov3"])
def test_the_bias_is_the_paper_s_formula_with_loops(task, aux):
    predictor = GDA(aux=aux, beta=0.7)
    predictor.fit(task)
    x = task.val.view()
    s = predictor.scores(x)
    assert torch.allclose(s.bias.double(), formula(task, aux, x[aux]), rtol=1e-3, atol=1e-3)
    assert torch.allclose(s.fused, s.zero_shot + 0.7 * s.bias)


def test_unequal_classes_in_any_order_have_the_formula_too(task):
    kept = torch.tensor([7, 2, 9, 0, 4, 5, 8])
    few = replace(task, support=Samples({"clip": task.support.spaces["clip"][:, kept]}, task.support.labels[kept]))
    predictor = GDA()
    predictor.fit(few)
    x = task.val.view()
    assert torch.allclose(predictor.scores(x).bias.double(), formula(few, "clip", x["clip"]), rtol=1e-3, atol=1e-3)


def test_round_blobs_are_told_apart_by_the_nearest_mean():
    generator = torch.Generator().manual_seed(0)
    angle = 0.2 * torch.randn(400, generator=generator) + torch.tensor([0.0, 0.9]).repeat_interleave(200)
    labels = torch.tensor([0, 1]).repeat_interleave(200)
    features = torch.stack([angle.cos(), angle.sin()], 1)
    predictor = GDA()
    predictor.fit(Task(text=torch.eye(2), support=Samples({"clip": features[None]}, labels)))
    means = torch.stack([features[labels == c].mean(0) for c in (0, 1)])
    middle = F.normalize(means.mean(0), dim=0)[None]  # as far from both means
    between, within = (predictor.scores({"clip": f}).bias[0].diff().item() for f in (middle, means[1:]))
    assert abs(between) < 0.05 * within
    assert predictor.scores({"clip": means}).bias.argmax(1).tolist() == [0, 1]


def test_with_one_view_of_one_image_a_class_it_is_zero_shot_clip_and_says_so():
    task = toy_task(shots=1, views=1)
    predictor = GDA()
    with warned.heard() as heard:
        predictor.fit(task)
    assert heard.lines == ["GDA: the views of a class's support images do not differ, so that there is no covariance"]
    s = predictor.scores(task.val.view())
    assert torch.equal(s.fused.argmax(1), s.zero_shot.argmax(1))
    assert s.bias.std(1).max() == 0


def test_a_constant_column_has_no_weight_in_the_comparison_of_classes(task):
    spaces = {"clip": task.support.spaces["clip"].clone()}
    spaces["clip"] = F.normalize(spaces["clip"], dim=-1)
    constant = F.normalize(torch.cat([spaces["clip"], torch.ones_like(spaces["clip"][..., :1])], -1), dim=-1)
    text = F.pad(task.text, (0, 1))
    predictor = GDA()
    predictor.fit(replace(task, text=text, support=Samples({"clip": constant}, task.support.labels)))
    assert predictor.weight.isfinite().all()
    assert predictor.weight[:, -1].std() < 1e-3 * predictor.weight.std()


def test_a_class_without_images_is_named(task):
    kept = task.support.labels != 3
    few = Samples({"clip": task.support.spaces["clip"][:, kept]}, task.support.labels[kept])
    with pytest.raises(ValueError, match="class 3 has no support image; GDA needs one of each"):
        GDA().fit(replace(task, support=few))
