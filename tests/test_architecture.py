"""The house stands as drawn: imports go one way, exhibits bind, and asking for help loads nothing heavy."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.exhibits import exhibit, run
from benchmark.methods import construct
from benchmark.suites import suite

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "benchmark": {"benchmark"},
    "baselines": {"benchmark", "baselines"},
    "amu": {"benchmark", "baselines", "amu"},
}
ROOMS = {*MAY_IMPORT, "tests", "results", "reports", "toy_world", "toy_methods", "conftest"}
MODULES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they go"
            yield (node.module or "").partition(".")[0]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_the_walk_sees_every_kind_of_import() -> None:
    code = "import a.b as c, d\nfrom e.f import g\ndef h():\n    from i import j\n    import k"
    assert sorted(imported(ast.parse(code))) == ["a", "d", "e", "i", "k"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_from_amu_to_baselines_to_benchmark_only(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0]
    assert set(imported(parsed(path))) & ROOMS <= MAY_IMPORT[home]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parsed(path))


def test_the_harness_names_no_method_but_in_exhibits_and_suites() -> None:
    for path in sorted((ROOT / "benchmark").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not node.value.startswith(("baselines.", "amu.")), f"{path}: {node.value}"


HEAVY = {"torch", "pandas", "matplotlib", "open_clip", "timm", "scipy", "numpy", "sklearn", "jinja2"}
ASK_EVERY_COMMAND = """
import json, sys, click
from benchmark.cli import cli

def walk(command, path):
    yield path
    for name, one in getattr(command, "commands", {}).items():  # imports the command
        yield from walk(one, [*path, name])

found, seen = {}, set()
for path in walk(cli, []):
    try:
        end = cli.main([*path, sys.argv[1]], standalone_mode=False)
    except click.NoSuchOption as error:
        end = error.option_name
    found[" ".join(path)] = end, sorted(sys.modules.keys() - seen)
    seen.update(sys.modules)
print(json.dumps(found))
"""


@pytest.mark.parametrize(("option", "end"), [("--help", 0), ("--tabel", "--tabel")])
def test_asking_a_command_for_help_or_mistyping_an_option_loads_nothing_heavy(option: str, end: int | str) -> None:
    command = [sys.executable, "-c", ASK_EVERY_COMMAND, option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"", "run", "features import", "weights trust"} <= found.keys()
    assert {path: ended for path, (ended, _) in found.items() if ended != end} == {}
    assert {path: heavy for path, (_, loaded) in found.items() if (heavy := HEAVY & set(loaded))} == {}


PLACES = [(e, s) for e in exhibit.names() for s in suite.names()]


@pytest.mark.parametrize(("exhibit_name", "suite_name"), PLACES)
def test_every_parameter_of_every_exhibit_binds_in_every_suite(exhibit_name: str, suite_name: str) -> None:
    world = suite.load(suite_name)
    runs = [r for cell in exhibit.load(exhibit_name).cells() for r in cell.runs(world)]
    assert runs
    for one in exhibit.unique(runs):
        assert one.predictor().settings() == one.settings
        assert one.dataset in world.datasets
        needed = {role.removesuffix(run.SPATIAL) for role in one.roles().values()}
        assert needed <= {*world.encoders, run.PIXELS}


@pytest.mark.parametrize("name", suite.names())
def test_what_a_suite_sets_for_a_method_the_method_takes(name: str) -> None:
    for method, arguments in suite.load(name).methods.items():
        construct.construct(method, arguments)


@pytest.mark.parametrize("name", exhibit.names())
def test_a_cell_that_is_not_run_says_why(name: str) -> None:
    for cell in exhibit.load(name).cells():
        assert cell.method or cell.question.missing, (cell.row, cell.column)
