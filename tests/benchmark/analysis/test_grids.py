"""Tables of the report: a method a row, a number of shots a column."""

from benchmark.analysis.grids import methods_by_shots


def test_methods_keep_their_order_and_shots_ascend() -> None:
    header, rows = methods_by_shots([("Tip", 16, "a"), ("AMU", 2, "b"), ("Tip", 2, "c"), ("AMU", 16, "d")])
    assert header == ["method", "2-shot", "16-shot"]
    assert rows == [["Tip", "c", "a"], ["AMU", "b", "d"]]


def test_a_cell_without_a_number_is_a_dash() -> None:
    assert methods_by_shots([("Tip", 1, "a"), ("AMU", 2, "b")])[1] == [["Tip", "a", "–"], ["AMU", "–", "b"]]


def test_no_cells_make_a_table_without_rows() -> None:
    assert methods_by_shots([]) == (["method"], [])
