"""The names as a tree, and the text tower over it against the model's own blocks, image by image."""

import pytest
import torch

from baselines.prompt_tree import tree
from baselines.prompts import PromptEncoder
from benchmark.core.libraries import open_clip
from benchmark.methods.clip import Clip
from benchmark.methods.contract.toy import CONTEXT, END, tokenize, toy_clip

NAMES = ["small_red bee", "ant", "small red", "crab", "small red", "very old, very small crab", "yak"]


def test_what_names_begin_with_alike_is_one_node():
    """1 2 9, 1 3 9 and 4 9: the first two share node 1."""
    t = tree([[1, 2, 9], [1, 3, 9], [4, 9]])
    assert t.tokens.tolist() == [1, 4, 2, 3, 9, 9, 9]
    assert t.depth.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert [level.nodes for level in t.levels] == [slice(0, 2), slice(2, 5), slice(5, 7)]
    assert [level.path.tolist() for level in t.levels] == [[[0], [1]], [[0, 2], [0, 3], [1, 4]], [[0, 2, 5], [0, 3, 6]]]
    assert [level.nodes.tolist() for level in t.ends] == [[4], [5, 6]]
    assert [level.path.tolist() for level in t.ends] == [[[1, 4]], [[0, 2, 5], [0, 3, 6]]]
    assert t.classes.tolist() == [1, 2, 0]


def test_equal_names_end_in_one_node_and_a_beginning_is_no_end():
    t = tree([[1, 9], [1, 9], [1, 2, 9]])
    assert t.classes.tolist() == [0, 0, 1]
    assert t.tokens.tolist() == [1, 2, 9, 9]  # the second 9 lies behind the 2
    assert [level.nodes.tolist() for level in t.ends] == [[2], [3]]


def contexts(images, n_ctx=4):
    return torch.randn(images, n_ctx, 24, generator=torch.Generator().manual_seed(3)).requires_grad_()


def full_length(clip, classnames, context):
    """The slow twin of one image: every class a whole prompt, every token of it through every block."""
    model, n = clip.model, len(context)
    tokens = clip.tokenize([" ".join(["X"] * n) + f" {name.replace('_', ' ')}." for name in classnames])
    embedded = model.token_embedding(tokens)
    embedded = torch.cat([embedded[:, :1], context.expand(len(tokens), -1, -1), embedded[:, 1 + n :]], 1)
    x = model.transformer(embedded + model.positional_embedding, attn_mask=model.attn_mask)
    x = model.ln_final(x)
    return torch.stack([x[i, row.argmax()] @ model.text_projection for i, row in enumerate(tokens)])


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_words_that_the_context_leaves_stay_in_front_of_the_names(layers):
    clip, context = clip_of_layers(layers), contexts(3)
    alike = [f"of a {name}" for name in NAMES]  # without the two words, names that begin with them
    fast = PromptEncoder(clip, NAMES, 4, "a big old photo of a")(context)
    assert torch.allclose(fast, torch.stack([full_length(clip, alike, one) for one in context]), atol=1e-5)


def clip_of_layers(layers):
    text = {"context_length": CONTEXT, "vocab_size": END + 1, "width": 24, "heads": 2, "layers": layers}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        vision = {"image_size": 16, "patch_size": 8, "width": 24, "head_width": 12, "layers": 1}
        return Clip(open_clip.CLIP(embed_dim=16, vision_cfg=vision, text_cfg=text), tokenize)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("names", [NAMES, NAMES[:1]])
def test_features_and_gradients_equal_the_full_length_way_image_by_image(layers, names):
    clip = clip_of_layers(layers)
    one, two = contexts(3), contexts(3)
    fast = PromptEncoder(clip, names, 4)(one)
    slow = torch.stack([full_length(clip, names, context) for context in two])
    assert fast.shape == (3, len(names), 16)
    assert torch.allclose(fast, slow, rtol=1e-5, atol=1e-5)

    weights = torch.randn(slow.shape, generator=torch.Generator().manual_seed(4))
    (fast * weights).sum().backward()
    (slow * weights).sum().backward()
    assert two.grad.abs().max() > 0.01
    assert torch.allclose(one.grad, two.grad, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_for_one_context_it_is_the_encoder_that_all_classes_share():
    clip = toy_clip()
    context = contexts(1)
    assert torch.allclose(
        PromptEncoder(clip, NAMES, 4)(context)[0], PromptEncoder(clip, NAMES, 4)(context[0]), atol=1e-5
    )


def test_no_gradient_reaches_clip():
    clip = toy_clip()
    PromptEncoder(clip, NAMES, 4)(contexts(2)).sum().backward()
    assert all(parameter.grad is None for parameter in clip.model.parameters())


def test_what_does_not_fit_is_refused_as_by_the_other_encoder():
    with pytest.raises(ValueError, match=r"takes 33 of 32 positions .* try n_ctx=27"):
        PromptEncoder(toy_clip(), ["ant", "old owl"], 28)
