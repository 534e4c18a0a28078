"""Archives are held against their directory before anything in them is unpacked."""

import io
import zipfile

import pytest

from benchmark.core import archives


def test_content_swells_where_it_is_large_and_far_larger_than_what_is_stored() -> None:
    assert not archives.swells(archives.MUCH, 0)
    assert archives.swells(archives.MUCH + 1, 1)
    assert not archives.swells(archives.RATIO * archives.MUCH, archives.MUCH)
    assert archives.swells(archives.RATIO * archives.MUCH + 1, archives.MUCH)


def test_entries_that_lie_over_one_another_count_as_the_bytes_of_the_archive() -> None:
    entries = [zipfile.ZipInfo(str(number)) for number in range(100)]
    for entry in entries:
        entry.file_size = entry.compress_size = archives.MUCH
    archives.check(entries, 100 * archives.MUCH)
    with pytest.raises(ValueError, match=r"134,217,728 bytes in it would unpack to 13,421,772,800"):
        archives.check(entries, archives.MUCH)
    archives.check([], 0)


@pytest.mark.parametrize("comment", [b"", b"a" * 65535])
def test_an_archive_is_opened_with_and_without_a_comment(comment: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", "b")
        archive.comment = comment
    assert archives.opened(stream).read("a") == b"b"


def test_names_are_shown_in_one_line_of_sixty_letters() -> None:
    assert archives.shown("layer1.0.conv1.weight") == "layer1.0.conv1.weight"
    assert archives.shown("a\nb\x1b\udcffß") == "a?b??ß"
    assert archives.shown("x" * 60) == "x" * 60
    assert archives.shown("x" * 10**6) == "x" * 59 + "…"
