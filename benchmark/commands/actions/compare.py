"""Work of `bench compare`: the difference of two rows of an exhibit, column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmark.analysis.compare import Compared, concluded, needs, row_named
from benchmark.analysis.compare import compare as compare_rows
from benchmark.analysis.results import gather
from benchmark.commands.actions.choosing import chosen_exhibits, measured_roles
from benchmark.commands.actions.opening import open_suite
from benchmark.core.errors import BenchError, ExitCode, Incomplete
from benchmark.core.numbers import fixed, interval
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, say_next, show
from benchmark.core.text import counted
from benchmark.exhibits import exhibit, substitution
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.naming import column_named
from benchmark.exhibits.substitution import Instead
from benchmark.records.record import Record
from benchmark.suites.suite import Suite


def compare(
    left: str,
    right: str,
    table: Sequence[str],
    figure: Sequence[str],
    suite: str,
    settings: Settings,
    shots: Sequence[int] | None,
    dataset: str | None,
    template: Sequence[str],
    classnames: str | None,
    aux: str | None,
    backbone: str | None,
    selection: str,
    margin: float,
    form: str,
) -> ExitCode:
    """Compare two rows of an exhibit on the same seeds and images."""
    world, store, records = open_suite(suite, settings)
    told = {}
    for name in chosen_exhibits(table, figure) if table or figure else ["table4"]:
        shown = exhibit.load(name)
        own = dataset if dataset in _datasets(shown) else None
        wanted = Instead(None if own else dataset, aux, backbone)
        asked, instead = measured_roles(world, records, wanted, template, classnames, settings)
        if instead.roles:
            shown, asked = substitution.asked(shown, asked, instead)
        measured = gather(shown, asked, records)
        rows = row_named(measured.exhibit, left), row_named(measured.exhibit, right)
        columns = _columns(shown, shots, own)
        try:
            found = compare_rows(measured, *rows, store, selection, margin, columns)
        except Incomplete as error:
            raise Incomplete(f"{error}{_elsewhere(shown, records)}") from error
        told[name] = found
        if form == "text":
            show(_text(shown, asked, rows, found, selection))
    if form == "json":
        answer_json({name: [{**asdict(c), "says": c.says} for c in found] for name, found in told.items()})
    else:
        for found in told.values():
            say(concluded(found))
        say_next("bench claims holds each conclusion of the paper against the same records")
    return ExitCode.OK


def _elsewhere(shown: Exhibit, records: Mapping[str, Record]) -> str:
    """Last words of an error: data sets of records that no column is on; empty without one."""
    others = sorted({record.dataset for record in records.values() if record.dataset} - _datasets(shown))
    return f"; other records are of {', '.join(others)}: name one with --dataset" if others else ""


def _datasets(shown: Exhibit) -> set[str]:
    """Data sets that columns are on."""
    return {str({**shown.fixed, **column}.get("dataset")) for column in shown.columns}


def _columns(shown: Exhibit, shots: Sequence[int] | None, dataset: str | None) -> list[str]:
    """Names of the columns at these numbers of shots and on this data set; BenchError where no column matches."""
    united = {c["name"]: {**shown.fixed, **c} for c in shown.columns}
    found = [
        name
        for name, said in united.items()
        if (not shots or said.get("shots") in shots) and (not dataset or said.get("dataset") == dataset)
    ]
    if not found:
        raise BenchError(f"{shown.id} has no such column; it has {', '.join(united)}")
    return found


def _text(shown: Exhibit, suite: Suite, rows: tuple[str, str], found: Sequence[Compared], selection: str) -> str:
    """The comparison of two rows as text: a heading, and a line for each column."""
    columns = {column["name"]: column_named(column, suite) for column in shown.columns}
    width = max(len(columns[c.column]) for c in found)
    family = counted(len(found), "column")
    lines = [f"{' less '.join(rows)}, {shown.id}, {selection} selection, 95 % intervals, Holm over {family}"]
    for c in found:
        exact = f"; McNemar, seed by seed: {', '.join(f'{p:.2g}' for p in c.mcnemar)}" if c.mcnemar else ""
        test = "" if c.low is None else f", p {c.adjusted:.2g}"
        words = f"{c.says}{test} over {c.over} ({counted(c.seeds, 'seed')}){exact}"
        effect = fixed(c.effect, 2, "+") + interval(c.low, c.high, 2, "+")
        lines.append(f"  {columns[c.column]:{width}}  {effect}  {'; '.join(filter(None, (words, needs(c))))}")
    return "\n".join(lines)
