"""Which seeds of two rows stand against each other."""

from collections.abc import Iterable, Mapping, Sequence

from benchmark.records.record import Record


def by_seed(records: Iterable[Record]) -> dict[int, list[Record]]:
    """Seed -> records, several where a cell is the mean of several data sets."""
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(record["asked"].get("seed", 0), []).append(record)
    return found


def common_seeds(sides: Sequence[Mapping[int, list[Record]]]) -> list[int]:
    """The seeds that all sides have. What draws nothing has one run, at seed 0, that stands beside every seed."""
    drawing = [set(side) for side in sides if set(side) != {0}]
    if not all(sides):
        return []
    return sorted(set.intersection(*drawing)) if drawing else [0]


def at_seed(side: Mapping[int, list[Record]], seed: int) -> list[Record]:
    """The records of a seed, or those of what draws nothing."""
    return side[seed] if seed in side else side[0]


def common_draws(found: Sequence[Mapping[int, Sequence[Record]]]) -> list[int]:
    """The seeds that all operands have; one that needs no draw has all."""
    drawn = [set(records) for records in found if not _drawless(records)]
    if not all(found):
        return []
    return sorted(set.intersection(*drawn)) if drawn else sorted(found[0])[:1]


def _drawless(records: Mapping[int, Sequence[Record]]) -> bool:
    return len(records) == 1 and all(r["asked"]["shots"] == 0 for part in records.values() for r in part)


def at_draw(records: Mapping[int, list[Record]], seed: int) -> list[Record]:
    """The records of a seed, or those of a row that draws nothing."""
    return next(iter(records.values())) if _drawless(records) else records[seed]
