"""Every published container is recognised by what it holds, and nothing in it is executed."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_weights
import pytest
import safetensors.torch
import torch
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.encoders.published import containers

RESNET, VIT16 = "ResNet of 3-4-6-3 blocks", "ViT of 12 layers, patch 16"
HELD = {
    "clip_rn50": ("TorchScript", "OpenAI's CLIP", RESNET),
    "clip_rn101": ("TorchScript", "OpenAI's CLIP", "ResNet of 3-4-23-3 blocks"),
    "clip_vitb32": ("TorchScript", "OpenAI's CLIP", "ViT of 12 layers, patch 32"),
    "clip_vitb16": ("TorchScript", "OpenAI's CLIP", VIT16),
    "mocov3_rn50": ("torch zip", "MoCo v3", RESNET),
    "dino_rn50": ("torch zip", "bare ResNet", RESNET),
    "mae_vitb16": ("torch zip", "bare ViT with fixed positions", VIT16),
    "spark_rn50": ("torch zip", "bare ResNet", RESNET),
    "milan_vitb16": ("torch zip", "MILAN", VIT16),
}


pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning")


def same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[n].float(), expected[n].float()) for n in found)


@pytest.mark.parametrize("slot", HELD)
def test_a_published_file_gives_its_encoders_tensors_and_no_others(slot: str, originals: Path) -> None:
    container = containers.read(originals / fake_weights.PUBLISHED[slot][0])
    assert (container.form, container.kind, container.architecture) == HELD[slot]
    assert same(container.tensors, fake_weights.state(slot))


WRAPPED: dict[str, tuple[str, str, Callable[[dict[str, Tensor]], Any]]] = {
    "DINO in full: its teacher, not its student": ("dino_rn50", "DINO", fake_weights.dino_wrapped),
    "MAE with its decoder": ("mae_vitb16", "MAE", fake_weights.masked_wrapped),
    "SparK with its decoder and a dict": ("spark_rn50", "SparK", fake_weights.spark_wrapped),
    "MoCo v3 over a ViT": ("mae_vitb16", "MoCo v3", fake_weights.moco_wrapped),
    "a plain CLIP": ("clip_vitb32", "CLIP", lambda bare: bare),
    "a CLIP of several devices": ("clip_rn50", "CLIP", lambda b: {"state_dict": {f"module.{n}": b[n] for n in b}}),
    "a classifier": ("dino_rn50", "network with a classifier", lambda b: {**b, "fc.weight": torch.ones(2, 256)}),
}


@pytest.mark.parametrize("what", WRAPPED)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle of before torch 1.6"])
def test_wrappers_are_taken_off(what: str, zipped: bool, tmp_path: Path) -> None:
    slot, kind, wrap = WRAPPED[what]
    file = tmp_path / "any.name"
    torch.save(wrap(fake_weights.state(slot)), file, _use_new_zipfile_serialization=zipped)
    container = containers.read(file)
    assert container.kind == kind
    assert container.form == ("torch zip" if zipped else "torch pickle")
    if kind != "network with a classifier":
        assert same(container.tensors, fake_weights.state(slot))


def test_safetensors_are_known_by_their_header_under_any_name(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    safetensors.torch.save_file(fake_weights.state("mae_vitb16"), file)
    assert containers.read(file).form == "safetensors"


def test_a_torchscript_archive_gives_what_torch_would_find_in_it(originals: Path) -> None:
    file = originals / "RN50.pt"
    theirs = torch.jit.load(str(file)).state_dict()
    form, ours = containers.load(file)
    assert form == "TorchScript"
    assert ours.keys() == theirs.keys()
    assert all(ours[name].dtype == theirs[name].dtype and torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_traced_clip_is_read_without_torch_jit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vision = {"image_size": 32, "patch_size": 16, "layers": 2, "width": 64}
    model = open_clip.CLIP(8, vision, {"width": 64, "heads": 1, "layers": 2, "vocab_size": 50}, quick_gelu=True)
    inputs = {"encode_image": torch.zeros(1, 3, 32, 32), "encode_text": torch.zeros(1, 77, dtype=torch.int)}
    torch.jit.trace_module(model.eval(), inputs).save(str(tmp_path / "traced.pt"))
    monkeypatch.setattr(torch.jit, "load", None)
    container = containers.read(tmp_path / "traced.pt")
    assert container.kind == "OpenAI's CLIP"
    assert same(container.tensors, dict(model.state_dict()))


# --- files that do harm, or are no checkpoints


class Harm:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def in_a_zip(file: Path, harm: Harm) -> None:
    torch.save({"state_dict": harm}, file)


def in_an_old_pickle(file: Path, harm: Harm) -> None:
    torch.save({"state_dict": harm}, file, _use_new_zipfile_serialization=False)


def in_a_bare_pickle(file: Path, harm: Harm) -> None:
    file.write_bytes(pickle.dumps({"state_dict": harm}))


def in_torchscript(file: Path, harm: Harm) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("RN50/constants.pkl", pickle.dumps(()))
        archive.writestr("RN50/data.pkl", pickle.dumps(harm))


@pytest.mark.parametrize("hide", [in_a_zip, in_an_old_pickle, in_a_bare_pickle, in_torchscript])
def test_a_malicious_pickle_does_nothing_and_is_named(hide: Callable[[Path, Harm], None], tmp_path: Path) -> None:
    mark, file = tmp_path / "harmed", tmp_path / "RN50.pt"
    hide(file, Harm(mark))
    with pytest.raises(BenchError, match=r"would run posix\.system") as caught:
        containers.read(file)
    assert not mark.exists()
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_the_harm_would_have_been_done_without_care(tmp_path: Path) -> None:
    in_a_bare_pickle(tmp_path / "file", Harm(tmp_path / "harmed"))
    pickle.loads((tmp_path / "file").read_bytes())
    assert (tmp_path / "harmed").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "builtins.getattr", "torch.load", "torch.jit._script.load"])
def test_torchscript_archives_get_no_function_that_acts(name: str, tmp_path: Path) -> None:
    module, _, attribute = name.rpartition(".")
    code = b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"X\x01\x00\x00\x001\x85R."
    with zipfile.ZipFile(tmp_path / "f.pt", "w") as archive:
        archive.writestr("a/constants.pkl", b"")
        archive.writestr("a/data.pkl", code)
    with pytest.raises(BenchError, match=f"would run {name}"):
        containers.read(tmp_path / "f.pt")


def test_a_tensor_of_torchscript_cannot_look_outside_its_storage(originals: Path, tmp_path: Path) -> None:
    file = tmp_path / "RN50.pt"
    with zipfile.ZipFile(originals / "RN50.pt") as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, content[:2] if info.filename == "RN50/data/0" else content)
    with pytest.raises(BenchError, match="damaged or incomplete"):
        containers.read(file)


BROKEN = {
    "a page instead of the file": (b"<!DOCTYPE html><html>Google Drive - virus scan warning", "page or a pointer"),
    "a pointer of git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "page or a pointer"),
    "nothing": (b"", "damaged or incomplete"),
    "words": (b"hello there, these are no weights at all", "not a checkpoint|damaged"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_checkpoint_is_said_in_one_line(what: str, tmp_path: Path) -> None:
    content, said = BROKEN[what]
    file = tmp_path / "model.pth"
    file.write_bytes(content)
    with pytest.raises(BenchError, match=said) as caught:
        containers.read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["RN50.pt", "r-50-1000ep.pth.tar"])
def test_a_truncated_file_is_incomplete(name: str, originals: Path, tmp_path: Path) -> None:
    content = (originals / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(BenchError, match="fetch it again"):
        containers.read(tmp_path / name)


def test_truncated_safetensors_and_files_that_are_not_there(tmp_path: Path) -> None:
    content = safetensors.torch.save({"a": torch.zeros(100)})
    (tmp_path / "a.safetensors").write_bytes(content[:-10])
    with pytest.raises(BenchError, match="damaged or incomplete"):
        containers.read(tmp_path / "a.safetensors")
    with pytest.raises(BenchError, match="no such file"):
        containers.read(tmp_path / "b.safetensors")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.zeros(3), "holds a Tensor, not a state dict"),
        ({"epoch": 3, "arch": "resnet50"}, r"holds no tensors \(its keys: epoch, arch\)"),
        ({"state_dict": {"backbone.layers.0.ln1.weight": torch.zeros(3)}}, "OpenMMLab"),
        ({"state_dict": {"backbone.layer1.0.conv1.weight": torch.zeros(3)}}, "OpenMMLab"),
    ],
)
def test_content_that_is_not_read_is_said_to_be_what_it_is(content: Any, said: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "f.pth")
    with pytest.raises(BenchError, match=said):
        containers.read(tmp_path / "f.pth")


# --- what tells files apart


def test_positions_tell_moco_from_mae_and_dino() -> None:
    bare = fake_weights.state("mae_vitb16")

    def kind(positions: Tensor) -> str:
        return containers.recognise({**bare, "pos_embed": positions})[0]

    assert kind(fake_weights.sine_cosine(48)) == "bare ViT with fixed positions"
    assert kind(fake_weights.sine_cosine(48, swapped=True)) == "MoCo v3"
    assert kind(torch.randn(1, 197, 48)) == "bare ViT with learned positions"


def test_dino_and_spark_cannot_be_told_apart_and_are_not() -> None:
    dino, spark = fake_weights.state("dino_rn50"), fake_weights.state("spark_rn50")
    assert {n: t.shape for n, t in dino.items()} == {n: t.shape for n, t in spark.items()}
    assert containers.recognise(dino)[0] == containers.recognise(spark)[0] == "bare ResNet"


def test_a_small_vit_is_no_base_vit() -> None:
    small = {"patch_embed.proj.weight": torch.empty(384, 3, 16, 16), "blocks.0.norm1.weight": torch.empty(384)}
    assert containers.architecture(small) == "ViT-S of 1 layers, patch 16"


def test_a_resnet_34_is_no_resnet_50() -> None:
    """Both have 3, 4, 6 and 3 blocks."""
    with torch.device("meta"):
        state = timm.create_model("resnet34", num_classes=0).state_dict()
    assert containers.recognise(state)[0] == "bare ResNet"
    assert containers.architecture(state) == "ResNet of 3-4-6-3 basic blocks"


def test_the_same_weights_have_one_digest_in_every_container(originals: Path) -> None:
    for slot, (name, _) in fake_weights.PUBLISHED.items():
        assert containers.digest(containers.read(originals / name).tensors) == containers.digest(
            fake_weights.state(slot)
        )


def test_a_digest_changes_with_a_value_a_name_and_a_shape() -> None:
    first = {"a": torch.zeros(2, 3), "n": torch.tensor(1)}
    others = [
        {"a": torch.zeros(3, 2), "n": torch.tensor(1)},
        {"b": torch.zeros(2, 3), "n": torch.tensor(1)},
        {"a": torch.zeros(2, 3), "n": torch.tensor(2)},
        {"a": torch.full((2, 3), 1e-8), "n": torch.tensor(1)},
    ]
    assert len({containers.digest(one) for one in [first, *others]}) == 5
    assert containers.digest(first) == containers.digest(dict(reversed(first.items())))
