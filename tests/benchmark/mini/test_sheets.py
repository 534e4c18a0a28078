"""The contact sheets are drawn, and their command line explains itself."""

import json

import pytest
from matplotlib import pyplot
from PIL import Image

from benchmark.mini import networks, sheets, weights


def test_long_captions_are_broken_between_words():
    assert sheets.wrapped("my dax in snow", width=8) == "my dax\nin snow"


@pytest.mark.parametrize("name", ["world", "strip", "tasks", "curves"])
def test_a_word_and_a_path_write_that_sheet(name, tmp_path, monkeypatch):
    written = []
    monkeypatch.setitem(sheets.SHEETS, name, written.append)
    sheets.main([name, str(tmp_path / "sheet.png")])
    assert written == [tmp_path / "sheet.png"]


@pytest.mark.parametrize(("arguments", "says"), [
    (["wrold", "sheet.png"], "argument sheet: invalid choice: 'wrold' (choose from"),
    (["world"], "the following arguments are required: PATH"),
    ([], "the following arguments are required: sheet, PATH"),
])  # fmt: skip
def test_wrong_words_are_refused_in_a_line(arguments, says, capsys, monkeypatch):
    for name in sheets.SHEETS:
        monkeypatch.setitem(sheets.SHEETS, name, lambda path: pytest.fail(f"wrote {path}"))
    with pytest.raises(SystemExit) as stopped:
        sheets.main(arguments)
    assert stopped.value.code == 2
    assert f"python -m benchmark.mini.sheets: error: {says}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_no_caption_is_cut_off(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    sheets.write_world(tmp_path / "world.png")
    (figure,) = drawn
    assert min(axes.title.get_window_extent().y0 for axes in figure.axes) >= 0


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


def test_the_strip_is_the_first_row_of_the_sheet(tmp_path, monkeypatch):
    sheet = Image.new("RGB", (20, 1000), "white")
    sheet.paste("red", (0, 0, 20, sheets.STRIP))
    monkeypatch.setattr(sheets, "write_world", sheet.save)
    sheets.write_strip(tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        assert (strip.size, strip.getcolors()) == ((20, sheets.STRIP), [(20 * sheets.STRIP, (255, 0, 0))])


def test_the_curves_end_at_the_accuracies_of_the_cards(tmp_path):
    found = sheets.curves()
    for role in networks.ROLES:
        card = json.loads((weights.FOLDER / f"{weights.stem(role)}.json").read_text())
        ends = {name: roles[role][-1] for name, roles in found.items() if role in roles}
        assert ends
        assert ends == {name: (card["samples"] / 1e6, card["monitor"][name]) for name in ends}
    sheets.write_curves(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
