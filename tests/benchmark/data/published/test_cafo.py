"""CaFo's generated images and sentences, in the layout in which they are published."""

import json
import re
from codecs import BOM_UTF8
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_trees import images, make, make_generated, make_prompts

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import read
from benchmark.data.published import decoding, readers
from benchmark.data.published.photographs import Photographs
from benchmark.data.published.sets import SETS

WITH = [key for key, known in SETS.items() if known.generated]


@pytest.fixture
def eurosat(root: Path) -> Photographs:
    return readers.read("eurosat", read()) if make(root, ["eurosat"]) else None


def test_the_eleven_have_them_and_the_shifts_do_not() -> None:
    assert len(WITH) == 11
    assert all(SETS[key].generated_list and SETS[key].prompts for key in WITH)
    assert not [key for key in SETS if key not in WITH and SETS[key].prompts]


def test_generated_images_come_class_by_class(eurosat: Photographs, root: Path) -> None:
    make_generated(root, "eurosat", eurosat.classnames, per_class=4)
    made, labels = eurosat.generated(3)
    assert labels.tolist() == [label for label in range(10) for _ in range(3)]
    files = sorted((root / "dalle_eurosat/2750").rglob("*.jpg"), key=lambda p: int(p.stem))
    expected = [np.asarray(decoding.as_tested(decoding.read(files[i]))) for i in (0, 2, 4)]
    np.testing.assert_array_equal(made[np.array([0, 2, 3])], expected)


def test_a_view_of_a_generated_image_is_decided_by_its_place(eurosat: Photographs, root: Path) -> None:
    make_generated(root, "eurosat", eurosat.classnames)
    made, _ = eurosat.generated(2)
    whole = made.views(np.arange(20), 3, seed=1)
    assert whole.shape == (3, 20, 3, 224, 224)
    np.testing.assert_array_equal(made.views(np.array([7]), 3, seed=1)[:, 0], whole[:, 7])
    np.testing.assert_array_equal(made.views(np.arange(20), 3, 1, [(0.5, 1.0), (0.08, 1.0)])[:3], whole)


def test_that_they_are_there_is_found_out_without_opening_one(eurosat: Photographs, root: Path) -> None:
    make_generated(root, "eurosat", eurosat.classnames)
    for path in (root / "dalle_eurosat").rglob("*.jpg"):
        path.write_bytes(b"")
    made, _ = eurosat.generated(2)
    with pytest.raises(BenchError, match="cannot be read as an image"):
        made[np.array([0])]


def test_no_generated_images_are_named_with_where_to_get_them(eurosat: Photographs, root: Path) -> None:
    with pytest.raises(Incomplete, match=re.escape(f"{root}/dalle_eurosat/dalle_eurosat.json: no such file")):
        eurosat.generated(1)


def test_too_few_generated_images_are_named(eurosat: Photographs, root: Path) -> None:
    make_generated(root, "eurosat", eurosat.classnames, per_class=2)
    with pytest.raises(Incomplete, match="class 0 has 2 generated images, the suite wants 5"):
        eurosat.generated(5)


@pytest.mark.parametrize(("names", "says"), [(9, "has none of class 9"), (11, "has some of class 10")])
def test_generated_images_of_other_classes_are_refused(names: int, says: str, eurosat: Photographs, root: Path) -> None:
    make_generated(root, "eurosat", [f"class {i}" for i in range(names)])
    with pytest.raises(BenchError, match=says):
        eurosat.generated(1)


def test_sentences_are_found_by_the_name_without_underscores(root: Path) -> None:
    make(root, ["oxford_pets"])
    pets = readers.read("oxford_pets", read())
    make_prompts(root, "oxford_pets", pets.classnames)
    assert pets.sentences()[5] == [f"breed 5, sentence {i}" for i in range(3)]
    assert len(pets.sentences()) == 37


def test_sentences_may_have_a_byte_order_mark(eurosat: Photographs, root: Path) -> None:
    file = make_prompts(root, "eurosat", eurosat.classnames)
    file.write_bytes(BOM_UTF8 + file.read_bytes())
    assert len(eurosat.sentences()) == 10


def test_sentences_may_lie_elsewhere(eurosat: Photographs, tmp_path: Path) -> None:
    file = make_prompts(tmp_path / "CaFo", "eurosat", eurosat.classnames)
    Path("bench.toml").write_text(f'[data]\npaths = {{ gpt_file = "{file.parent}" }}\n')
    assert len(replace(eurosat, settings=read()).sentences()) == 10


def test_no_sentences_are_named(eurosat: Photographs, root: Path) -> None:
    with pytest.raises(Incomplete, match=re.escape(f"{root}/gpt_file/eurosat_prompt.json: no such file")):
        eurosat.sentences()


def test_a_class_without_sentences_is_named(eurosat: Photographs, root: Path) -> None:
    file = make_prompts(root, "eurosat", eurosat.classnames)
    said = json.loads(file.read_text())
    del said["River"]
    file.write_text(json.dumps(said))
    with pytest.raises(BenchError, match=r"eurosat_prompt\.json: has no sentences for class 'River'; add"):
        eurosat.sentences()


@pytest.mark.parametrize("text", ["", "[1]", "7", '{"Forest": "one"}', '{"Annual Crop Land": [1]}', "\xff"])
def test_a_broken_file_of_sentences_is_named(text: str, eurosat: Photographs, root: Path) -> None:
    make_prompts(root, "eurosat", eurosat.classnames).write_bytes(text.encode("latin-1"))
    with pytest.raises(BenchError, match=r"eurosat_prompt\.json: ") as caught:
        eurosat.sentences()
    assert "\n" not in str(caught.value)


def test_a_shift_has_neither(root: Path) -> None:
    make(root, ["imagenet_a"])
    shift = readers.read("imagenet_a", read())
    for ask in (shift.sentences, lambda: shift.generated(1)):
        with pytest.raises(BenchError, match="there are no generated images or sentences for it"):
            ask()
    assert images(root, "imagenet_a")
