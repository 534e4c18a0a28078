"""The sheet that people look at is drawn."""

import pytest

from benchmark.mini import sheets


def test_long_captions_are_broken_between_words():
    assert sheets.wrapped("my dax in snow", width=8) == "my dax\nin snow"


@pytest.mark.slow
def test_the_sheet_is_a_picture_small_enough_for_the_documentation(tmp_path):
    sheets.write_world(tmp_path / "world.png")
    content = (tmp_path / "world.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 700_000


def test_the_tasks_sheet_is_a_picture_small_enough_for_the_documentation(tmp_path):
    sheets.write_world(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "sheet.png").stat().st_size < 700_000
