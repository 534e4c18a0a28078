"""A suite is data too: shipped by name, or anybody's file."""

import re
import shlex
from codecs import BOM_UTF8
from pathlib import Path

import pytest
import toy_world
from toy_world import here

from benchmark.core.errors import BenchError
from benchmark.suites import suite

TOML = toy_world.FILE.read_text()
TRUSTED = ["toy_world"]


def test_every_shipped_suite_loads() -> None:
    assert "mini" in suite.names()
    for name in suite.names():
        assert suite.load(name).name == name


def test_values_of_the_rendered_world_are_never_compared_with_the_paper_s() -> None:
    assert suite.load("mini").comparable is False


def test_an_unknown_suite_gets_the_nearest_name() -> None:
    with pytest.raises(BenchError, match="unknown suite 'minni': did you mean 'mini'"):
        suite.load("minni")


def test_a_suite_may_be_anybody_s_file_and_is_called_after_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TOML)
    mine = suite.load(str(path), TRUSTED)
    assert (mine.name, mine.seeds, mine.title) == ("mine", [1, 2], "toy: coloured squares")


def test_a_file_cannot_take_the_name_of_a_shipped_suite(tmp_path: Path) -> None:
    path = tmp_path / "mini.toml"
    path.write_text(TOML)
    with pytest.raises(BenchError, match="'mini' is shipped, and records are kept by name; rename the file"):
        suite.load(str(path), TRUSTED)


def test_a_file_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(BOM_UTF8 + TOML.encode())
    assert suite.load(str(tmp_path / "mine.toml"), TRUSTED).title == "toy: coloured squares"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none.toml: cannot be read \(No such file or directory\)"):
        suite.load(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchError, match="is no UTF-8 text"):
        suite.load(str(tmp_path / "binary.toml"))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("views = 2", "view = 2", "unknown key in x.toml 'view': did you mean 'views'?"),
        ("views = 2", "", "x.toml: views is missing, a whole number"),
        ("views = 2", 'views = "two"', "x.toml: views is 'two', not a whole number"),
        ("views = 2", "views = ", "x.toml: Invalid value"),
        ("seeds = [1, 2]", "seeds = 3", "x.toml: seeds is 3, not a list of whole numbers"),
        ("comparable = false", 'comparable = "no"', "comparable is 'no', not true or false"),
        ("reader = ", "raeder = ", 'x.toml: [datasets.imagenet] needs reader = "package.module:callable"'),
        ('loader = "toy_world:clip"', "loader = 1", 'x.toml: [encoders.RN50] needs loader = "package.module:callable"'),
    ],
)
def test_a_mistake_in_the_file_is_named(old: str, new: str, complaint: str) -> None:
    assert old in TOML
    with pytest.raises(BenchError, match=re.escape(complaint)):
        suite.parse("x", TOML.replace(old, new, 1))


def test_what_plays_a_role_is_opened_once() -> None:
    world = toy_world.toy()
    assert here(world).encoder("RN50") is here(world).encoder("RN50")
    assert here(world).encoder("mocov3") is not here(world).encoder("dino")


def test_the_same_role_of_another_suite_may_be_played_by_something_else() -> None:
    narrow = {"mocov3": {"loader": "toy_world:projection", "width": 3}}
    ours, other = toy_world.toy(), toy_world.toy(encoders=narrow)
    assert here(ours).encoder("mocov3") is not here(other).encoder("mocov3")


def test_a_role_that_nobody_plays_gets_the_nearest() -> None:
    with pytest.raises(BenchError, match="unknown encoder of suite toy 'mocov2': did you mean 'mocov3'"):
        here(toy_world.toy()).encoder("mocov2")


def test_a_command_names_every_suite_but_the_one_that_is_meant_anyway() -> None:
    assert [suite.load(name, TRUSTED).option for name in ("mini", "paper", str(toy_world.FILE))] == [
        "",
        " --suite paper",
        f" --suite {toy_world.FILE}",
    ]


def test_a_suite_of_a_file_is_selected_by_the_path_as_a_shell_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "it's mine" / "own.toml"
    path.parent.mkdir()
    path.write_text(TOML)
    assert shlex.split(suite.load(str(path), TRUSTED).option) == ["--suite", str(path)]


def test_a_file_may_give_its_suite_another_name_than_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "tip-mine"\n{TOML}')
    assert suite.load(str(tmp_path / "mine.toml"), TRUSTED).name == "tip-mine"


@pytest.mark.parametrize("name", ["mini", "paper", "a b", "a/b", "", "../up"])
def test_a_name_that_is_a_shipped_suite_s_or_no_folder_s_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "{name}"\n{TOML}')
    with pytest.raises(BenchError, match=r"suite file .*mine\.toml: name is .*; records are kept by this name"):
        suite.load(str(tmp_path / "mine.toml"), TRUSTED)
