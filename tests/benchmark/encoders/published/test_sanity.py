"""A deep look finds what a strict load cannot: weights that no training left."""

from pathlib import Path

import fake_weights
import pytest
import torch
from torch import Tensor
from toy_world import here

from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.encoders.published import loaders, sanity, slots
from benchmark.suites import suite


@pytest.mark.parametrize("slot", fake_weights.PUBLISHED)
def test_published_weights_are_plausible(slot: str, all_here: Path) -> None:
    file = slots.find(slot, read())
    assert file is not None
    assert sanity.amiss(file) == ""


@pytest.mark.parametrize(
    ("slot", "name", "value", "said"),
    [
        ("clip_rn50", "logit_scale", torch.tensor(2.6593), "exp(logit_scale) is 14.29, OpenAI's CLIPs have 100"),
        ("clip_vitb32", "text_projection", torch.tensor(float("nan")), "text_projection holds values that are not"),
        ("dino_rn50", "bn1.running_var", torch.tensor(0.0), "bn1.running_var is not positive"),
    ],
)
def test_what_training_leaves_otherwise_is_said(slot: str, name: str, value: Tensor, said: str, home: Path) -> None:
    state = fake_weights.state(slot)
    file = home / f"{slot}.pth"
    torch.save({**state, name: value.expand_as(state[name]).clone()}, file)
    assert slots.look(slot, read()).usable
    found = loaders.look("clip", "role", slot=slot, deep=True, settings=read())
    assert found is not None
    assert (found.state, found.usable) == (slots.WRONG, False)
    assert found.says.startswith(f"{file}: {said}")


def test_a_look_at_a_role_of_the_suite_is_one_at_its_slot(all_here: Path) -> None:
    found = here(suite.load("paper")).inspect_encoder("mae")
    assert found is not None
    assert (found.name, found.state, found.noncommercial) == ("weights mae_vitb16", "ok", True)
    assert found.line == f"weights mae_vitb16: ok: {found.path}; {found.page} (CC BY-NC 4.0)"


def test_what_will_be_fetched_is_not_missing_to_a_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = suite.load("paper")
    missing = here(paper).inspect_encoder("RN50")
    monkeypatch.setenv("BENCH_DOWNLOAD", "1")
    fetched = here(paper).inspect_encoder("RN50")
    assert missing is not None
    assert fetched is not None
    assert (missing.usable, fetched.usable) == (False, True)
    assert fetched.says == "will be fetched from https://huggingface.co/timm/resnet50_clip.openai"
    dino = here(paper).inspect_encoder("dino")
    assert dino is not None
    assert not dino.usable, "nobody offers it there"


def test_weights_of_timm_and_open_clip_are_not_looked_at_but_opened(home: Path) -> None:
    assert loaders.look("timm_model", "role", name="resnet18", settings=read()) is None
    with pytest.raises(BenchError):
        loaders.timm_model("role", "resnet18", settings=read())
