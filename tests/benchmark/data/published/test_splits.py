"""A broken or foreign list is named with its file, the entry and the remedy; nothing leads out of the images' folder."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_trees import edit_split, images, link, make, split_file

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import read
from benchmark.data.published import readers, splits

Lists = dict[str, list[list]]


def refused(key: str, *, error: type[BenchError] = BenchError) -> str:
    with pytest.raises(error) as caught:
        readers.read(key, read())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def outside(path: str) -> Callable[[Lists], None]:
    return lambda said: said["test"][3].__setitem__(0, path)


BROKEN: list[tuple[Callable[[Lists], object], str]] = [
    (outside("/etc/hostname"), r"'/etc/hostname' in a split file is no path below"),
    (outside("../../secret.jpg"), r"'../../secret\.jpg' in a split file is no path below"),
    (lambda said: said.pop("val"), r"has no lists train, val and test"),
    (lambda said: said.update(test={}), r"has no lists train, val and test"),
    (
        lambda said: said["train"].insert(0, ["a.jpg", 0]),
        r'train\[0\] is \["a\.jpg", 0\], not \[path, label, class name\]',
    ),
    (lambda said: said["val"].append(["a.jpg", "0", "x"]), r"val\[1\] is .*, not \[path, label, class name\]"),
    (lambda said: said["val"].append(["a.jpg", -1, "x"]), r"val\[1\] is .*, not"),
    (lambda said: said["val"].append(["a.jpg", True, "x"]), r"val\[1\] is .*, not"),
    (
        lambda said: said["val"].append(["a.jpg", 2**63, "x"]),
        r"val\[1\] has the label 9\.223e\+18, and there are 22 images",
    ),
    (
        lambda said: said["val"].append(["a.jpg", 1000, "x"]),
        r"val\[1\] has the label 1000, and there are 22 images in all",
    ),
    (lambda said: said["val"].append(["a.jpg", 0, "\ud800"]), r"val\[1\] is .*, not"),
    (lambda said: said["val"].append(["\ud800.jpg", 0, "Annual Crop Land"]), r"in a split file is no path below"),
    (lambda said: said["val"].append(["a" * 5000, 0, "Annual Crop Land"]), r"'a{80}' in a split file is no path below"),
    (lambda said: said["val"].append(None), r"val\[1\] is null, not"),
    (
        lambda said: said["test"][2].__setitem__(2, "Sea"),
        r"class 2 is called both 'Herbaceous Vegetation Land' and 'Sea'",
    ),
    (lambda said: said["test"].append(["a.jpg", 11, "x"]), r"has 11 classes up to label 11, but none of label 10"),
    (lambda said: said["test"].append(["a.jpg", 10, "x"]), r"lists 11 classes, EuroSAT has 10; take the file of https"),
]


@pytest.mark.parametrize(("edit", "says"), BROKEN)
def test_a_broken_split_file_is_named_with_the_entry(edit: Callable[[Lists], None], says: str, root: Path) -> None:
    make(root, ["eurosat"])
    edit_split(root, "eurosat", edit)
    said = refused("eurosat")
    assert re.search(says, said)
    assert str(split_file(root, "eurosat")) in said


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'"train"'])
def test_what_is_no_split_file_is_named(content: bytes, root: Path) -> None:
    make(root, ["eurosat"])
    split_file(root, "eurosat").write_bytes(content)
    assert str(split_file(root, "eurosat")) in refused("eurosat")


def test_labels_come_from_the_file_not_from_the_order_of_the_names(tmp_path: Path) -> None:
    """Caltech101 begins with face, leopard, motorbike and goes on with accordion."""
    names = ["face", "leopard", "accordion"]
    entries = [[f"{name}.jpg", label, name] for label, name in enumerate(names)]
    (tmp_path / "split.json").write_text(json.dumps({"train": entries[::-1], "val": [], "test": entries}))
    split = splits.zhou(tmp_path / "split.json", tmp_path)
    assert split.classnames == ("face", "leopard", "accordion")
    assert split.train.labels.tolist() == [2, 1, 0]


def test_the_split_file_may_lie_in_any_folder_above_the_images_up_to_the_root(root: Path, tmp_path: Path) -> None:
    file = split_file(make(root, ["sun397"]), "sun397")
    for folder in (root / "sun397/SUN397", root):
        file = file.rename(folder / file.name)
        assert len(readers.read("sun397", read()).test) == 397
    file.rename(tmp_path / file.name)
    assert "split_zhou_SUN397.json: no such file" in refused("sun397", error=Incomplete)


AIRCRAFT: list[tuple[str, str | None, str]] = [
    ("variants.txt", None, "variants.txt: no such file; it comes with the published archive"),
    ("images_variant_val.txt", None, "images_variant_val.txt: no such file"),
    ("images_variant_test.txt", "0000001 F-16\n", "line 1 is '0000001 F-16', not an image's number and a variant"),
    ("images_variant_test.txt", "0000001\n", "line 1 is '0000001', not an image's number"),
    ("images_variant_val.txt", "../../x A1\n", "'../../x.jpg' in a split file is no path below"),
    ("variants.txt", "707-320\nA1\n", "not an image's number and a variant of variants.txt"),
]


@pytest.mark.parametrize(("name", "content", "says"), AIRCRAFT)
def test_a_broken_list_of_aircraft_is_named(name: str, content: str | None, says: str, root: Path) -> None:
    make(root, ["fgvc_aircraft"])
    file = root / "fgvc_aircraft" / name
    file.unlink() if content is None else file.write_text(content)
    assert says in refused("fgvc_aircraft", error=Incomplete if content is None else BenchError)


def test_lists_of_aircraft_may_have_blank_lines_windows_line_ends_and_a_byte_order_mark(root: Path) -> None:
    make(root, ["fgvc_aircraft"])
    before = readers.read("fgvc_aircraft", read()).fingerprint
    for file in (root / "fgvc_aircraft").glob("*.txt"):
        file.write_bytes(BOM_UTF8 + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert readers.read("fgvc_aircraft", read()).fingerprint == before


def test_a_split_file_may_have_a_byte_order_mark(root: Path) -> None:
    file = split_file(make(root, ["eurosat"]), "eurosat")
    before = readers.read("eurosat", read()).fingerprint
    file.write_bytes(BOM_UTF8 + file.read_bytes())
    assert readers.read("eurosat", read()).fingerprint == before


CLASSNAMES: list[tuple[str, str]] = [
    ("n01440764 trench\n", "line 1 is 'n01440764 trench'"),
    ("", "has 0 lines"),
    ("n01443537 goldfish\n", "line 1 is 'n01443537 goldfish'"),
    ("\xff", "cannot be read as text"),
]


@pytest.mark.parametrize(("text", "says"), CLASSNAMES)
@pytest.mark.parametrize("key", ["imagenet_a", "imagenetv2"])
def test_other_class_names_than_clips_are_refused(text: str, says: str, key: str, root: Path) -> None:
    make(root, [key])
    file = images(root, key)[0].parent.parent / "classnames.txt"
    file.write_bytes(text.encode("latin-1"))
    said = refused(key)
    assert says in said
    assert str(file) in said


def test_imagenet_without_train_can_be_tested_on_but_not_drawn_from(whole_root: Path, root: Path) -> None:
    link(whole_root, root, "imagenet")
    (root / "imagenet/images/train").rename(root / "elsewhere")
    dataset = readers.read("imagenet", read())
    assert len(dataset.ids("test")) == 1000
    with pytest.raises(Incomplete, match=r"train: no training images of 1000 of 1000 classes, the first 'tench'"):
        dataset.draw(1, 1)


def test_imagenet_without_val_is_incomplete(whole_root: Path, root: Path) -> None:
    link(whole_root, root, "imagenet")
    (root / "imagenet/images/val").rename(root / "elsewhere")
    assert "val: no such folder" in refused("imagenet", error=Incomplete)


FOREIGN = [("imagenet", "imagenet"), ("imagenet_a", "shift"), ("fgvc_aircraft", "fgvc_aircraft")]


@pytest.mark.parametrize(("key", "reader"), FOREIGN)
def test_a_reader_sends_on_what_it_cannot_read(key: str, reader: str, root: Path) -> None:
    with pytest.raises(BenchError, match=f"read it with readers:{reader}"):
        readers.split(key, settings=read())
    with pytest.raises(BenchError, match="read it with readers:split"):
        readers.shift("dtd", settings=read())


def test_a_shift_gives_no_shots(root: Path) -> None:
    make(root, ["imagenet_r"])
    with pytest.raises(ValueError, match="imagenet_r is a test set: shots are drawn from its source"):
        readers.read("imagenet_r", read()).draw(1, 1)


def test_opening_a_set_reads_no_image(root: Path) -> None:
    make(root, ["dtd", "imagenet_a"])
    for key in ("dtd", "imagenet_a"):
        before = readers.read(key, read())
        for path in images(root, key):
            path.write_bytes(b"")
        after = readers.read(key, read())
        assert after.fingerprint == before.fingerprint
        assert len(after.ids("test"))


@pytest.mark.parametrize("edit", [
    lambda said: said["test"].pop(),
    lambda said: said["test"].append(said["val"].pop()),
    lambda said: said["test"][0].__setitem__(1, 1) or said["test"][0].__setitem__(2, said["test"][1][2]),
    lambda said: said["train"].reverse(),
    lambda said: [entry.__setitem__(2, "Wood") for part in said.values() for entry in part if entry[2] == "Forest"],
])  # fmt: skip
def test_the_fingerprint_knows_every_name_label_and_split(edit: Callable[[Lists], None], root: Path) -> None:
    make(root, ["eurosat"])
    before = readers.read("eurosat", read()).fingerprint
    edit_split(root, "eurosat", edit)
    assert readers.read("eurosat", read()).fingerprint != before


def test_the_fingerprint_is_the_same_wherever_the_images_lie(root: Path) -> None:
    make(root, ["eurosat"])
    before = readers.read("eurosat", read()).fingerprint
    (root / "eurosat/2750").rename(root / "eurosat/EuroSAT_RGB")
    assert readers.read("eurosat", read()).fingerprint == before


def test_a_list_written_on_windows_names_the_same_images(root: Path) -> None:
    make(root, ["dtd"])
    before = readers.read("dtd", read())

    def backslashes(said: Lists) -> None:
        for entries in said.values():
            entries[:] = [[path.replace("/", "\\"), label, name] for path, label, name in entries]

    edit_split(root, "dtd", backslashes)
    after = readers.read("dtd", read())
    assert after.stored("test", after.ids("test")) == before.stored("test", before.ids("test"))
    assert after.fingerprint == before.fingerprint


def test_a_path_out_of_the_folder_is_refused_with_backslashes_too(root: Path) -> None:
    make(root, ["eurosat"])
    edit_split(root, "eurosat", outside("..\\..\\secret.jpg"))
    assert "is no path below" in refused("eurosat")
    edit_split(root, "eurosat", outside("D:\\data\\secret.jpg"))
    assert "is no path below" in refused("eurosat")
