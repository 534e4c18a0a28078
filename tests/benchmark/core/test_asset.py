"""An asset's line: name, state, and what is amiss or else where it is and on which terms."""

from pathlib import Path
from typing import Any

import pytest

from benchmark.core.asset import ALIAS, DIFFERS, INCOMPLETE, MISSING, OK, USABLE, WRONG, Asset


def asset(**changes: Any) -> Asset:
    said = {
        "name": "weights dino",
        "state": OK,
        "path": Path("/w/dino.pth"),
        "says": "",
        "page": "https://dino",
        "licence": "Apache 2.0",
        "noncommercial": False,
        "usable": True,
    }
    return Asset(**{**said, **changes})


def test_where_nothing_is_amiss_the_line_has_path_page_and_licence() -> None:
    assert asset().line == "weights dino: ok: /w/dino.pth; https://dino (Apache 2.0)"


def test_a_licence_that_is_not_stated_is_called_so() -> None:
    assert asset(licence="").line.endswith("https://dino (no licence stated)")


def test_what_is_amiss_takes_the_place_of_the_path() -> None:
    assert asset(state=WRONG, says="holds no ResNet").line == "weights dino: wrong kind: holds no ResNet"


@pytest.mark.parametrize("begins", ["weights dino: ", "weights dino is missing: ", "weights dino are missing: "])
def test_the_name_is_not_said_twice(begins: str) -> None:
    line = asset(state=MISSING, says=f"{begins}put it into /w").line
    assert line == "weights dino: missing: put it into /w"


def test_a_name_is_no_pattern_and_is_left_where_it_does_not_begin_the_line() -> None:
    assert asset(name="set (a)", says="set (a): x").line == "set (a): ok: x"
    assert asset(name="set .", says="set a: x").line == "set .: ok: set a: x"
    assert asset(says="see weights dino: x").line == "weights dino: ok: see weights dino: x"


def test_a_file_of_any_hash_is_usable_and_an_absent_or_foreign_one_is_not() -> None:
    assert [state in USABLE for state in (OK, ALIAS, DIFFERS)] == [True] * 3
    assert [state in USABLE for state in (MISSING, WRONG, INCOMPLETE)] == [False] * 3
