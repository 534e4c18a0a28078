"""The world on one sheet: a row of each style, then captioned pre-training pictures.

`python -m benchmark.mini.contact_sheet docs/mini-world.png`
"""

import sys
import textwrap
from pathlib import Path

import numpy as np

from benchmark.mini import captions, world
from benchmark.mini.render import draw

COLUMNS = 10
CAPTIONED = 3  # rows


def write(path: Path) -> None:
    """Draw the sheet as an image file."""
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


if __name__ == "__main__":
    write(Path(sys.argv[1]))
