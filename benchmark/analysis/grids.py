"""Tables of the report with a method in each row and a number of shots in each column."""

from collections.abc import Iterable

Grid = tuple[list[str], list[list[str]]]
"""Header and rows of a table."""

NOTHING = "–"
"""A cell without a number."""


def methods_by_shots(cells: Iterable[tuple[str, int, str]]) -> Grid:
    """Lay cells (method, shots, text) out as a table: methods in their order of appearance, shots ascending."""
    texts = {(method, shots): text for method, shots, text in cells}
    methods, columns = dict.fromkeys(method for method, _ in texts), sorted({shots for _, shots in texts})
    rows = [[method, *(texts.get((method, shots), NOTHING) for shots in columns)] for method in methods]
    return ["method", *(f"{shots}-shot" for shots in columns)], rows
