"""CoCoOp: its network written out, its logits image by image, how much it holds in memory, and when it is scored."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines import cocoop
from baselines.cocoop import RECIPE, CoCoOp
from baselines.prompts import PromptEncoder
from benchmark.methods import training
from benchmark.methods.contract.toy import toy_task


@pytest.fixture
def built(task):
    predictor = CoCoOp(reduction=4)
    predictor.build(task)
    return predictor.eval()


def test_the_context_begins_at_the_words(built, task):
    embeddings = task.clip.model.token_embedding(task.clip.tokenize(["a photo of a"]))[0, 1:5]
    assert torch.equal(built.context, embeddings)


def test_with_the_network_silent_it_is_zero_shot_clip_of_that_prompt(built, task):
    with torch.no_grad():
        built.up.weight.zero_()
        built.up.bias.zero_()
        s = built.scores(task.val.view())
    assert torch.allclose(
        s.fused, s.zero_shot, atol=1e-3
    )  # the toy's text is "a photo of a {}." too, full stop and all


@torch.no_grad()
@pytest.mark.parametrize("words", ["a photo-like picture", "a_photo-like_picture"])
def test_of_a_word_with_several_tokens_the_last_ones_stay(task, words):
    """Five tokens, "a", "photo", "-", "like", "picture"; three words, so three vectors."""
    predictor = CoCoOp(ctx_init=words)
    predictor.build(task)
    assert predictor.context.shape == (3, 24)
    untouched = predictor.encode(predictor.context[None])[0]
    expected = task.clip.encode_text([f"a photo-like picture {n.replace('_', ' ')}." for n in task.classnames])
    assert torch.allclose(untouched, expected, atol=1e-5)


@torch.no_grad()
def test_the_network_shifts_every_context_vector_alike(built):
    f = F.normalize(torch.randn(3, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    shifted = built.contexts(f)
    for i in range(3):
        hidden = [max(0.0, float(row @ f[i] + c)) for row, c in zip(built.down.weight, built.down.bias, strict=True)]
        shift = built.up.weight @ torch.tensor(hidden) + built.up.bias
        for m in range(4):
            assert torch.allclose(shifted[i, m], built.context[m] + shift, atol=1e-5)
    assert len(hidden) == 4


@torch.no_grad()
def test_each_image_is_scored_with_prompts_of_its_own(built, task):
    x = task.val.view()
    fused = built(x)
    encode = PromptEncoder(task.clip, task.classnames, 4)
    for i, f in enumerate(F.normalize(x["clip"], dim=1)):
        prompts = encode(built.contexts(f[None])[0])
        assert torch.allclose(fused[i], 20 * F.cosine_similarity(f[None], prompts), atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("at_a_time", [1, 2, 10])
def test_few_images_at_a_time_are_scored_as_all_at_once(built, task, monkeypatch, at_a_time):
    x = task.support.view()
    whole, sizes, encode = built(x), [], built.encode

    class Counting:
        floats = encode.floats

        def __call__(self, contexts):
            sizes.append(len(contexts))
            return encode(contexts)

    monkeypatch.setattr(cocoop, "FLOATS", at_a_time * encode.floats)
    built.encode, built.remembered.last = Counting(), None
    assert torch.allclose(built(x), whole, atol=1e-4)
    assert max(sizes) == at_a_time
    assert sum(sizes) == 10


@torch.no_grad()
def test_the_same_images_in_the_same_state_are_scored_once_and_in_another_state_anew(built, task):
    x = task.val.view()
    first = built(x)
    built.encode = None  # whoever asks the encoder now fails
    assert torch.equal(built(dict(x)), first)
    for change in (built.context, built.down.weight, built.up.bias):
        change.data.add_(1.0)
        with pytest.raises(AttributeError):
            built(x)
        change.data.sub_(1.0)


def test_the_end_is_the_only_milestone(task):
    seen = []
    with training.watching(lambda predictor: seen.append(predictor.up.bias.clone())):
        predictor = CoCoOp(recipe=replace(RECIPE, epochs=3))
        predictor.fit(task)
    assert len(seen) == 1
    assert torch.equal(seen[0], predictor.up.bias)


def test_the_recipe_is_the_released_one():
    assert (RECIPE.batch_size, RECIPE.epochs, RECIPE.lr, RECIPE.optimizer) == (1, 10, 0.002, "sgd")
    assert (RECIPE.warmup_epochs, RECIPE.warmup_lr, RECIPE.schedule) == (1, 1e-5, "epoch")


def test_a_task_without_clip_is_refused():
    with pytest.raises(ValueError, match="this task has no clip"):
        CoCoOp().fit(replace(toy_task(), clip=None))
