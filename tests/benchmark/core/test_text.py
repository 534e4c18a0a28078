"""Text of others reaches a terminal, a page or a table as visible signs, which nothing obeys."""

import json
import unicodedata

import pytest

from benchmark.core import text

CLEAR = "\x1b[2J"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain text", "plain text"),
        ("± – … † β 日本 é 👩‍👧 नमस्ते", "± – … † β 日本 é 👩‍👧 नमस्ते"),
        (f"{CLEAR}gone", r"\u001b[2Jgone"),
        ("\x1b]0;title\x07", r"\u001b]0;title\u0007"),
        ("\x9b2J\x90q\x9c", r"\u009b2J\u0090q\u009c"),
        ("one\ntwo\r\nthree\tfour", r"one\ntwo\r\nthree\tfour"),
        ("line\u2028and\u2029paragraph\x85next\x0bpage\x0c", r"line\u2028and\u2029paragraph\u0085next\u000bpage\u000c"),
        ("abc\u202etxt.exe\u2066\u2069\u200f", r"abc\u202etxt.exe\u2066\u2069\u200f"),
        ("a\u200bb\ufeffc\u2060d", r"a\u200bb\ufeffc\u2060d"),
        ("caf\udce9", r"caf\udce9"),
        ("\x00\x7f\x08", r"\u0000\u007f\u0008"),
        ("tag\U000e0041", r"tag\udb40\udc41"),
        (3, "3"),
    ],
)
def test_in_a_line_signs_that_are_no_text_are_written_out(given: object, shown: str) -> None:
    assert text.line(given) == shown


def test_no_control_character_of_unicode_is_left_and_nothing_that_breaks_a_line() -> None:
    every = "".join(map(chr, range(0x110000)))
    left = text.line(every)
    assert not {sign for sign in left if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")}
    assert not {sign for sign in left if unicodedata.bidirectional(sign) in ("LRE", "RLE", "LRO", "RLO", "PDF")}
    assert not {sign for sign in left if unicodedata.bidirectional(sign) in ("LRI", "RLI", "FSI", "PDI")}
    assert len(left.splitlines()) == 1
    left.encode("utf-8")


def test_several_lines_keep_their_breaks_and_columns_and_nothing_else() -> None:
    assert text.lines(f"a\tb\n{CLEAR}c\r\n") == "a\tb\n\\u001b[2Jc\\r\n"


def test_what_is_written_out_in_json_is_still_the_text_that_was_meant() -> None:
    name = "\x9b2J \x7f \u202e \U000e0041 é"
    assert json.loads(text.lines(json.dumps({"name": name}, ensure_ascii=False, indent=1))) == {"name": name}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a | b", r"a \| b"),
        ("AUX*", r"AUX\*"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("MIT\n\n# Chapter\n\n| a |", r"MIT\n\n# Chapter\n\n\| a \|"),
        ("[here](javascript:x) ![](http://x)", r"\[here](javascript:x) !\[](http://x)"),
        ("`val` of 3", "`val` of 3"),
        (CLEAR, r"\u001b\[2J"),
    ],
)
def test_in_a_table_of_markdown_it_has_no_mark_up(given: str, shown: str) -> None:
    assert text.markdown(given) == shown
