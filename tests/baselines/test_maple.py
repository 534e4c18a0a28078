"""MaPLe: both prompted towers against the model's own blocks, and which towers are refused."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from baselines import maple
from baselines.maple import RECIPE, MaPLe
from baselines.prompted_vit import PromptedViT
from baselines.prompts import PromptEncoder
from benchmark.core.libraries import open_clip
from benchmark.methods.clip import Clip
from benchmark.methods.contract.toy import CONTEXT, END, tokenize, toy_clip, toy_task

NAMES = ["small_red bee", "ant", "crab"]


def clip_of_layers(text_layers, vision_layers, **vision):
    text = {"context_length": CONTEXT, "vocab_size": END + 1, "width": 24, "heads": 2, "layers": text_layers}
    tower = {"image_size": 16, "patch_size": 8, "width": 36, "head_width": 12, "layers": vision_layers, **vision}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Clip(open_clip.CLIP(embed_dim=16, vision_cfg=tower, text_cfg=text), tokenize, lambda x: x / 127.5 - 1)


def task_of(clip):
    return toy_task(spaces=("clip", "pixels"), clip=clip)


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def slow_text(clip, name, prompts):
    """One class: the released text, tokenised whole, through the model's own blocks, its places 1 … M overwritten.

    The released text is "a photo of a NAME." for up to four vectors, and a placeholder for each of more.
    """
    model, n = clip.model, prompts.shape[1]
    tokens = clip.tokenize([f"{'a photo of a' if n <= 4 else ' '.join('X' * n)} {name.replace('_', ' ')}."])
    x = model.token_embedding(tokens)
    x[:, 1 : 1 + n] = prompts[0]
    x = x + model.positional_embedding
    for i, block in enumerate(model.transformer.resblocks):
        if 0 < i < len(prompts):
            x[:, 1 : 1 + n] = prompts[i]
        x = block(x, attn_mask=model.attn_mask)
    return model.ln_final(x)[0, tokens.argmax()] @ model.text_projection


def slow_image(clip, image, prompts):
    """One image: class token, patches and prompts through the model's own blocks, the last M tokens overwritten."""
    tower, n = clip.model.visual, prompts.shape[1]
    x = tower._embeds(image[None])
    x = torch.cat([x, tower.ln_pre(prompts[:1])], 1)
    for i, block in enumerate(tower.transformer.resblocks):
        if 0 < i < len(prompts):
            x[:, -n:] = prompts[i]
        x = block(x)
    return (tower.ln_post(x)[:, 0] @ tower.proj)[0]


@torch.no_grad()
@pytest.mark.parametrize("n_ctx", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_deep_text_prompts_equal_the_full_length_way(depth, n_ctx):
    clip, prompts = clip_of_layers(3, 1), drawn(depth, n_ctx, 24)
    fast = PromptEncoder(clip, NAMES, n_ctx, "a photo of a")(prompts[0], list(prompts[1:]))
    for c, name in enumerate(NAMES):
        assert torch.allclose(fast[c], slow_text(clip, name, prompts), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_deep_image_prompts_equal_the_towers_own_blocks(depth):
    clip, prompts = clip_of_layers(1, 3), drawn(depth, 2, 36)
    images = drawn(4, 3, 16, 16)
    fast = PromptedViT(clip)(images, list(prompts))
    for i, image in enumerate(images):
        assert torch.allclose(fast[i], slow_image(clip, image, prompts), atol=1e-5)
    assert not torch.allclose(fast, clip.model.encode_image(images), atol=1e-2)


@torch.no_grad()
def test_with_a_prompt_of_no_tokens_it_is_the_tower_itself():
    clip, images = clip_of_layers(1, 2), drawn(3, 3, 16, 16)
    assert torch.allclose(PromptedViT(clip)(images, [drawn(0, 36)]), clip.model.encode_image(images), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("n_ctx", [1, 2, 3, 4, 5])
def test_logits_are_scale_times_the_cosine_of_both_prompted_towers(n_ctx):
    clip = clip_of_layers(2, 2)
    task = task_of(clip)
    predictor = MaPLe(n_ctx=n_ctx, depth=2, ctx_std=1.0)
    predictor.build(task)
    x = task.val.view()
    s = predictor.scores(x)
    text = torch.stack([predictor.context, *predictor.deep])
    image = torch.stack([p @ f.weight.T + f.bias for f, p in zip(predictor.maps, text, strict=True)])
    for i, pixels in enumerate(x["pixels"]):
        f = slow_image(clip, pixels / 127.5 - 1, image)
        for c, name in enumerate(task.classnames):
            cosine = F.cosine_similarity(f, slow_text(clip, name, text), 0)
            assert s.fused[i, c].item() == pytest.approx(20 * cosine.item(), abs=1e-3)
    assert torch.allclose(s.zero_shot, 20 * F.normalize(x["clip"], dim=1) @ task.text.T, atol=1e-4)


def test_the_first_prompt_begins_at_the_words_and_the_others_are_drawn():
    task = task_of(clip_of_layers(3, 3))
    predictor = MaPLe(ctx_std=0.5)
    predictor.build(task)
    words = task.clip.model.token_embedding(task.clip.tokenize(["a photo"]))[0, 1:3]
    assert torch.equal(predictor.context, words)
    assert len(predictor.deep) == 2
    assert torch.stack(list(predictor.deep)).std().item() == pytest.approx(0.5, rel=0.2)


@torch.no_grad()
def test_before_training_the_text_of_a_prompt_in_the_first_layer_is_zero_shot_clip_s():
    task = task_of(toy_clip())  # its text classifier has the template "a photo of a {}."
    predictor = MaPLe(depth=1)
    predictor.build(task)
    assert torch.allclose(predictor.text(), task.text, atol=1e-5)


def test_more_vectors_than_words_are_drawn_as_the_deep_prompts_are():
    predictor = MaPLe(n_ctx=9, ctx_std=0.5)
    predictor.build(task_of(clip_of_layers(3, 3)))
    assert [p.shape for p in (predictor.context, *predictor.deep)] == 3 * [(9, 24)]
    assert predictor.context.std().item() == pytest.approx(0.5, rel=0.2)
    assert not torch.equal(predictor.context, predictor.deep[0])


def test_the_maps_behind_the_first_begin_alike_and_are_three_of_their_own():
    predictor = MaPLe()
    predictor.build(task_of(clip_of_layers(3, 3)))
    first, second, third = (f.weight for f in predictor.maps)
    assert torch.equal(second, third)
    assert not torch.equal(first, second)
    assert second.data_ptr() != third.data_ptr()


@pytest.mark.parametrize(("text", "vision", "depth"), [(2, 3, 2), (3, 2, 2), (3, 3, 3), (4, 5, 3)])
def test_the_depth_is_clipped_to_the_shallower_tower(text, vision, depth):
    predictor = MaPLe()
    predictor.build(task_of(clip_of_layers(text, vision)))
    assert len(predictor.maps) == depth
    assert len(predictor.deep) == depth - 1
    assert predictor.settings()["depth"] == 3


def test_gradients_reach_every_prompt_and_map_and_nothing_of_clip():
    task = task_of(clip_of_layers(2, 2))
    predictor = MaPLe()
    predictor.build(task)
    predictor(task.support.view()).square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in predictor.parameters())
    assert all(p.grad is None for p in task.clip.model.parameters())


@torch.no_grad()
def test_few_images_at_a_time_are_scored_as_all_at_once(monkeypatch):
    task = task_of(toy_clip())
    predictor = MaPLe()
    predictor.build(task)
    x = task.support.view()
    whole = predictor(x)
    predictor.remembered.last = None
    monkeypatch.setattr(maple, "IMAGES", 3)
    assert torch.allclose(predictor(x), whole, atol=1e-4)


def test_a_prompt_of_no_vectors_is_refused():
    with pytest.raises(ValueError, match="at least one context vector"):
        MaPLe(n_ctx=0).build(task_of(toy_clip()))


def test_a_depth_of_nothing_is_refused():
    with pytest.raises(ValueError, match="depth=0"):
        MaPLe(depth=0)


def test_a_tower_that_is_no_vit_is_refused_and_told_what_to_take():
    clip = toy_clip()
    clip.model.visual = nn.Flatten()
    with pytest.raises(ValueError, match="image tower is a Flatten; take a ViT backbone"):
        MaPLe().build(task_of(clip))


def test_a_vit_that_averages_its_patches_is_refused():
    with pytest.raises(ValueError, match="at the class token"):
        MaPLe().build(task_of(clip_of_layers(2, 2, pool_type="avg")))


def test_a_clip_that_cannot_take_pixels_says_so():
    task = task_of(toy_clip())
    with pytest.raises(ValueError, match=r"Clip\(model, tokenizer, preprocess\)"):
        MaPLe().fit(replace(task, clip=Clip(task.clip.model, tokenize)))


@pytest.mark.parametrize("prompts", [0, 3])
def test_more_prompts_than_layers_or_none_are_refused(prompts):
    with pytest.raises(ValueError, match="ViT that has 2"):
        PromptedViT(toy_clip())(torch.zeros(1, 3, 16, 16), [torch.zeros(1, 24)] * prompts)
    with pytest.raises(ValueError, match="text tower has 2 layers"):
        PromptEncoder(toy_clip(), NAMES, 1)(torch.zeros(1, 24), [torch.zeros(1, 24)] * 2)


def test_the_recipe_is_the_released_one_of_the_cross_data_set_model():
    assert (RECIPE.batch_size, RECIPE.epochs, RECIPE.lr, RECIPE.optimizer) == (4, 2, 0.0026, "sgd")
    assert (RECIPE.warmup_epochs, RECIPE.warmup_lr) == (1, 1e-5)
