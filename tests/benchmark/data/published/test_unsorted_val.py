"""ImageNet's validation images in one heap are read with the labels of a file beside them, or a line says what to do."""

from pathlib import Path

import numpy as np
import pytest
from fake_trees import link, unsort_val
from scipy.io import savemat

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import read
from benchmark.data.published import imagenet, readers
from benchmark.data.published.photographs import Photographs

Synsets = dict[str, str]


@pytest.fixture
def heap(whole_root: Path, root: Path) -> Synsets:
    """ImageNet with its validation images in one heap: name of each image -> its synset."""
    link(whole_root, root, "imagenet")
    return unsort_val(root)


def opened() -> Photographs:
    return readers.imagenet(settings=read())


def as_sorted(dataset: Photographs, synsets: Synsets) -> None:
    """Every image has the label of its synset, and the classes follow each other as their folders would."""
    names = [dataset.test.name(place) for place in range(len(dataset.test))]
    assert sorted(Path(name).stem for name in names) == sorted(synsets)
    labels = dataset.test.labels.tolist()
    assert labels == [imagenet.synsets().index(synsets[Path(name).stem]) for name in names] == sorted(labels)
    assert dataset.images("test", dataset.ids("test")[:2]).shape == (2, 224, 224, 3)


def solution(synsets: Synsets, header: str = "ImageId,PredictionString") -> str:
    """Kaggle's list, in no order, with one box or two behind a synset."""
    lines = [f"{image},{synset} 85 1 499 272 {synset} 1 2 3 4 " for image, synset in synsets.items()]
    return "\n".join([header, *reversed(lines)]) + "\n"


@pytest.mark.parametrize("place", ["imagenet", "", "imagenet/images/val"])
def test_the_labels_are_read_from_kaggles_list_beside_or_above_them(heap: Synsets, root: Path, place: str) -> None:
    (root / place / "LOC_val_solution.csv").write_text(solution(heap))
    as_sorted(opened(), heap)


def kit(folder: Path, synsets: Synsets) -> None:
    """The development kit's two files. Its identifiers are in no order of the synsets; superclasses have some too."""
    folder.mkdir(parents=True)
    numbered = np.random.default_rng(0).permutation(imagenet.synsets()).tolist()
    rows = [(i, synset, "words", "gloss", 0, 0.0) for i, synset in enumerate([*numbered, "n00001740"], 1)]
    fields = [
        ("ILSVRC2012_ID", "f8"),
        ("WNID", "O"),
        ("words", "O"),
        ("gloss", "O"),
        ("num_children", "f8"),
        ("c", "f8"),
    ]
    savemat(folder / "meta.mat", {"synsets": np.array(rows, dtype=fields)[:, None]})
    numbers = {int(image.rpartition("_")[2]): numbered.index(synset) + 1 for image, synset in synsets.items()}
    lines = [str(numbers.get(number, 1)) for number in range(1, max(numbers) + 1)]
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("place", ["imagenet/ILSVRC2012_devkit_t12/data", "ILSVRC2012_devkit_t12/data", "imagenet"])
def test_the_labels_are_read_from_the_development_kit(heap: Synsets, root: Path, tmp_path: Path, place: str) -> None:
    kit(tmp_path / "kit", heap)
    (root / place).mkdir(parents=True, exist_ok=True)
    for file in (tmp_path / "kit").iterdir():
        file.rename(root / place / file.name)
    as_sorted(opened(), heap)


def refused(error: type[BenchError]) -> str:
    with pytest.raises(error) as caught:
        opened()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_labels_a_line_says_where_to_put_which_file(heap: Synsets, root: Path) -> None:
    said = refused(Incomplete)
    assert said.startswith(f"{root / 'imagenet/images/val'}: its 1,000 images lie in one heap")
    assert "put Kaggle's LOC_val_solution.csv or the folder ILSVRC2012_devkit_t12/ of" in said
    assert f"into {root / 'imagenet'}, or sort them into a folder for each synset" in said


def test_without_meta_the_identifiers_of_the_kit_say_nothing(heap: Synsets, root: Path) -> None:
    kit(root / "imagenet" / "ILSVRC2012_devkit_t12" / "data", heap)
    meta = root / "imagenet" / "ILSVRC2012_devkit_t12" / "data" / "meta.mat"
    meta.write_bytes(b"MATLAB 5.0 MAT-file, broken")
    assert f"{meta}: cannot be read as the table of ILSVRC2012_devkit_t12" in refused(BenchError)
    meta.write_bytes(b"MATLAB 5.0 MAT-file".ljust(600_000))
    assert "larger than 524,288 bytes" in refused(BenchError)
    meta.unlink()
    assert f"{meta}: no such file" in refused(Incomplete)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda text: text.replace("ImageId,", "Image,"), "does not begin with ImageId,PredictionString"),
        (lambda text: "", "does not begin with ImageId,PredictionString"),
        (lambda text: text + "a" * 200_000, "cannot be read as CSV (field larger than field limit"),
        (lambda text: text[: len(text) // 2], "does not have it; remove what is no validation image"),
        (
            lambda text: text.replace("n01440764", "n00000000"),
            "is of class 'n00000000', which is no synset of ImageNet's",
        ),
        (lambda text: text.replace(",n0", ","), "which is no synset of ImageNet's"),
    ],
)
def test_a_list_that_does_not_fit_is_named(heap: Synsets, root: Path, edit: object, says: str) -> None:
    (root / "LOC_val_solution.csv").write_text(edit(solution(heap)))  # type: ignore[operator]
    said = refused(BenchError)
    assert says in said
    assert str(root / "LOC_val_solution.csv") in said
