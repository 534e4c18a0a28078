"""A library's warning is one line: each kind once with its count, cut to a bounded length, from whatever thread it comes."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmark.core import warned

LONG = """lbfgs failed to converge (status=1):
STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT.

Increase the number of iterations (max_iter) or scale the data as shown in:
    https://scikit-learn.org/stable/modules/preprocessing.html
"""


class Slow(UserWarning):
    """A category of a library."""


def test_a_warning_of_several_lines_is_one_line_of_bounded_length() -> None:
    with warned.heard() as heard:
        warnings.warn(LONG, Slow, stacklevel=1)
    (line,) = heard.lines
    assert line.startswith("Slow: lbfgs failed to converge (status=1): STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT.")
    assert "\n" not in line
    assert len(line) <= warned.LONGEST + len("Slow: ")
    assert line.endswith("…")


def test_what_differs_in_its_numbers_is_told_once_with_its_count() -> None:
    with warned.heard() as heard:
        for number in (0.5, 2e-9, 3):
            warnings.warn(f"rcond={number} is small", RuntimeWarning, stacklevel=1)
    assert heard.lines == ["RuntimeWarning: rcond=0.5 is small (3 times)"]


def test_a_second_piece_of_work_hears_what_the_first_heard() -> None:
    found = []
    for _ in range(2):
        with warned.heard() as heard:
            warnings.warn("again", Slow, stacklevel=1)
        found.append(heard.lines)
    assert found == [["Slow: again"], ["Slow: again"]]


def test_the_subject_of_a_thread_is_its_own() -> None:
    def look(name: str) -> None:
        with warned.about(name):
            warnings.warn("torn", Slow, stacklevel=1)

    with warned.heard() as heard, ThreadPoolExecutor(1) as pool:
        list(pool.map(look, ["a.jpg", "b.jpg"]))
    with warned.heard() as outside:
        warnings.warn("torn", Slow, stacklevel=1)
    assert heard.lines == ["Slow: torn (2 times, the first at a.jpg)"]
    assert outside.lines == ["Slow: torn"]


def test_many_kinds_are_counted() -> None:
    with warned.heard() as heard:
        for letter in "abcdefghijklmno":
            warnings.warn(letter, Slow, stacklevel=1)
    assert len(heard.lines) == warned.MOST
    assert heard.lines[-1] == "and 6 further kinds of warnings"


def test_a_note_of_our_own_has_no_category() -> None:
    with warned.heard() as heard:
        warned.note("turned")
    assert heard.lines == ["turned"]


def test_nothing_is_printed_unless_it_is_passed_on(recwarn: pytest.WarningsRecorder) -> None:
    with warned.heard():
        warnings.warn("kept", Slow, stacklevel=1)
    assert [str(w.message) for w in recwarn] == []
    with warned.heard(passed_on=True) as heard:
        warnings.warn("passed", Slow, stacklevel=1)
    assert [str(w.message) for w in recwarn] == ["passed"]
    assert heard.lines == ["Slow: passed"]


def test_what_nobody_hears_is_printed_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warned.print_in_one_line()
        with warned.about("a.jpg"):
            warnings.warn("one\n  two", Slow, stacklevel=1)
    assert capsys.readouterr().err == "warning: Slow: one two (a.jpg)\n"


def test_what_was_heard_before_is_heard_again_afterwards() -> None:
    before = warnings.showwarning
    with pytest.raises(RuntimeError), warned.heard():
        raise RuntimeError
    assert warnings.showwarning is before


def test_what_is_filtered_out_is_not_heard() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Slow)
        with warned.heard() as heard:
            warnings.warn("muted", Slow, stacklevel=1)
    assert heard.lines == []
