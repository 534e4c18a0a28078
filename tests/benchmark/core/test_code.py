"""Code is known by its source files, without comments and docstrings."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amu.tuning import AMUTuning
from baselines.coop import CoOp
from benchmark.core import code, paths
from benchmark.data.published.folder import ImageFolder
from benchmark.exhibits.naming import methods
from benchmark.methods.construct import predictor_class

OWN = "from helper_of_mine import factor\n\nclass Mine:\n    def scores(self):\n        return factor()\n"
HELPER = "def factor():\n    return 1\n"

Written = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Write modules, import the first anew, and return the fingerprint of its class Mine."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(own: str = OWN, helper: str = HELPER) -> str:
        (tmp_path / "mine_of_mine.py").write_text(own)
        (tmp_path / "helper_of_mine.py").write_text(helper)
        forget()
        return code.fingerprint(importlib.import_module("mine_of_mine").Mine)

    yield write
    forget()


def forget() -> None:
    """Clear everything that a new process does not have."""
    for name in ("mine_of_mine", "helper_of_mine"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    for remembered in (code._hash_of, code._parsed, code._hash):
        remembered.cache_clear()


def test_an_edited_class_is_another_one(written: Written) -> None:
    assert written() == written()
    assert written(OWN.replace("factor()", "-factor()")) != written()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Mine:\n", 'class Mine:\n    """Documented now."""\n\n'),
        ("return factor()", "return factor()  # the factor"),
        ("factor()\n", "factor()\n\n\n"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(old: str, new: str, written: Written) -> None:
    assert written(OWN.replace(old, new)) == written()


@pytest.mark.parametrize(
    "own",
    [
        OWN,
        "import helper_of_mine\n\nclass Mine:\n    x = 1\n",
        "class Mine:\n    def scores(self):\n        from helper_of_mine import factor\n        return factor()\n",
        "from helper_of_mine import *\n\nclass Mine:\n    pass\n",
    ],
)
def test_a_module_that_it_imports_counts_however_it_is_imported(own: str, written: Written) -> None:
    assert written(own, HELPER.replace("1", "2")) != written(own)


def test_a_base_class_in_another_module_counts(written: Written) -> None:
    own, helper = "from helper_of_mine import Base\nclass Mine(Base):\n    pass\n", "class Base:\n    x = {}\n"
    assert written(own, helper.format(1)) != written(own, helper.format(2))


def test_modules_of_a_package_count_with_relative_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "pack_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "own.py").write_text("from . import parts\nfrom .parts import x\nclass Mine:\n    pass\n")
    (package / "parts.py").write_text("x = 1\n")
    mine: Any = importlib.import_module("pack_of_mine.own").Mine
    assert {"pack_of_mine.own", "pack_of_mine.parts"} <= set(code._sources((mine.__module__,)))


def test_the_harness_and_installed_libraries_do_not_count() -> None:
    assert code.fingerprint(ImageFolder) == ""
    found = code._sources(("baselines.lp_clip",))
    assert {name.partition(".")[0] for name in found} == {"baselines"}


def test_a_library_on_pythonpath_does_not_count(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    (shared / "library_of_all-1.0.dist-info").mkdir(parents=True)
    (shared / "library_of_all.py").write_text("factor = 1\n")
    monkeypatch.syspath_prepend(str(shared))
    own = OWN.replace("import factor", "import factor\nimport library_of_all")
    code._libraries.cache_clear()
    one = written(own)
    (shared / "library_of_all.py").write_text("factor = 2\n")
    assert written(own) == one
    code._libraries.cache_clear()


def test_a_namespace_in_a_package_that_is_not_imported_counts(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path_importer_cache", {})
    inside = tmp_path / "helpers_of_mine" / "namespace"
    inside.mkdir(parents=True)
    (inside.parent / "__init__.py").touch()
    own = OWN.replace("        return", "        from helpers_of_mine.namespace import scale\n        return")
    found = set()
    for value in (1, 2):
        (inside / "scale.py").write_text(f"value = {value}\n")
        found.add(written(own))
    assert len(found) == 2


def test_a_shipped_method_is_made_of_its_file_and_of_what_that_imports_of_other_methods() -> None:
    assert code.fingerprint(AMUTuning) != code.fingerprint(CoOp) != ""
    assert {"amu.tuning", "amu.fusion", "baselines.zero_shot"} <= set(code._sources((AMUTuning.__module__,)))
    assert {"baselines.coop", "baselines.prompts"} <= set(code._sources((CoOp.__module__,)))


def test_a_function_has_a_fingerprint_too(written: Written) -> None:
    before = written()
    factor = importlib.import_module("helper_of_mine").factor
    assert code.fingerprint(factor) not in ("", before)


def test_code_without_a_file_has_none() -> None:
    assert code.fingerprint(type("Typed", (), {"__module__": "nowhere"})) == ""


def test_the_place_of_an_error_is_the_innermost_in_neither_this_project_nor_a_library() -> None:
    def fails(text: str) -> object:
        return json.loads(text)

    with pytest.raises(ValueError, match="Expecting") as raised:
        fails("{")
    assert code.place_of_others(raised.value).startswith(f"{__file__}, line ")
    assert code.place_of_others(raised.value).endswith(", in fails")


def test_an_error_of_this_project_and_libraries_alone_has_no_place_elsewhere() -> None:
    with pytest.raises(ValueError, match="Expecting") as raised:
        json.loads("{")
    assert raised.tb is not None
    error = raised.value.with_traceback(raised.tb.tb_next)  # without this test's own frame
    assert code.place_of_others(error) == ""


OPTIMISING = """
import torch
from benchmark.core.code import import_libraries
from benchmark.methods.guest.visit import visit

class Mine:
    pass

import_libraries(Mine)
with visit("mine") as left:
    parameter = torch.nn.Parameter(torch.ones(1))
    parameter.grad = torch.ones(1)
    torch.optim.SGD([parameter], lr=0.1).step()
print(left.line or "nothing")
"""


@pytest.mark.slow
def test_what_torch_imports_when_it_first_optimises_is_not_left_by_the_method(tmp_path: Path) -> None:
    (tmp_path / "optimising.py").write_text(OPTIMISING)
    command = [sys.executable, "-c", "import optimising"]
    world = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(paths.REPOSITORY)])}
    done = subprocess.run(command, cwd=tmp_path, env=world, capture_output=True, text=True, check=True)
    assert done.stdout == "nothing\n"


@pytest.mark.parametrize("method", sorted(methods()))
def test_a_class_is_known_by_its_source_alone(method: str) -> None:
    assert code.by_source(method) == code.fingerprint(predictor_class(method)) != ""


@pytest.mark.parametrize(
    ("handing_on", "there"),
    [("from one_of_two import Mine", True), ("from one_of_two import Mine as Other", False), ("x = 1", False)],
)
def test_a_class_is_found_where_its_source_is_and_nothing_is_run(handing_on: str, there: bool, tmp_path: Path) -> None:
    (tmp_path / "one_of_two.py").write_text("open('OWNED', 'w')\nclass Mine:\n    x = 1\n")
    (tmp_path / "two_of_two.py").write_text(f"{handing_on}\n")
    found = code.by_source("two_of_two:Mine", str(tmp_path))
    assert found == (code.by_source("one_of_two:Mine", str(tmp_path)) if there else "")
    assert bool(found) is there
    assert "one_of_two" not in sys.modules
    assert not Path("OWNED").exists()
    assert code.by_source("gone_of_two:Mine", str(tmp_path)) == ""


def test_the_hash_of_the_packages_changes_with_a_file_that_says_what_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed() -> str:
        code.of_packages.cache_clear()
        return code.of_packages()

    monkeypatch.setattr(code, "REPOSITORY", tmp_path)
    (tmp_path / "amu").mkdir()
    found = []
    for name, text in (("a.py", "x = 1"), ("a.py", "x = 2"), ("a.toml", "x = 2"), ("b.txt", "x = 2")):
        (tmp_path / "amu" / name).write_text(text)
        found.append(hashed())
    code.of_packages.cache_clear()
    assert len({*found[:3]}) == 3
    assert found[2] == found[3]
