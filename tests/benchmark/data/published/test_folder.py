"""Anybody's image folder is a data set: divided already, or divided here."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_trees import write

from benchmark.core.errors import BenchError, Incomplete
from benchmark.data.published.folder import ImageFolder

CLASSES = ("big_cat", "dog", "small bird")


def fill(root: Path, images: int, classes: tuple[str, ...] = CLASSES, first: int = 0) -> Path:
    for label, name in enumerate(classes):
        for i in range(images):
            write(root / name / f"{i:03}.jpg", first + label * 100 + i, label)
    return root


def swap(one: Path, other: Path) -> None:
    """Exchange the bytes of two files, and keep their names and times."""
    content, stat = one.read_bytes(), one.stat()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    for path in (one, other):
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    for number, (part, images) in enumerate((("train", 6), ("val", 2), ("test", 3))):
        fill(tmp_path / "mine" / part, images, first=1000 * number)
    return tmp_path / "mine"


def test_a_divided_folder_is_read_as_it_is(divided: Path) -> None:
    mine = ImageFolder(str(divided))
    assert mine.classnames == CLASSES
    assert (len(mine.train), len(mine.val), len(mine.test)) == (18, 6, 9)
    assert mine.labels("test", mine.ids("test")).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert mine.listed(np.array([0, 18])) == ["big_cat/000.jpg", "big_cat/000.jpg"]
    assert mine.stored("train", np.array([18]))[0] == divided / "val/big_cat/000.jpg"


@pytest.mark.parametrize("names", [("Train", "valid", "TEST"), ("training", "validation", "testing")])
def test_the_parts_may_be_called_otherwise(names: tuple[str, ...], divided: Path) -> None:
    for old, new in zip(("train", "val", "test"), names, strict=True):
        (divided / old).rename(divided / f"{new}.")
        (divided / f"{new}.").rename(divided / new)
    mine = ImageFolder(str(divided))
    assert (len(mine.train), len(mine.val), len(mine.test)) == (18, 6, 9)


def test_train_and_val_alone_are_tested_on_val(divided: Path) -> None:
    for path in (divided / "test").rglob("*.jpg"):
        path.unlink()
    (divided / "test").rename(divided / ".gone")
    mine = ImageFolder(str(divided))
    assert (len(mine.train), len(mine.val), len(mine.test)) == (18, 0, 6)


def test_an_undivided_folder_is_divided_class_by_class(tmp_path: Path) -> None:
    mine = ImageFolder(str(fill(tmp_path / "mine", 10)))
    for part, each in ((mine.train, 5), (mine.val, 2), (mine.test, 3)):
        assert np.bincount(part.labels).tolist() == [each] * 3
    names = [part.name(i) for part in (mine.train, mine.val, mine.test) for i in range(len(part))]
    assert len(set(names)) == 30


def test_the_division_is_the_same_again_and_another_with_another_seed(tmp_path: Path) -> None:
    root = str(fill(tmp_path / "mine", 10))
    assert ImageFolder(root).fingerprint == ImageFolder(root).fingerprint
    assert ImageFolder(root).test.digest() != ImageFolder(root, split_seed=2).test.digest()


@pytest.mark.parametrize("images", range(2, 9))
def test_small_classes_have_something_to_train_and_to_test_on(images: int, tmp_path: Path) -> None:
    mine = ImageFolder(str(fill(tmp_path / "mine", images)))
    assert min(np.bincount(mine.train.labels, minlength=3)) >= 1
    assert min(np.bincount(mine.test.labels, minlength=3)) >= 1
    assert len(mine.train) + len(mine.val) + len(mine.test) == 3 * images


def test_the_fingerprint_knows_the_bytes_and_names_but_not_where_the_folder_lies(tmp_path: Path) -> None:
    root = fill(tmp_path / "mine", 4)
    before = ImageFolder(str(root)).fingerprint
    fill(tmp_path / "elsewhere/mine", 4)
    assert ImageFolder(str(tmp_path / "elsewhere/mine")).fingerprint == before
    swap(tmp_path / "elsewhere/mine/dog/000.jpg", tmp_path / "elsewhere/mine/big_cat/000.jpg")
    assert ImageFolder(str(tmp_path / "elsewhere/mine")).fingerprint != before
    write(root / "dog/001.jpg", 77, 2)
    edited = ImageFolder(str(root)).fingerprint
    write(root / "dog/900.jpg", 1, 1)
    assert len({before, edited, ImageFolder(str(root)).fingerprint}) == 3


def test_a_curve_over_shots_is_nested_by_default_and_can_be_official(divided: Path) -> None:
    assert ImageFolder(str(divided)).nested
    assert not ImageFolder(str(divided), sampler="official").nested
    draw = ImageFolder(str(divided)).draw(2, 1)
    assert len(draw.support) == 6


def test_images_may_lie_deeper_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    root = fill(tmp_path / "mine", 4)
    write(root / "dog/more/like this/a.PNG", 3, 1)
    (root / "dog/._000.jpg").write_bytes(b"")
    (root / "dog/notes.txt").write_text("")
    (root / ".thumbnails").mkdir()
    mine = ImageFolder(str(root))
    assert sum(map(len, (mine.train, mine.val, mine.test))) == 13


# --- what is said of a folder


def said(root: Path, **how: str) -> str:
    return "\n".join(ImageFolder(str(root), **how).remarks)


def test_the_numbers_of_classes_and_images_are_said_and_where_they_are_from(divided: Path, tmp_path: Path) -> None:
    assert "mine: 3 classes, 18 training, 6 validation and 9 test images, from train/, val/, test/" in said(divided)
    assert "15 training, 6 validation and 9 test images, divided here" in said(fill(tmp_path / "whole", 10))


def test_files_that_are_left_out_are_counted_by_their_endings(divided: Path) -> None:
    for name in ("train/dog/a.gif", "train/dog/b.GIF", "test/dog/c.jfif", "val/dog/LICENSE"):
        (divided / name).write_bytes(b"")
    assert "4 files left out for their endings (2 .gif, 1 .jfif, 1 no ending)" in said(divided)


def test_a_class_of_other_endings_alone_is_refused_with_them(divided: Path) -> None:
    for path in (divided / "train/dog").iterdir():
        path.rename(path.with_suffix(".heic"))
    assert "class 'dog' has no images (6 files have other endings: .heic)" in refused(divided)


def test_images_outside_of_class_folders_and_folders_beside_the_parts_are_counted(divided: Path) -> None:
    write(divided / "a.jpg", 1, 1)
    write(divided / "train/b.jpg", 1, 1)
    write(divided / "unlabelled/c.jpg", 1, 1)
    assert "2 images left out, in no class folder" in said(divided)
    assert "unlabelled/ left out (1 image), which is none of the parts" in said(divided)


def test_classes_without_test_images_are_counted(divided: Path) -> None:
    shutil.rmtree(divided / "test/dog")
    assert "1 of 3 classes have no test images, the first 'dog'" in said(divided)


def test_an_image_in_train_and_test_is_found_by_its_bytes(divided: Path) -> None:
    assert "too high" not in said(divided)
    shutil.copy(divided / "train/dog/001.jpg", divided / "test/dog/777.jpg")
    shutil.copy(divided / "val/dog/001.jpg", divided / "test/dog/778.jpg")
    assert "2 of 11 test images are training or validation images too" in said(divided)
    assert "test/dog/777.jpg is" in said(divided)


def test_classes_can_be_given_names(divided: Path, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("tiger\npuppy\ntit\n")
    mine = ImageFolder(str(divided), classnames=str(tmp_path / "names"))
    assert mine.classnames == ("tiger", "puppy", "tit")
    assert mine.fingerprint != ImageFolder(str(divided)).fingerprint
    (divided / "classnames.txt").write_text("dog hound\nbig_cat lion\nsmall bird wren\n")
    assert ImageFolder(str(divided)).classnames == ("lion", "hound", "wren")


def test_names_that_differ_in_their_normal_form_alone_are_one_class(tmp_path: Path) -> None:
    fill(tmp_path / "mine/train", 2, ("caf\u00e9", "dog"))
    fill(tmp_path / "mine/test", 3, ("cafe\u0301", "dog"))
    assert np.bincount(ImageFolder(str(tmp_path / "mine")).test.labels).tolist() == [3, 3]
    fill(tmp_path / "mine/test", 1, ("caf\u00e9",))
    assert "has two folders in test/" in refused(tmp_path / "mine")


# --- links, pipes, and what cannot be read


def test_a_link_that_leads_nowhere_is_named(divided: Path) -> None:
    (divided / "train/dog/zzz.jpg").symlink_to("/nowhere/x.jpg")
    assert "train/dog/zzz.jpg: a link to /nowhere/x.jpg, which is not there" in refused(divided)


@pytest.mark.parametrize("target", [".", "..", "../../train", "../../.."])
def test_a_link_to_a_folder_that_it_is_in_is_named(target: str, divided: Path) -> None:
    (divided / "train/dog/again").symlink_to(target)
    assert "again: a link to" in refused(divided)


def test_two_links_that_lead_to_each_other_are_named(divided: Path) -> None:
    (divided / "train/dog/a").symlink_to("../big_cat")
    (divided / "train/big_cat/b").symlink_to("../dog")
    assert "a folder that it is in" in refused(divided)


def test_links_to_images_and_to_folders_elsewhere_are_followed(divided: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/1.jpg", 500, 1)
    (divided / "train/dog/link.jpg").symlink_to(tmp_path / "elsewhere/1.jpg")
    (divided / "train/dog/more").symlink_to(tmp_path / "elsewhere")
    assert len(ImageFolder(str(divided)).train) == 20


def test_a_pipe_called_like_an_image_is_named(divided: Path) -> None:
    os.mkfifo(divided / "train/dog/pipe.jpg")
    assert "pipe.jpg: no regular file" in refused(divided)


def test_a_folder_called_like_an_image_is_a_folder(divided: Path) -> None:
    write(divided / "train/dog/more.jpg/1.jpg", 500, 1)
    assert len(ImageFolder(str(divided)).train) == 19


def test_an_archive_is_no_folder(divided: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(b"PK")
    assert "is a file; unpack it" in refused(tmp_path / "mine.zip")


def test_templates_are_taken_as_they_are(divided: Path) -> None:
    assert ImageFolder(str(divided)).templates == ("a photo of a {}.",)
    assert ImageFolder(str(divided), template="{}, a pet").templates == ("{}, a pet",)
    assert ImageFolder(str(divided), template=["a {}", "the {}"]).templates == ("a {}", "the {}")


@pytest.mark.parametrize("template", ["a photo", "{name}", "{} {}", "{", "{0!r} {}", "{{}}"])
def test_a_template_without_a_place_for_the_name_is_refused(template: str, divided: Path) -> None:
    with pytest.raises(BenchError, match=r"needs \{\} once, for the class name"):
        ImageFolder(str(divided), template=template)


# --- folders that are none


def refused(root: Path, **how: str) -> str:
    with pytest.raises(BenchError) as caught:
        ImageFolder(str(root), **how)
    assert "\n" not in str(caught.value)
    assert str(root) in str(caught.value) or how
    return str(caught.value)


def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path: Path, divided: Path) -> None:
    with pytest.raises(Incomplete, match="no such folder"):
        ImageFolder(str(tmp_path / "gone"))
    assert "has 0 class folders" in refused(tmp_path / "mine/train/dog")
    assert "has 1 class folders" in refused(fill(tmp_path / "one", 4, ("dog",)))
    (tmp_path / "one/empty").mkdir()
    assert "class 'empty' has no images" in refused(tmp_path / "one")
    assert "class 'b' has one image" in refused(fill(fill(tmp_path / "few", 3, ("a",)), 1, ("b",)))


def test_parts_that_do_not_fit_are_named(divided: Path) -> None:
    fill(divided / "test", 1, ("cow",))
    assert "class 'cow' is in test/ but not in train/" in refused(divided)


def test_a_class_that_is_empty_in_train_is_named_and_in_test_it_may_be(divided: Path) -> None:
    for path in (divided / "test/dog").iterdir():
        path.unlink()
    assert len(ImageFolder(str(divided)).test) == 6
    for path in (divided / "train/dog").iterdir():
        path.unlink()
    assert "class 'dog' has no images" in refused(divided)


def test_an_unknown_sampler_is_named(divided: Path) -> None:
    assert "unknown sampler of a folder 'coop-cache'" in refused(divided, sampler="coop-cache")
