"""A wrong name is answered with the nearest right one; a class is found by its name."""

import sys
from pathlib import Path, PurePath

import pytest

from benchmark.core.errors import BenchError
from benchmark.core.names import choose, meant, resolve


def test_a_known_name_is_itself() -> None:
    assert choose("CoOp", ["CoOp", "CaFo"], "method") == "CoOp"


@pytest.mark.parametrize(("typed", "meant"), [("coop", "CoOp"), ("CoPo", "CoOp"), ("cafo", "CaFo")])
def test_a_wrong_name_gets_the_nearest_and_all_that_there_are(typed: str, meant: str) -> None:
    with pytest.raises(BenchError) as raised:
        choose(typed, ["CoOp", "CaFo"], "method")
    assert str(raised.value) == f"unknown method {typed!r}: did you mean {meant!r}? there are CoOp, CaFo"


def test_of_many_names_the_nearest_five_are_listed_each_once() -> None:
    known = ["AMU-Tuning", "CaFo", "CoOp", "VT-CLIP", "LP-CLIP", "CLIP-Adapter", "CoOp"]
    with pytest.raises(BenchError) as raised:
        choose("VTCLIPP", known, "method")
    said = str(raised.value)
    assert said.startswith(
        "unknown method 'VTCLIPP': did you mean 'VT-CLIP'? there are VT-CLIP, LP-CLIP, CLIP-Adapter, "
    )
    assert said.endswith(" and 1 more")
    assert said.count("CoOp") == 1


@pytest.mark.parametrize("typed", ["Tip-Adapter-F", "tip adapter f", "TIP_ADAPTER-F", "TipAdapterF"])
def test_case_spaces_and_hyphens_make_no_other_name(typed: str) -> None:
    assert meant(typed, ["Tip-Adapter", "Tip-Adapter-F"], "row") == "Tip-Adapter-F"


def test_a_name_as_typed_goes_before_one_that_is_spelt_alike() -> None:
    assert meant("TipAdapterF", ["Tip-Adapter-F"], "row", also=["TipAdapterF"]) == "TipAdapterF"


def test_a_mistake_lists_no_other_name_that_would_be_taken() -> None:
    with pytest.raises(BenchError, match=r"did you mean 'AMU-Tuning'\? there are CaFo, AMU-Tuning$"):
        meant("AMU", ["CaFo", "AMU-Tuning"], "row", also=["AMU:AMU", "AMUs"])


def test_a_name_that_is_near_nothing_gets_no_guess() -> None:
    with pytest.raises(BenchError) as raised:
        choose("zzz", ["CoOp"], "method")
    assert str(raised.value) == "unknown method 'zzz': there is CoOp"


def test_where_nothing_is_known_that_is_said() -> None:
    with pytest.raises(BenchError, match=r"there are none$"):
        choose("x", [], "figure")


def test_numbers_count_as_names() -> None:
    assert choose("4", ["1", "4"], "table") == "4"


def test_a_class_is_found_by_its_name() -> None:
    assert resolve("pathlib:PurePath", "method") is PurePath


@pytest.mark.parametrize(("line", "complaint"), [("def f(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError")])
def test_a_module_that_fails_when_it_is_imported_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, complaint: str
) -> None:
    (tmp_path / f"fails_with_{complaint}.py").write_text(line)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match=f"cannot be imported: {complaint}"):
        resolve(f"fails_with_{complaint}:Method", "method")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("CoOp", "no name of the form package.module:Class"),
        ("pathlib:", "no name of the form"),
        (":Path", "no name of the form"),
        ("", "no name of the form"),
        (
            "no_such_package.x:Y",
            "cannot be imported: No module named 'no_such_package'; is its package installed here?",
        ),
        ("pathlib:Pfad", "module pathlib has no 'Pfad'"),
        ("not a module:Class", "no name of the form"),
        ("..:Class", "no name of the form"),
    ],
)
def test_a_name_that_stands_for_nothing_says_why(name: str, complaint: str) -> None:
    with pytest.raises(BenchError) as raised:
        resolve(name, "method")
    assert str(raised.value).startswith(f"method {name!r}")
    assert complaint in str(raised.value)


def test_a_module_that_ends_the_process_when_it_is_imported_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends_the_process.py").write_text("import sys; sys.exit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match="cannot be imported: SystemExit: 0"):
        resolve("ends_the_process:Method", "method")


def test_a_module_of_the_working_folder_is_found_once_it_is_named_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "only_here.py").write_text("class Method: ...")
    (tmp_path / "pathlib.py").write_text("PurePath = 'not this'")
    assert resolve("pathlib:PurePath", "method") is PurePath
    assert str(tmp_path) not in sys.path
    assert resolve("only_here:Method", "method").__name__ == "Method"
    assert sys.path[-1] == str(tmp_path)
