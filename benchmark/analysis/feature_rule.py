"""A rule that picks rows of an exhibit by two of its columns, as the exhibit's `[rule]` names it.

Sec. 4.1 of AMU-Tuning picks auxiliary features so: those among the Top-K by superiority and the Top-M by complementarity. The
function is named `package.module:function`, as methods are, so that the harness imports no method.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from benchmark.analysis.results import Measured
from benchmark.core.digest import Json, JsonDict
from benchmark.core.names import resolve
from benchmark.exhibits.exhibit import Exhibit


@dataclass(frozen=True)
class Rule:
    """The `[rule]` of an exhibit.

    Attributes:
        name: The function's name, `package.module:function`.
        function: Superiority {row: number}, complementarity {row: number} and `arguments` -> the rows picked, best first.
        superiority, complementarity: Short names of the columns that hold these numbers.
        arguments: Further keyword arguments of the function.
    """

    name: str
    function: Callable[..., Iterable[str]]
    superiority: str
    complementarity: str
    arguments: Json

    def picks(self, superiority: Mapping[str, float], complementarity: Mapping[str, float]) -> list[str]:
        """The rows picked by their numbers, best first."""
        return list(self.function(superiority, complementarity, **self.arguments))


def rule_of(exhibit: Exhibit) -> Rule | None:
    """The rule of an exhibit, None where it has none; BenchError where its function does not exist."""
    if not exhibit.rule:
        return None
    said = dict(exhibit.rule)
    name, superiority, complementarity = (said.pop(key) for key in ("function", "superiority", "complementarity"))
    return Rule(name, resolve(name, "rule"), superiority, complementarity, arguments=said)


@dataclass(frozen=True)
class Picked:
    """The rows picked in one panel.

    Attributes:
        panel: The panel; empty where the exhibit has no panels.
        picked: The rows picked, best first.
        asked: The rows with both numbers, among which the rule picks.
    """

    panel: str
    picked: list[str]
    asked: list[str]


def apply(measured: Measured) -> list[Picked]:
    """Apply the exhibit's rule in each panel that has measured rows; an empty list where the exhibit has no rule."""
    rule = rule_of(measured.exhibit)
    if rule is None:
        return []
    found = []
    for panel, columns in measured.exhibit.by_panel().items():
        by_short = {column.get("short", column["name"]): column["name"] for column in columns}
        both = [_numbers(measured, by_short[name]) for name in (rule.superiority, rule.complementarity)]
        rows = [row for row in both[0] if row in both[1]]
        if rows:
            picked = rule.picks(*({row: numbers[row] for row in rows} for numbers in both))
            found.append(Picked(panel, picked, rows))
    return found


def tables(measured: Measured) -> list[JsonDict]:
    """The rows picked as a table for the reports: title, words, header and rows; no table where nothing is measured."""
    rule, found = rule_of(measured.exhibit), apply(measured)
    if rule is None or not found:
        return []
    said = {"superiority": rule.superiority, "complementarity": rule.complementarity, **rule.arguments}
    arguments = ", ".join(f"{name} = {value}" for name, value in said.items())
    rows = [[f.panel or "all", ", ".join(f.picked) or "none", str(len(f.asked))] for f in found]
    header = ["", "picked", "of"]
    return [{"title": "What the rule picks", "words": f"`{rule.name}`, {arguments}.", "header": header, "rows": rows}]


def _numbers(measured: Measured, column: str) -> dict[str, float]:
    cells = {row["name"]: measured.at(row["name"], column).mean for row in measured.exhibit.rows}
    return {name: mean for name, mean in cells.items() if mean is not None}
