"""No table, file or page writes a minus before a zero, whatever rounding leaves of a number."""

import re
from dataclasses import replace

import pytest
from toy_world import planted, table, toy

from benchmark.analysis.leakage import Leak
from benchmark.analysis.leakage import words as leak_words
from benchmark.analysis.results import Measured, csv, gather
from benchmark.reporting import exhibit_files, page, tables

NEGATIVE_ZERO = re.compile(r"[-−+] ?[-−]\d|(?<![\w.])[-−]0(\.0*)?(?![\d.])")
COUNTS = {(row, column): [(40, 50, 60)] for row in ("One", "Two") for column in ("1-shot", "2-shot")}


def texts(measured: Measured) -> list[str]:
    plain = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page.html([measured], {}), flags=re.S)
    return [exhibit_files.markdown(measured), csv(measured), tables.latex(measured), plain]


def with_numbers(mean: float, low: float, high: float) -> Measured:
    """A table whose cells under `val` have these numbers; under the other selections the mean is 0."""
    measured = gather(table(), toy(), planted(table(), toy(), COUNTS))
    zero = {"mean": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    ours = {"mean": mean, "ci_low": low, "ci_high": high}
    rows = [r if r.mean is None else replace(r, **(ours if r.selection == "val" else zero)) for r in measured.rows]
    return replace(measured, rows=rows)


@pytest.mark.parametrize("tiny", [-0.0, -1e-300, -1e-15, -0.00004])
def test_a_number_that_rounds_to_zero_has_no_minus_in_any_text(tiny: float) -> None:
    below = with_numbers(0.0, -tiny, 8.8)
    assert tables.value(below.at("One", "1-shot")) == "0.0 +8.8 0.0"
    for measured in (below, with_numbers(tiny, tiny, 8.8), with_numbers(100.0, 94.0, 100 + tiny)):
        for text in texts(measured):
            assert not NEGATIVE_ZERO.findall(text)


@pytest.mark.parametrize("n", [1, 7, 30, 60, 1000])
def test_all_wrong_and_all_right_are_told_without_a_negative_zero(n: int) -> None:
    counts = {("One", "1-shot"): [(0, 0, 0)], ("Two", "1-shot"): [(n, n, n)]}
    measured = gather(table(), toy(), planted(table(), toy(), counts, n))
    for text in texts(measured):
        assert not NEGATIVE_ZERO.findall(text)


def test_a_gap_of_nothing_is_plus_zero() -> None:
    assert leak_words(Leak("One", "imagenet", 1, "test", -1e-14, -1e-14, 0.4, 0.0, 2)) == "+0.0 (0.0 to 0.4)"
