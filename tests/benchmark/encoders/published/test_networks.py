"""The published networks at full size, on the meta device: no memory, every name and shape. And CLIP place by place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_weights
import pytest
import torch
from torch import Tensor, nn

from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.encoders.published import containers, networks, slots

CLIPS = {
    "clip_rn50": ("RN50-quickgelu", 489),
    "clip_rn101": ("RN101-quickgelu", 795),
    "clip_vitb32": ("ViT-B-32-quickgelu", 302),
    "clip_vitb16": ("ViT-B-16-quickgelu", 302),
}


def empty(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


@pytest.mark.parametrize("slot", CLIPS)
def test_a_full_size_clip_is_open_clips_quickgelu_configuration(slot: str) -> None:
    name, keys = CLIPS[slot]
    with torch.device("meta"):
        theirs = open_clip.create_model(name, load_weights=False, device="meta")
        kind, tensors = containers.recognise(
            {**theirs.state_dict(), "input_resolution": torch.tensor(224)}, "TorchScript"
        )
        ours = networks.build_clip(tensors)
    assert (kind, containers.architecture(tensors)) == (slots.SLOTS[slot].kind, slots.SLOTS[slot].architecture)
    assert len(tensors) == keys
    assert repr(ours) == repr(theirs)
    assert heads(ours) == heads(theirs)
    assert "QuickGELU" in repr(ours)
    assert "GELU(approximate" not in repr(ours)
    ours.load_state_dict(tensors, strict=True, assign=True)


def modules_like(model: nn.Module, attribute: str) -> list[Any]:
    return [module for module in model.modules() if hasattr(module, attribute)]


def heads(model: nn.Module) -> list[int]:
    return [module.num_heads for module in modules_like(model, "num_heads")]


def bare(slot: str) -> dict[str, Tensor]:
    """Names and shapes of the full-size encoder; a ViT's positions with their values."""
    name = "resnet50" if slot.endswith("rn50") else "vit_base_patch16_224"
    with torch.device("meta"):
        state = dict(timm.create_model(name, num_classes=0).state_dict())
    if "pos_embed" in state:
        state["pos_embed"] = fake_weights.sine_cosine(768, swapped=slot.startswith("mocov3"))
        if slot.startswith("dino"):
            state["pos_embed"] = state["pos_embed"] + 1
    return state


def moco(state: dict[str, Tensor]) -> Any:
    return fake_weights.moco_wrapped(state, empty)


def dino(state: dict[str, Tensor]) -> Any:
    return fake_weights.dino_wrapped(state, empty)


def spark(state: dict[str, Tensor]) -> Any:
    return fake_weights.spark_wrapped(state, empty)


def mae(state: dict[str, Tensor]) -> Any:
    return fake_weights.masked_wrapped(state, ("qkv",), empty)


def milan(state: dict[str, Tensor]) -> Any:
    return fake_weights.masked_wrapped(state, ("q", "kv"), empty)


FULL: list[tuple[str, Callable[[dict[str, Tensor]], Any], int, int]] = [
    ("mocov3_rn50", moco, 663, 318),
    ("mocov3_vitb16", moco, 342, 150),
    ("dino_rn50", lambda state: state, 318, 318),
    ("dino_rn50", dino, 326, 318),
    ("dino_vitb16", lambda state: state, 150, 150),
    ("dino_vitb16", dino, 158, 150),
    ("mae_vitb16", lambda state: {"model": state}, 150, 150),
    ("mae_vitb16", mae, 254, 150),
    ("spark_rn50", lambda state: {"module": state}, 318, 318),
    ("spark_rn50", spark, 320, 318),
    ("milan_vitb16", milan, 270, 150),
]


@pytest.mark.parametrize(("slot", "wrap", "keys", "kept"), FULL)
def test_a_full_size_container_fits_its_network_strictly(slot: str, wrap: Any, keys: int, kept: int) -> None:
    content = wrap(bare(slot))
    assert len(containers.unwrapped(content)) == keys
    kind, tensors = containers.recognise(content)
    assert kind in (slots.SLOTS[slot].kind, slots.SLOTS[slot].alike)
    assert containers.architecture(tensors) == slots.SLOTS[slot].architecture
    assert len(tensors) == kept
    with torch.device("meta"):
        model = networks.build_auxiliary(tensors)
    model.load_state_dict(tensors, strict=True, assign=True)
    assert model.num_features == (2048 if slot.endswith("rn50") else 768)


def test_a_vit_has_twelve_heads_and_gives_its_class_token() -> None:
    model: Any = networks.build_auxiliary(fake_weights.state("mae_vitb16")).eval()
    assert {block.attn.num_heads for block in model.blocks} == {12}
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        tokens = model.forward_features(images)
        assert torch.equal(model(images), tokens[:, 0])
        assert torch.allclose(
            networks.patch_mean(model, images), sum(tokens[:, i] for i in range(1, 197)) / 196, atol=1e-5
        )


@pytest.mark.parametrize("change", ["missing", "left over", "of another shape"])
def test_weights_that_do_not_fit_are_not_used_in_part(change: str) -> None:
    tensors = fake_weights.state("dino_rn50")
    model = networks.build_auxiliary(tensors)
    if change == "missing":
        del tensors["bn1.running_mean"]
    elif change == "left over":
        tensors["fc.weight"] = torch.zeros(2, 256)
    else:
        tensors["bn1.bias"] = torch.zeros(3)
    with pytest.raises(BenchError, match=r"^weights\.pth: does not fit its network.*(bn1|fc)") as caught:
        networks.fill(model, tensors, Path("weights.pth"))
    assert "\n" not in str(caught.value)


def test_filling_keeps_every_bit_of_float32() -> None:
    """open_clip's load_openai_model rounds them to half precision on the way."""
    tensors = {name: t + 1e-5 if t.is_floating_point() else t for name, t in fake_weights.state("clip_vitb32").items()}
    model = networks.build_clip(tensors)
    networks.fill(model, tensors, Path("weights.pt"))
    assert all(torch.equal(t, tensors[name]) for name, t in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_plain_gelu_would_have_given_other_texts() -> None:
    tensors = fake_weights.state("clip_rn50")
    ours = networks.build_clip(tensors)
    networks.fill(ours, tensors, Path("weights.pt"))
    vision, text = {"layers": (3, 4, 6, 3), "width": 8, "image_size": 224}, {"width": 64, "heads": 1, "layers": 12}
    plain = open_clip.CLIP(32, vision, text, quick_gelu=False).eval()
    plain.load_state_dict(tensors)
    ids = open_clip.SimpleTokenizer()(["a photo of a cat"])
    right = fake_weights.network("clip_rn50").encode_text(ids)
    assert torch.allclose(ours.encode_text(ids), right, rtol=1e-5)
    assert not torch.allclose(plain.encode_text(ids), right, rtol=1e-3)


# --- by place


@pytest.mark.parametrize(("slot", "places"), [("clip_rn50", 49), ("clip_vitb32", 49), ("clip_vitb16", 196)])
def test_the_first_of_all_tokens_is_the_image_feature(slot: str, places: int) -> None:
    model, images = fake_weights.network(slot), torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        tokens = networks.at_all_tokens(model, images)
        assert torch.allclose(tokens[:, 0], model.encode_image(images), atol=1e-5)
        assert torch.equal(networks.spatial(model, images), tokens[:, 1:])
    assert tokens.shape == (2, 1 + places, 32)


def test_every_place_of_a_resnet_asks_the_attention_pool() -> None:
    """The pool, slowly: for each place and head, softmax of q·k over all tokens weighs the values."""
    model = fake_weights.network("clip_rn50")
    images = torch.randn(1, 3, 224, 224)
    visual, pool = model.visual, model.visual.attnpool
    with torch.no_grad():
        places = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))[0].flatten(1).T
        tokens = torch.cat([places.mean(0, keepdim=True), places]) + pool.positional_embedding
        query, key, value = (project(tokens) for project in (pool.q_proj, pool.k_proj, pool.v_proj))
        width = query.shape[1] // pool.num_heads
        for place in (0, 17, 48):
            answer = []
            for head in range(pool.num_heads):
                part = slice(head * width, (head + 1) * width)
                weights = (key[:, part] @ query[1 + place, part] / width**0.5).softmax(0)
                answer.append(weights @ value[:, part])
            expected = pool.c_proj(torch.cat(answer))
            assert torch.allclose(networks.spatial(model, images)[0, place], expected, atol=1e-5)


def test_a_text_is_read_no_further_than_its_end() -> None:
    network, tokenizer = fake_weights.network("clip_vitb16"), open_clip.get_tokenizer("ViT-B-16-quickgelu")
    ids = tokenizer(["a cat", "a photo of a great white shark, an animal of the sea.", " ".join(["dog"] * 75)])
    theirs = network.encode_text(ids)
    for some in (ids[:1], ids[:2], ids):
        assert torch.allclose(networks.text(network, some), theirs[: len(some)], rtol=1e-4, atol=1e-5)


def _without(name: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: tensors.pop(name)


def _as(name: str, *shape: int) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: tensors.update({name: torch.zeros(1).expand(*shape)})


MISFITS = {
    "no norm of the text": ("clip_rn50", _without("ln_final.weight")),
    "a projection of one dimension": ("clip_rn50", _as("text_projection", 5)),
    "a width below that of a head": ("clip_vitb32", _as("ln_final.weight", 5)),
    "patches of two dimensions": ("clip_vitb32", _as("visual.conv1.weight", 5, 5)),
    "texts of 40,000 tokens": ("clip_vitb32", _as("positional_embedding", 40_000, 64)),
    "a class token of 10 million channels": ("mae_vitb16", _as("cls_token", 1, 1, 12 * 10**6)),
    "a stage of no network": ("dino_rn50", _as("layer1.0.conv1.weight", 10**7, 1, 1, 1)),
}


@pytest.mark.parametrize(("slot", "change"), MISFITS.values(), ids=MISFITS)
def test_tensors_of_no_network_are_told_before_memory_is_taken(
    slot: str, change: Callable[[dict[str, Tensor]], object]
) -> None:
    tensors = fake_weights.state(slot)
    build = networks.build_clip if slot.startswith("clip") else networks.build_auxiliary
    assert networks.made(build, tensors, Path("f.pt")).state_dict().keys() == tensors.keys()
    change(tensors)
    with pytest.raises(BenchError, match=r"^f\.pt: (its tensors are of no network|does not fit its network)"):
        networks.made(build, tensors, Path("f.pt"))
