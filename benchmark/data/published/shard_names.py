"""Names of files that are shards of a data set: train-00000-of-00294.parquet, imagenet1k-validation-00.tar, 0000.parquet."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

NUMBERED = re.compile(
    r"(?P<stem>.*?[^A-Za-z0-9])?(?P<number>[0-9]+)(?P<of>-of-(?P<count>[0-9]+))?\.(?P<kind>parquet|tar)"
)
"""Name of a shard. The archives of image-net.org, ILSVRC2012_img_val.tar and n01440764.tar, have no number of their own."""


def files(folder: Path, words: Sequence[str] = ()) -> list[Path]:
    """Shards in a folder, sorted by name; with `words`, those whose names have one of them, such as "train".

    Args:
        folder: The folder; it need not exist.
        words: Names of a part of the data set.

    Returns:
        The files, which are not opened.
    """
    inside = sorted(os.listdir(folder)) if folder.is_dir() else []
    fits = re.compile(rf"(?i)(?:.*[^a-z])?(?:{'|'.join(words)})(?:[^a-z].*)?")
    return [folder / name for name in inside if NUMBERED.fullmatch(name) and (not words or fits.fullmatch(name))]
