"""Sentences on cells whose number is not what their column says: stale, of few images, chosen on nothing, with warnings."""

import re
from collections.abc import Iterable, Mapping, Sequence

from benchmark.analysis.drawn import few, nothing_to_choose, unvalidated
from benchmark.analysis.results import Measured
from benchmark.analysis.weights import other_weights
from benchmark.records.record import Record

DAGGER = "†"
"""Mark of a cell that a sentence explains; two of them where two sentences do."""

NAMED = 6
"""Largest number of columns that a sentence names; of more columns it gives the number."""

Place = tuple[str, str]
"""Row and column of a cell."""


def mark(measured: Measured, place: Place) -> str:
    """The mark of a cell with a number: a dagger each for stale, other test images, other weights, few images."""
    if measured.at(*place).mean is None:
        return ""
    reasons = [
        place in measured.stale,
        place in measured.sizes,
        bool(other_weights(measured.records.get(place, ()))),
        bool(few(measured.records.get(place, ()), measured.suite)),
    ]
    return DAGGER * sum(reasons)


def sentences(measured: Measured) -> list[str]:
    """All sentences on the cells of an exhibit that need one, without a full stop."""
    first = filter(None, [stale(measured), other_sizes(measured)])
    return [
        *first,
        *on_weights(measured),
        *on_seeds(measured),
        *on_images(measured),
        *_failed(measured),
        *_warned(measured),
    ]


def stale(measured: Measured) -> str:
    """The sentence that explains the dagger of stale cells; empty if no cell is stale."""
    changed = sorted({name for names in measured.stale.values() for name in names})
    if not changed:
        return ""
    return (
        f"{DAGGER} stale: measured on other {', '.join(changed)} than are here today;"
        f" {measured.again([row for row, _ in measured.stale])} measures it again"
    )


def other_sizes(measured: Measured) -> str:
    """The sentence that explains the dagger of cells with another number of test images than published; empty if none."""
    if not measured.other_sizes:
        return ""
    return (
        f"{DAGGER} measured on another test set than the published one ({measured.other_sizes}), so no published number"
        f" stands beside it; bench doctor{measured.suite.option} says what differs"
    )


def on_weights(measured: Measured) -> list[str]:
    """The sentences on cells measured with weights whose hash is not the published one; empty if there are none."""
    words: dict[str, list[Place]] = {}
    for place, records in measured.records.items():
        for said in other_weights(records):
            words.setdefault(said, []).append(place)
    return [f"{DAGGER} {_where(measured, (column for _, column in places))}: {said}" for said, places in words.items()]


def on_seeds(measured: Measured) -> list[str]:
    """The sentence on cells of fewer seeds than others in their column; empty if there are none."""
    cells = _by_row({place: f"{seeds} of {most}" for place, (seeds, most) in measured.fewer.items()})
    said = "; ".join(f"{row} at {_where(measured, columns)} ({number})" for (number, row), columns in cells.items())
    advice = "bench compare takes the seeds that both have"
    return [f"Fewer seeds than others in the column: {said}; {advice}"] if said else []


def on_images(measured: Measured) -> list[str]:
    """The sentences on cells with few images of a class, and on cells without validation images."""
    short = _columns({place: few(records, measured.suite) for place, records in measured.records.items()})
    lines = [f"{DAGGER} {_where(measured, columns)}: {words}" for words, columns in short.items()]
    alone = {place: "-" for place, records in measured.records.items() if unvalidated(records)}
    if alone:
        (columns,) = _columns(alone).values()
        lines.append(f"No validation images at {_where(measured, columns)}: `val` is the last epoch there")
    return lines


def chosen(measured: Measured) -> str:
    """The sentence on the images that epoch and tunable settings are chosen on, by the records; without a full stop."""
    records = [record for found in measured.records.values() for record in found]
    learnt = [record for record in records if record.shots]
    if learnt and all(unvalidated([record]) for record in learnt):
        return "No validation images: `val` is the last epoch, at the method's own settings"
    if records and all(nothing_to_choose(record) for record in records):
        return "Nothing is chosen, there being one epoch and no tunable setting: `val` is `last`"
    return "Epoch and tunable settings are chosen on the few-shot validation images (`val`)"


def _failed(measured: Measured) -> list[str]:
    """The sentences on cells whose runs failed in this call, and that have a number nevertheless."""
    reasons = {place: reason for place, reason in measured.failed.items() if place not in measured.missing}
    why = "its number is of other seeds or of an earlier call"
    return [
        f"{row} at {_where(measured, columns)}: failed in this call ({reason}); {why}"
        for (reason, row), columns in _by_row(reasons).items()
    ]


def _warned(measured: Measured) -> list[str]:
    """The sentences on cells in whose runs a library warned."""
    warned = {place: _warnings(records) for place, records in measured.records.items()}
    texts = dict.fromkeys(text for found in warned.values() for text in found)
    lines = []
    for kind in texts:
        places = {place: found[kind] for place, found in warned.items() if kind in found}
        first = next(iter(places.values()))
        lines += [
            f"{row} at {_where(measured, columns)}: a library warned: {first}"
            for (_, row), columns in _by_row(dict.fromkeys(places, kind)).items()
        ]
    return lines


def _warnings(records: Sequence[Record]) -> dict[str, str]:
    """Kind of a warning, without its numbers -> the first of this kind."""
    found: dict[str, str] = {}
    for record in records:
        for text in record.warnings or ():
            found.setdefault(re.sub(r"\d+", "#", text), text)
    return found


def _columns(words: Mapping[Place, str]) -> dict[str, list[str]]:
    """Words -> the columns that they hold in, in their order; cells without words are left out."""
    found: dict[str, dict[str, None]] = {}
    for (_, column), said in words.items():
        if said:
            found.setdefault(said, {})[column] = None
    return {said: list(columns) for said, columns in found.items()}


def _by_row(words: Mapping[Place, str]) -> dict[tuple[str, str], list[str]]:
    """Words and a row -> the columns of the row that they hold in."""
    found: dict[tuple[str, str], list[str]] = {}
    for (row, column), said in words.items():
        found.setdefault((said, row), []).append(column)
    return found


def _where(measured: Measured, columns: Iterable[str]) -> str:
    """Columns by name in the order of the exhibit, or, of many, their number."""
    found = measured.columns(set(columns))
    return ", ".join(found) if len(found) <= NAMED else f"{len(found)} of {len(measured.exhibit.columns)} columns"
