"""Which encoders can be backbones is known without opening one, and only these are taken or offered."""

from pathlib import Path

import pytest
from toy_world import bench, toy

from benchmark.core.errors import BenchError
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits import run
from benchmark.exhibits.question import Question
from benchmark.features import extraction
from benchmark.suites import suite, towers
from benchmark.suites.suite import Suite

CLIPS = ["RN50", "RN101", "ViT-B/32", "ViT-B/16"]


@pytest.fixture(autouse=True)
def _nothing_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Encoder, "loaded", property(lambda self: pytest.fail(f"{self.role} was loaded")))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["paper", "mini"])
def test_of_a_shipped_suite_the_clips_are_backbones(name: str) -> None:
    assert towers.backbones(suite.load(name)) == CLIPS


def with_loaders(**loaders: dict[str, object]) -> Suite:
    return toy(encoders={"RN50": {"loader": "benchmark.encoders.published:clip", "slot": "clip_rn50"}, **loaders})


@pytest.mark.parametrize(
    ("table", "can"),
    [
        ({"loader": "benchmark.encoders.published:auxiliary", "slot": "dino_rn50"}, False),
        ({"loader": "benchmark.encoders.published:timm_model", "name": "resnet18"}, False),
        ({"loader": "benchmark.encoders.published:open_clip_pair", "arch": "RN50", "pretrained": "openai"}, True),
        ({"loader": "benchmark.encoders.imported:features", "network": False}, False),
        ({"loader": "benchmark.encoders.imported:clip", "file": "x", "network": False}, True),
        ({"loader": "benchmark.mini.encoders:auxiliary"}, False),
        ({"loader": "toy_world:projection"}, None),
        ({"loader": "toy_world:projection", "text": False}, False),
        ({"loader": "toy_world:clip", "text": True}, True),
        ({"loader": "nowhere:clip"}, None),
    ],
)
def test_the_loader_or_the_suite_says_it(table: dict[str, object], can: bool | None) -> None:
    assert towers.text_tower(with_loaders(other=table), "other") is can


def test_an_encoder_without_a_text_tower_is_refused_with_those_that_have_one() -> None:
    blind = with_loaders(dino={"loader": "benchmark.encoders.published:auxiliary", "slot": "dino_rn50"})
    question = Question("baselines.zero_shot:ZeroShotCLIP", dataset="imagenet", backbone="dino", shots=0)
    with pytest.raises(BenchError, match=r"^dino has no text tower, so it cannot be .* suite toy these can: RN50$"):
        run.make(blind, question, 0)


@pytest.mark.parametrize(
    ("backbone", "said"),
    [
        (
            "mocov3",
            "bench: mocov3 has no text tower, so it cannot be a backbone; of suite paper these can: RN50, RN101, ",
        ),
        ("moco", "bench: unknown backbone of suite paper (or open_clip:ARCH/TAG) 'moco': there are RN50, RN101, "),
        ("timm:resnet18", "bench: unknown backbone of suite paper (or open_clip:ARCH/TAG) 'timm:resnet18': "),
    ],
)
def test_typed_as_a_backbone_it_is_refused_in_one_line(
    backbone: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "extract", lambda *_, **__: pytest.fail("something was encoded"))
    code, out, err = bench("run", "--suite", "paper", "--table", "4", "--backbone", backbone)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(said)
    assert "dino" not in err
