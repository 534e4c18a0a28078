"""Mutants: one operator, comparison, number or decision of the code is changed, and the tests have to notice.

pip install cosmic-ray
python -m tests.torture.mutants --count 400 --seed 1 --jobs 2

The mutants are Cosmic Ray's. They are drawn by seed from the named packages, at most one for each place in the code; those
that change annotations or docstrings alone are left out. Each is written into a copy of the repository. First the tests of
its module run there, then those that name it, then those of its package and of the package's users. A mutant that all of
them pass has survived, and is printed with its line.
"""

import argparse
import ast
import multiprocessing
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[2]
PACKAGES = ("amu", "baselines", "benchmark/numerics", "benchmark/methods", "benchmark/analysis")
WIDER = {
    "amu": ("tests/baselines",),
    "baselines": ("tests/amu",),
    "benchmark/numerics": ("tests/amu", "tests/baselines"),
    "benchmark/methods": ("tests/amu", "tests/baselines"),
    "benchmark/analysis": ("tests/benchmark/reporting",),
}
"""Package -> folders of tests that use it, besides its own."""

OPERATORS = [name for name in operator_names() if "variable" not in name.lower()]
"""Names of Cosmic Ray's operators that need no arguments."""

PATIENCE = 900
"""Seconds after which a mutant that does not end is killed; it counts as noticed."""

OPTIONS = ("--import-mode=importlib", "-p", "no:cacheprovider", "-q", "-x", "-m", "not slow")
"""Options of pytest: the first failure is enough."""

SERVER = multiprocessing.get_context("forkserver")
PRELOADED = ("torch", "pytest", "pandas", "scipy.optimize", "sklearn.linear_model", "matplotlib.pyplot")
"""Modules that every process has from its beginning: to import them takes longer than most tests."""


@dataclass(frozen=True)
class Mutant:
    """A change of one place of a module.

    Attributes:
        module: Path of the module within the repository.
        line: Line of the place, from 1.
        code: The whole changed module.
        was, now: The line before and after.
    """

    module: str
    line: int
    code: str
    was: str
    now: str

    @property
    def words(self) -> str:
        """The mutant in one line."""
        return f"{self.module}:{self.line}: {self.was.strip()}  ->  {self.now.strip()}"


def places(module: str) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Place in a module (line, column) -> operators that can change it, and their occurrence."""
    tree = get_ast((ROOT / module).read_text("utf-8"))
    found: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for name in OPERATORS:
        operator, occurrence = get_operator(name)(), 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                found.setdefault(start, []).append((name, occurrence))
                occurrence += 1
    return found


def mutant(module: str, line: int, operator: str, occurrence: int) -> Mutant | None:
    """Make a mutant; None where it does not compile, or changes annotations and docstrings alone."""
    before = (ROOT / module).read_text("utf-8")
    code = mutate_code(before, get_operator(operator)(), occurrence)
    if code is None or code == before or _meaning(code) in (None, _meaning(before)):
        return None
    pair = next((a, b) for a, b in zip(before.split("\n"), [*code.split("\n"), ""], strict=False) if a != b)
    return Mutant(module, line, code, *pair)


def _meaning(code: str) -> str | None:
    """A module without annotations, docstrings and decorators of classes, as text; None where it is no Python."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.ClassDef):
            node.decorator_list = []  # that a dataclass is frozen is for mypy
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(0)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                part for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
    return ast.dump(tree)


def drawn(seed: int, packages: Sequence[str]) -> Iterator[Mutant]:
    """Draw mutants, each of another place."""
    dice = random.Random(seed)
    modules = sorted(str(p.relative_to(ROOT)) for package in packages for p in (ROOT / package).rglob("*.py"))
    every = [(module, place, ways) for module in modules for place, ways in sorted(places(module).items())]
    dice.shuffle(every)
    for module, place, ways in every:
        dice.shuffle(ways)
        if made := next(filter(None, (mutant(module, place[0], *way) for way in ways)), None):
            yield made


def stages(module: str) -> Iterator[list[str]]:
    """Tests that may notice a change of a module: its own, those that name it, those of its package and of its users."""
    package = next(p for p in PACKAGES if module.startswith(p))
    folder, name = Path("tests") / Path(module).parent, Path(module).stem
    named = re.compile(rf"\b{Path(module).parent.name}\b.*\b{name}\b")
    own = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).glob(f"test_{name}*.py"))
    if own:
        yield [*own, module]
    others = (path for path in sorted((ROOT / "tests").rglob("test_*.py")) if named.search(path.read_text("utf-8")))
    if users := [file for path in others if (file := str(path.relative_to(ROOT))) not in own]:
        yield users
    yield [str(Path("tests") / package), package, *WIDER[package]]


def survives(made: Mutant, copy: Path) -> bool:
    """Whether all tests of a copy of the repository pass with a mutant in it."""
    place = copy / made.module
    whole = place.read_text("utf-8")
    place.write_text(made.code, "utf-8")
    try:
        return all(_pass(tests, copy) for tests in stages(made.module))
    finally:
        place.write_text(whole, "utf-8")


def _pass(tests: list[str], copy: Path) -> bool:
    process = SERVER.Process(target=_run, args=(tests, str(copy)))
    process.start()
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def _run(tests: list[str], copy: str) -> None:
    """Run tests of a copy in this process, and end it with pytest's exit code."""
    os.chdir(copy)
    os.environ |= {"PYTHONPATH": copy, "OMP_NUM_THREADS": "1"}
    sys.path.insert(0, copy)
    sys.dont_write_bytecode = True
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os._exit(int(pytest.main([*OPTIONS, *tests])))


def main() -> int:
    """Draw mutants, run the tests on each, and print those that survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--package", action="append", choices=PACKAGES)
    parser.add_argument("--list", action="store_true", help="print the drawn mutants and run nothing")
    asked = parser.parse_args()
    made = list(islice(drawn(asked.seed, asked.package or PACKAGES), asked.count))
    if asked.list:
        print("\n".join(one.words for one in made))
        return 0
    SERVER.set_forkserver_preload(list(PRELOADED))
    folder = Path(tempfile.mkdtemp(prefix="mutants"))
    copies: SimpleQueue[Path] = SimpleQueue()
    for job in range(asked.jobs):
        shutil.copytree(ROOT, folder / str(job), ignore=shutil.ignore_patterns(".git", ".venv", "*.pyc", ".*_cache"))
        copies.put(folder / str(job))
    tried, survived = Counter[str](), Counter[str]()

    def judged(one: Mutant) -> None:
        copy = copies.get()
        try:
            lives = survives(one, copy)
        finally:
            copies.put(copy)
        package = next(p for p in PACKAGES if one.module.startswith(p))
        tried[package] += 1
        survived[package] += lives
        print(f"{'SURVIVED' if lives else 'noticed '} {one.words}", flush=True)

    with ThreadPoolExecutor(asked.jobs) as pool:
        list(pool.map(judged, made))
    for package, number in sorted(tried.items()):
        print(f"{package}: {number - survived[package]} of {number} noticed")
    total, lost = sum(tried.values()), sum(survived.values())
    print(f"{total - lost} of {total} mutants noticed ({100 * (total - lost) / max(1, total):.1f} %)")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
