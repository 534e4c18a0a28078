"""`bench weights`: what fills each slot; converting once; trusting what changed."""

import json
import os
import re
import shutil
from pathlib import Path

import fake_weights
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner, Result

from benchmark.cli import cli
from benchmark.core import file_facts
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import read
from benchmark.encoders.published import slots


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["weights", *arguments])


def error(*arguments: str) -> BenchError:
    found = bench(*arguments).exception
    assert isinstance(found, BenchError)
    assert "\n" not in str(found)
    return found


def test_one_line_a_slot_says_what_is_here_and_what_is_missing(all_here: Path) -> None:
    assert bench().exit_code == 0  # the two that the paper does without are missing
    (all_here / "RN101.pt").unlink()
    result = bench()
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert result.exit_code == 3
    assert list(lines) == [*slots.SLOTS, "next:"]
    assert lines["clip_rn50"].split() == ["clip_rn50", "ok", str(all_here / "RN50.pt")]
    assert "missing" in lines["clip_rn101"]
    assert "put RN101.pt from https://" in lines["clip_rn101"]
    assert "hash differs" in bench("--deep").output


def test_the_same_for_machines(all_here: Path) -> None:
    found = {entry["name"]: entry for entry in json.loads(bench("--format", "json").output)}
    assert found["mae_vitb16"]["state"] == "ok"
    assert found["mae_vitb16"]["path"] == str(all_here / "mae_pretrain_vit_base.pth")
    assert found["mae_vitb16"]["noncommercial"] is True
    assert found["dino_vitb16"]["path"] is None


def test_all_that_is_here_is_imported_once_with_where_it_came_from(all_here: Path) -> None:
    result = bench("import", "--all")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 10
    assert (
        len(re.findall(r"^bench: \w+: hash differs: ", result.stderr, re.M)) == 5
    )  # of random weights no hash is published
    for slot, (name, _) in fake_weights.PUBLISHED.items():
        file = all_here / f"{slot}.safetensors"
        assert slots.look(slot, read()).path == file
        with safetensors.safe_open(file, "pt") as content:
            header = content.metadata()
        assert (header["slot"], header["source"]) == (slot, name)
        assert header["source_sha256"] == file_facts.file_hash(all_here / name)
        assert header["architecture"] == slots.SLOTS[slot].architecture
        found, expected = safetensors.torch.load_file(file), fake_weights.state(slot)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key].float(), expected[key].float()) for key in expected)
    assert bench("import", "--all").output.startswith("all that is here is imported already\nnext: ")


def test_a_file_is_imported_by_what_it_holds(originals: Path, home: Path) -> None:
    shutil.copy(originals / "r-50-1000ep.pth.tar", home.parent / "download")
    result = bench("import", str(home.parent / "download"))
    assert result.exit_code == 0, result.output
    assert slots.find("mocov3_rn50", read()) == home / "mocov3_rn50.safetensors"
    assert (home / "mocov3_rn50.safetensors").stat().st_size < (home.parent / "download").stat().st_size


def test_a_file_of_several_slots_needs_a_name_or_a_slot(originals: Path, home: Path) -> None:
    file = home.parent / "resnet.pth"
    shutil.copy(originals / "dino_resnet50_pretrain.pth", file)
    said = str(error("import", str(file)))
    assert "bare ResNet" in said
    assert "mocov3_rn50 or dino_rn50 or spark_rn50" in said
    assert said.endswith(f"say which: bench weights import --slot mocov3_rn50 {file}")
    assert bench("import", "--slot", "dino_rn50", str(file)).exit_code == 0
    assert slots.find("dino_rn50", read()) == home / "dino_rn50.safetensors"
    file.rename(home.parent / "my-spark.pth")
    assert bench("import", str(home.parent / "my-spark.pth")).exit_code == 0
    assert slots.find("spark_rn50", read()) == home / "spark_rn50.safetensors"


def test_what_no_slot_takes_is_refused(originals: Path, home: Path) -> None:
    file = home.parent / "f.pth"
    torch.save({"fc.weight": torch.zeros(2, 3)}, file)
    assert "which no slot takes" in str(error("import", str(file)))
    assert "clip_rn50 wants" in str(error("import", "--slot", "clip_rn50", str(originals / "RN101.pt")))
    assert "did you mean" in str(error("import", "--slot", "clip_rn5", str(originals / "RN50.pt")))
    assert list(home.iterdir()) == []


def test_of_a_folder_of_downloads_what_is_known_is_taken_and_the_rest_named(originals: Path, home: Path) -> None:
    folder = home.parent / "downloads"
    folder.mkdir()
    for name in ("RN50.pt", "dino_resnet50_pretrain.pth"):
        shutil.copy(originals / name, folder)
    (folder / "README.txt").write_text("what is here")
    (folder / "old").mkdir()
    (folder / "mae_pretrain_vit_base.pth").write_bytes((originals / "mae_pretrain_vit_base.pth").read_bytes()[:5000])
    torch.save({"fc.weight": torch.zeros(2, 3)}, folder / "classifier.pth")
    result = bench("import", *map(str, sorted(folder.iterdir())))
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["clip_rn50", "dino_rn50", "next"]
    left = {Path(line.split(": ")[1]).name: line for line in result.stderr.splitlines() if line.startswith("left out")}
    assert set(left) == {"README.txt", "old", "mae_pretrain_vit_base.pth", "classifier.pth"}
    assert left["README.txt"].endswith("README.txt: no file of weights by its name")
    assert "fetch it again" in left["mae_pretrain_vit_base.pth"]
    assert "which no slot takes" in left["classifier.pth"]
    assert "none of these 2 files fills a slot" in str(
        error("import", *[str(folder / n) for n in ("README.txt", "old")])
    )


def trained(originals: Path, file: Path, epochs: int) -> Path:
    """A copy of MoCo v3's published checkpoint that says another number of epochs."""
    content = torch.load(originals / "r-50-1000ep.pth.tar")
    torch.save({**content, "epoch": epochs}, file)
    return file


def test_of_two_trainings_the_slots_own_is_imported(originals: Path, home: Path) -> None:
    short, long = (trained(originals, home.parent / f"{name}.tar", n) for name, n in (("a", 300), ("b", 1000)))
    result = bench("import", str(short), str(long))
    assert (result.exit_code, result.stderr) == (0, f"left out: {short}: {long} is taken for mocov3_rn50\n")
    assert slots.look("mocov3_rn50", read(), deep=True).state == slots.OK
    result = bench("import", str(short))
    said = f"{home}/mocov3_rn50.safetensors: trained for 300 epochs, published for mocov3_rn50 are 1000; fetch https"
    assert f"mocov3_rn50: hash differs: {said}" in result.stderr
    assert slots.look("mocov3_rn50", read()).state == "hash differs"


def test_a_converted_file_stays_known_by_the_hash_of_what_it_was_made_of(originals: Path, home: Path) -> None:
    shutil.copy(originals / "RN50.pt", home.parent / "download")  # OpenAI's form has one publisher, whatever its name
    result = bench("import", str(home.parent / "download"))
    file = home / "clip_rn50.safetensors"
    said = f"{file}: sha256 of download, which it was converted from, is "
    assert said in result.stderr
    assert "published is afeb0e10f9e5…" in result.stderr
    assert f"hash differs {said}" in bench().stdout
    assert bench("import", "--slot", "clip_rn50", str(file)).exit_code == 0  # converted once more
    found = slots.look("clip_rn50", read())
    assert (found.state, found.usable, said in found.says) == ("hash differs", True, True)
    mae = originals / "mae_pretrain_vit_base.pth"
    bench("import", str(mae))
    assert "md5 of mae_pretrain_vit_base.pth, which it was converted from, is " in slots.look("mae_vitb16", read()).says


@pytest.mark.parametrize("arguments", [[], ["--all", "f"], ["--slot", "clip_rn50", "f", "g"]])
def test_import_takes_files_or_all(arguments: list[str], home: Path) -> None:
    assert "takes files, or --all" in str(error("import", *arguments))


def test_nothing_to_import_is_said(home: Path) -> None:
    assert isinstance(error("import", "--all"), Incomplete)


def test_a_weights_folder_can_be_given(originals: Path, home: Path) -> None:
    other = home.parent / "other"
    other.mkdir()
    shutil.copy(originals / "ViT-B-16.pt", other)
    assert str(other / "ViT-B-16.pt") in bench("--weights-dir", str(other)).output
    assert bench("import", "--all", "--weights-dir", str(other)).exit_code == 0
    assert (other / "clip_vitb16.safetensors").is_file()


def test_changed_weights_are_trusted_when_told_to(all_here: Path) -> None:
    slots.use("spark_rn50", read())
    file = all_here / "resnet50_1kpretrained_timm_style.pth"
    file.unlink()
    torch.save({name: t * 2 for name, t in fake_weights.state("spark_rn50").items()}, file)
    assert "first used with" in bench("--deep").output
    assert bench("trust", "spark_rn50").exit_code == 0
    assert "first used with" not in bench("--deep").output
    assert isinstance(error("trust", "dino_vitb16"), Incomplete)


def foreign_files(folder: Path) -> dict[str, str]:
    """Checkpoints of other projects and special files, by the words on each."""
    numbers = torch.zeros(3)
    torch.save({"state_dict": {"conv1.weight": numbers, 0: numbers}}, folder / "a.pt")
    torch.save({"cls_token": numbers, "patch_embed.proj.weight": numbers, "pos_embed": numbers}, folder / "b.pth")
    torch.save({"conv1.weight": numbers.expand(40000, 40000, 3)}, folder / "c.pt")
    (folder / "d.bin").write_bytes(b"random bytes of no checkpoint")
    os.mkfifo(folder / "e.pt")
    (folder / "f.pt").symlink_to("/dev/zero")
    (folder / "g.pt").symlink_to("nowhere")
    return {
        "a.pt": "holds a tensor named 0, which is no name of a weight, which no slot takes",
        "b.pth": "holds something else, which no slot takes",
        "c.pt": "would become tensors of",
        "d.bin": "not a checkpoint, or damaged",
        "e.pt": "cannot be read (a named pipe, not a regular file)",
        "f.pt": "cannot be read (a device, not a regular file)",
        "g.pt": "a link that leads nowhere",
    }


def test_foreign_files_in_the_folder_are_left_out_with_a_line_and_the_others_are_found(all_here: Path) -> None:
    before = bench().stdout
    expected = foreign_files(all_here)
    result = bench()
    assert (result.exit_code, result.stdout) == (0, before)
    lines = result.stderr.splitlines()
    assert len(lines) == len(expected)
    for line, (name, words) in zip(lines, expected.items(), strict=True):
        assert line.startswith(f"left out: {all_here / name}: ")
        assert words in line
    assert bench("import", "--all").exit_code == 0


def test_what_killed_imports_left_is_removed_after_an_hour(originals: Path, home: Path) -> None:
    old, young, foreign = (
        home / f".clip_{name}.tmp" for name in ("rn50.safetensors.ab12", "rn50.safetensors.cd34", "mine")
    )
    for left in (old, young, foreign):
        left.touch()
    for left in (old, foreign):
        os.utime(left, (0, 0))
    for command in ([], ["import", str(originals / "RN50.pt")]):
        old.touch()
        os.utime(old, (0, 0))
        bench(*command)
        assert {path.name for path in home.iterdir() if path.suffix == ".tmp"} == {young.name, foreign.name}


def test_tensors_are_imported_in_any_order_of_memory(home: Path) -> None:
    state = fake_weights.state("dino_rn50")
    state |= {name: t.to(memory_format=torch.channels_last) for name, t in state.items() if t.ndim == 4}
    torch.save(state, home.parent / "dino.pth")
    assert bench("import", str(home.parent / "dino.pth")).exit_code == 0
    found = safetensors.torch.load_file(home / "dino_rn50.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
