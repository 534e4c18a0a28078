"""How many images the runs of a cell learnt from and chose on, in words where they are fewer than its shots promise."""

from collections.abc import Callable, Iterable, Sequence

from benchmark.data.dataset import VAL_SHOTS
from benchmark.exhibits.naming import methods
from benchmark.methods.construct import construct
from benchmark.records.record import Drawn, Record
from benchmark.suites.suite import Suite


def few(records: Sequence[Record], suite: Suite) -> str:
    """The number of images by class, where some class has fewer than the shots of the runs.

    Args:
        records: the records of a cell. Those of earlier versions do not count their images.
        suite: their suite, which names the data sets.

    Returns:
        Text such as "at most 4 images of a class (folder:birds)"; "" where no class has fewer.
    """
    datasets: dict[str, list[Record]] = {}
    for record in records:
        datasets.setdefault(record.dataset, []).append(record)
    told = {name: _of_dataset(found) for name, found in datasets.items()}
    return "; ".join(f"{words} ({suite.named(name)})" for name, words in told.items() if words)


def _of_dataset(records: Sequence[Record]) -> str:
    support = _fewer(records, lambda r: r.support, lambda r: r.shots, "images")
    val = _fewer(records, lambda r: r.validation, lambda r: min(r.shots, VAL_SHOTS), "validation images")
    repeated = any(record.support and record.support.repeated for record in records)
    return "; ".join(filter(None, [support + ", some repeated" * repeated, val]))


def _fewer(
    records: Iterable[Record], part: Callable[[Record], Drawn | None], wanted: Callable[[Record], int], what: str
) -> str:
    """Smallest and largest number of images of a class, in words; "" if all classes have enough, or none has any."""
    counts = [(found, wanted(record)) for record in records if (found := part(record)) is not None and found.images]
    if not any(found.fewest < enough for found, enough in counts):
        return ""
    fewest, most = min(found.fewest for found, _ in counts), max(found.most for found, _ in counts)
    what = what if most != 1 else what.removesuffix("s")
    if most >= max(enough for _, enough in counts):
        return f"{fewest} to {most} {what} of a class"
    return f"at most {most} {what} of a class" + (f", {fewest or 'none'} of some" if fewest < most else "")


def unvalidated(records: Sequence[Record]) -> bool:
    """Whether runs with a support set had no validation images, so that `val` is their last epoch."""
    return any(record.shots and record.n_val == 0 for record in records)


def nothing_to_choose(record: Record) -> bool:
    """Whether a run has one epoch, no tunable setting, and no search over several runs."""
    epochs, (first, *others) = (record.curves or {}).get("test", ()), record.selections.values()
    if record.picked or len(epochs) != 1 or any(other != first for other in others):
        return False
    if record.method not in methods():  # not imported because a record names it
        return False
    return not construct(record.method, record.settings).tunes
