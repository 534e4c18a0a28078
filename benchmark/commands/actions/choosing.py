"""Selection of exhibits and cells by the options of a command."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmark.analysis.other_questions import roles_of
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.names import meant
from benchmark.core.settings import Settings
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.fitting import fitted
from benchmark.exhibits.needs import of_cell
from benchmark.exhibits.recalled import recalled
from benchmark.exhibits.substitution import FOLDER, Instead, with_roles
from benchmark.records.record import Record
from benchmark.suites.suite import Suite

NAMED = 3
"""Largest number of rows or exhibits that an error names."""


def chosen_exhibits(table: Sequence[str], figure: Sequence[str]) -> list[str]:
    """Ids of the exhibits named by --table and --figure.

    Args:
        table: numbers of tables, or ids such as "table4". An unknown one raises BenchError with the nearest known numbers.
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
        typed = (meant(str(number), known, kind, [kind + one for one in known]) for number in numbers)
        picked += [kind + number.removeprefix(kind) for number in typed]
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


def without_runs(cells: Sequence[Cell], suite: Suite, by_row: bool) -> dict[str, str]:
    """Parts of a selection that ask for no run.

    Args:
        cells: the selected cells.
        suite: the suite to run in, without what is missing on this machine.
        by_row: whether the parts are rows, else exhibits.

    Returns:
        Row or id of the exhibit -> the reason, for those none of whose cells can be run.
    """
    parts: dict[str, list[Cell]] = {}
    for cell in cells:
        parts.setdefault(cell.row if by_row else cell.exhibit, []).append(cell)
    return {name: _reason(found, suite) for name, found in parts.items() if not any(of_cell(c, suite) for c in found)}


def _reason(cells: Sequence[Cell], suite: Suite) -> str:
    reasons = list(dict.fromkeys(filter(None, (cell.lacks(suite) for cell in cells if not cell.empty))))
    more = f", and {len(reasons) - 1} times more for a reason of its kind" if len(reasons) > 1 else ""
    return reasons[0] + more if reasons else "none of its cells that are left is measured"


def nothing_planned(shown: Sequence[Exhibit], cells: Sequence[Cell], suite: Suite, by_row: bool) -> BenchError:
    """Error for a selection that asks for no run, with the reason and a command that measures something in this suite."""
    reasons: dict[str, list[str]] = {}
    for name, reason in without_runs(cells, suite, by_row).items():
        reasons.setdefault(reason, []).append(name)
    said = [f"{_listed(names)}: {reason}" for reason, names in reasons.items()]
    told = said[0] if said else f"the options leave no cell of {_listed([one.id for one in shown])}"
    others = f", and {len(said) - 1} times more for a reason of its kind" if len(said) > 1 else ""
    turned = fitted(shown[0] if len(shown) == 1 else exhibit.load("table4"), suite)
    remedy = f"; type {turned.command}{suite.option}" if turned.options and turned not in shown else ""
    return BenchError(f"nothing to measure in suite {suite.name}: {told}{others}{remedy}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def first_command(suite: Suite) -> str:
    """A command that measures something in a suite: every exhibit, or table 4 in the roles that the suite has."""
    turned = fitted(exhibit.load("table4"), suite)
    if turned.options:
        return turned.command + suite.option
    return f"bench run --all{' --quick' if suite.quick else ''}{suite.option}"


def measured_roles(
    suite: Suite,
    records: Mapping[str, Record],
    wanted: Instead,
    templates: Sequence[str],
    classnames: str | None,
    settings: Settings,
) -> tuple[Suite, Instead]:
    """Roles of which something is measured, named as `bench run` takes them, or as records name them.

    Args:
        suite: the suite of the records.
        records: the records.
        wanted: values of --dataset, --aux and --backbone.
        templates: values of --template.
        classnames: value of --classnames.
        settings: settings of the command.

    Returns:
        The suite with these roles, and the roles; data and weights of roles that records name need not be here.

    Raises:
        Incomplete: a folder or file is not here, or nothing is measured on the data set; the message names what is measured.
    """
    asked = [roles_of(record).roles for record in records.values()]
    measured = {kind: {roles[kind] for roles in asked if kind in roles} for kind in vars(wanted)}
    known = {kind: role for kind, role in wanted.roles.items() if role in measured[kind]}
    typed = Instead(**{kind: role for kind, role in wanted.roles.items() if kind not in known})
    suite, alike = recalled(suite, Instead(**known)), _alike(typed.dataset or "", measured["dataset"])
    try:
        suite, found = with_roles(suite, typed.dataset, templates, classnames, typed.aux, typed.backbone, settings)
    except Incomplete as error:
        raise Incomplete(f"{error}{alike}") from error
    if found.dataset and found.dataset not in measured["dataset"]:
        raise Incomplete(f"nothing is measured on {found.dataset}{alike}")
    return suite, Instead(**{**found.roles, **known})


def _alike(dataset: str, measured: Iterable[str]) -> str:
    """Last words of an error: the measured roles of a folder's name, whatever it held then; empty without one."""
    name = Path(dataset.removeprefix(FOLDER)).name
    roles = sorted(role for role in measured if role.rpartition("-")[0] == f"{FOLDER}{name}")
    return f"; measured is {', '.join(roles)}: name it with --dataset" if roles else ""
