"""A rule that picks rows of an exhibit by two of its columns: Sec. 4.1 of AMU-Tuning, Top-K superiority and Top-M
complementarity, as the exhibit's `[rule]` names it.

The function is named as a method is (`package.module:function`): the harness knows no method.
"""

from dataclasses import dataclass
from typing import Any

from benchmark.analysis.results import Measured
from benchmark.core.names import resolve


@dataclass(frozen=True)
class Picked:
    """What the rule picks in one panel, out of which rows; rows without both numbers are not asked."""

    panel: str
    picked: list[str]
    asked: list[str]


def apply(measured: Measured) -> list[Picked]:
    """The rule in each panel where something is measured; nothing where the exhibit has none.

    `[rule]`: function (superiority {row: number}, complementarity {row: number}, its other arguments -> the rows picked,
    best first), superiority and complementarity (short names of columns); the rest are arguments.
    """
    if not measured.exhibit.rule:
        return []
    arguments = dict(measured.exhibit.rule)
    function = resolve(arguments.pop("function"), "rule")
    names = arguments.pop("superiority"), arguments.pop("complementarity")
    found = []
    for panel, columns in measured.exhibit.by_panel().items():
        by_short = {column.get("short", column["name"]): column["name"] for column in columns}
        both = [_numbers(measured, by_short[name]) for name in names]
        rows = [row for row in both[0] if row in both[1]]
        if rows:
            picked = function(*({row: numbers[row] for row in rows} for numbers in both), **arguments)
            found.append(Picked(panel, list(picked), rows))
    return found


def tables(measured: Measured) -> list[dict[str, Any]]:
    """What the rule picks, as a table."""
    found = apply(measured)
    if not found:
        return []
    rule = measured.exhibit.rule
    arguments = ", ".join(f"{k} = {v}" for k, v in rule.items() if k not in ("function", "words"))
    rows = [[f.panel or "all", ", ".join(f.picked) or "none", str(len(f.asked))] for f in found]
    header = ["", "picked", "of"]
    return [
        {"title": "What the rule picks", "words": f"`{rule['function']}`, {arguments}.", "header": header, "rows": rows}
    ]


def _numbers(measured: Measured, column: str) -> dict[str, float]:
    cells = {row["name"]: measured.at(row["name"], column).mean for row in measured.exhibit.rows}
    return {name: mean for name, mean in cells.items() if mean is not None}
