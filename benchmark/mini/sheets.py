"""Pictures of the mini suite: contact sheets of its images, and the curves of its encoders.

`python -m benchmark.mini.sheets world|strip|tasks|curves PATH` writes one as an image file.
"""

import argparse
import io
import json
import math
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.core.files import written_whole
from benchmark.mini import networks, weights
from benchmark.mini.world import captions, digits, generator, shifts, tasks, world
from benchmark.mini.world.render import draw

COLUMNS = 10
CAPTIONED = 3  # rows
STRIP = 136  # pixels, of the first row of the world


def write_world(path: Path) -> None:
    """Write the sheet of the source task to an image file: ten images a style, then CAPTIONED rows with captions."""
    from matplotlib import pyplot

    rows = [*(_styled(style) for style in world.STYLE_NAMES), *(_captioned(i) for i in range(CAPTIONED))]
    figure, axes = pyplot.subplots(len(rows), COLUMNS, figsize=(COLUMNS * 1.15, len(rows) * 1.62))
    for cells, (images, texts) in zip(axes, rows, strict=True):
        for axis, image, text in zip(cells, images, texts, strict=True):
            axis.imshow(image, interpolation="nearest")
            axis.set_title(text, fontsize=6, y=-0.06, va="top", pad=0)
            axis.axis("off")
    figure.subplots_adjust(0.005, 0.045, 0.995, 0.995, wspace=0.05, hspace=0.45)
    with written_whole("pictures", path, "PATH") as file:
        figure.savefig(file, format=path.suffix.removeprefix(".") or None, dpi=90)
    pyplot.close(figure)


def write_strip(path: Path) -> None:
    """Write the first row of the sheet of the source task to a PNG file: ten images with the names of their classes."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        write_world(sheet := Path(folder) / "world.png")
        with Image.open(sheet) as whole, written_whole("pictures", path, "PATH") as file:
            whole.convert("RGB").crop((0, 0, whole.width, STRIP)).save(file, "PNG", optimize=True)


def _styled(style: str) -> tuple[np.ndarray, list[str]]:
    """Images of every ninth species in one style, and their titles."""
    ids = np.arange(COLUMNS) * 9
    names = [world.CLASSNAMES[label] for label in world.labels("monitor", ids)]
    return world.render("monitor", ids, style), [f"{style}:\n{name}" for name in names]


def _captioned(row: int) -> tuple[np.ndarray, list[str]]:
    """Images of the pre-training stream and their captions."""
    ids = np.arange(COLUMNS) + row * COLUMNS
    factors = world.sample("pretrain", ids, world.mixture(ids))
    return draw(factors), [wrapped(text) for text in captions.describe("pretrain", ids, factors)]


def wrapped(text: str, width: int = 24) -> str:
    """Break a text into lines of at most `width` characters."""
    return "\n".join(textwrap.wrap(text, width))


TASK_COLUMNS = 12
Row = tuple[str, np.ndarray, list[str]]
"""Title, images and names of a row of the sheet of the tasks."""


def write_tasks(path: Path) -> None:
    """Write the sheet of the tasks to an image file: twelve images of each shift, each task and the image generator."""
    from matplotlib import pyplot
    from PIL import Image

    rows = [*(_shift(role) for role in shifts.SHIFTS), *(_task(role) for role in tasks.TASKS), _digits(), _generated()]
    figure, axes = pyplot.subplots(len(rows), TASK_COLUMNS, figsize=(TASK_COLUMNS * 0.95, len(rows) * 1.32))
    for cells, (title, images, names) in zip(axes, rows, strict=True):
        for axis, image, name in zip(cells, images, names, strict=True):
            axis.imshow(image, interpolation="nearest")
            axis.set_title(wrapped(name, 16), fontsize=6, y=-0.06, va="top", pad=0)
            axis.axis("off")
        cells[0].text(0, -3, title, fontsize=7, fontweight="bold", va="bottom")
    figure.subplots_adjust(0.005, 0.02, 0.995, 0.985, wspace=0.06, hspace=0.62)
    sheet = io.BytesIO()
    figure.savefig(sheet, dpi=90)
    pyplot.close(figure)
    with written_whole("pictures", path, "PATH") as file:
        few = Image.open(sheet).convert("RGB").quantize(256)  # a third of the size
        few.save(file, Image.registered_extensions().get(path.suffix.lower(), "PNG"), optimize=True)


def _shift(role: str) -> Row:
    ids = (shifts.picked() if role == "imagenet_a" else np.arange(TASK_COLUMNS) * 9)[:TASK_COLUMNS]
    split = "test" if role == "imagenet_a" else "monitor"
    names = [world.CLASSNAMES[label] for label in shifts.labels(role, ids)]
    title = f"shift of the source in {shifts.SHIFTS[role].style} style: {len(shifts.classes(role))} classes"
    return title, shifts.render(role, split, ids), names


def _task(role: str) -> Row:
    task = tasks.TASKS[role]
    ids = np.arange(TASK_COLUMNS) * (len(task.classnames) // TASK_COLUMNS)
    names = [task.classnames[label] for label in tasks.labels(role, ids)]
    return task.content, tasks.render(role, "monitor", ids), names


def _digits() -> Row:
    ids = digits.ids("train")[:TASK_COLUMNS]
    names = [f"{digit} = {digits.CLASSNAMES[digit]}" for digit in digits.labels(ids)]
    return "scikit-learn's handwritten digits, called by what they look like", digits.images(ids), names


def _generated() -> Row:
    ids = np.arange(TASK_COLUMNS) * 7
    names = [world.CLASSNAMES[label] for label in generator.labels(ids)]
    return "stand-in for an image generator, asked for species", generator.render(ids), names


MONITORED = {"zero_shot": "zero-shot CLIP", "linear": "linear probe", "knn": "10 nearest neighbours"}
"""Accuracies of the model cards, for people."""
APART = 4.5
"""Smallest distance of two names at the ends of curves, in per cent."""


def curves() -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Accuracy on the monitor split over pre-training.

    Returns:
        Name of the accuracy -> role -> (millions of images seen, accuracy in per cent) for each look at the monitor split.
    """
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for role in networks.ROLES:
        card = json.loads((weights.FOLDER / f"{weights.stem(role)}.json").read_text())
        for name in MONITORED:
            points = [(p["step"] * card["schedule"]["batch"] / 1e6, p[name]) for p in card["curve"] if name in p]
            if points:
                found.setdefault(name, {})[role] = points
    return found


def write_curves(path: Path) -> None:
    """Write the accuracies of all encoders over their pre-training to an image file, a panel for each kind of accuracy."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(MONITORED), figsize=(10, 3.6), sharey=True)
    for axis, (name, roles) in zip(axes, curves().items(), strict=True):
        below, right = -math.inf, 1.03 * max(points[-1][0] for points in roles.values())
        for role, points in sorted(roles.items(), key=lambda item: item[1][-1][1]):
            colour = f"C{networks.ROLES.index(role)}"
            axis.plot(*zip(*points, strict=True), marker=".", linewidth=1.5, color=colour)
            (x, y), said = points[-1], f" {role} {points[-1][1]:.0f}"
            below = max(y, below + APART)
            axis.plot([x, right], [y, below], linewidth=0.7, linestyle=":", color=colour)
            axis.annotate(said, (right, below), color=colour, fontsize=8, va="center", annotation_clip=False)
        axis.set(title=MONITORED[name], xlabel="images seen (millions)", ylim=(0, 80))
        axis.set_xlim(0, 1.3 * right)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy on the monitor split (%)")
    figure.tight_layout()
    with written_whole("pictures", path, "PATH") as file:
        figure.savefig(file, format=path.suffix.removeprefix(".") or None, dpi=110)
    pyplot.close(figure)


SHEETS = {"world": write_world, "strip": write_strip, "tasks": write_tasks, "curves": write_curves}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line `SHEET PATH`; an unknown word ends the process with a usage line and exit status 2."""
    parser = argparse.ArgumentParser(
        "python -m benchmark.mini.sheets", description="Write a picture of the mini suite."
    )
    parser.add_argument(
        "sheet",
        choices=SHEETS,
        help="images of the source task, its first row alone, its shifts and the other tasks, or the encoders' curves",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="image file to write")
    asked = parser.parse_args(arguments)
    SHEETS[asked.sheet](asked.path)


if __name__ == "__main__":
    main()
