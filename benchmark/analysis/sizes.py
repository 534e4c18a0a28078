"""Test sets of another number of images than published, beside whose accuracies no published number is set."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmark.exhibits.question import Question
from benchmark.records import readings, reference
from benchmark.records.record import Record
from benchmark.suites.suite import Suite


class Size(NamedTuple):
    """Number of test images that a cell was measured on, and that of the published data set of this role."""

    role: str
    n: int
    published: int

    @property
    def words(self) -> str:
        """Text such as "40 of 50,000 images"; with "more" where there are too many."""
        more = f", {self.n - self.published:,} more than published" if self.n > self.published else ""
        return f"{self.n:,} of {self.published:,} images{more}"


def of_cell(question: Question, records: Iterable[Record]) -> list[Size]:
    """The test sets of a cell's records whose published size is known, each once."""
    found = (_size(question, run) for record in records for run in readings.runs(record))
    return list(dict.fromkeys(size for size in found if size is not None))


def others(sizes: Iterable[Size]) -> list[Size]:
    """Those that are not of the published size."""
    return [size for size in sizes if size.n != size.published]


def in_words(sizes: Sequence[Size], suite: Suite) -> str:
    """Text with the name of each data set: "ImageNet 40 of 50,000 images, DTD 100 of 1,692 images"."""
    return ", ".join(f"{suite.named(size.role)} {size.words}" for size in sizes)


def _size(question: Question, record: Record) -> Size | None:
    role = question.target or record.dataset
    on = record if question.target is None else (record.shifts or {}).get(question.target)
    published = reference.known_images(role)
    return None if on is None or published is None else Size(role, on.n, published)
