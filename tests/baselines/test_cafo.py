"""CaFo: similarity-based fusion against a loop, two caches, and the honest refusal of generated images."""

import math
import statistics

import pytest
import torch

from baselines.cafo import CaFo, fuse_by_similarity
from baselines.tip_adapter import TipAdapter


def z(row):
    mean, spread = statistics.mean(row), statistics.stdev(row)
    return [(value - mean) / spread for value in row]


def slow_fusion(s0, answers):
    """One image: L = Σ_k softmax_k(z(s₀) · z(L_k)) z(L_k)."""
    powers = [math.exp(sum(a * b for a, b in zip(z(s0), z(answer), strict=True))) for answer in answers]
    weights = [power / sum(powers) for power in powers]
    return [sum(w * z(answer)[c] for w, answer in zip(weights, answers, strict=True)) for c in range(len(s0))]


def test_fusion_equals_the_formula_image_by_image():
    generator = torch.Generator().manual_seed(0)
    s0, clip, dino = torch.randn(3, 6, 4, generator=generator, dtype=torch.double)
    fused = fuse_by_similarity(s0, [clip, dino])
    for i in range(6):
        assert fused[i].tolist() == pytest.approx(slow_fusion(s0[i].tolist(), [clip[i].tolist(), dino[i].tolist()]))


def test_two_equal_answers_give_their_common_zscore():
    s0, answer = torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[10.0, 30.0, 20.0]])
    assert torch.allclose(fuse_by_similarity(s0, [answer, answer]), torch.tensor([[-1.0, 1.0, 0.0]]))


def test_of_an_answer_that_agrees_and_one_that_contradicts_the_first_counts():
    """Similarities of 2 and -2 between three classes: the weights are e⁴ to 1."""
    s0 = torch.tensor([[1.0, 2.0, 3.0]])
    w = math.exp(4) / (math.exp(4) + 1)
    assert fuse_by_similarity(s0, [s0, -s0])[0].tolist() == pytest.approx([-(2 * w - 1), 0, 2 * w - 1], abs=1e-5)


def test_the_fused_logits_are_built_from_a_clip_and_a_dino_cache(task):
    predictor = CaFo(beta=0.7, sharpness=2.0)
    predictor.build(task)
    x = task.val.view()
    s = predictor.scores(x)
    clip = TipAdapter(sharpness=2.0)
    clip.build(task)
    dino = predictor.dino_cache(x["dino"], 2.0)
    bias = fuse_by_similarity(s.zero_shot, [clip.scores(x).bias, dino])
    assert torch.allclose(s.fused, s.zero_shot + 0.7 * bias, atol=1e-5)


def test_both_sets_of_keys_are_trained(task):
    predictor = CaFo()
    predictor.build(task)
    assert list(dict(predictor.named_parameters())) == ["clip_cache.keys", "dino_cache.keys"]


def test_an_image_that_a_cache_knows_nothing_about_leaves_finite_gradients(task):
    predictor = CaFo()
    predictor.build(task)
    x = {"clip": torch.zeros(1, 16), "dino": torch.zeros(1, 12)}
    predictor(x).sum().backward()
    assert predictor.dino_cache.keys.grad.isfinite().all()


def test_generated_images_are_refused_as_long_as_a_task_has_none():
    with pytest.raises(ValueError, match="a Task carries none"):
        CaFo(generated=True)
