"""The shared-prefix text tower against the model's own blocks at full length."""

from types import SimpleNamespace

import pytest
import torch

from baselines.prompts import PromptEncoder, name_tokens, word_tokens
from benchmark.core.libraries import open_clip
from benchmark.data.published import imagenet
from benchmark.methods.clip import Clip
from benchmark.methods.contract.toy import CONTEXT, tokenize, toy_clip

NAMES = ["small_red bee", "ant", "old owl", "crab", "very old, very small crab", "yak"]


def full_length(clip, classnames, context):
    """The slow twin: every class a whole prompt, every token of it through every block."""
    texts = [" ".join(["X"] * len(context)) + f" {name.replace('_', ' ')}." for name in classnames]
    return overwritten(clip, texts, context)


def overwritten(clip, texts, context):
    """Whole texts through the model's own blocks, with the context in the places behind the start token."""
    model, n = clip.model, len(context)
    tokens = clip.tokenize(texts)
    embedded = model.token_embedding(tokens)
    embedded = torch.cat([embedded[:, :1], context.expand(len(texts), -1, -1), embedded[:, 1 + n :]], 1)
    x = model.transformer(embedded + model.positional_embedding, attn_mask=model.attn_mask)
    x = model.ln_final(x)
    return torch.stack([x[i, row.argmax()] @ model.text_projection for i, row in enumerate(tokens)])


def test_words_that_the_context_leaves_stay_in_front_of_the_names():
    """Three words of six replaced: "v v v red old crab NAME.", every class tokenised whole."""
    clip, context = toy_clip(), random_context(3)
    texts = [f"a big photo red old crab {name.replace('_', ' ')}." for name in NAMES]
    expected = overwritten(clip, texts, context)
    assert torch.allclose(PromptEncoder(clip, NAMES, 3, "a big_photo red old crab")(context), expected, atol=1e-5)


@pytest.mark.parametrize("words", ["a photo of a", "a photo"])
def test_a_context_that_leaves_no_word_is_followed_by_the_names(words):
    clip, context = toy_clip(), random_context(4)
    assert torch.equal(PromptEncoder(clip, NAMES, 4, words)(context), PromptEncoder(clip, NAMES, 4)(context))


def test_clip_s_tokens_of_a_name_are_those_of_the_name_in_a_sentence():
    tokenize = open_clip.get_tokenizer("RN50-quickgelu")
    model = SimpleNamespace(attn_mask=torch.zeros(77, 77), positional_embedding=torch.zeros(77, 1))
    clip = SimpleNamespace(model=model, tokenize=tokenize)
    names = [
        *imagenet.classnames(),
        "'s-Hertogenbosch",
        "7-Eleven &amp; co",
        "(unknown)",
        "Ænima",
        "dog's_bowl",
        "  gap",
    ]
    tokens, lengths = name_tokens(clip, names, 2, "a photo of a")
    for name, row, n in zip(names, tokens, lengths, strict=True):
        whole = tokenize([f"a photo of a {name.replace('_', ' ')}."])[0]
        assert whole[5 : 5 + n].tolist() == row[1 : 1 + n].tolist(), name
        assert whole.argmax() == 4 + n
    assert whole[1:5].tolist() == word_tokens(clip, "a photo of a").tolist()


def random_context(n_ctx, width=24):
    return torch.randn(n_ctx, width, generator=torch.Generator().manual_seed(3)).requires_grad_()


@pytest.mark.parametrize("n_ctx", [1, 4, 16])
@pytest.mark.parametrize("names", [NAMES, NAMES[1:2], ["bee", "ant", "owl"]])
def test_features_and_gradients_equal_the_full_length_way(n_ctx, names):
    clip = toy_clip()
    one, two = random_context(n_ctx), random_context(n_ctx)
    fast, slow = PromptEncoder(clip, names, n_ctx)(one), full_length(clip, names, two)
    assert torch.allclose(fast, slow, rtol=1e-5, atol=1e-5)

    weights = torch.randn(slow.shape, generator=torch.Generator().manual_seed(4))
    (fast * weights).sum().backward()
    (slow * weights).sum().backward()
    assert two.grad.abs().max() > 0.01
    assert torch.allclose(one.grad, two.grad, rtol=1e-5, atol=1e-5)


def test_with_the_embeddings_of_words_as_context_it_is_the_text_tower_itself():
    clip = toy_clip()
    words = clip.model.token_embedding(clip.tokenize(["a photo of a"]))[0, 1:5]
    features = PromptEncoder(clip, ["bee", "old_owl"], 4)(words)
    assert torch.allclose(features, clip.encode_text(["a photo of a bee.", "a photo of a old owl."]), atol=1e-5)


def test_features_come_in_the_order_of_the_class_names():
    clip = toy_clip()
    context = random_context(4)
    forwards, backwards = PromptEncoder(clip, NAMES, 4)(context), PromptEncoder(clip, NAMES[::-1], 4)(context)
    assert torch.allclose(forwards, backwards.flip(0), atol=1e-6)


def test_no_gradient_reaches_clip():
    clip = toy_clip()
    PromptEncoder(clip, NAMES, 4)(random_context(4)).sum().backward()
    assert all(parameter.grad is None for parameter in clip.model.parameters())


def test_the_longest_context_that_fits_is_accepted_and_one_more_is_refused_with_a_number_that_works():
    clip = toy_clip()
    longest = CONTEXT - 1 - 4  # start token; old, owl, full stop, end
    PromptEncoder(clip, ["ant", "old owl"], longest)
    with pytest.raises(ValueError, match=f"'old owl' it takes 33 of 32 positions .* try n_ctx={longest}"):
        PromptEncoder(clip, ["ant", "old owl"], longest + 1)


@pytest.mark.parametrize("n_ctx", [1, 2, 4])
def test_the_most_words_that_fit_are_accepted_and_one_more_is_refused_with_a_number_that_works(n_ctx):
    clip = toy_clip()
    most = CONTEXT - 1 - 4
    PromptEncoder(clip, ["ant", "old owl"], n_ctx, "owl " * most)
    for more in (1, 99):  # the tokenizer cuts the second
        with pytest.raises(
            ValueError, match=f"'old owl' it takes .* of 32 positions .* try a ctx_init of {most} tokens"
        ):
            PromptEncoder(clip, ["ant", "old owl"], n_ctx, "owl " * (most + more))


@pytest.mark.parametrize("words", ["", "a photo of a"])
def test_a_name_that_the_tokenizer_had_to_cut_is_refused(words):
    with pytest.raises(ValueError, match=r"does not fit.*shorten the name"):
        PromptEncoder(toy_clip(), ["owl " * 60], 1, words)


def test_no_context_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one context vector"):
        PromptEncoder(toy_clip(), NAMES, 0)


def test_a_tower_that_is_not_causal_is_refused():
    model = toy_clip().model
    model.attn_mask = None
    with pytest.raises(ValueError, match="not causal"):
        PromptEncoder(Clip(model, tokenize), NAMES, 4)
