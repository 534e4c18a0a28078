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
from PIL import Image, ImageChops, ImageStat, PngImagePlugin
from toy_world import planted, table, toy

from benchmark.analysis.results import Measured, gather
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.reporting.figures import draw, style

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
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["Level", "Low", "High $x_{$"]
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in left.get_lines()}
    assert lines["Low"] == ([1, 2], [10, 20])
    assert lines["High $x_{$"] == ([2], [60])
    # the level is of no number of shots, so it is one run and the same in every column
    assert lines["Level"] == ([1, 2], [40, 40])


def test_a_second_view_is_drawn_only_where_a_line_goes_far_below_the_level(tmp_path: Path, drawn: list[Any]) -> None:
    near = {("Level", "1-shot"): 40, ("Low", "1-shot"): 38, ("High $x_{$", "2-shot"): 60}
    far = {**near, ("Low", "1-shot"): 37}
    without = {place: count for place, count in far.items() if place[0] != "Level"}
    for counts in (near, far, without):
        draw.draw(measured(counts=counts), tmp_path / "x.png")
    assert [len(picture.axes) for picture in drawn] == [1, 2, 1]
    assert drawn[0].axes[0].get_ylabel() == "top-1 accuracy (%)"


def test_the_right_side_begins_just_below_the_level(tmp_path: Path, drawn: list[Any]) -> None:
    draw.draw(measured(), tmp_path / "x.png")
    left, right = drawn[0].axes
    assert right.get_ylim() == (37.5, 61)
    assert left.get_ylim()[0] < 10


@pytest.mark.parametrize("counts", [{}, {("Level", "1-shot"): 40}, {("Low", "1-shot"): 10}])
def test_few_lines_or_none_are_drawn_too(tmp_path: Path, drawn: list[Any], counts: dict[tuple[str, str], int]) -> None:
    draw.draw(measured(counts=counts), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 0


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


def test_a_picture_is_a_third_as_large_in_few_colours_on_white(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw.draw(measured(), tmp_path / "few.png")
    monkeypatch.setattr(draw, "_save", lambda file, path, _: path.write_bytes(file.getvalue()))
    draw.draw(measured(), tmp_path / "all.png")
    sizes = [(tmp_path / name).stat().st_size for name in ("few.png", "all.png")]
    assert sizes[0] < 0.5 * sizes[1]
    with Image.open(tmp_path / "few.png") as few, Image.open(tmp_path / "all.png") as whole:
        assert few.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        difference = ImageChops.difference(few.convert("RGB"), whole.convert("RGB"))
    assert ImageStat.Stat(difference).mean < [2.0] * 3
