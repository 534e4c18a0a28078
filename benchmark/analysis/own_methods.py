"""Rows of methods that no exhibit names, from the records of a store.

A record holds its question. One of a method from another package, asked on the grid of an exhibit (data set, backbone and
shots of a column), makes a row there. The method is not imported: a record may come from anybody, and names code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace

from benchmark.core.digest import Json, digest
from benchmark.exhibits.exhibit import Cell, Exhibit, compares_methods
from benchmark.exhibits.naming import methods
from benchmark.exhibits.run import Run
from benchmark.records.record import Record
from benchmark.suites.suite import Suite

Variant = Sequence[Record]
"""Records of one method with the same settings."""


def with_own(shown: Exhibit, suite: Suite, records: Iterable[Record]) -> Exhibit:
    """Add a row for each method of another package, and each of its settings, that was measured on the exhibit's grid.

    Args:
        shown: Exhibit. One that does not compare methods is returned unchanged.
        suite: Suite of the records.
        records: Records.

    Returns:
        The exhibit with the rows. A row is named by the class, behind it the settings where there are several rows of it.
    """
    own = [record for record in records if record.method not in methods() and _run(record, suite) is not None]
    if not own or not compares_methods(shown):
        return shown
    rows: list[Json] = []
    for method in dict.fromkeys(record.method for record in own):
        there = [row for row in shown.rows if row.get("method") == method]
        held = [run for cell in shown.cells() if cell.method == method for run in cell.runs(suite, (0,))]
        left = [r for r in own if r.method == method and r.cell_key not in {run.cell_key for run in held}]
        rows += _rows(shown, left, held, [row["name"] for row in (*shown.rows, *rows) if row not in there])
    added = {row["name"]: row["method"] for row in rows}
    return replace(shown, rows=[*shown.rows, *rows], added={**shown.added, **added})


def held(shown: Exhibit, suite: Suite, records: Iterable[Record]) -> set[str]:
    """Cell keys of the records that have rows of `with_own`."""
    cells = [cell for cell in with_own(shown, suite, records).cells() if cell.recorded]
    return {run.cell_key for cell in cells for part in cell.recorded_runs((0,)) for run in part}


def _rows(shown: Exhibit, records: Sequence[Record], held: Sequence[Run], taken: Sequence[str]) -> list[Json]:
    """Rows of one method, the newest settings first."""
    variants: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.measured or "", reverse=True):
        variants.setdefault(digest(record.settings), []).append(record)
    measured = [(variant, columns) for variant in variants.values() if (columns := _columns(shown, variant))]
    settings = [*(variant[0].settings for variant, _ in measured), *(run.settings for run in held)]
    rows: list[Json] = []
    for variant, columns in measured:
        method = variant[0].method
        short = method.partition(":")[2]
        told = _told(variant[0].settings, settings)
        name = next(n for n in (short + told, method + told, method + digest(variant[0].settings)) if n not in taken)
        taken = [*taken, name]
        rows.append({"name": name, "method": method, "only": columns, "recorded": [r.asked for r in variant]})
    return rows


def _columns(shown: Exhibit, variant: Variant) -> list[str]:
    """Names of the columns that some records are on the grid of."""
    row = {"name": "", "method": variant[0].method, "recorded": [record.asked for record in variant]}
    cells = replace(shown, rows=[row]).cells()
    return [cell.column for cell in cells if _is_measured(cell, variant)]


def _is_measured(cell: Cell, variant: Variant) -> bool:
    if cell.question.declares is not None:
        return False
    target = cell.question.target
    asked = [run for part in cell.recorded_runs((0,)) for run in part]
    keys = {run.cell_key for run in asked}
    return bool(asked) and (target is None or any(r.cell_key in keys and target in (r.shifts or {}) for r in variant))


def _told(settings: Json, all_settings: Sequence[Json]) -> str:
    """Settings that differ between the rows of a method: " (beta 5.0, epochs 20)"; "" where none does."""
    flat, *others = map(_flat, (settings, *all_settings))
    names = [name for name, value in flat.items() if any(other.get(name) != value for other in others)]
    words = ", ".join(f"{name.rpartition('.')[2]} {flat[name]}" for name in names)
    return f" ({words})" if words else ""


def _flat(settings: Json, place: str = "") -> dict[str, object]:
    """Settings with those of a recipe, or of another table, side by side: "recipe.epochs" -> 20."""
    found: dict[str, object] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{place}{name}.") if isinstance(value, Mapping) else {f"{place}{name}": value}
    return found


def _run(record: Record, suite: Suite) -> Run | None:
    """The run of a record of this suite, by today's protocol; None for another one, or one that is no question of today's."""
    asked = record.asked
    named = {field.name for field in fields(Run)} | {"protocol"}
    if asked.keys() != named or asked["suite"] != suite.name or not isinstance(record.settings, Mapping):
        return None
    if ":" not in record.method:
        return None
    try:
        found = Run.recalled(asked, record.seed)
        return found if found.key == record.key else None
    except (TypeError, ValueError):
        return None
