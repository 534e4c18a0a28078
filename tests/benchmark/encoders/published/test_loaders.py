"""Published encoders give the features that their own networks give, and nothing is fetched or changed unasked."""

import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fake_weights
import huggingface_hub
import numpy as np
import pytest
import torch
from fake_weights import in_hub
from PIL import Image
from torch import Tensor
from torch.nn.modules import module
from toy_methods import rounding
from toy_world import WORLDS, here, toy

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.libraries import open_clip, timm
from benchmark.core.settings import read
from benchmark.data import views
from benchmark.encoders.encoder import Encoder
from benchmark.encoders.published import containers, from_files, loaders, networks, slots
from benchmark.encoders.published.convert import convert
from benchmark.features import requests
from benchmark.features.requests import Request
from benchmark.suites.suite import Suite

CLIPS = [slot for slot in fake_weights.PUBLISHED if slot.startswith("clip")]
AUXILIARIES = [slot for slot in fake_weights.PUBLISHED if not slot.startswith("clip")]
IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 224, 224), dtype=np.uint8))
SMALL = IMAGES[:, :, :176, :176]
"""Images in the size that timm's resnet10t was trained with."""


def opened(slot: str) -> Encoder:
    return (
        loaders.clip("role", slot, settings=read())
        if slot in CLIPS
        else loaders.auxiliary("role", slot, settings=read())
    )


def normalised(images: Tensor, name: str) -> Tensor:
    mean, std = slots.NORMALISATIONS[name]
    return torch.stack([(images[:, c] / 255 - mean[c]) / std[c] for c in range(3)], dim=1)


def close(ours: Tensor, theirs: Tensor) -> bool:
    return torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize("slot", CLIPS)
def test_features_of_a_clip_are_those_of_encode_image(slot: str, all_here: Path) -> None:
    encoder = opened(slot)
    ours = encoder.encode(IMAGES, 2)
    assert close(ours, fake_weights.network(slot).encode_image(normalised(IMAGES, "clip")))
    assert encoder.clip is not None
    with torch.no_grad():
        assert close(ours, encoder.clip.model.encode_image(encoder.clip.preprocess(IMAGES)))
    assert encoder.clip.logit_scale == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize("slot", AUXILIARIES)
def test_features_of_an_auxiliary_encoder_are_its_networks_own(slot: str, all_here: Path) -> None:
    """timm's own loader accepts the raw MoCo v3 file, loads nothing of it and says nothing."""
    assert close(opened(slot).encode(IMAGES, 2), fake_weights.network(slot)(normalised(IMAGES, "imagenet")))


def test_features_by_place_are_clips_own(all_here: Path) -> None:
    ours = opened("clip_vitb32").encode(IMAGES, 2, spatial=True)
    theirs = networks.spatial(fake_weights.network("clip_vitb32"), normalised(IMAGES, "clip"))
    assert ours.shape == (3, 49, 32)
    assert close(ours, theirs)
    with pytest.raises(ValueError, match="no spatial features"):
        opened("dino_rn50").encode(IMAGES, 2, spatial=True)


def test_the_zero_shot_classifier_is_the_one_that_open_clip_builds(all_here: Path) -> None:
    clip: Any = opened("clip_rn50").clip
    names, templates = ["great_white shark", "missile", "F/A-18"], list(open_clip.SIMPLE_IMAGENET_TEMPLATES)
    templates = [template("{}") for template in templates]
    spaced = [name.replace("_", " ") for name in names]
    network, tokenizer = fake_weights.network("clip_rn50"), open_clip.get_tokenizer("RN50-quickgelu")
    theirs = open_clip.build_zero_shot_classifier(network, tokenizer, spaced, templates)
    assert len(templates) == 7
    assert torch.allclose(clip.classifier(names, templates), theirs.T, atol=1e-6)


def test_preprocessing_is_open_clips_bit_for_bit(all_here: Path) -> None:
    picture = Image.fromarray(IMAGES[0].permute(1, 2, 0).numpy())
    clip = opened("clip_vitb16").clip
    assert clip is not None
    theirs = open_clip.image_transform(
        224, is_train=False, mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD
    )
    assert torch.equal(clip.preprocess(IMAGES[:1])[0], theirs(picture))


def test_a_text_that_would_be_cut_is_named(all_here: Path) -> None:
    clip = opened("clip_vitb32").clip
    assert clip is not None
    fits, long = " ".join(["cat"] * 75), " ".join(["cat"] * 76)
    ids = clip.tokenize(["a dog", fits])
    assert torch.equal(ids, open_clip.get_tokenizer("ViT-B-32")(["a dog", fits]))
    with pytest.raises(BenchError, match=r"text 'cat cat .*\.\.\.' has 78 tokens, CLIP reads 77"):
        clip.tokenize(["a dog", long])


def test_an_encoder_that_left_eval_mode_is_not_used(all_here: Path) -> None:
    encoder = opened("clip_rn50")
    assert encoder.clip is not None
    before = {name: t.clone() for name, t in encoder.clip.model.state_dict().items()}
    encoder.encode(IMAGES, 2)
    assert all(torch.equal(t, before[name]) for name, t in encoder.clip.model.state_dict().items())
    encoder.clip.model.visual.bn1.train()
    with pytest.raises(AssertionError, match="left eval mode"):
        encoder.encode(IMAGES, 2)


def test_images_of_another_size_are_refused(all_here: Path) -> None:
    with pytest.raises(BenchError, match="takes 224 x 224 images, these have 48 x 64 pixels"):
        opened("mocov3_rn50").encode(IMAGES[:, :, :48, :64], 2)


@pytest.mark.parametrize("slot", ["clip_rn50", "mocov3_rn50"])
def test_a_network_computes_with_cudnn_and_without_tf32(slot: str, all_here: Path) -> None:
    encoder, seen = opened(slot), set()
    encoder.loaded  # noqa: B018 - the network is built without the hook
    hook = module.register_module_forward_hook(lambda *_: seen.add(rounding()))
    before = rounding()
    with hook:
        encoder.encode(IMAGES[:1], 1)
    assert seen == {("highest", False, False, True)}
    assert rounding() == before


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.05), ("fp16", 0.01)])
def test_half_precision_is_near_and_has_its_own_fingerprint(
    precision: str, tolerance: float, all_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = opened("mae_vitb16")
    expected = full.encode(IMAGES[:1], 1)
    monkeypatch.setenv("BENCH_PRECISION", precision)
    half = opened("mae_vitb16")
    found = half.encode(IMAGES[:1], 1)
    assert found.dtype == torch.float32
    assert torch.equal(half.forward(IMAGES[:1]).float(), found)
    assert 0 < float((found - expected).norm() / expected.norm()) < tolerance
    assert half.fingerprint != full.fingerprint


# --- names


def test_asking_for_a_fingerprint_builds_nothing(all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "build_clip", None)
    assert len({opened(slot).fingerprint for slot in fake_weights.PUBLISHED}) == 9


def test_the_fingerprint_is_of_the_weights_and_not_of_the_file(all_here: Path) -> None:
    before = {slot: opened(slot).fingerprint for slot in ("clip_rn50", "milan_vitb16")}
    for slot in before:
        file = slots.find(slot, read())
        assert file is not None
        assert convert(file, slot, all_here) == slots.find(slot, read()) != file
    assert {slot: opened(slot).fingerprint for slot in before} == before
    ours = opened("clip_rn50").encode(IMAGES, 2)
    assert close(ours, fake_weights.network("clip_rn50").encode_image(normalised(IMAGES, "clip")))


def test_cafos_normalisation_and_the_mean_patch_are_other_features(all_here: Path) -> None:
    as_cafo = loaders.auxiliary("dino", "dino_rn50", normalisation="clip", settings=read())
    assert close(as_cafo.encode(IMAGES, 2), fake_weights.network("dino_rn50")(normalised(IMAGES, "clip")))
    patches = loaders.auxiliary("mae", "mae_vitb16", pool="patch_mean", settings=read())
    network = fake_weights.network("mae_vitb16")
    tokens = network.forward_features(normalised(IMAGES, "imagenet"))
    assert close(patches.encode(IMAGES, 2), tokens[:, 1:].mean(1))
    fingerprints = [
        as_cafo.fingerprint,
        patches.fingerprint,
        opened("dino_rn50").fingerprint,
        opened("mae_vitb16").fingerprint,
    ]
    assert len(set(fingerprints)) == 4


def test_mistyped_options_are_said(all_here: Path) -> None:
    with pytest.raises(BenchError, match="did you mean 'patch_mean'"):
        loaders.auxiliary("mae", "mae_vitb16", pool="patchmean", settings=read())
    with pytest.raises(BenchError, match="needs a ViT, and dino_rn50 is a ResNet"):
        loaders.auxiliary("dino", "dino_rn50", pool="patch_mean", settings=read())
    with pytest.raises(BenchError, match="unknown normalisation 'openai'"):
        loaders.auxiliary("dino", "dino_rn50", normalisation="openai", settings=read())


def test_a_device_or_precision_that_is_not_there_is_said(all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("gpu", "cuda:99"):
        monkeypatch.setenv("BENCH_DEVICE", device)
        with pytest.raises(BenchError, match=f"^device '{device}' cannot be used .*; --device cpu always can$"):
            opened("dino_rn50").encode(IMAGES, 2)
    monkeypatch.setenv("BENCH_PRECISION", "fp61")
    with pytest.raises(BenchError, match="unknown precision 'fp61': did you mean 'fp16'"):
        opened("dino_rn50")


# --- timm's and open_clip's own weights


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and no way to fetch anything."""

    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("something was fetched")

    folder = home.parent / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    return folder


def test_a_timm_model_gives_its_pooled_features(hub: Path) -> None:
    model = timm.create_model("resnet10t.c3_in1k", pretrained=False).eval()
    in_hub(hub, "timm/resnet10t.c3_in1k", "model.safetensors", model.state_dict())
    encoder = loaders.timm_model("aux", "resnet10t.c3_in1k", settings=read())
    settings = model.pretrained_cfg
    mean, std = (torch.tensor(settings[name])[:, None, None] for name in ("mean", "std"))
    with torch.no_grad():
        theirs = model.forward_head(model.forward_features((SMALL / 255 - mean) / std), pre_logits=True)
    assert close(encoder.encode(SMALL, 2), theirs)
    assert encoder.resizing == (176, "bicubic")


@pytest.mark.parametrize(
    ("name", "resizing"),
    [
        ("vit_small_patch14_dinov2.lvd142m", (518, "bicubic")),
        ("vit_base_patch16_siglip_256.webli", (256, "bicubic")),
        ("resnet18.tv_in1k", (224, "bilinear")),
    ],
)
def test_size_and_interpolation_of_the_images_are_those_of_the_models_training(
    name: str, resizing: tuple[int, str], hub: Path
) -> None:
    in_hub(hub, timm.get_pretrained_cfg(name).hf_hub_id, "model.safetensors", {"a": torch.ones(1)})
    assert loaders.timm_model("aux", name, settings=read()).resizing == resizing


def test_a_file_of_an_older_network_goes_through_timms_own_conversion(hub: Path) -> None:
    """Swin's published files have buffers that today's network computes; a CLIP's image tower has open_clip's names."""
    small = {"img_size": 224, "patch_size": 4, "embed_dim": 96, "depths": (2, 2, 6, 2)}
    model = timm.create_model("swin_tiny_patch4_window7_224.ms_in1k", pretrained=False, **small).eval()
    old = {**model.state_dict(), "layers.0.blocks.0.attn.relative_position_index": torch.zeros(49, 49).long()}
    older = {"head.fc.": "head.", **{f"layers.{n + 1}.downsample": f"layers.{n}.downsample" for n in range(3)}}
    for now, before in older.items():
        old = {name.replace(now, before): t.clone() for name, t in old.items()}
    in_hub(hub, "timm/swin_tiny_patch4_window7_224.ms_in1k", "model.safetensors", old)
    ours = loaders.timm_model("aux", "swin_tiny_patch4_window7_224.ms_in1k", settings=read()).encode(IMAGES[:1], 1)
    model.reset_classifier(0)
    with torch.no_grad():
        assert close(ours, model(normalised(IMAGES[:1], "imagenet")))


def test_the_image_tower_of_a_whole_clip_is_a_timm_model(hub: Path) -> None:
    name = "vit_base_patch32_clip_quickgelu_224.openai"
    sizes = open_clip.get_model_config("ViT-B-32")
    text = {**sizes["text_cfg"], "layers": 1}
    whole = open_clip.CLIP(sizes["embed_dim"], sizes["vision_cfg"], text, quick_gelu=True).eval()
    known = timm.get_pretrained_cfg(name)
    in_hub(hub, known.hf_hub_id, known.hf_hub_filename or "model.safetensors", whole.state_dict())
    pooled = whole.visual.forward_intermediates(
        normalised(IMAGES[:1], "clip"),
        indices=1,
        normalize_intermediates=True,
        intermediates_only=True,
        output_extra_tokens=True,
    )["image_intermediates_prefix"][-1][:, 0]
    ours = loaders.timm_model("aux", name, settings=read()).encode(IMAGES[:1], 1)
    assert close(ours, pooled.detach())


def test_a_model_whose_features_are_maps_is_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models.ResNet, "forward_head", lambda self, x, **_: x)
    model = timm.create_model("resnet10t.c3_in1k", pretrained=False)
    in_hub(hub, "timm/resnet10t.c3_in1k", "model.safetensors", model.state_dict())
    with pytest.raises(BenchError, match=r"timm:resnet10t\.c3_in1k: gives maps or lists"):
        loaders.timm_model("aux", "resnet10t.c3_in1k", settings=read()).encode(SMALL, 2)


def test_a_timm_model_is_loaded_strictly(hub: Path) -> None:
    state = timm.create_model("resnet10t.c3_in1k", pretrained=False).state_dict()
    in_hub(hub, "timm/resnet10t.c3_in1k", "model.safetensors", {n: t for n, t in state.items() if n != "bn1.weight"})
    with pytest.raises(BenchError, match="does not fit its network"):
        loaders.timm_model("aux", "resnet10t.c3_in1k", settings=read()).encode(IMAGES, 2)


def test_weights_that_are_not_here_are_not_fetched_unasked(hub: Path) -> None:
    with pytest.raises(
        Incomplete, match=r"^timm:resnet18: .*--download they are fetched from https://huggingface.co/timm/res"
    ):
        loaders.timm_model("aux", "resnet18", settings=read())
    with pytest.raises(Incomplete, match=r"^open_clip:RN50-quickgelu/openai: .* not here; with --download"):
        loaders.open_clip_pair("RN50", "RN50-quickgelu", "openai", settings=read())


def test_what_cannot_be_fetched_is_said_in_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    monkeypatch.setenv("BENCH_DOWNLOAD", "1")
    with pytest.raises(
        Incomplete, match=r"could not be fetched from https://huggingface.co/timm/resnet18.* \(no route to host\)"
    ):
        loaders.timm_model("aux", "resnet18", settings=read())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet5O", "has no model of this name"),
        ("vit_base_patch16_sapiens2.fb", "takes images of 3 x 1024 x 768 "),
        ("gcvit_tiny.in1k", r"its weights are on no hub; fetch https://\S+ and write timm:gcvit_tiny.in1k@FILE"),
        ("resnet18.foo", "timm has no weights of this name; there are: resnet18.a"),
        ("resnet18.", "timm has no weights of this name"),
        ("", "has no model of this name"),
    ],
)
def test_a_timm_model_that_cannot_be_used_is_said(name: str, said: str, hub: Path) -> None:
    with pytest.raises(BenchError, match=said):
        loaders.timm_model("aux", name, settings=read())


TINY = {"embed_dim": 16, "vision_cfg": {"image_size": 224, "patch_size": 32, "layers": 1, "width": 64}}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}


@pytest.mark.parametrize("quick", [True, False])
def test_an_open_clip_pair_has_the_activation_it_was_trained_with(
    quick: bool, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the architecture is called: its tag says whether it was trained with QuickGELU."""
    (tmp_path / "tiny-clip.json").write_text(json.dumps({**TINY, "text_cfg": TEXT}))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    model = open_clip.CLIP(**open_clip.get_model_config("tiny-clip"), quick_gelu=quick).eval()
    in_hub(hub, "lab/tiny", "open_clip_model.safetensors", model.state_dict())
    settings = {"hf_hub": "lab/tiny/", "mean": (0.4,) * 3, "std": (0.3,) * 3, "quick_gelu": quick}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: settings)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["own"])
    encoder = loaders.open_clip_pair("RN50", "tiny-clip", "own", settings=read())
    with torch.no_grad():
        assert close(encoder.encode(IMAGES, 2), model.encode_image((IMAGES / 255 - 0.4) / 0.3))
        ids = open_clip.get_tokenizer("tiny-clip")(["a cat"])
        assert encoder.clip is not None
        assert close(encoder.clip.encode_text(["a cat"]), model.encode_text(ids))


def test_an_open_clip_pair_that_does_not_exist_or_fit_is_said(hub: Path, home: Path) -> None:
    with pytest.raises(BenchError, match="unknown open_clip architecture 'RN5O'"):
        loaders.open_clip_pair("RN50", "RN5O", "openai", settings=read())
    with pytest.raises(BenchError, match="unknown tag of open_clip's RN50 'opena1'"):
        loaders.open_clip_pair("RN50", "RN50", "opena1", settings=read())
    with pytest.raises(Incomplete, match="weights are not here"):
        loaders.open_clip_pair("RN50", "ViT-L-14-336-quickgelu", "openai", settings=read())
    with pytest.raises(
        BenchError, match=r"ViT-B-16-SigLIP/webli: its tokenizer timm/ViT-B-16-SigLIP needs .* transformers$"
    ):
        loaders.open_clip_pair("RN50", "ViT-B-16-SigLIP", "webli", settings=read())


class Words:
    """A tokenizer in the form of Hugging Face's: a number for a word, with one at the start and one at the end."""

    def __init__(self, *_: object, **__: object) -> None:
        self.clean_fn, self.tokenizer = str.strip, self

    def __call__(self, texts: Any, length: int = 0) -> Any:
        rows = [[1, *(len(word) + 2 for word in text.split()), 2] for text in ([texts] if length == 0 else texts)]
        if length == 0:
            return type("Encoded", (), {"input_ids": rows[0]})
        return torch.tensor([(row + [0] * length)[:length] for row in rows])


def test_a_clip_with_a_text_tower_of_its_own_is_a_backbone_that_no_method_prompts(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = {"image_size": 64, "timm_model_name": "resnet10t", "timm_model_pretrained": True, "timm_pool": ""}
    text = {
        "context_length": 8,
        "vocab_size": 64,
        "hf_tokenizer_name": "lab/words",
        "width": 64,
        "heads": 1,
        "layers": 1,
    }
    text |= {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
    sizes = {"embed_dim": 16, "custom_text": True, "init_logit_bias": -10, "vision_cfg": vision, "text_cfg": text}
    (tmp_path / "tiny-siglip.json").write_text(json.dumps(sizes))
    open_clip.add_model_config(tmp_path / "tiny-siglip.json")
    rest = {name: part for name, part in sizes.items() if name != "custom_text"}
    model = open_clip.CustomTextCLIP(**{**rest, "vision_cfg": {**vision, "timm_model_pretrained": False}}).eval()
    held = {**model.state_dict(), "logit_scale": model.logit_scale.detach().reshape(1)}
    in_hub(hub, "lab/tiny", "open_clip_model.safetensors", held)
    settings = {"hf_hub": "lab/tiny/", "mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bilinear"}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: settings)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["own"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(open_clip, "get_tokenizer", Words)
    with pytest.raises(Incomplete, match="tokenizer lab/words: its weights are not here"):
        loaders.open_clip_pair("RN50", "tiny-siglip", "own", settings=read())
    in_hub(hub, "lab/words", "tokenizer.json", {"a": torch.ones(1)})
    encoder = loaders.open_clip_pair("RN50", "tiny-siglip", "own", settings=read())
    assert (encoder.resizing, encoder.prompts) == ((64, "bilinear"), "its text tower or tokenizer is another")
    images, words = IMAGES[:, :, :64, :64], ["a cat", "a big dog"]
    assert encoder.clip is not None
    with torch.no_grad():
        assert close(encoder.encode(images, 2), model.encode_image((images / 255 - 0.5) / 0.5))
        assert close(encoder.clip.encode_text(words), model.encode_text(Words()(words, 8)))
    with pytest.raises(BenchError, match="has 10 tokens, CLIP reads 8"):
        encoder.clip.tokenize(["a b c d e f g h"])


def test_only_openais_towers_at_their_size_can_be_prompted() -> None:
    whys = {arch: from_files.unlike_openais(open_clip.get_model_config(arch)) for arch in open_clip.list_models()}
    assert whys["ViT-B-16"] == whys["RN50-quickgelu"] == ""
    assert whys["ViT-L-14-336"] == "it takes images of 336 pixels"
    assert whys["ViT-B-16-SigLIP"] == whys["coca_ViT-B-32"] == "its text tower or tokenizer is another"


def test_openais_own_file_serves_an_open_clip_pair(hub: Path, all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the file name in the tag's address."""
    narrow = {"embed_dim": 32, "vision_cfg": {"image_size": 224, "patch_size": 32, "layers": 12, "width": 64}}
    monkeypatch.setattr(open_clip, "get_model_config", lambda _: {**narrow, "text_cfg": {**TEXT, "layers": 12}})
    encoder = loaders.open_clip_pair("ViT-B/32", "ViT-B-32", "openai", settings=read())
    assert close(encoder.encode(IMAGES, 2), opened("clip_vitb32").encode(IMAGES, 2))
    assert encoder.clip is not None
    assert close(encoder.clip.encode_text(["a cat"]), opened("clip_vitb32").clip.encode_text(["a cat"]))


# --- files of the user's own


def test_a_timm_model_from_a_file_has_the_features_of_its_network_whatever_its_classifier(
    home: Path, tmp_path: Path
) -> None:
    for classes in (0, 3, 1000):
        model = timm.create_model("resnet10t", pretrained=False, num_classes=classes).eval()
        torch.save({"model": model.state_dict()}, tmp_path / "own.pth")
        ours = loaders.timm_model("aux", "resnet10t", str(tmp_path / "own.pth"), settings=read()).encode(SMALL, 2)
        model.reset_classifier(0)
        with torch.no_grad():
            assert close(ours, model(normalised(SMALL, "imagenet")))


@pytest.fixture
def small_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """An architecture "tiny-clip", and its published weights by tag, which a test may change."""
    (tmp_path / "tiny-clip.json").write_text(json.dumps({**TINY, "text_cfg": TEXT}))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    gelu = {"mean": (0.4,) * 3, "std": (0.3,) * 3, "quick_gelu": False}
    tags = {"plain": gelu, "quick": {**gelu, "quick_gelu": True}}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda _, tag: tags[tag])
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: list(tags))
    return tags


def own_clip(file: Path, quick: bool) -> Any:
    model = open_clip.CLIP(**open_clip.get_model_config("tiny-clip"), quick_gelu=quick).eval()
    torch.save({"epoch": 1, "state_dict": {f"module.{n}": t for n, t in model.state_dict().items()}}, file)
    return model


@pytest.mark.parametrize("tag", ["plain", "quick"])
def test_a_clip_from_a_file_has_activation_and_normalisation_of_the_tag(
    tag: str, home: Path, tmp_path: Path, small_clips: dict[str, dict[str, Any]]
) -> None:
    model = own_clip(tmp_path / "own.pt", tag == "quick")
    encoder = loaders.open_clip_pair("own", "tiny-clip", tag, str(tmp_path / "own.pt"), settings=read())
    with torch.no_grad():
        assert close(encoder.encode(IMAGES, 2), model.encode_image((IMAGES / 255 - 0.4) / 0.3))
    tags = [
        loaders.open_clip_pair("own", "tiny-clip", t, str(tmp_path / "own.pt"), settings=read()) for t in small_clips
    ]
    assert len({encoder.fingerprint for encoder in tags}) == 2


def test_without_a_tag_the_published_weights_of_an_architecture_have_to_agree(
    home: Path, tmp_path: Path, small_clips: dict[str, dict[str, Any]]
) -> None:
    model, file = own_clip(tmp_path / "own.pt", True), str(tmp_path / "own.pt")
    with pytest.raises(BenchError, match=r"several activations .* open_clip:tiny-clip/TAG@FILE, of plain, quick$"):
        loaders.open_clip_pair("own", "tiny-clip", file=file, settings=read())
    del small_clips["plain"]
    with torch.no_grad():
        theirs = model.encode_image((IMAGES / 255 - 0.4) / 0.3)
    assert close(loaders.open_clip_pair("own", "tiny-clip", file=file, settings=read()).encode(IMAGES, 2), theirs)


def test_of_an_architecture_without_published_weights_open_clips_own_settings_are_taken(
    home: Path, tmp_path: Path, small_clips: dict[str, dict[str, Any]]
) -> None:
    small_clips.clear()
    model = own_clip(tmp_path / "own.pt", False)
    encoder = loaders.open_clip_pair("own", "tiny-clip", file=str(tmp_path / "own.pt"), settings=read())
    with torch.no_grad():
        assert close(encoder.encode(IMAGES, 2), model.encode_image(normalised(IMAGES, "clip")))


def test_openais_own_file_is_not_taken_with_another_activation_than_its_own(
    all_here: Path, small_clips: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = {"embed_dim": 32, "vision_cfg": {"image_size": 224, "patch_size": 32, "layers": 12, "width": 64}}
    monkeypatch.setattr(open_clip, "get_model_config", lambda _: {**narrow, "text_cfg": {**TEXT, "layers": 12}})
    file = str(all_here / "ViT-B-32.pt")
    with pytest.raises(BenchError, match="is OpenAI's own, which was trained with QuickGELU; name the tag openai"):
        loaders.open_clip_pair("own", "tiny-clip", "plain", file, settings=read())
    assert loaders.open_clip_pair("own", "tiny-clip", "quick", file, settings=read()).source == file


def test_a_file_is_read_once_to_see_that_it_fits(
    home: Path, tmp_path: Path, small_clips: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    own_clip(tmp_path / "own.pt", False)
    os.utime(tmp_path / "own.pt", (1e9, 1e9))  # what was written a moment ago is not remembered
    opened = partial(loaders.open_clip_pair, "own", "tiny-clip", "plain", str(tmp_path / "own.pt"), settings=read())
    first = opened().fingerprint
    monkeypatch.setattr(containers, "load", lambda _: pytest.fail("read again"))
    assert opened().fingerprint == first


# --- the names of features on disk


SQUARES = {"reader": "toy_world:Squares"}


def album(encoder: dict[str, str], **changes: Any) -> Suite:
    """A suite of one data set and one published encoder."""
    datasets = {"imagenet": {"reader": "toy_world:Squares"}}
    return toy(
        datasets=datasets,
        encoders={"aux": {"loader": "benchmark.encoders.published:auxiliary", **encoder}},
        **changes,
    )


def test_whatever_changes_features_changes_their_name(all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official caches are named by data set and shots alone, and after a change of the backbone a stale one is read."""
    pool, mae, dino = Request("imagenet", "aux", "pool", 1), {"slot": "mae_vitb16"}, {"slot": "dino_rn50"}
    suites = {
        "as it is": (pool, album(mae)),
        "other weights": (pool, album({"slot": "milan_vitb16"})),
        "other pooling": (pool, album({**mae, "pool": "patch_mean"})),
        "other normalisation": (pool, album({**mae, "normalisation": "clip"})),
        "other views": (pool, album(mae, views=3)),
        "other split": (replace(pool, part="test"), album(mae)),
        "other draw": (replace(pool, seed=2), album(mae)),
        "DINO": (pool, album(dino)),
        "as CaFo feeds it": (pool, album({**dino, "normalisation": "clip"})),
        "other images": (pool, replace(album(mae), datasets={"imagenet": {**SQUARES, "fingerprint": "squares-2"}})),
    }
    names = {what: requests.path(request, here(suite)) for what, (request, suite) in suites.items()}
    names["drawn otherwise"] = _after(lambda: monkeypatch.setattr(views, "VERSION", views.VERSION + 1), pool, mae)
    for precision in ("bf16", "fp16"):
        names[precision] = _after(lambda: monkeypatch.setenv("BENCH_PRECISION", precision), pool, mae)  # noqa: B023
    assert len(set(names.values())) == len(names)


def _after(change: Callable[[], None], request: Request, encoder: dict[str, str]) -> Path:
    change()
    WORLDS.clear()
    return requests.path(request, here(album(encoder)))
