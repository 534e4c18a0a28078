"""The logit predictors of Figure 3: each bias written out, how each begins, and that LP is AMU-Tuning with parts off."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from amu.heads import LP, MLP, CacheHead, LinearProbe
from amu.tuning import RECIPE, AMUTuning, class_means
from benchmark.methods import Batch

SHORT = replace(RECIPE, epochs=3)


def built(cls, task, **settings):
    predictor = cls(**settings)
    predictor.build(task)
    return predictor


@pytest.mark.parametrize("cls", [LP, CacheHead, MLP])
def test_the_bias_is_added_to_the_zero_shot_logits_and_their_sum_is_what_is_trained(cls, task):
    predictor = built(cls, task, beta=0.5)
    x, labels = task.support.view(), task.support.labels
    s = predictor.scores(x)
    assert torch.allclose(s.fused, s.zero_shot + 0.5 * s.bias, atol=1e-5)
    assert torch.allclose(predictor.loss(Batch(predictor.prepare(x), labels)), F.cross_entropy(s.fused, labels))


@torch.no_grad()
def test_the_cache_adds_up_affinities_image_by_image(task):
    predictor = built(CacheHead, task, sharpness=2.0)
    f = F.normalize(task.val.view()["mocov3"], dim=1)
    keys = F.normalize(task.support.mean("mocov3"), dim=1)
    bias = predictor.scores(task.val.view()).bias
    for i in range(len(f)):
        for c in range(5):
            of_class = [k for k, label in zip(keys, task.support.labels, strict=True) if label == c]
            expected = sum(math.exp(-2.0 * (1 - float(f[i] @ k))) for k in of_class)
            assert bias[i, c].item() == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
def test_the_mlp_is_two_layers_with_biases(task):
    predictor = built(MLP, task, reduction=3)
    f = F.normalize(task.val.view()["mocov3"], dim=1)
    bias = predictor.scores(task.val.view()).bias
    for i in range(len(f)):
        rows = zip(predictor.hidden.weight, predictor.hidden.bias, strict=True)
        hidden = torch.tensor([max(0.0, float(row @ f[i] + c)) for row, c in rows])
        assert len(hidden) == 4
        assert torch.allclose(bias[i], predictor.out.weight @ hidden + predictor.out.bias, atol=1e-5)


@pytest.mark.parametrize(("init", "theirs"), [("features", "mean"), ("random", "random")])
def test_lp_is_amu_tuning_with_one_branch_and_no_uncertainty(task, init, theirs):
    lp = LP(init=init, recipe=SHORT)
    amu = AMUTuning(beta=1.0, lam=1.0, fusion="none", init=theirs, zscore=False, recipe=SHORT)
    lp.fit(task)
    amu.fit(task)
    assert torch.equal(lp.weight, amu.weight)
    assert torch.allclose(lp(task.val.view()), amu(task.val.view()), atol=1e-5)


@torch.no_grad()
def test_the_individual_probe_is_the_other_branch_alone(task):
    """λ = 0 trains the bias branch by itself: that bias is the individual LP's prediction."""
    with torch.enable_grad():
        probe, amu = LinearProbe(recipe=SHORT), AMUTuning(lam=0.0, init="random", recipe=SHORT)
        probe.fit(task)
        amu.fit(task)
    x = task.val.view()
    assert torch.allclose(probe(x), amu.scores(x).bias, atol=1e-5)
    assert torch.equal(probe.weight, amu.weight)


def test_the_individual_probe_answers_without_zero_shot_clip(task):
    probe = built(LinearProbe, task, init="features")
    x = task.val.view()
    expected = F.normalize(x["mocov3"], dim=1) @ class_means(task.support, "mocov3", 5).T
    assert torch.allclose(probe(x), expected, atol=1e-6)
    assert torch.allclose(probe.loss(Batch(x, task.val.labels)), F.cross_entropy(expected, task.val.labels))


def test_random_keys_are_directions_of_their_own_in_the_same_number(task):
    ours, theirs = built(CacheHead, task, init="random").cache, built(CacheHead, task).cache
    assert ours.keys.shape == theirs.keys.shape
    assert ours.counts.tolist() == theirs.counts.tolist()
    assert torch.allclose(ours.keys.norm(dim=1), torch.ones(10))
    assert (ours.keys * theirs.keys).sum(1).abs().max() < 0.9
    assert torch.equal(ours.keys, built(CacheHead, task, init="random").cache.keys)


def test_a_linear_head_begins_at_the_class_means_or_within_one_over_the_root_of_the_width(task):
    assert torch.equal(built(LP, task).weight, class_means(task.support, "mocov3", 5))
    assert 0.2 < built(LP, task, init="random").weight.abs().max() <= 1 / math.sqrt(12)


@pytest.mark.parametrize("cls", [LP, CacheHead, MLP, LinearProbe])
def test_the_auxiliary_feature_is_an_argument_and_clip_may_be_one(cls, task):
    assert cls(aux="dino").reads == ("clip", "dino")
    assert cls(aux="clip").reads == ("clip",)
    assert built(cls, task, aux="clip")(task.val.view()).shape == (5, 5)


@pytest.mark.parametrize("cls", [LP, CacheHead, LinearProbe])
def test_an_unknown_beginning_is_refused(cls):
    with pytest.raises(ValueError, match="init 'mean': there are features and random"):
        cls(init="mean")


@pytest.mark.parametrize(
    ("aux", "init", "lam", "fusion"),
    [("clip", "random", 1.0, "none"), ("mocov3", "random", 1.0, "none"), ("clip", "mean", 0.35, "kurtosis")],
)
def test_the_components_of_table_6_are_arguments_of_amu_tuning(task, aux, init, lam, fusion):
    predictor = AMUTuning(aux=aux, init=init, lam=lam, fusion=fusion, recipe=SHORT)
    predictor.fit(task)
    x = task.val.view()
    s = predictor.scores(x)
    weight = (s.fused - s.zero_shot)[:, 0] / s.bias[:, 0]
    assert (weight.std() < 1e-3) == (fusion == "none")
    assert predictor.reads == (("clip",) if aux == "clip" else ("clip", aux))
