"""Classes are called as their folders, or as a list says."""

from pathlib import Path

import pytest

from benchmark.core.errors import BenchError, Incomplete
from benchmark.data.published import class_names
from benchmark.data.published.class_names import of_folders

FOLDERS = ["n01440764", "n01443537", "n01484850"]
NAMES = ("tench", "goldfish", "great white shark")


def listed(tmp_path: Path, text: str) -> str:
    (tmp_path / "names.txt").write_text(text)
    return str(tmp_path / "names.txt")


def test_by_default_they_are_called_as_their_folders(tmp_path: Path) -> None:
    assert of_folders(tmp_path, ["big_cat", "dog"]) == ("big_cat", "dog")


@pytest.mark.parametrize(
    "text",
    [
        "tench\ngoldfish\ngreat white shark\n",
        "\ufefftench\r\ngoldfish\r\n\r\ngreat white shark",
        "n01440764 tench\nn01443537 goldfish\nn01484850 great white shark\n",
        "n01484850\tgreat white shark\nn01440764\ttench\nn01443537\tgoldfish\n",
        "n01484850,great white shark\nn01440764,tench\nn01443537,goldfish\n",
        "n01484850 = great white shark\nn01440764 = tench\nn01443537 = goldfish\n",
    ],
)
def test_a_list_gives_names_by_order_or_by_folder(text: str, tmp_path: Path) -> None:
    assert of_folders(tmp_path, FOLDERS, listed(tmp_path, text)) == NAMES


def test_a_list_beside_the_folders_is_read_and_a_named_one_comes_first(tmp_path: Path) -> None:
    (tmp_path / "classnames.txt").write_text("a\nb\nc\n")
    assert of_folders(tmp_path, FOLDERS) == ("a", "b", "c")
    assert of_folders(tmp_path, FOLDERS, listed(tmp_path, "\n".join(NAMES))) == NAMES


def test_the_longest_folder_that_a_line_begins_with_is_meant(tmp_path: Path) -> None:
    assert of_folders(tmp_path, ["cat", "cat big"], listed(tmp_path, "cat big lion\ncat tabby\n")) == ("tabby", "lion")


def test_names_that_only_begin_like_folders_are_taken_by_order(tmp_path: Path) -> None:
    assert of_folders(tmp_path, ["cat", "dog"], listed(tmp_path, "cat fish\npuppy dog\n")) == ("cat fish", "puppy dog")


def test_a_list_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"names.txt: has 2 names for 3 class folders; write one line for each"):
        of_folders(tmp_path, FOLDERS, listed(tmp_path, "tench\ngoldfish\n"))
    with pytest.raises(Incomplete, match=r"--classnames .*gone.txt: no such file"):
        of_folders(tmp_path, FOLDERS, str(tmp_path / "gone.txt"))


def test_a_folder_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="has no readable name"):
        of_folders(tmp_path, ["caf\udce9", "dog"])


@pytest.mark.parametrize("name", ["n01440764", "7", "007", "001.Black footed Albatross", "c0", "class_3", "12 - owl"])
def test_ids_and_numbers_as_names_earn_a_line(name: str) -> None:
    (said,) = class_names.notes([name, "dog"])
    assert f"1 of 2 class names are ids or numbers, the first {name!r}" in said
    assert "--classnames FILE" in said


@pytest.mark.parametrize("name", ["dog", "big_cat", "Boeing 747", "t-shirt", "café"])
def test_names_with_words_earn_none(name: str) -> None:
    assert class_names.notes([name, "owl"]) == []


def test_classes_of_one_name_earn_a_line() -> None:
    (said,) = class_names.notes(["red_fox", "owl", "red fox"])
    assert "several classes are called 'red_fox'" in said
