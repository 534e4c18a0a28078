"""The picture: one line a row, and the upper ones again at a scale of their own."""

import errno
import io
import multiprocessing
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest
from matplotlib import pyplot
from PIL import Image, ImageChops, PngImagePlugin
from toy_figures import points, shown
from toy_world import planted, table, toy

from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.reporting.figures import draw, lines, style

ZERO = "baselines.zero_shot:ZeroShotCLIP"
TIP = "baselines.tip_adapter:TipAdapter"
ROWS: list[dict[str, Any]] = [
    {"name": "Level", "method": ZERO, "shots": 0},
    {"name": "Low", "method": TIP, "with": {"beta": 2.0}},
    {"name": "High $x_{$", "method": TIP},
    {"name": "Unmeasured", "method": TIP, "with": {"beta": 3.0}},
]
COUNTS = {("Level", "1-shot"): 40, ("Low", "1-shot"): 10, ("Low", "2-shot"): 20, ("High $x_{$", "2-shot"): 60}


def measured(shown: Exhibit | None = None, counts: dict[tuple[str, str], int] = COUNTS) -> Measured:
    shown = shown or table(rows=ROWS)
    return gather(shown, toy(), planted(shown, toy(), {place: [(0, c, 0)] for place, c in counts.items()}))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were saved."""
    saved: list[Any] = []
    original = matplotlib.figure.Figure.savefig

    def keep(self: Any, *args: Any, **kwargs: Any) -> None:
        saved.append(self)
        original(self, *args, **{**kwargs, "dpi": 40})

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return saved


def test_a_notebook_s_own_figures_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matplotlib, "use", lambda *_: pytest.fail("the backend is the notebook's"))
    before, opened = dict(matplotlib.rcParams), pyplot.get_fignums()
    draw.draw(measured(), tmp_path / "x.png")
    draw.small(measured(), 4, 3)
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == opened


def test_a_png_of_some_size_is_written(tmp_path: Path, drawn: list[Any]) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > height > 100


def test_axes_and_lines_are_labelled_and_only_what_is_measured_is_drawn(tmp_path: Path, drawn: list[Any]) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    left, right = drawn[0].axes
    assert left.get_ylabel() == "top-1 accuracy (%)"
    assert left.get_xlabel() == right.get_xlabel() == "shots per class"
    assert "Table 0: a test" in drawn[0].get_suptitle()
    assert "toy" in drawn[0].get_suptitle()
    assert [text.get_text() for text in right.texts] == ["Low ↓ 20", "Level", "High $x_{$"]
    assert "not measured: Unmeasured" in drawn[0].get_suptitle()
    found = points(left)
    assert [(round(x), y) for x, y in found["Low"]] == [(1, 10), (2, 20)]
    assert [(round(x), y) for x, y in found["High $x_{$"] if y == y] == [(2, 60)]
    # the level is of no number of shots, so it is one run and the same in every column
    assert found["Level"] == [(0, 40), (1, 40)]


def test_a_second_view_is_drawn_only_where_a_line_goes_far_below_the_level(tmp_path: Path, drawn: list[Any]) -> None:
    near = {("Level", "1-shot"): 40, ("Low", "1-shot"): 30, ("High $x_{$", "2-shot"): 60}
    far = {**near, ("Low", "1-shot"): 29}
    without = {place: count for place, count in far.items() if place[0] != "Level"}
    for counts in (near, far, without):
        draw.draw(measured(counts=counts), tmp_path / "x.png")
    assert [len(picture.axes) for picture in drawn] == [1, 2, 1]
    assert drawn[0].axes[0].get_ylabel() == "top-1 accuracy (%)"


def test_the_right_side_shows_whole_intervals_of_all_but_the_far_rows(tmp_path: Path, drawn: list[Any]) -> None:
    found = measured()
    draw.draw(found, tmp_path / "x.png")
    left, right = drawn[0].axes
    level, high = found.at("Level", "1-shot"), found.at("High $x_{$", "2-shot")
    low, top = right.get_ylim()
    assert level.ci_low - 2 < low < level.ci_low < high.ci_high < top < high.ci_high + 2
    assert left.get_ylim()[0] < 10


@pytest.mark.parametrize("counts", [{}, {("Level", "1-shot"): 40}, {("Low", "1-shot"): 10}])
def test_few_lines_or_none_are_drawn_too(tmp_path: Path, drawn: list[Any], counts: dict[tuple[str, str], int]) -> None:
    draw.draw(measured(counts=counts), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 0


def test_a_column_of_declared_words_is_no_point_of_a_line() -> None:
    words = {"name": "sees", "declares": "sees", "shots": 16}
    shown = table(rows=ROWS, columns=[words, *table().columns])
    found = lines.lines(measured(shown), shown.columns)
    assert {x for _, cells in found for x, _ in cells} == {1, 2}


def test_no_two_rows_of_an_exhibit_look_alike() -> None:
    for name in exhibit.names():
        looks = style.styles(gather(exhibit.load(name), toy(), {})).values()
        assert len({(s["color"], s["marker"], s["linestyle"]) for s in looks}) == len(looks), name


def test_a_method_looks_the_same_wherever_it_is_drawn() -> None:
    seen: dict[str, set[str]] = {}
    for name in ("table4", "figure5", "figure6", "figure4a", "table7"):
        for row, look in style.styles(gather(exhibit.load(name), toy(), {})).items():
            seen.setdefault(row, set()).add(repr(look))
    assert {row: len(looks) for row, looks in seen.items() if len(looks) > 1} == {}


def test_own_rows_have_neither_the_colour_of_the_subject_nor_each_other_s_look() -> None:
    names = [row["name"] for row in exhibit.load("table4").rows]
    own = [f"Mine {n}" for n in range(12)]
    looks = style.styles(shown([*names, *own], [{"name": "1-shot", "shots": 1}], {}))
    assert looks["AMU-Tuning"]["color"] not in {looks[name]["color"] for name in own}
    seen = {(looks[name]["color"], looks[name]["marker"], str(looks[name]["linestyle"])) for name in looks}
    assert len(seen) == len(looks)


def test_a_picture_is_drawn_again_only_where_something_in_it_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.png"
    before = gather(table(), toy(), planted(table(), toy(), {("One", "1-shot"): [(40, 50, 60)]}))
    draw.draw(before, path)
    first = path.read_bytes()
    with monkeypatch.context() as context:
        context.setattr(draw, "_kind", lambda _: pytest.fail("drawn again"))
        draw.draw(before, path)
    after = gather(table(), toy(), planted(table(), toy(), {("One", "1-shot"): [(40, 51, 60)]}))
    draw.draw(after, path)
    assert path.read_bytes() != first
    path.write_bytes(b"no picture")
    draw.draw(before, path)
    assert path.read_bytes() == first


def all_of(tmp_path: Path, count: int) -> list[tuple[Measured, Path]]:
    return [(measured(table(rows=ROWS, id=f"table{i}")), tmp_path / f"{i}.png") for i in range(count)]


@pytest.mark.parametrize("count", [1, 5])
def test_several_are_drawn_as_each_by_itself(tmp_path: Path, count: int) -> None:
    draw.draw_all(all_of(tmp_path, count))
    together = [path.read_bytes() for _, path in all_of(tmp_path, count)]
    for one, path in all_of(tmp_path, count):
        path.unlink()
        draw.draw(one, path)
    assert [path.read_bytes() for _, path in all_of(tmp_path, count)] == together


def test_what_is_drawn_already_is_left_and_needs_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw.draw_all(all_of(tmp_path, 5))
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: pytest.fail("a process"))
    monkeypatch.setattr(draw, "draw", lambda *_: pytest.fail("drawn again"))
    draw.draw_all(all_of(tmp_path, 5))


def _zeroed(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def _other_pixels(content: bytes) -> bytes:
    """The picture upside down, with the text fields that it had."""
    with Image.open(io.BytesIO(content)) as picture:
        said, turned, found = PngImagePlugin.PngInfo(), picture.transpose(Image.Transpose.ROTATE_180), io.BytesIO()
        for name, text in picture.text.items():  # type: ignore[attr-defined]
            said.add_text(name, text)
    turned.save(found, "PNG", pnginfo=said)
    return found.getvalue()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "torn at 2,000 bytes": lambda content: content[:2000],
    "the last byte missing": lambda content: content[:-1],
    "a byte too many": lambda content: content + b"\0",
    "empty": lambda content: b"",
    "the second half zero": _zeroed,
    "a bit of a check sum": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "other pixels": _other_pixels,
    "something else": lambda content: b"<svg/>",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("again", [draw.draw, lambda one, path: draw.draw_all([(one, path)])], ids=["one", "all"])
def test_a_picture_that_is_not_as_it_was_written_is_drawn_anew(
    again: Callable[[Measured, Path], None], damage: Callable[[bytes], bytes], tmp_path: Path, drawn: list[Any]
) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    before = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(damage(before))
    again(measured(), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == before
    assert len(drawn) == 2
    again(measured(), tmp_path / "x.png")
    assert len(drawn) == 2


def test_a_picture_is_complete_in_every_program_that_checks_it(tmp_path: Path, drawn: list[Any]) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        picture.verify()
    with Image.open(tmp_path / "x.png") as picture:
        picture.load()
        assert len(picture.text["sha256"]) == 64  # type: ignore[attr-defined]


def test_a_picture_that_cannot_be_written_to_the_end_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    before = (tmp_path / "x.png").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(BenchError, match=r"reports folder .*: cannot be written \(No space left on device\)"):
            draw.draw(measured(counts={}), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_where_no_process_can_be_forked_all_are_drawn_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: pytest.fail("a process"))
    draw.draw_all(all_of(tmp_path, 5))
    assert all(path.is_file() for _, path in all_of(tmp_path, 5))


def test_no_two_colours_of_a_picture_become_one(tmp_path: Path) -> None:
    found = measured()
    draw.draw(found, tmp_path / "x.png")
    as_drawn = io.BytesIO()
    with style.settings():
        lines.draw(found).savefig(as_drawn, dpi=draw.DPI)
    with Image.open(tmp_path / "x.png") as written, Image.open(as_drawn) as whole:
        assert ImageChops.difference(written.convert("RGB"), whole.convert("RGB")).getbbox() is None
        assert written.info["dpi"] == pytest.approx((draw.DPI, draw.DPI), abs=0.1)


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_a_vector_file_is_as_the_figure_and_drawn_again_only_where_something_is_new(
    tmp_path: Path, drawn: list[Any], suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    draw.draw(measured(), path)
    before = path.read_bytes()
    assert before.startswith(b"<?xml" if suffix == ".svg" else b"%PDF")
    draw.draw(measured(), path)
    assert len(drawn) == 1
    path.write_bytes(before[:-20])
    draw.draw_all([(measured(), path)])
    assert path.read_bytes() == before
    draw.draw(measured(counts={**COUNTS, ("Low", "1-shot"): 11}), path)
    assert path.read_bytes() != before


def test_letters_of_an_svg_are_letters(tmp_path: Path) -> None:
    draw.draw(measured(), tmp_path / "x.svg")
    assert ">top-1 accuracy (%)</text>" in (tmp_path / "x.svg").read_text("utf-8")


def test_without_a_title_the_figure_is_drawn_anew_and_has_none(tmp_path: Path, drawn: list[Any]) -> None:
    path = tmp_path / "x.png"
    draw.draw(measured(), path)
    draw.draw(measured(), path, titled=False)
    draw.draw_all([(measured(), path)], titled=False)
    assert [bool(figure.get_suptitle()) for figure in drawn] == [True, False]


def test_rows_can_be_told_apart_without_colour() -> None:
    for name in exhibit.names():
        looks = style.styles(gather(exhibit.load(name), toy(), {})).values()
        assert len({(s["marker"], str(s["linestyle"])) for s in looks}) == len(looks), name


def test_the_method_of_the_paper_is_the_thickest_line_above_the_others() -> None:
    looks = style.styles(gather(exhibit.load("table4"), toy(), {}))
    amu = looks.pop("AMU-Tuning")
    assert all(amu["linewidth"] > look["linewidth"] and amu["zorder"] > look["zorder"] for look in looks.values())
    assert looks["CaFo"]["color"] != looks["CaFo*"]["color"]


def test_points_of_fewer_seeds_are_hollow_and_the_title_says_how_many_there_are(
    tmp_path: Path, drawn: list[Any]
) -> None:
    shown = table(rows=ROWS)
    counts = {
        ("Low", "1-shot"): [(0, 10, 0)] * 2,
        ("Low", "2-shot"): [(0, 20, 0)],
        ("High $x_{$", "1-shot"): [(0, 9, 0)] * 2,
    }
    draw.draw(gather(shown, toy(), planted(shown, toy(), counts)), tmp_path / "x.png")
    (axes,) = drawn[0].axes
    hollow = [list(line.get_ydata()) for line in axes.get_lines() if line.get_markerfacecolor() == "white"]
    assert hollow == [[20]]
    assert "1 or 2 seeds (hollow: fewer than 2)" in drawn[0].get_suptitle()


@pytest.mark.parametrize("name", exhibit.names())
def test_every_figure_is_told_in_words(name: str) -> None:
    found = gather(exhibit.load(name), toy(), {})
    assert draw.told(found).startswith(found.exhibit.title)
