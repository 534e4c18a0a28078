"""Places of images: a file of its own, a member of a tar archive, or a row of a parquet file. `str` of a place names it."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from benchmark.core import archives, regular
from benchmark.data.published import row_groups

PARQUET = ".parquet"


@dataclass(frozen=True)
class Inside:
    """An image inside a file of many, a shard.

    Attributes:
        file: The shard, a tar archive or a parquet file.
        member: Name of the member of a tar archive; "" for a row.
        at: Offset of the member's bytes, or number of the row from 0.
        extent: Number of the member's bytes, or number of the row's group from 0.
    """

    file: Path
    member: str
    at: int
    extent: int

    def __str__(self) -> str:
        """The shard and the place in it, "a.tar: member 7.jpg" or "a.parquet: row 7"."""
        return f"{self.file}: " + (f"member {archives.shown(self.member)}" if self.member else f"row {self.at}")

    @property
    def row(self) -> row_groups.Row:
        """The row of a parquet file."""
        return row_groups.Row(self.file, self.extent, self.at)

    def read(self) -> bytes:
        """The image's bytes; OSError if they cannot be read."""
        if not self.member:
            return row_groups.image(self.row)
        if self.extent > regular.IMAGE:
            raise OSError(errno.EFBIG, regular.LARGER.format(regular.IMAGE), str(self.file))
        with regular.opened(self.file) as file:
            file.seek(self.at)
            content = file.read(self.extent)
        if len(content) < self.extent:
            raise OSError(f"its archive ends after {len(content):,} of {self.extent:,} bytes")
        return content


Stored = Path | Inside
"""Place of an image."""


def opened(place: Stored) -> IO[bytes]:
    """Open an image for reading; OSError if it cannot be read, is no regular file or larger than any image."""
    return regular.opened(place, regular.IMAGE) if isinstance(place, Path) else BytesIO(place.read())


@dataclass(frozen=True, eq=False)
class Shards:
    """The places of the images of a list that lie in shards.

    Attributes:
        files: The shards, all in one folder.
        where: For each image the number of its shard, and the place there as in `Inside`: structured [N] with the fields
            shard, at, extent and member (bytes).
    """

    files: Sequence[Path]
    where: np.ndarray

    def place(self, image: int) -> Inside:
        """Place of an image by its number in the list."""
        one = self.where[image]
        member = one["member"].decode("utf-8", "surrogateescape")
        return Inside(self.files[one["shard"]], member, int(one["at"]), int(one["extent"]))

    def order(self, images: np.ndarray) -> np.ndarray:
        """The permutation that sorts images, numbers in the list [N], by their place in the shards."""
        return np.lexsort((self.where["at"][images], self.where["shard"][images]))

    @contextmanager
    def held(self, images: np.ndarray) -> Iterator[None]:
        """Until the block ends, images that are soon read one by one, [N], are in memory where reading one reads many."""
        if self.files[0].suffix != PARQUET:
            yield
            return
        with row_groups.held(self.place(image).row for image in images.tolist()):
            yield
