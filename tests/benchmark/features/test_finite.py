"""Features that are not finite are not kept, and the line names the encoder, its file and the image or class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_weights import state
from toy_world import WORLDS, here, toy

from benchmark.core.errors import BenchError
from benchmark.features import filling, requests, text_classifiers
from benchmark.features.requests import Request
from benchmark.features.text_classifiers import Text

TEST = Request("imagenet", "RN50", "test", 0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "weights"))
    WORLDS.clear()
    return tmp_path / "cache"


def refused(*made: object) -> str:
    with pytest.raises(BenchError) as caught:
        filling.load(*made)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_first_image_is_named_and_nothing_is_kept(cache: Path) -> None:
    suite = toy(encoders={"RN50": {"loader": "toy_broken:endless", "at": 100}})
    data = here(suite).dataset("imagenet")
    broken = np.flatnonzero(data.images("test", data.ids("test"))[:, 0, 0, 0] > 100)
    assert 0 < len(broken) < 160
    said = refused(TEST, here(suite))
    assert said.startswith(f"encoder RN50 (/weights/own.pt): features of {len(broken)} of 160 images are not finite, ")
    assert f"the first of test image {broken[0]} of imagenet; they are not kept" in said
    assert not list(cache.rglob("*.safetensors"))
    assert not requests.path(TEST, here(suite)).exists()


def test_an_image_that_has_a_file_is_named_by_it() -> None:
    suite = toy(
        datasets={"imagenet": {"reader": "toy_broken:Filed"}},
        encoders={"RN50": {"loader": "toy_broken:endless", "at": -1}},
    )
    assert "features of 160 of 160 images are not finite, the first of /squares/test/0.png;" in refused(
        TEST, here(suite)
    )


def test_finite_features_are_kept() -> None:
    suite = toy(encoders={"RN50": {"loader": "toy_broken:endless"}})
    assert filling.load(TEST, here(suite)).shape == (1, 160, 4)


def test_a_precision_that_is_too_narrow_is_a_thing_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PRECISION", "fp16")
    suite = toy(encoders={"RN50": {"loader": "toy_broken:endless", "at": -1}})
    assert "take --precision fp32, as fp16 may be too narrow" in refused(TEST, here(suite))


def test_weights_that_are_not_finite_are_named_with_their_file(tmp_path: Path) -> None:
    tensors = {**state("mocov3_rn50")}
    tensors["layer4.2.conv3.weight"] = tensors["layer4.2.conv3.weight"] * torch.nan
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights" / "mocov3_rn50.pth"
    torch.save({"state_dict": {f"module.base_encoder.{name}": tensor for name, tensor in tensors.items()}}, file)
    encoder = {"loader": "benchmark.encoders.published:auxiliary", "slot": "mocov3_rn50"}
    suite = toy(datasets={"imagenet": {"reader": "toy_broken:Filed"}}, encoders={"RN50": encoder})
    said = refused(TEST, here(suite))
    assert said.startswith(f"encoder RN50 ({file}): features of 160 of 160 images are not finite, ")
    assert said.endswith("get another copy of its weights; bench doctor --deep looks into them")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "text_projection",
            "text features of 16 of 16 classes are not finite, the first of 'colour0'; they are not kept",
        ),
        ("logit_scale", "its logit scale is nan"),
    ],
)
def test_text_features_are_held_to_the_same(where: str, said: str, cache: Path) -> None:
    suite = toy(encoders={"RN50": {"loader": "toy_broken:broken_clip", "where": where}})
    with pytest.raises(BenchError) as caught:
        text_classifiers.load(Text("imagenet", "RN50"), here(suite))
    assert str(caught.value).startswith("encoder RN50 (/weights/clip.pt): ")
    assert said in str(caught.value)
    assert not list(cache.rglob("*.safetensors"))
