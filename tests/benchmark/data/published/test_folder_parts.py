"""Folders that hold parts are parts under any common name, or are refused; they are never classes."""

from pathlib import Path

import pytest

from benchmark.core.errors import BenchError
from benchmark.data.published import folder_parts
from benchmark.data.published.folder_parts import Parts

CLASSES = ("cat", "dog", "owl")


def tree(root: Path, **parts: tuple[str, ...]) -> Path:
    """Folders without images: name of a part -> its class folders; "__" in a name is "/"."""
    for part, classes in parts.items():
        (root / part).mkdir(parents=True, exist_ok=True)
        for name in classes:
            (root / part / name).mkdir(parents=True)
    return root


def named(root: Path, *parts: str) -> Path:
    return tree(root, **dict.fromkeys(parts, CLASSES))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "TEST"),
        ("training", "testing"),
        ("training_set", "test_set"),
        ("Train_Set", "Test_Set"),
        ("TrainSet", "TestSet"),
        ("trainset", "testset"),
        ("seg_train", "seg_test"),
        ("birds-train", "birds-test"),
        ("Training Images", "Test Images"),
        ("training_data", "testdata"),
        ("train_224", "test_224"),
        ("train", "eval"),
        ("train", "evaluation"),
        ("train", "holdout"),
        ("trn", "tst"),
    ],
)
def test_common_names_of_training_and_test_images_are_known(train: str, test: str, tmp_path: Path) -> None:
    assert folder_parts.find(named(tmp_path, train, test)) == Parts(train, None, test, [])


@pytest.mark.parametrize(
    "val", ["val", "valid", "validate", "validation", "Validation_Set", "dev", "dev set", "development"]
)
def test_common_names_of_validation_images_are_known(val: str, tmp_path: Path) -> None:
    assert folder_parts.find(named(tmp_path / "three", "train", val, "test")) == Parts("train", val, "test", [])
    assert folder_parts.find(named(tmp_path / "two", "train", val)) == Parts("train", None, val, [])


def test_a_folder_beside_the_parts_is_the_rest(tmp_path: Path) -> None:
    tree(tmp_path, train=CLASSES, test=CLASSES, seg_pred=(), unlabelled=("heap",))
    found = folder_parts.find(tmp_path)
    assert found is not None
    assert found.rest == ["seg_pred", "unlabelled"]


@pytest.mark.parametrize(
    "classes",
    [
        CLASSES,
        ("train", "bus", "car"),
        ("bullet train", "steam_train", "bus"),
        ("valid", "invalid"),
        ("test", "control"),
        ("contest", "protest"),
        ("n01440764", "n01443537"),
    ],
)
def test_class_folders_are_classes_whatever_they_are_called(classes: tuple[str, ...], tmp_path: Path) -> None:
    assert folder_parts.find(tree(tmp_path, **dict.fromkeys(classes, ()))) is None


def test_class_folders_may_hold_folders_of_their_own(tmp_path: Path) -> None:
    assert folder_parts.find(tree(tmp_path, cat=("persian", "siamese"), dog=("pug",), owl=())) is None


def refused(root: Path) -> str:
    with pytest.raises(BenchError) as caught:
        folder_parts.find(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        ("train", "Train", "test"),
        ("train", "val", "validation"),
        ("train", "training_set", "test"),
        ("train", "test", "eval"),
    ],
)
def test_several_spellings_of_a_part_are_refused(parts: tuple[str, ...], tmp_path: Path) -> None:
    assert "are all named as the part" in refused(named(tmp_path, *parts))


@pytest.mark.parametrize(
    "parts",
    [("one", "two"), ("fold1", "fold2", "fold3"), ("2019", "2020"), ("gallery", "query"), ("entrenar", "probar")],
)
def test_parts_under_unknown_names_are_refused(parts: tuple[str, ...], tmp_path: Path) -> None:
    said = refused(named(tmp_path, *parts))
    assert f"{parts[0]}/" in said
    assert "hold the same class folders; call the parts train/" in said


def test_an_unknown_part_beside_known_ones_is_refused(tmp_path: Path) -> None:
    assert "extra/, test/ and train/ hold the same class folders" in refused(named(tmp_path, "train", "test", "extra"))


def test_a_part_of_which_only_some_classes_are_there_is_a_part(tmp_path: Path) -> None:
    assert "hold the same class folders" in refused(tree(tmp_path / "a", first=CLASSES, second=("cat",)))
    assert folder_parts.find(tree(tmp_path / "b", train=CLASSES, test=("cat",))) == Parts("train", None, "test", [])
    tree(tmp_path / "c", my_train=CLASSES, my_test=("cow", "pig"))
    assert folder_parts.find(tmp_path / "c") == Parts("my_train", None, "my_test", [])


def test_test_images_without_training_images_are_refused(tmp_path: Path) -> None:
    assert "test/ and val/" in refused(named(tmp_path, "val", "test"))


def test_one_part_alone_is_refused(tmp_path: Path) -> None:
    assert "train/ holds class folders and there is no test/ or val/ beside it" in refused(
        named(tmp_path / "a", "train")
    )
    tree(tmp_path / "b", train=CLASSES, labels=())
    assert "train/ holds class folders and there is no test/" in refused(tmp_path / "b")
    assert "test_set/ holds class folders and there is no train/" in refused(named(tmp_path / "c", "test_set"))


def test_parts_without_class_folders_are_refused(tmp_path: Path) -> None:
    assert "has no class folders" in refused(tree(tmp_path, train=(), test=()))
    assert "has no class folders" in refused(tree(tmp_path, bus=()))


def test_parts_within_classes_are_refused(tmp_path: Path) -> None:
    parts = ("training", "testing")
    said = refused(tree(tmp_path / "a", cat=parts, dog=parts))
    assert "hold the same class folders" in said
    assert "is a part within a class" in refused(tree(tmp_path / "b", cat=("train",), dog=("test",)))


def test_a_folder_in_a_folder_is_refused_with_the_path_to_give(tmp_path: Path) -> None:
    tree(tmp_path / "birds", birds=CLASSES)
    assert f"folder:{tmp_path}/birds/birds" in refused(tmp_path / "birds")
    for part in ("seg_train", "seg_test"):
        tree(tmp_path / "intel" / part, **{part: CLASSES})
    assert "holds one folder, seg_train/; move its class folders up" in refused(tmp_path / "intel")


def test_hidden_folders_do_not_count(tmp_path: Path) -> None:
    named(tmp_path, "train", "test", ".train")
    assert folder_parts.find(tmp_path) == Parts("train", None, "test", [])
