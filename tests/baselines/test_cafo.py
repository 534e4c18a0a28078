"""CaFo: similarity-based fusion against a loop, two caches, and what generated images and sentences change."""

import math
import statistics
from dataclasses import replace

import pytest
import torch

from baselines.cafo import CaFo, first_of_each, fuse_by_similarity
from baselines.tip_adapter import RECIPE, TipAdapter, affinity, class_sums
from benchmark.methods import Samples
from benchmark.methods.contract.toy import toy_task
from benchmark.numerics.logits import unit


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
    dino = class_sums(affinity(unit(x["dino"]) @ predictor.dino_cache.keys.T, 2.0), predictor.dino_cache.counts)
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


@pytest.fixture
def told():
    """Five classes, two real and three generated images of each, sentences."""
    return toy_task(("clip", "dino"), wants=("generated", "sentences"))


def test_it_wants_generated_images_and_sentences_only_where_it_uses_them():
    assert CaFo().wants == ()
    assert CaFo(generated=True).wants == ("generated", "sentences")


def test_generated_images_stand_behind_the_real_ones_of_their_class_in_both_caches(told):
    predictor = CaFo(generated=True)
    predictor.build(told)
    for cache, space in ((predictor.clip_cache, "clip"), (predictor.dino_cache, "dino")):
        expected = []
        for c in range(5):
            for samples in (told.support, told.generated):
                for i in (samples.labels == c).nonzero().flatten():
                    mean = sum(samples.spaces[space][v, i] for v in range(2)) / 2
                    expected.append(mean / mean.norm())
        assert torch.allclose(cache.keys, torch.stack(expected), atol=1e-6)
        assert cache.counts.tolist() == [5] * 5


def test_of_the_generated_images_the_first_of_each_class_can_be_taken(told):
    predictor = CaFo(generated=True, generated_shots=2)
    predictor.build(told)
    assert predictor.clip_cache.counts.tolist() == [len(told.support) // 5 + 2] * 5
    whole, few = told.generated, first_of_each(told.generated, 2)
    for c in range(5):
        of_class = (whole.labels == c).nonzero()[:2, 0]
        assert torch.equal(few.spaces["clip"][:, few.labels == c], whole.spaces["clip"][:, of_class])
    assert torch.equal(first_of_each(whole, 99).labels, whole.labels)


def test_the_second_cache_may_hold_another_feature(task):
    predictor = CaFo(aux="mocov3")
    predictor.build(task)
    assert predictor.reads == ("clip", "mocov3")
    assert predictor.dino_cache.keys.shape[1] == task.support.spaces["mocov3"].shape[-1]


def test_one_view_of_the_generated_images_is_enough(told):
    one = replace(told, generated=Samples({k: v[:1] for k, v in told.generated.spaces.items()}, told.generated.labels))
    predictor = CaFo(generated=True)
    predictor.build(one)
    assert predictor.clip_cache.keys.shape == (25, 16)


def test_the_sentences_take_the_place_of_the_text(told):
    predictor = CaFo(generated=True)
    predictor.build(told)
    x = told.val.view()
    assert torch.allclose(predictor.scores(x).zero_shot, 20 * unit(x["clip"]) @ told.sentences.T, atol=1e-5)
    assert not torch.allclose(told.sentences, told.text, atol=1e-2)


def test_an_epoch_passes_over_the_real_and_then_over_the_generated_images(told):
    """Five batches of two real images, then seven of two generated ones and one of the last."""
    predictor = CaFo(generated=True, recipe=replace(RECIPE, epochs=2, batch_size=2))
    seen, loss = [], predictor.loss

    def watched(batch):
        seen.append([source(told, f) for f in batch.x["clip"]])
        return loss(batch)

    predictor.loss = watched
    predictor.fit(told)
    assert [set(kinds) for kinds in seen] == 2 * (5 * [{"real"}] + 8 * [{"generated"}])
    assert sum(map(len, seen)) == 2 * (10 + 15)


def source(task, feature):
    real = unit(task.support.spaces["clip"].flatten(0, 1))
    return "real" if (real == feature).all(1).any() else "generated"


def test_without_generated_images_an_epoch_is_one_pass(told):
    with_them, without = CaFo(), CaFo()
    with_them.fit(told)
    without.fit(replace(told, generated=None, sentences=None))
    assert torch.equal(with_them.clip_cache.keys, without.clip_cache.keys)


@pytest.mark.parametrize("missing", ["generated", "sentences"])
def test_a_task_that_lacks_what_is_needed_is_refused(told, missing):
    with pytest.raises(ValueError, match=f"needs task.{missing}"):
        CaFo(generated=True).fit(replace(told, **{missing: None}))
