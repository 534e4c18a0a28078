"""The shifts, the downstream tasks and the stand-ins' pictures on one sheet, a row each.

`python -m benchmark.mini.task_sheet docs/mini-tasks.png`
"""

import io
import sys
from pathlib import Path

import numpy as np

from benchmark.mini import contact_sheet, digits, generator, shifts, tasks, world

COLUMNS = 12
Row = tuple[str, np.ndarray, list[str]]


def write(path: Path) -> None:
    """Draw the sheet as an image file."""
    from matplotlib import pyplot
    from PIL import Image

    rows = [*(_shift(role) for role in shifts.SHIFTS), *(_task(role) for role in tasks.TASKS), _digits(), _generated()]
    figure, axes = pyplot.subplots(len(rows), COLUMNS, figsize=(COLUMNS * 0.95, len(rows) * 1.32))
    for cells, (title, images, names) in zip(axes, rows, strict=True):
        for axis, image, name in zip(cells, images, names, strict=True):
            axis.imshow(image, interpolation="nearest")
            axis.set_title(contact_sheet.wrapped(name, 16), fontsize=6, y=-0.06, va="top", pad=0)
            axis.axis("off")
        cells[0].text(0, -3, title, fontsize=7, fontweight="bold", va="bottom")
    figure.subplots_adjust(0.005, 0.02, 0.995, 0.985, wspace=0.06, hspace=0.62)
    sheet = io.BytesIO()
    figure.savefig(sheet, dpi=90)
    pyplot.close(figure)
    Image.open(sheet).convert("RGB").quantize(256).save(path, optimize=True)  # a third of the bytes


def _shift(role: str) -> Row:
    ids = (shifts.picked() if role == "imagenet_a" else np.arange(COLUMNS) * 9)[:COLUMNS]
    split = "test" if role == "imagenet_a" else "monitor"
    names = [world.CLASSNAMES[label] for label in shifts.labels(role, ids)]
    return f"{role}: {len(shifts.classes(role))} classes", shifts.render(role, split, ids), names


def _task(role: str) -> Row:
    task = tasks.TASKS[role]
    ids = np.arange(COLUMNS) * (len(task.classnames) // COLUMNS)
    names = [task.classnames[label] for label in tasks.labels(role, ids)]
    return f"{role}: {task.content}", tasks.render(role, "monitor", ids), names


def _digits() -> Row:
    ids = digits.ids("train")[:COLUMNS]
    names = [f"{digit} = {digits.CLASSNAMES[digit]}" for digit in digits.labels(ids)]
    return "eurosat: scikit-learn's handwritten digits, called by what they look like", digits.images(ids), names


def _generated() -> Row:
    ids = np.arange(COLUMNS) * 7
    names = [world.CLASSNAMES[label] for label in generator.labels(ids)]
    return "stand-in for an image generator, asked for species", generator.render(ids), names


if __name__ == "__main__":
    write(Path(sys.argv[1]))
