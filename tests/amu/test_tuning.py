"""AMU-Tuning equation by equation, and what its presets stand for."""

import math
import statistics
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from amu.fusion import FUSIONS, WITHOUT_POWER
from amu.tuning import PRESETS, RECIPE, AMUTuning, class_means
from baselines.zero_shot import ZeroShotCLIP
from benchmark.methods import Batch, Samples


def test_eq_6_class_means_equal_a_double_loop_over_classes_and_shots():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 6, 3, generator=generator)
    labels = torch.tensor([2, 0, 1, 2, 2, 0])  # three, two and one image
    means = class_means(Samples({"aux": features}, labels), "aux", 4)
    for i in range(3):
        total, n = torch.zeros(3), 0
        for j in range(6):
            if labels[j] == i:
                total += features[0, j] / features[0, j].norm()
                n += 1
        assert torch.allclose(means[i], total / n)
    assert torch.equal(means[3], torch.zeros(3))


def test_the_mean_of_two_unit_features_is_not_made_unit_again():
    support = Samples({"aux": torch.tensor([[[5.0, 0.0], [0.0, 7.0]]])}, torch.tensor([0, 0]))
    assert torch.allclose(class_means(support, "aux", 1), torch.tensor([[0.5, 0.5]]))


def test_class_means_are_of_the_view_without_augmentation():
    support = Samples({"aux": torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])}, torch.tensor([0]))
    assert torch.equal(class_means(support, "aux", 1), torch.tensor([[1.0, 0.0]]))


def built(task, **settings):
    predictor = AMUTuning(**settings)
    predictor.build(task)
    return predictor


def test_eq_7_and_11_image_by_image(task):
    predictor = built(task, preset="paper", beta=3.0, rho=0.7)
    x = task.val.view()
    s = predictor.scores(x)
    for i in range(len(s.fused)):
        s0 = s.zero_shot[i].double()
        kappa = (((s0 - s0.mean()) / s0.std(correction=0)) ** 4).mean() ** 0.7
        bias = predictor.weight @ (x["mocov3"][i] / x["mocov3"][i].norm())
        assert torch.allclose(s.bias[i], bias, atol=1e-5)
        assert torch.allclose(s.fused[i].double(), s0 + 3.0 / kappa * bias, atol=1e-4)


@pytest.mark.parametrize(("preset", "fusion"), [("official", "none"), ("official+uf", "moment")])
def test_the_released_code_zscores_the_bias_and_weighs_it_by_its_own_uncertainty(task, preset, fusion):
    predictor = built(task, preset=preset)
    x = task.val.view()
    s = predictor.scores(x)
    logits = F.normalize(x["mocov3"], dim=1) @ predictor.weight.T
    z = (logits - logits.mean(1, keepdim=True)) / logits.std(1, keepdim=True)
    weight = 0.5 * FUSIONS[fusion](s.zero_shot, 0.4)
    assert torch.allclose(s.bias, z, atol=1e-5)
    assert torch.allclose(s.fused, s.zero_shot + weight[:, None] * z, atol=1e-4)


@pytest.mark.parametrize("rho", [0.2, 0.4, 3.0])
def test_the_released_var_weighs_the_bias_by_the_deviation_itself_whatever_rho_is(task, rho):
    predictor = built(task, preset="official+uf", fusion="var", rho=rho)
    s = predictor.scores(task.val.view())
    for s0, z, fused in zip(s.zero_shot, s.bias, s.fused, strict=True):
        p = [math.exp(value - s0.max().item()) for value in s0.tolist()]
        deviation = statistics.stdev(value / sum(p) for value in p)
        assert torch.allclose(fused, s0 + 0.5 * deviation * z, atol=1e-4)


@pytest.mark.parametrize("preset", PRESETS)
def test_eq_8_and_9_added_up_by_hand_on_two_images(task, preset):
    predictor = built(task, preset=preset, lam=0.25)
    x, labels = task.support.view(0, torch.tensor([0, 9])), torch.tensor([0, 4])
    s = predictor.scores(x)
    total = 0.0
    for i, y in enumerate(labels):
        fused = -math.log(s.fused[i].softmax(0)[y].item())
        aux = -math.log(s.bias[i].softmax(0)[y].item())
        total += (0.25 * fused + 0.75 * aux) / 2
    assert predictor.loss(Batch(predictor.prepare(x), labels)).item() == pytest.approx(total, rel=1e-4)


def test_lambda_one_leaves_the_fused_branch_alone_and_zero_the_other(task):
    x, labels = task.support.view(), task.support.labels
    fused, aux = built(task, lam=1.0), built(task, lam=0.0)
    assert torch.allclose(fused.loss(Batch(fused.prepare(x), labels)), F.cross_entropy(fused(x), labels))
    assert torch.allclose(aux.loss(Batch(aux.prepare(x), labels)), F.cross_entropy(aux.scores(x).bias, labels))


def test_beta_zero_is_zero_shot_clip(task):
    zero_shot = ZeroShotCLIP()
    zero_shot.fit(task)
    assert torch.equal(built(task, beta=0.0)(task.val.view()), zero_shot(task.val.view()))


def test_the_papers_beta_is_the_released_alpha_with_the_constant_250_moved_into_it():
    """0.5 · (K / 250)^-0.4 = 4.55 / K^0.4 for every K."""
    assert PRESETS["paper"].beta == pytest.approx(4.55, abs=0.005)
    for k in (9.0, 996.0):
        assert 0.5 * (k / 250) ** -0.4 == pytest.approx(PRESETS["paper"].beta / k**0.4)


def test_a_preset_fills_in_what_is_none_and_settings_spell_it_out():
    settings = AMUTuning(preset="official+uf", lam=1.0).settings()
    assert settings == {
        "preset": "official+uf",
        "aux": "mocov3",
        "beta": 0.5,
        "lam": 1.0,
        "rho": 0.4,
        "fusion": "moment",
        "init": "mean",
        "zscore": True,
        "recipe": AMUTuning().settings()["recipe"],
    }


@pytest.mark.parametrize(
    ("settings", "value"),
    [({"beta": 0.0}, 0.0), ({"zscore": False}, False), ({"lam": 0.0}, 0.0), ({"rho": 0.0}, 0.0)],
)
def test_a_zero_or_a_no_is_a_value_and_not_the_presets(settings, value):
    name = next(iter(settings))
    assert AMUTuning(preset="official", **settings).settings()[name] == value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "oficial"}, "preset 'oficial'.*'official'.*paper, official, official\\+uf"),
        ({"fusion": "kurtossis"}, "fusion 'kurtossis'.*'kurtosis'.*kurtosis, top5, entropy, var, none and 4 more"),
        ({"init": "means"}, "init 'means'.*'mean'.*mean, random"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_that_there_are(settings, message):
    with pytest.raises(ValueError, match=message):
        AMUTuning(**settings)


def test_the_auxiliary_space_is_an_argument(task):
    predictor = built(task, aux="dino")
    assert predictor.reads == ("clip", "dino")
    assert torch.equal(predictor.weight, class_means(task.support, "dino", 5))


def test_random_weights_start_within_one_over_the_root_of_the_width(task):
    weight = built(task, init="random").weight
    assert weight.shape == (5, 12)
    assert 0.2 < weight.abs().max() <= 1 / math.sqrt(12)
    assert weight.mean().abs() < 0.1


def test_only_the_linear_predictor_is_trained_and_training_lowers_the_loss(task):
    predictor = AMUTuning(recipe=replace(RECIPE, epochs=20))
    predictor.build(task)
    everything = Batch(predictor.prepare(task.support.view()), task.support.labels)
    before = predictor.loss(everything).item()
    predictor.fit(task)
    assert list(dict(predictor.named_parameters())) == ["weight"]
    assert predictor.loss(everything).item() < before


def test_rho_is_searched_where_the_fusion_has_it():
    for fusion in WITHOUT_POWER:
        assert "rho" not in AMUTuning(fusion=fusion).tunes
    for fusion in set(FUSIONS) - set(WITHOUT_POWER):
        assert AMUTuning(fusion=fusion).rho in AMUTuning(fusion=fusion).tunes["rho"]


def test_the_values_searched_double_from_one_to_the_next():
    betas = AMUTuning().tunes["beta"]
    assert betas[0] == 0.05
    assert betas[-1] == pytest.approx(12.8)
    assert all(b == pytest.approx(2 * a) for a, b in pairwise(betas))


def test_the_recipe_is_that_of_the_released_command() -> None:
    """train.py and run.sh: AdamW at 1e-3 with weight decay 0.01 and ε = 1e-4, batches of 8, 50 epochs."""
    assert (RECIPE.optimizer, RECIPE.lr, RECIPE.weight_decay, RECIPE.eps) == ("adamw", 1e-3, 0.01, 1e-4)
    assert (RECIPE.batch_size, RECIPE.epochs) == (8, 50)
