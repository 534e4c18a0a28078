"""ImageNet in parquet or tar shards is the data set that it is in folders; what is wrong with a shard is said in a line."""

import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import fake_shards
import numpy as np
import pytest
import torch
from fake_trees import picture
from toy_world import WORLDS, bench, here, toy

from benchmark.core import contents
from benchmark.core.errors import BenchError, ExitCode, Incomplete
from benchmark.core.settings import read
from benchmark.data.published import decoding, inspection, readers, row_groups, sets, shard_index, stored
from benchmark.data.published.photographs import Photographs
from benchmark.features import filling
from benchmark.features.requests import request
from benchmark.suites.world import World

KINDS = ["parquet", "tar"]
WRITERS = {"parquet": fake_shards.parquets, "tar": fake_shards.tars}
PLACES = {"parquet": "imagenet-1k/data", "tar": "imagenet-1k-wds"}


@pytest.fixture(scope="session")
def made(whole_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The shards of a kind, in a data root of their own; not to be changed."""
    known: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in known:
            root = tmp_path_factory.mktemp(kind)
            WRITERS[kind](whole_root, root / PLACES[kind])
            known[kind] = root
        return known[kind]

    return make


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(kind: str, made: Callable[[str], Path], root: Path) -> Path:
    """Folder of the shards of ImageNet in the data root, links to be replaced."""
    shutil.copytree(made(kind), root, copy_function=os.link, dirs_exist_ok=True)
    return root / PLACES[kind]


def opened() -> Photographs:
    return readers.imagenet(settings=read())


@pytest.fixture
def pair(folder: Path, whole_root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Photographs, Photographs]:
    """ImageNet in folders, and in shards with equal images."""
    shards = opened()
    monkeypatch.setenv("BENCH_DATA", str(whole_root))
    return opened(), shards


def test_the_same_images_have_the_same_names_labels_and_fingerprint(pair: tuple[Photographs, Photographs]) -> None:
    folders, shards = pair
    for split in ("train", "test"):
        assert np.array_equal(getattr(shards, split).names, getattr(folders, split).names)
        assert np.array_equal(shards.labels(split, shards.ids(split)), folders.labels(split, folders.ids(split)))
    assert shards.test.shards
    assert not folders.test.shards
    assert shards.fingerprint == folders.fingerprint
    assert shards.content("train", np.array([7, 3])) == folders.content("train", np.array([7, 3]))
    assert shards.remarks == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_draws_the_same_support_set(seed: int, pair: tuple[Photographs, Photographs]) -> None:
    drawn = [(one.draw(1, seed), one) for one in pair]
    first, second = [(one.listed(draw.pool), one.listed(draw.val_pool)) for draw, one in drawn]
    assert first == second
    assert len(first[0]) == 1000


def photographs() -> World:
    """ImageNet of the data root, and an encoder."""
    reader, loader = {"reader": "benchmark.data.published.readers:imagenet"}, {"loader": "toy_world:pooled"}
    WORLDS.clear()
    return here(toy(datasets={"imagenet": reader}, encoders={"mocov3": loader}, batch_size=7))


def features(role: str) -> torch.Tensor:
    """Features of the test images of the data root, extracted as for a run."""
    world = photographs()
    return filling.extract(request("imagenet", role, "test", 1, 1, world), world)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("role", ["pixels", "mocov3"])
def test_features_are_the_same_bit_by_bit(role: str, whole_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_shards = features(role)
    monkeypatch.setenv("BENCH_DATA", str(whole_root))
    of_folders = features(role)
    assert of_folders.shape[:2] == (1, 1000)
    assert torch.equal(of_folders, of_shards)


def test_a_second_look_reads_no_shard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for shard in folder.iterdir():
        os.utime(shard, (1, 1))
    first = opened()
    monkeypatch.setattr(shard_index, "read", None)
    second = opened()
    assert np.array_equal(first.train.names, second.train.names)
    assert np.array_equal(second.images("test", np.array([5])), first.images("test", np.array([5])))


def test_nothing_is_unpacked(folder: Path, tmp_path: Path) -> None:
    opened().images("test", np.array([0, 999]))
    names = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".npy"}
    assert names == {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("small_is_published")
def test_doctor_says_where_the_shards_are(folder: Path) -> None:
    found = inspection.look("imagenet", read(), deep=True, read=lambda key: readers.read(key, read()))
    assert found.state == inspection.ALIAS
    assert found.says.startswith(
        f"read from shards without unpacking, 3 in {folder}, 2 in {folder}; https://image-net.org"
    )


def test_fewer_images_than_published_are_counted(folder: Path) -> None:
    found = inspection.look("imagenet", read(), read=lambda key: readers.read(key, read()))
    assert found.usable
    assert f"{folder}: train has 2,000 of 1,281,167 images" in found.says


def test_every_row_group_is_read_once_for_many_images(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(made("parquet")))
    dataset, seen, read_group = opened(), [], row_groups._read
    monkeypatch.setattr(row_groups, "KEPT", 0)
    monkeypatch.setattr(row_groups, "_read", lambda row: seen.append(row[:2]) or read_group(row))
    row_groups._kept.clear()
    with dataset.preloaded("test", dataset.ids("test")):
        dataset.images("test", dataset.ids("test")[:50])
    assert len(seen) == len(set(seen)) == 10
    dataset.images("test", np.array([0, 1, 0]))
    assert len(seen) > 10


def test_an_extraction_with_its_hashes_reads_every_row_group_once(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(made("parquet")))
    world = photographs()
    world.dataset("imagenet").fingerprint  # noqa: B018 - reads images too
    contents.forget(world.settings.cache)
    seen, read_group = [], row_groups._read
    monkeypatch.setattr(row_groups, "KEPT", 0)
    monkeypatch.setattr(row_groups, "_read", lambda row: seen.append(row[:2]) or read_group(row))
    row_groups._kept.clear()
    assert filling.fill(request("imagenet", "pixels", "test", 1, 1, world), world)
    assert len(seen) == len(set(seen)) == 10


# --- what is wrong


def refused(error: type[BenchError] = BenchError) -> str:
    with pytest.raises(error) as caught:
        opened()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def first(folder: Path, part: str = "val") -> Path:
    return next(path for path in sorted(folder.iterdir()) if f"{part}" in path.name)


def damaged(file: Path, content: bytes) -> Path:
    """Replace a file, which is a link, by another of this content."""
    file.unlink()
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("left", [0.0, 0.3, 0.5, 0.9])
def test_a_shard_that_was_cut_off_is_named(left: float, folder: Path) -> None:
    file = first(folder)
    content = file.read_bytes()
    damaged(file, content[: int(len(content) * left)])
    said = refused()
    assert said.startswith(f"{file}: ")
    assert said.endswith("; copy it again from where it came")


def test_a_tar_that_is_cut_off_between_two_members_is_named(made: Callable[[str], Path], root: Path) -> None:
    shutil.copytree(made("tar"), root, copy_function=os.link, dirs_exist_ok=True)
    file = first(root / PLACES["tar"])
    place = shard_index.read(file)[3].place
    damaged(file, file.read_bytes()[: place.at + -(-place.extent // 512) * 512])
    assert f"{file}: is cut off or damaged at byte " in refused()


def test_a_missing_shard_is_named(folder: Path, kind: str) -> None:
    file = sorted(path for path in folder.iterdir() if "train" in path.name)[1]
    file.unlink()
    said = refused(Incomplete)
    assert said.startswith(f"{file}: no such file, the first of 1 missing shards of 3 of train; copy them there")


def test_a_missing_last_shard_is_known_by_the_number_in_the_names(made: Callable[[str], Path], root: Path) -> None:
    shutil.copytree(made("parquet"), root, copy_function=os.link, dirs_exist_ok=True)
    file = root / PLACES["parquet"] / "train-00002-of-00003.parquet"
    file.unlink()
    assert refused(Incomplete).startswith(f"{file}: no such file")


def test_shards_of_two_sets_are_not_mixed(folder: Path) -> None:
    file = first(folder)
    shutil.copy(file, file.with_name("other-val-0000.tar"))
    assert "holds shards of val of 2 sets, such as" in refused()


def jpeg(label: int = 0) -> bytes:
    stream = io.BytesIO()
    picture(0, label).save(stream, "JPEG")
    return stream.getvalue()


NAME = "ILSVRC2012_val_00000007"

TARS = {
    "a label beyond ImageNet's": (
        fake_shards.sample(NAME, b"", 1000),
        f"member {NAME}.jpg: has label 1000, and ImageNet's",
    ),
    "a negative label": (fake_shards.sample(NAME, b"", -1), "has label -1, and ImageNet's are 0 to 999"),
    "a label in words": (fake_shards.sample(NAME, b"", "tench"), "its label is no whole number but 'tench'"),
    "no label": ([(f"{NAME}.jpg", b"")], f"member {NAME}.jpg: has no label beside it (.cls, .json, .txt)"),
    "no image": ([(f"{NAME}.cls", b"1")], f"member {NAME}: has a label and no image"),
    "JSON that is none": (
        [(f"{NAME}.jpg", b""), (f"{NAME}.json", b"{")],
        f"member {NAME}.jpg: Expecting property name",
    ),
    "JSON without a label": ([(f"{NAME}.jpg", b""), (f"{NAME}.json", b"[]")], "its label is no whole number"),
    "two images": ([(f"{NAME}.jpg", b""), (f"{NAME}.png", b"")], f"member {NAME}.png: is the second image"),
    "a label of another order": (
        fake_shards.sample("n01443537_1", b"", 0),
        "of n01440764, and a name of n01443537; the",
    ),
    "a file twice": (
        fake_shards.sample(f"a/{NAME}", b"", 0) + fake_shards.sample(NAME, b"", 0),
        "is the same image as",
    ),
    "nothing": ([], "no images in its 1 shard of val"),
}


@pytest.mark.parametrize("case", TARS)
def test_an_archive_that_is_not_imagenets_is_named_with_the_member(case: str, root: Path) -> None:
    members, says = TARS[case]
    file = fake_shards.tar(root / "imagenet" / "val" / "000.tar", members)
    said = refused()
    assert says in said
    assert str(file.parent) in said


@pytest.mark.parametrize(
    "members",
    [
        [(f"{NAME}.jpg", jpeg(5)), (f"{NAME}.txt", b"5\n")],
        [(f"b/{NAME}.jpeg", jpeg(5)), (f"b/{NAME}.json", b'{"label": 5}')],
        [("000123.jpg", jpeg(5)), ("000123.json", f'{{"label": 5, "filename": "{NAME}.JPEG"}}'.encode())],
    ],
)
def test_a_label_may_be_in_txt_or_json_and_the_name_in_json(members: list[tuple[str, bytes]], root: Path) -> None:
    fake_shards.tar(root / "imagenet" / "val" / "000.tar", members)
    dataset = opened()
    assert dataset.test.labels.tolist() == [5]
    assert dataset.test.name(0).endswith(f"/{NAME}.JPEG")


def test_images_without_their_names_are_read_and_a_remark_says_so(root: Path) -> None:
    members = [
        m for n, label in enumerate([7, 3, 7]) for m in ((f"{n}.jpg", jpeg(label)), (f"{n}.cls", str(label).encode()))
    ]
    fake_shards.tar(root / "imagenet" / "val" / "000.tar", members)
    dataset = opened()
    assert dataset.test.labels.tolist() == [3, 7, 7]
    assert [str(one).rpartition(" ")[2] for one in dataset.stored("test", np.arange(3))] == ["1.jpg", "0.jpg", "2.jpg"]
    assert "do not say which files their images were; draws take other images" in dataset.remarks[0]


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", jpeg()[:300]])
def test_bytes_that_are_no_image_are_named_with_their_place(content: bytes, root: Path, kind: str) -> None:
    part = root / "imagenet" / "val"
    if kind == "tar":
        place = f"{fake_shards.tar(part / '000.tar', fake_shards.sample(NAME, content, 0))}: member {NAME}.jpg"
    else:
        place = f"{fake_shards.parquet(part / '0000.parquet', [(None, jpeg(), 1), (NAME, content, 0)])}: row 1"
    dataset = opened()
    with pytest.raises(BenchError) as caught:
        decoding.read(dataset.test.stored(0))
    assert str(caught.value).startswith(f"{place}: cannot be read as an image (")
    assert " object at " not in str(caught.value)
    found = inspection.look("imagenet", read(), read=lambda key: readers.read(key, read()), only_test=True)
    assert f"{place}: cannot be read as an image (" in found.says


def test_a_row_without_bytes_is_named(root: Path) -> None:
    fake_shards.parquet(root / "imagenet" / "val" / "0000.parquet", [(NAME, None, 0)])
    with pytest.raises(BenchError, match=r"0000\.parquet: row 0: cannot be read as an image \(its row has no bytes"):
        decoding.read(opened().test.stored(0))


def test_a_parquet_file_of_other_columns_is_named(root: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    file = root / "imagenet" / "data" / "validation-00000-of-00001.parquet"
    file.parent.mkdir(parents=True)
    for table in ({"text": ["a"], "label": [1]}, {"image": ["a"], "label": [1]}, {"image": [{"bytes": b""}]}):
        pq.write_table(pa.table(table), file)
        said = refused()
        assert said.startswith(
            f"{file}: has not a column image of {{bytes, path}} and a column label of whole numbers, but "
        )
        assert ", ".join(sorted(table)) in said


def test_a_row_with_a_foreign_label_is_named(root: Path) -> None:
    file = fake_shards.parquet(root / "imagenet" / "val" / "0000.parquet", [(NAME, b"", 0), ("b", b"", 1000)])
    assert refused().startswith(f"{file}: row 1: has label 1000, and ImageNet's are 0 to 999")


def test_without_pyarrow_a_line_says_what_to_install(
    made: Callable[[str], Path], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made("parquet"), root, copy_function=os.link, dirs_exist_ok=True)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert refused().endswith("parquet is read with pyarrow: pip install 'amu-bench[parquet]'")


def test_the_archives_of_image_net_are_no_shards(root: Path) -> None:
    for name in (
        "ILSVRC2012_img_train.tar",
        "ILSVRC2012_img_val.tar",
        "ILSVRC2012_img_train_t3.tar",
        "train/n01440764.tar",
    ):
        fake_shards.tar(root / "imagenet" / name, [(f"{NAME}.JPEG", b"")])
    assert sets.shards(root / "imagenet", "val") == sets.shards(root / "imagenet", "train") == []


def test_no_file_is_written_where_a_member_says(root: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    fake_shards.tar(root / "imagenet" / "val" / "000.tar", fake_shards.sample(f"{away}/{NAME}", jpeg(), 0))
    opened().images("test", np.array([0]))
    assert not away.exists()


def test_a_member_with_letters_that_cannot_be_printed_is_named_in_one_line(root: Path) -> None:
    fake_shards.tar(root / "imagenet" / "val" / "000.tar", [("a\nb.jpg", b"")])
    assert "member a?b.jpg: has no label" in refused()


def test_a_shard_that_became_shorter_is_named(root: Path) -> None:
    file = fake_shards.tar(root / "imagenet" / "val" / "000.tar", fake_shards.sample(NAME, jpeg(), 0))
    place = opened().test.stored(0)
    file.write_bytes(file.read_bytes()[:1600])
    with pytest.raises(
        BenchError, match=r"000\.tar: member .*jpg: cannot be read as an image \(its archive ends after"
    ):
        decoding.read(place)
    assert isinstance(place, stored.Inside)


def test_a_command_ends_with_the_line_and_its_code(folder: Path) -> None:
    file = sorted(folder.glob("*train*"))[1]
    file.unlink()
    code, _, err = bench("run", "--suite", "paper", "--table", "4", "--method", "Zero-shot CLIP")
    assert code == ExitCode.MISSING
    assert f"{file}: no such file, the first of 1 missing shards of 3 of train" in err
    assert "Traceback" not in err
