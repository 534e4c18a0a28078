"""Selection of exhibits and cells by the options of a command."""

from collections.abc import Sequence

from benchmark.core.errors import BenchError
from benchmark.core.names import choose
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.suites.suite import Suite


def chosen_exhibits(table: Sequence[str], figure: Sequence[str]) -> list[str]:
    """Ids of the exhibits named by --table and --figure.

    Args:
        table: numbers of tables. An unknown number raises BenchError with the nearest known one.
        figure: numbers of figures, likewise.

    Returns:
        Exhibit ids such as "table4", tables first.

    Raises:
        BenchError: neither a table nor a figure is named.
    """
    names = exhibit.names()
    picked = []
    for kind, numbers in (("table", table), ("figure", figure)):
        known = [name.removeprefix(kind) for name in names if name.startswith(kind)]
        picked += [kind + choose(str(number), known, kind) for number in numbers]
    if not picked:
        raise BenchError("nothing chosen; type bench run --table 4 or --all, or bench list for what there is")
    return picked


def planned_cells(
    shown: Sequence[Exhibit], world: Suite, methods: Sequence[str], shots: Sequence[int], quick: bool = False
) -> list[Cell]:
    """Cells of exhibits, restricted to methods and numbers of shots.

    Args:
        shown: the exhibits.
        world: the suite, which defines the quick grid.
        methods: names or classes of the rows to keep; empty for all.
        shots: numbers of shots to keep; empty for all.
        quick: keep only the cells of the suite's quick grid.

    Returns:
        The cells to measure.

    Raises:
        BenchError: `quick` is asked of a suite without a quick grid.
    """
    if quick and not world.quick:
        raise BenchError(f"suite {world.name} has no quick grid; give its file a [quick] with seeds and shots")
    left_out = world.quick.get("without", ()) if quick else ()
    cells = exhibit.select([c for e in shown if e.id not in left_out for c in e.cells()], methods, shots)
    return [c for c in cells if c.question.shots in (0, *world.quick["shots"])] if quick else cells
