"""`bench features` says what is on disk, makes what is not, and looks no further than it is asked to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_world import FILE, Album, Squares, bench, here, toy

from benchmark.core.errors import Incomplete
from benchmark.features import filling, requests, shard_files, status
from benchmark.features.requests import Request


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def said(*arguments: object, suite: object = FILE) -> list[dict[str, Any]]:
    code, out, _ = bench("features", "--suite", suite, "--format", "json", *arguments)
    assert code == 0
    return json.loads(out)


def test_every_data_set_encoder_and_part_has_a_line() -> None:
    code, out, err = bench("features", "--suite", FILE)
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 3 * 3 + 1 + 3)
    assert lines[0].split() == ["imagenet", "RN50", "test", "missing"]
    # One file for test images, two seeds of pool and val, and of RN50's pool those of the other family's crops.
    assert lines[-3].startswith("to make: ")
    assert lines[-2].startswith("0 of 17 files there, 0.0 MiB in ")
    assert lines[-1] == "next: --make makes the others"


def test_a_pool_says_its_crops_and_has_a_line_for_each_family_that_reads_the_encoder() -> None:
    lines = bench("features", "--suite", FILE, "--part", "pool")[1].splitlines()[:-3]
    assert [line.split(maxsplit=3) for line in lines] == [
        ["imagenet", "RN50", "pool", "missing, crops: 0.5 to 1"],
        ["imagenet", "RN50", "pool", "missing, crops: 0.08 to 1"],
        ["imagenet", "mocov3", "pool", "missing, crops: 0.5 to 1"],
        ["imagenet", "dino", "pool", "missing, crops: 0.5 to 1"],
    ]
    assert [e["crops"] for e in said("--encoder", "RN50")] == ["", "0.5 to 1", "0.08 to 1", ""]
    found = said("--table", "4", "--shots", "1", "--part", "pool", "--seeds", "1")
    assert {(e["encoder"], e["crops"]) for e in found} >= {("RN50", "0.08 to 1"), ("RN50", "0.5 to 1")}
    assert {e["crops"] for e in found if e["encoder"] != "RN50"} == {"0.5 to 1"}


def test_crops_of_a_data_set_s_own_and_no_crops_are_said(tmp_path: Path) -> None:
    for change, words in (
        (("toy_world:Squares", "toy_world:Anew"), "the data set's own"),
        (("views = 2", "views = 1"), "none"),
    ):
        assert change[0] in FILE.read_text()
        (tmp_path / "other.toml").write_text(FILE.read_text().replace(*change))
        assert {e["crops"] for e in said("--part", "pool", suite=tmp_path / "other.toml")} == {words}


def test_what_is_missing_is_made_when_asked_for_and_the_rest_is_left() -> None:
    arguments = ["--suite", FILE, "--encoder", "dino", "--part", "test", "--part", "val", "--seeds", "1"]
    code, out, err = bench("features", *arguments, "--make", "--jobs", "1")
    assert code == 0
    assert "images/s" in err
    lines = out.splitlines()[:-2]
    assert out.splitlines()[-1] == f"next: bench run --table 4 --suite {FILE}"
    assert [line.split()[:4] for line in lines] == [["imagenet", "dino", part, "there,"] for part in ("test", "val")]
    assert all(" MiB, " in line and "made at" in line for line in lines)
    assert [(e["encoder"], e["part"]) for e in said() if e["state"] != "missing"] == [("dino", "test"), ("dino", "val")]
    assert [e["state"] for e in said("--encoder", "dino", "--part", "val")] == ["partly"], "one seed of two"
    assert [e["pictures"] for e in said("--encoder", "dino", "--part", "test")] == [160]
    code, _, err = bench("features", *arguments, "--make", "--jobs", "1")
    assert (code, err) == (0, "")


def test_an_exhibit_names_the_features_that_it_needs() -> None:
    found = said("--table", "4", "--shots", "1", "--part", "pool", "--seeds", "1")
    assert {e["encoder"] for e in found} >= {"RN50", "dino", "mocov3"}
    assert {e["part"] for e in found} == {"pool"}


ALBUM = """
title = "album"
comparable = false
seeds = [1]
views = 1
batch_size = 16
[datasets.imagenet]
reader = "toy_world:Album"
shifts = ["imagenet_a"]
[datasets.imagenet_a]
reader = "toy_world:Anew"
[datasets.gone]
reader = "{gone}"
[encoders.RN50]
loader = "toy_world:clip"
"""


def gone() -> Squares:
    raise Incomplete("data set gone: /data/gone: no such folder")


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(requests, "DECODED", 32)
    (tmp_path / "album.toml").write_text(ALBUM.format(gone=f"{__name__}:gone"))
    monkeypatch.setenv("BENCH_TRUST_SUITE", os.pathsep.join([str(FILE), str(tmp_path / "album.toml")]))
    yield tmp_path / "album.toml"
    Album.seen.clear()


def test_shards_of_what_was_stopped_are_counted(album: Path) -> None:
    world = toy(name="album", datasets={"imagenet": {"reader": "toy_world:Album"}}, views=1, batch_size=16)
    for shard in filling.missing([Request("imagenet", "RN50", "test", 0)], here(world))[:2]:
        filling.fill_shard(shard, here(world))
    code, out, _ = bench("features", "--suite", album, "--dataset", "imagenet", "--part", "test")
    assert code == 0
    assert out.splitlines()[0].startswith("imagenet  RN50  test       partly, 2 of 5 shards of the rest, ")
    code, out, _ = bench(
        "features", "--suite", album, "--dataset", "imagenet", "--part", "test", "--make", "--jobs", "1"
    )
    assert (code, "there" in out.splitlines()[0]) == (0, True)
    assert sorted(Album.seen) == list(range(160))


def test_a_shift_has_test_images_alone_and_what_is_not_here_is_said_in_its_line(album: Path) -> None:
    found = said(suite=album)
    assert [e["part"] for e in found if e["dataset"] == "imagenet_a"] == ["test"]
    assert [e["lacks"] for e in found if e["dataset"] == "gone"] == ["data set gone: /data/gone: no such folder"] * 3
    code, out, _ = bench("features", "--suite", album, "--dataset", "gone", "--part", "test", "--make")
    assert code == 3
    assert out.splitlines()[0] == "cannot be made here, of gone: data set gone: /data/gone: no such folder"


def test_an_exhibit_whose_data_are_not_here_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    code, out, err = bench("features", "--suite", "paper", "--table", "4")
    assert (code, out) == (3, "")
    assert "data set imagenet: missing" in err
    assert err.splitlines()[-1].startswith("bench: there are no such features, or none that can be made here")


def test_a_data_set_that_draws_anew_has_a_pool_for_each_number_of_shots() -> None:
    anew = toy(datasets={"imagenet": {"reader": "toy_world:Anew"}})
    (pool,) = status.asked(here(anew), ["imagenet"], ["RN50"], ["pool"], [1], [1, 4])
    assert [request.shots for request in pool.requests] == [1, 4]


def test_generated_images_are_asked_for_where_a_data_set_has_them() -> None:
    code, _, err = bench("features", "--suite", FILE, "--part", "generated")
    assert code == 3
    assert err == (
        f"bench: there are no such features, or none that can be made here; bench features --suite {FILE} shows all\n"
    )


def test_pieces_that_fail_are_told_and_end_with_4(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "write", lambda *_: (_ for _ in ()).throw(RuntimeError("no room")))
    code, out, err = bench(
        "features", "--suite", album, "--dataset", "imagenet", "--part", "test", "--make", "--jobs", "1"
    )
    assert code == 4
    assert err.count("FAILED imagenet, test images: RN50 (") >= 1
    assert "missing" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dataset", "imgenet"], "unknown data set of suite toy 'imgenet': did you mean 'imagenet'?"),
        (["--encoder", "dinno"], "unknown encoder of suite toy 'dinno': did you mean 'dino'?"),
        (["--encoder", "RN51:spatial"], "unknown encoder of suite toy 'RN51': did you mean 'RN50'?"),
        (["--part", "train"], "'train' is not one of 'test', 'pool', 'val', 'generated'"),
        (["--table", "44"], "unknown table '44'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    code, out, err = bench("features", "--suite", FILE, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_data_sets_and_encoders_are_named_without_regard_to_case_and_hyphens() -> None:
    plain = bench("features", "--suite", FILE, "--dataset", "imagenet", "--encoder", "mocov3")
    assert plain[0] == 0
    assert bench("features", "--suite", FILE, "--dataset", "ImageNet", "--encoder", "MoCo-v3") == plain
    code, _, err = bench("features", "--suite", FILE, "--encoder", "moco")
    assert (code, "did you mean 'mocov3'?" in err) == (2, True)
