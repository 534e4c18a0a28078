"""Comparison of the images of a data set with the published number, by split and by class, from its lists alone."""

from collections.abc import Mapping

import numpy as np

from benchmark.core.text import counted
from benchmark.data.published import imagenet
from benchmark.data.published.listing import Listing
from benchmark.data.published.sets import PublishedSet


def differences(known: PublishedSet, lists: Mapping[str, Listing]) -> str:
    """The message on splits with another number of images than published; "" if all numbers agree.

    Args:
        known: the published data set.
        lists: name of a split -> its images.

    Returns:
        Text such as "/data/imagenet/val: test has 40 of 50,000 images, 960 classes without one, the first n01440764".
    """
    said = ((listed, _difference(known, name, listed)) for name, listed in lists.items())
    return "; ".join(f"{listed.root}: {words}" for listed, words in said if words)


def larger(known: PublishedSet, lists: Mapping[str, Listing]) -> bool:
    """Whether a split has more images than published, and none has fewer."""
    more = [len(listed) - known.counts[name] for name, listed in lists.items()]
    return min(more, default=0) >= 0 and max(more, default=0) > 0


def _difference(known: PublishedSet, name: str, listed: Listing) -> str:
    n, published, without = len(listed), known.counts[name], _without(known, listed)
    if n == published and not without:
        return _unequal(known, name, listed)
    more = f", {n - published:,} more than published" if n > published else ""
    classes = f", {counted(len(without), 'class')} without one" if without else ""
    first = f", the first {_called(known, without[0])}" if without else ""
    return f"{name} has {n:,} of {published:,} images{more}{classes}{first}"


def _without(known: PublishedSet, listed: Listing) -> list[int]:
    """Labels of the classes that have no image in their folders, ascending; where a list names the files, it decides."""
    if known.kind in ("split", "aircraft"):
        return []
    held = imagenet.subset(known.key) if known.holds_a_part else range(known.classes)
    return sorted(set(held) - set(np.unique(listed.labels).tolist()))


def _unequal(known: PublishedSet, name: str, listed: Listing) -> str:
    """The message on the first class with another number of test images than each has; "" if there is none."""
    if name != "test" or not known.balanced:
        return ""
    each = known.test // known.classes
    found = np.bincount(listed.labels, minlength=known.classes)
    other = np.flatnonzero(found != each)
    if not len(other):
        return ""
    return f"class {_called(known, int(other[0]))} has {found[other[0]]} images, published are {each}"


def _called(known: PublishedSet, label: int) -> str:
    """A class by the name of its folder."""
    return imagenet.synsets()[label] if known.kind in ("imagenet", "synsets") else str(label)
