"""Which file fills which slot: by content, by name only among equals, and whether it is the right one."""

import os
import shutil
from pathlib import Path

import fake_weights
import huggingface_hub
import pytest
import safetensors.torch
import torch

from benchmark.core import file_facts
from benchmark.core.errors import BenchError, Incomplete, Refused
from benchmark.core.file_facts import FileFacts
from benchmark.core.settings import read
from benchmark.encoders.published import containers, convert, sanity, slots

PAPER = list(fake_weights.PUBLISHED)


def test_the_table_speaks_of_kinds_that_are_recognised_and_normalisations_that_exist() -> None:
    kinds = {value for name, value in vars(containers).items() if name.isupper() and isinstance(value, str)}
    for slot in slots.SLOTS.values():
        assert slot.kind in kinds
        assert slot.alike in {"", *kinds}
        assert slot.normalisation in slots.NORMALISATIONS
        assert slot.page.startswith("https://")
        assert slot.noncommercial or "NC" not in slot.licence


@pytest.mark.parametrize("slot", PAPER)
def test_a_published_file_fills_its_slot(slot: str, all_here: Path) -> None:
    found = slots.look(slot, read())
    assert (found.state, found.path) == (slots.OK, all_here / fake_weights.PUBLISHED[slot][0])
    assert slots.find(slot, read()) == found.path


@pytest.mark.parametrize("slot", ["clip_rn101", "clip_vitb16", "mocov3_rn50", "milan_vitb16"])
def test_what_is_known_by_content_may_have_any_name(slot: str, originals: Path, home: Path) -> None:
    shutil.copy(originals / fake_weights.PUBLISHED[slot][0], home / "renamed.pt")
    found = slots.look(slot, read())
    assert found.path == home / "renamed.pt"
    assert found.state == (slots.OK if slot == "milan_vitb16" else slots.ALIAS)  # MILAN's page names no file
    others = [name for name in slots.SLOTS if name != slot and slots.find(name, read())]
    assert others == []


def test_a_choice_between_files_that_no_name_decides_is_said(originals: Path, home: Path) -> None:
    for name in ("a.pth", "b.pth"):
        shutil.copy(originals / "r-50-1000ep.pth.tar", home / name)
    assert slots.look("mocov3_rn50", read()).says == f"{home}/a.pth is taken, but {home}/b.pth would do as well"
    (home / "b.pth").rename(home / "r-50-300ep.pth.tar")
    found = slots.look("mocov3_rn50", read())
    assert (found.path, found.says) == (home / "r-50-300ep.pth.tar", "")


def test_a_bare_resnet_needs_a_name_that_says_whose_it_is(originals: Path, home: Path) -> None:
    shutil.copy(originals / "dino_resnet50_pretrain.pth", home / "resnet.pth")
    for slot in ("dino_rn50", "spark_rn50", "mocov3_rn50"):
        found = slots.look(slot, read())
        assert found.state == slots.MISSING
        assert f"resnet.pth may be it: if it is, call it {slot}.pth" in found.says
    (home / "resnet.pth").rename(home / "my-SparK.pth")
    assert slots.look("spark_rn50", read()).state == slots.ALIAS
    assert slots.look("dino_rn50", read()).state == slots.MISSING


def test_other_clips_of_the_same_size_are_not_taken_for_openais(home: Path) -> None:
    torch.save(fake_weights.state("clip_vitb32"), home / "vit_b_32-laion400m.pt")
    assert slots.look("clip_vitb32", read()).state == slots.MISSING
    (home / "vit_b_32-laion400m.pt").rename(home / "ViT-B-32.pt")
    assert slots.look("clip_vitb32", read()).state == slots.OK


def test_a_file_of_another_kind_is_said_to_be_one(originals: Path, home: Path) -> None:
    shutil.copy(originals / "RN101.pt", home / "RN50.pt")
    found = slots.look("clip_rn50", read())
    assert (found.state, slots.find("clip_rn50", read())) == (slots.WRONG, None)
    assert found.says == (
        f"{home}/RN50.pt: holds OpenAI's CLIP (ResNet of 3-4-23-3 blocks); "
        "clip_rn50 wants OpenAI's CLIP (ResNet of 3-4-6-3 blocks)"
    )
    with pytest.raises(BenchError, match="wants OpenAI's CLIP"):
        slots.need("clip_rn50", read())


def test_a_file_that_holds_no_encoder_is_of_the_wrong_kind(home: Path) -> None:
    torch.save({"epoch": 3}, home / "r-50-1000ep.pth.tar")
    found = slots.look("mocov3_rn50", read())
    assert found.state == slots.WRONG
    assert found.says.startswith(
        f"{home}/r-50-1000ep.pth.tar: holds no tensors (its keys: epoch); mocov3_rn50 wants MoCo v3"
    )


def test_what_openai_publishes_is_fetched_only_with_download(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(repository: str, name: str) -> str:
        folder = home.parent / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots" / "abc"
        folder.mkdir(parents=True)
        safetensors.torch.save_file(fake_weights.state("clip_vitb32"), folder / name)
        return str(folder / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home.parent / "hub"))
    with pytest.raises(Incomplete, match="or add --download"):
        slots.need("clip_vitb32", read())
    monkeypatch.setenv("BENCH_DOWNLOAD", "1")
    assert slots.need("clip_vitb32", read()).path == slots.find("clip_vitb32", read())
    with pytest.raises(Incomplete, match="mocov3_rn50 are missing"):
        slots.need("mocov3_rn50", read())


def test_dinos_vit_is_not_in_the_way_of_its_missing_resnet(home: Path) -> None:
    model = {**fake_weights.state("mae_vitb16"), "pos_embed": torch.randn(1, 197, 48)}
    torch.save(model, home / "dino_vitbase16_pretrain.pth")
    assert slots.look("dino_vitb16", read()).state == slots.OK
    assert slots.look("dino_rn50", read()).state == slots.MISSING


def test_a_broken_file_is_incomplete_and_looked_at_again_when_it_is_mended(originals: Path, home: Path) -> None:
    name = "mae_pretrain_vit_base.pth"
    (home / name).write_bytes((originals / name).read_bytes()[:5000])
    assert slots.look("mae_vitb16", read()).state == slots.INCOMPLETE
    shutil.copy(originals / name, home / name)
    assert slots.look("mae_vitb16", read()).state == slots.OK


def test_what_is_missing_says_what_to_fetch_from_where_on_which_terms(home: Path) -> None:
    with pytest.raises(Incomplete) as caught:
        slots.need("mocov3_rn50", read())
    said = str(caught.value)
    for part in (
        "mocov3_rn50",
        "r-50-1000ep.pth.tar from https://dl.fbai",
        "(CC BY-NC 4.0)",
        str(home),
        "/.cache/clip",
    ):
        assert part in said
    assert "\n" not in said
    assert "no licence stated" in slots.look("milan_vitb16", read()).says
    with pytest.raises(BenchError, match="did you mean 'clip_rn50'"):
        slots.look("clip_rm50", read())


def test_the_usual_caches_are_searched_by_published_name(originals: Path, home: Path) -> None:
    cache = home.parent / ".cache"
    for folder, name in (("clip", "RN50.pt"), ("torch/hub/checkpoints", "dino_resnet50_pretrain.pth")):
        (cache / folder).mkdir(parents=True)
        shutil.copy(originals / name, cache / folder / name)
    shutil.copy(originals / "r-50-1000ep.pth.tar", cache / "torch/hub/checkpoints/other.pth")
    assert slots.find("clip_rn50", read()) == cache / "clip/RN50.pt"
    assert slots.find("dino_rn50", read()) == cache / "torch/hub/checkpoints/dino_resnet50_pretrain.pth"
    assert slots.find("mocov3_rn50", read()) is None


def test_the_hugging_face_cache_is_searched_by_repository(home: Path) -> None:
    snapshot = home.parent / "hub/models--timm--vit_base_patch32_clip_224.openai/snapshots/abc"
    snapshot.mkdir(parents=True)
    safetensors.torch.save_file(fake_weights.state("clip_vitb32"), snapshot / "open_clip_model.safetensors")
    assert slots.look("clip_vitb32", read()).path == snapshot / "open_clip_model.safetensors"
    assert slots.find("clip_vitb16", read()) is None


def test_bench_toml_names_a_file_or_a_folder_for_a_slot(originals: Path, home: Path) -> None:
    folder = home.parent / "elsewhere"
    folder.mkdir()
    shutil.copy(originals / "dino_resnet50_pretrain.pth", folder / "x")
    safetensors.torch.save_file(fake_weights.state("clip_rn50"), folder / "open_clip_model.safetensors")
    paths = (
        f'spark_rn50 = "{folder}/x"\nclip_rn50 = "{folder}"\nmae_vitb16 = "{folder}/none"\ndino_vitb16 = "{folder}/x"'
    )
    (home.parent / "bench.toml").write_text(f"[weights.paths]\n{paths}\n")
    assert slots.look("spark_rn50", read()).path == folder / "x"
    assert slots.look("clip_rn50", read()).path == folder / "open_clip_model.safetensors"
    assert slots.look("mae_vitb16", read()).says.startswith(f"{folder}/none: no such file")
    assert slots.look("dino_vitb16", read()).state == slots.WRONG


def test_a_folder_of_weights_is_searched_two_folders_deep(originals: Path, home: Path) -> None:
    deep = home / "clip" / "openai"
    deep.mkdir(parents=True)
    shutil.copy(originals / "RN50.pt", deep)
    shutil.copy(originals / "r-50-1000ep.pth.tar", home / "clip" / "renamed.pth")
    assert slots.look("clip_rn50", read()).path == deep / "RN50.pt"
    assert slots.look("mocov3_rn50", read()).path == home / "clip" / "renamed.pth"
    torch.save({"a": torch.ones(1)}, deep / "other.pt")
    assert [line for line in slots.left_out(read()) if "other.pt: holds" in line]
    (deep / "more").mkdir()
    (deep / "RN50.pt").rename(deep / "more" / "RN50.pt")
    assert slots.find("clip_rn50", read()) is None


def test_a_training_of_other_epochs_is_not_the_slots_own(originals: Path, home: Path) -> None:
    content = torch.load(originals / "r-50-1000ep.pth.tar")
    torch.save({**content, "epoch": 300}, home / "r-50-300ep.pth.tar")
    found = slots.look("mocov3_rn50", read())
    assert (found.state, found.usable) == (slots.DIFFERS, True)
    assert "trained for 300 epochs, published for mocov3_rn50 are 1000" in found.says
    torch.save(content, home / "z.pth.tar")
    assert slots.look("mocov3_rn50", read()).path == home / "z.pth.tar"


def test_a_network_for_larger_images_is_of_another_kind(home: Path) -> None:
    """OpenAI publishes ViT-L/14 for 224 and 336 pixels, in networks that differ in the positions alone."""
    state = fake_weights.state("clip_vitb16")
    state["visual.positional_embedding"] = torch.zeros(21 * 21 + 1, 64)
    torch.save(state, home / "ViT-B-16.pt")
    found = slots.look("clip_vitb16", read())
    assert (found.state, found.usable) == (slots.WRONG, False)
    assert "holds CLIP (ViT of 12 layers, patch 16, images of 336 pixels)" in found.says


# --- hashes


def test_a_file_is_opened_once_and_remembered(all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = slots.look("mocov3_rn50", read(), deep=True)
    monkeypatch.setattr(containers, "read", None)
    assert slots.look("mocov3_rn50", read(), deep=True) == first
    assert slots.use("mocov3_rn50", read())[1] == containers.digest(fake_weights.state("mocov3_rn50"))


def test_a_memory_that_is_broken_is_no_memory(all_here: Path) -> None:
    FileFacts(read().cache).file.parent.mkdir(parents=True)
    for broken in ("", "{}", "[1]", '{"files": 3, "trusted": {}}'):
        FileFacts(read().cache).file.write_text(broken)
        assert slots.look("mae_vitb16", read()).state == slots.OK


def test_a_published_hash_is_compared_when_the_file_is_read(all_here: Path) -> None:
    assert slots.look("clip_rn50", read()).state == slots.OK
    found = slots.look("clip_rn50", read(), deep=True)
    assert (found.state, found.usable) == (slots.DIFFERS, True)
    assert "published is afeb0e10f9e5…" in found.says
    assert slots.look("clip_rn50", read()).state == slots.DIFFERS  # now that it is known
    assert "md5" in slots.look("mae_vitb16", read(), deep=True).says


def test_changed_weights_are_said_and_can_be_trusted(all_here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slots.use("dino_rn50", read())
    file = all_here / "dino_resnet50_pretrain.pth"
    file.unlink()
    torch.save({name: t + 1 for name, t in fake_weights.state("dino_rn50").items()}, file)
    slots.use("dino_rn50", read())
    said = capsys.readouterr().err
    assert said == f"bench: {file}: not the weights that dino_rn50 was first used with; " + (
        "if it is right: bench weights trust dino_rn50\n"
    )
    FileFacts(read().cache).trust("dino_rn50", slots.digest(file, read()))
    assert slots.look("dino_rn50", read(), deep=True).state == slots.OK


def test_a_file_that_another_slot_was_used_with_is_refused(all_here: Path) -> None:
    slots.use("dino_rn50", read())
    spark = all_here / "resnet50_1kpretrained_timm_style.pth"
    spark.unlink()
    shutil.copy(all_here / "dino_resnet50_pretrain.pth", spark)
    with pytest.raises(BenchError, match="these are the weights that dino_rn50 was used with"):
        slots.use("spark_rn50", read())
    FileFacts(read().cache).trust("spark_rn50", slots.digest(spark, read()))
    assert slots.look("spark_rn50", read(), deep=True).state == slots.OK
    assert slots.look("dino_rn50", read(), deep=True).state == slots.WRONG


def test_memories_go_with_size_and_time_of_a_file(home: Path) -> None:
    file, answers = home / "f", iter("abc")
    file.write_bytes(b"1")
    os.utime(file, ns=(1, 1))
    assert FileFacts(read().cache).known(file, "what") is None
    assert [FileFacts(read().cache).of(file, "what", lambda: next(answers)) for _ in range(2)] == ["a", "a"]
    os.utime(file, ns=(2, 2))
    assert FileFacts(read().cache).of(file, "what", lambda: next(answers)) == "b"
    file.write_bytes(b"22")
    os.utime(file, ns=(2, 2))
    assert FileFacts(read().cache).of(file, "what", lambda: next(answers)) == "c"


def converted_file(slot: str, originals: Path, home: Path) -> Path:
    return convert.convert(originals / fake_weights.PUBLISHED[slot][0], slot, home)


def zeroed(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def test_a_damaged_converted_file_is_refused_before_its_first_use(originals: Path, home: Path) -> None:
    file = converted_file("dino_rn50", originals, home)
    assert slots.use("dino_rn50", read())[0] == file
    FileFacts(read().cache).file.unlink()
    zeroed(file)
    with pytest.raises(BenchError) as told:
        slots.use("dino_rn50", read())
    assert str(told.value) == (
        f"{file}: damaged: its weights are not those that were converted; "
        "convert the published file again: bench weights import --slot dino_rn50 FILE"
    )
    assert FileFacts(read().cache).trusted() == {}
    assert slots.look("dino_rn50", read(), deep=True).state == slots.INCOMPLETE
    with pytest.raises(BenchError, match="damaged: its weights are not those that were converted"):
        convert.convert(file, "dino_rn50", home / "again")
    converted_file("dino_rn50", originals, home)
    assert slots.use("dino_rn50", read())[0] == file


def test_a_deep_look_reads_a_converted_file_even_where_its_hash_is_remembered(
    originals: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = converted_file("dino_rn50", originals, home)
    monkeypatch.setattr(file_facts, "stamp", lambda path: (1, 1, 1, 1))
    monkeypatch.setattr(file_facts, "settled", lambda path: True)
    slots.use("dino_rn50", read())
    assert sanity.amiss(file) == ""
    zeroed(file)
    assert slots.look("dino_rn50", read(), deep=True).usable, "its stamp tells nothing"
    assert sanity.amiss(file).startswith("its weights are not those that were converted; ")


def test_a_file_that_was_converted_for_another_slot_is_refused(originals: Path, home: Path) -> None:
    """The networks of DINO and SparK have the same form, so that nothing but its header tells them apart."""
    file = converted_file("dino_rn50", originals, home)
    file.rename(home / "spark_rn50.safetensors")
    found = slots.look("spark_rn50", read())
    assert (found.state, found.usable) == (slots.WRONG, False)
    assert "was converted for dino_rn50, not for spark_rn50" in found.says
    with pytest.raises(BenchError, match="was converted for dino_rn50, not for spark_rn50"):
        convert.convert(home / "spark_rn50.safetensors", "spark_rn50", home / "again")


def test_a_folder_that_may_not_be_read_is_not_an_empty_one(all_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(Refused, match=r"weights folder .*: cannot be read \(Permission denied\); .* --weights-dir$"):
        slots.look("clip_rn50", read())
