"""The packages of benchmark/ stand in an order: imports run from a higher rank to a lower one, and files form no circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    {"__init__"},
    {"core"},
    {"numerics"},
    {"methods"},
    {"data", "encoders"},
    {"suites", "mini"},
    {"exhibits"},
    {"features", "records"},
    {"running", "analysis"},
    {"reporting"},
    {"commands"},
    {"cli"},
)
RANK = {package: rank for rank, packages in enumerate(ORDER) for package in packages}
FILES = {
    path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", "."): path
    for path in sorted((ROOT / "benchmark").rglob("*.py"))
}


def for_types_alone(tree: ast.AST) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING`."""
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    return {node for test in tests for node in ast.walk(test)}


def imported(path: Path) -> Iterator[str]:
    """The modules of benchmark/ that a file imports, also inside functions; not those for type checkers alone."""
    tree = ast.parse(path.read_text("utf-8"))
    typing = for_types_alone(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node not in typing:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & FILES.keys() or ({node.module} & FILES.keys())


ARROWS = {module: set(imported(path)) - {module} for module, path in FILES.items()}


def package(module: str) -> str:
    """The package of a module: the second part of its name."""
    return module.split(".")[1] if "." in module else "__init__"


def on_a_circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules that can be reached from themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        open_ = [*arrows[start]]
        while open_:
            module = open_.pop()
            if module not in seen:
                seen.add(module)
                open_ += arrows[module]
        return seen

    return [module for module in arrows if module in reached(module)]


@pytest.mark.parametrize("module", FILES)
def test_a_package_imports_only_from_packages_below_it(module: str) -> None:
    own = package(module)
    upwards = {other for other in ARROWS[module] if package(other) != own and not RANK[package(other)] < RANK[own]}
    assert not upwards


def test_every_package_has_a_rank() -> None:
    assert {package(module) for module in FILES} == RANK.keys()


def test_files_form_no_circle() -> None:
    assert on_a_circle(ARROWS) == []


def test_a_circle_would_be_found() -> None:
    assert on_a_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


def test_only_the_command_that_pretrains_imports_the_rendered_world() -> None:
    users = {module for module, used in ARROWS.items() if any(package(other) == "mini" for other in used)}
    assert {module for module in users if package(module) != "mini"} == {"benchmark.commands.pretrain"}
