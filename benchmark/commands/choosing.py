"""Which exhibits, cells and runs a command is about."""

from collections.abc import Sequence

from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.suites.suite import Suite


def chosen(table: Sequence[str], figure: Sequence[str]) -> list[str]:
    """Exhibit ids for --table and --figure; BenchError where neither is given or one is unknown."""
    there = exhibit.names()
    picked = []
    for kind, numbers in (("table", table), ("figure", figure)):
        known = [name.removeprefix(kind) for name in there if name.startswith(kind)]
        picked += [kind + choose(str(number), known, kind) for number in numbers]
    if not picked:
        raise BenchError("nothing chosen; type bench run --table 4 or --all, or bench list for what there is")
    return picked


def planned_cells(
    shown: Sequence[Exhibit], world: Suite, methods: Sequence[str], shots: Sequence[int], quick: bool = False
) -> list[Cell]:
    """The cells of the exhibits that are chosen; with `quick` those of the suite's smaller grid."""
    if quick and not world.quick:
        raise BenchError(f"suite {world.name} has no quick grid; give its file a [quick] with seeds and shots")
    left_out = world.quick.get("without", ()) if quick else ()
    cells = exhibit.select([c for e in shown if e.id not in left_out for c in e.cells()], methods, shots)
    return [c for c in cells if c.said.get("shots") in (0, *world.quick["shots"])] if quick else cells
