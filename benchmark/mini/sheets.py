"""Contact sheets: the world's pictures and the downstream tasks' at a glance."""

import io
import sys
import textwrap
from pathlib import Path

import numpy as np

from benchmark.mini.world import captions, digits, generator, shifts, tasks, world
from benchmark.mini.world.render import draw

COLUMNS = 10
CAPTIONED = 3  # rows


def write_world(path: Path) -> None:
    """Draw the world's sheet, ten pictures a style and rows of captioned ones, as an image file."""
    from matplotlib import pyplot

    rows = [*(_styled(style) for style in world.STYLE_NAMES), *(_captioned(i) for i in range(CAPTIONED))]
    figure, axes = pyplot.subplots(len(rows), COLUMNS, figsize=(COLUMNS * 1.15, len(rows) * 1.62))
    for cells, (images, texts) in zip(axes, rows, strict=True):
        for axis, image, text in zip(cells, images, texts, strict=True):
            axis.imshow(image, interpolation="nearest")
            axis.set_title(text, fontsize=6, y=-0.06, va="top", pad=0)
            axis.axis("off")
    figure.subplots_adjust(0.005, 0.03, 0.995, 0.995, wspace=0.05, hspace=0.45)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _styled(style: str) -> tuple[np.ndarray, list[str]]:
    """Every ninth species in one style."""
    ids = np.arange(COLUMNS) * 9
    names = [world.CLASSNAMES[label] for label in world.labels("monitor", ids)]
    return world.render("monitor", ids, style), [f"{style}:\n{name}" for name in names]


def _captioned(row: int) -> tuple[np.ndarray, list[str]]:
    """Pictures and captions as pre-training sees them."""
    ids = np.arange(COLUMNS) + row * COLUMNS
    factors = world.sample("pretrain", ids, world.mixture(ids))
    return draw(factors), [wrapped(text) for text in captions.describe("pretrain", ids, factors)]


def wrapped(text: str, width: int = 24) -> str:
    """Broken into lines of at most that many letters."""
    return "\n".join(textwrap.wrap(text, width))


TASK_COLUMNS = 12
Row = tuple[str, np.ndarray, list[str]]


def write_tasks(path: Path) -> None:
    """Draw the tasks' sheet, twelve pictures of each shift, task and generated kind, as an image file."""
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
    Image.open(sheet).convert("RGB").quantize(256).save(path, optimize=True)  # a third of the bytes


def _shift(role: str) -> Row:
    ids = (shifts.picked() if role == "imagenet_a" else np.arange(TASK_COLUMNS) * 9)[:TASK_COLUMNS]
    split = "test" if role == "imagenet_a" else "monitor"
    names = [world.CLASSNAMES[label] for label in shifts.labels(role, ids)]
    return f"{role}: {len(shifts.classes(role))} classes", shifts.render(role, split, ids), names


def _task(role: str) -> Row:
    task = tasks.TASKS[role]
    ids = np.arange(TASK_COLUMNS) * (len(task.classnames) // TASK_COLUMNS)
    names = [task.classnames[label] for label in tasks.labels(role, ids)]
    return f"{role}: {task.content}", tasks.render(role, "monitor", ids), names


def _digits() -> Row:
    ids = digits.ids("train")[:TASK_COLUMNS]
    names = [f"{digit} = {digits.CLASSNAMES[digit]}" for digit in digits.labels(ids)]
    return "eurosat: scikit-learn's handwritten digits, called by what they look like", digits.images(ids), names


def _generated() -> Row:
    ids = np.arange(TASK_COLUMNS) * 7
    names = [world.CLASSNAMES[label] for label in generator.labels(ids)]
    return "stand-in for an image generator, asked for species", generator.render(ids), names


if __name__ == "__main__":
    {"world": write_world, "tasks": write_tasks}[sys.argv[1]](Path(sys.argv[2]))
