"""A message's remedy fits its fault: an intact file is not to be copied again, and ten broken ones are named at once."""

from pathlib import Path

import pytest
from fake_trees import picture

from benchmark.core.errors import BenchError
from benchmark.data.published import decoding, faults, listing
from benchmark.data.published.faults import Unreadable, told

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (HEIC, "a HEIC file"),
        (b"II*\0" + bytes(40), "a TIFF file of a kind"),
        (b"PF\n2 2\n-1.0\n" + bytes(48), "a PFM file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"%PDF-1.7\n", "a PDF file"),
    ],
)
def test_a_format_that_is_not_read_is_named_and_to_be_saved_as_another(
    content: bytes, what: str, tmp_path: Path
) -> None:
    (tmp_path / "image.jpg").write_bytes(content)
    with pytest.raises(
        BenchError, match=rf"image\.jpg: cannot be read as an image \({what}.*; save it as an 8-bit PNG"
    ):
        decoding.read(tmp_path / "image.jpg")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\xff\xd8\xff", b"GIF89a"])
def test_a_damaged_file_is_to_be_copied_again(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "image.jpg").write_bytes(content)
    with pytest.raises(BenchError, match=r"; copy it again from where it came$"):
        decoding.read(tmp_path / "image.jpg")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (PermissionError(13, "Permission denied"), "let this user read it, as chmod u+r does"),
        (IsADirectoryError(21, "Is a directory"), "rename it or move it away"),
        (MemoryError(), "scale it down, or try fewer --jobs"),
        (OSError("decoder libtiff not available"), "save it as an 8-bit PNG or JPEG"),
        (OSError("image file is truncated (3 bytes not processed)"), "copy it again from where it came"),
    ],
)
def test_each_fault_has_its_own_remedy(error: Exception, remedy: str, tmp_path: Path) -> None:
    found = faults.fault(tmp_path / "a.jpg", error)
    assert str(found).startswith(f"{tmp_path / 'a.jpg'}: cannot be read as an image (")
    assert found.remedy == remedy


def test_a_folder_called_like_an_image_is_not_to_be_copied(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(BenchError, match=r"folder\.jpg: cannot be read as an image \(it is a folder\); rename it"):
        decoding.read(tmp_path / "folder.jpg")


def broken(number: int, remedy: str = "mend it") -> Unreadable:
    return Unreadable(Path(f"{number}.jpg"), "broken", remedy)


def test_a_file_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte, which takes no place on the disk and hours to read."""
    image = tmp_path / "ant" / "image.png"
    image.parent.mkdir()
    with image.open("wb") as file:
        file.truncate(1 << 40)
    says = r"larger than 2,147,483,648 bytes, the most that is read"
    with pytest.raises(BenchError, match=rf"image\.png: .*{says}\); take it out of the folder or the list"):
        decoding.read(image)
    with pytest.raises(BenchError, match=rf"image\.png: .*{says}"):
        listing.folders(tmp_path, {"ant": 0}, tmp_path / "cache").content(tmp_path / "cache")


def test_several_faults_are_one_line_by_remedy() -> None:
    assert told([broken(1), broken(2, "turn it"), broken(3)], 40) == (
        "3 of 40 images cannot be read: 1.jpg (broken), 3.jpg (broken): mend it; 2.jpg (broken): turn it"
    )


def test_ten_are_named_and_the_others_counted() -> None:
    line = told([broken(number) for number in range(1, 1013)], 2000)
    assert line.startswith("1,012 of 2,000 images cannot be read: 1.jpg (broken), 2.jpg (broken)")
    assert line.endswith("10.jpg (broken): mend it; and 1,002 more")


def test_all_files_that_cannot_be_read_are_found_in_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(20)]
    for path in paths:
        picture(1, 1).save(path)
    for number in (3, 17):
        paths[number].write_bytes(b"")
    paths[9].unlink()
    assert [found.path for found in decoding.faults_of_all(paths)] == [paths[3], paths[9], paths[17]]
