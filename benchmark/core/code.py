"""Identity of code: a hash of the source files that a class or function is made of, without comments and docstrings."""

import ast
import hashlib
import os
import site
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path

from benchmark.core.paths import REPOSITORY

HARNESS = "benchmark"
"""The package whose changes are counted by the protocol number instead."""

METHODS = ("amu", "baselines")
"""The packages of this project's own methods."""

DEEPEST = 20
"""Largest number of modules that hand a class on."""

COMPILER = "torch._dynamo"
"""The module that torch imports at the first step of an optimiser of torch.optim."""


def fingerprint(thing: object) -> str:
    """Hash of the code that a class or function outside of the harness is made of; "" for one of the harness itself.

    The code is the module of the object (of a class also of its bases) and the modules that these import, as far as they are
    of the same package, of this project's methods, or of no installed package. Comments, docstrings and layout do not count.

    Args:
        thing: A class or function.

    Returns:
        24 hexadecimal digits.
    """
    return _hash_of(_modules(thing))


def by_source(name: str, folder: str = "") -> str:
    """The `fingerprint` of a class by its name, of which nothing is imported.

    Args:
        name: Class, as "package.module:Class".
        folder: A further place of modules, besides those of the interpreter and the working folder.

    Returns:
        24 hexadecimal digits; "" where no source file is found that defines the class.
    """
    module, _, attribute = name.partition(":")
    with _places(folder or os.getcwd()):
        defining = _defining(module, attribute, 0)
        return _hash_of((defining,)) if defining else ""


@contextmanager
def _places(folder: str) -> Iterator[None]:
    """Within the context, a folder is the last of the places of modules."""
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _defining(module: str, attribute: str, depth: int) -> str:
    """The module whose source defines a class that a module has, itself or by an import; "" if none is found."""
    file = _file(module)
    if file is None or depth > DEEPEST:
        return ""
    for node in _parsed(file).body:
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            return module
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == attribute:
                    return _defining(_base(node, module, file) or "", alias.name, depth + 1)
    return ""


@cache
def of_packages() -> str:
    """Hash of the files of this project's packages that say what it does, comments included.

    Returns:
        20 hexadecimal digits.
    """
    folders = [REPOSITORY / package for package in (HARNESS, *METHODS)]
    files = sorted(path for folder in folders for kind in ("py", "toml") for path in folder.rglob(f"*.{kind}"))
    told = hashlib.sha256()
    for path in files:
        told.update(
            f"{path.relative_to(REPOSITORY).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return told.hexdigest()[:20]


def import_libraries(thing: object) -> None:
    """Import all modules that the code of a class imports, also within its functions, as far as they are installed.

    Libraries set variables of the environment and filters of warnings when they are first imported. Imported early, they do
    so before the code of the class runs.

    Args:
        thing: A class.
    """
    for name, file in _sources(_modules(thing)).items():
        for imported in [*_imported(name, file), *([COMPILER] if _optimises(file) else [])]:
            with suppress(Exception):  # a name within a module, or an optional library that is not installed or broken
                if imported not in sys.modules and find_spec(imported) is not None:
                    import_module(imported)


def _modules(thing: object) -> tuple[str, ...]:
    """Names of the modules that define a class and its bases, or a function."""
    classes = thing.__mro__ if isinstance(thing, type) else (thing,)
    return tuple(str(getattr(one, "__module__", "")) for one in classes)


@cache
def _hash_of(modules: tuple[str, ...]) -> str:
    found = _sources(modules)
    content = "\n".join(f"{name} {_hash(file)}" for name, file in sorted(found.items()))
    return hashlib.sha256(content.encode()).hexdigest()[:24] if found else ""


def _sources(modules: tuple[str, ...]) -> dict[str, Path]:
    """Name -> file of the modules that an object is made of, which is defined in the first of `modules`."""
    todo = list(modules)
    near = {*METHODS, _top(todo[0])} - {HARNESS}
    found: dict[str, Path] = {}
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        file = _file(name)
        if file is not None and _is_own(name, file, near):
            found[name] = file
            todo += _imported(name, file)
    return found


def place_of_others(error: BaseException) -> str:
    """The innermost place of an error in code that is neither this project's nor a library's: "mine.py, line 3, in ids".

    Args:
        error: An error with its traceback.

    Returns:
        The place; "" for an error that went through this project and libraries alone.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [REPOSITORY / package for package in (HARNESS, *METHODS)]
    foreign = [f for f in frames if not _is_in(Path(f.filename), own) and not _is_in(Path(f.filename), _libraries())]
    places = [f"{f.filename}, line {f.lineno}, in {f.name}" for f in foreign if Path(f.filename).is_file()]
    return places[-1] if places else ""


def _top(name: str) -> str:
    return name.partition(".")[0]


def _file(name: str) -> Path | None:
    """The file of a module, imported or not; None for one that is built in or cannot be found."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None:
        spec = _spec(name)
        file = spec.origin if spec and spec.has_location else None
    return Path(file).resolve() if file else None


def _spec(name: str) -> ModuleSpec | None:
    """Where a module is found; unlike `find_spec`, without importing the packages that it is in."""
    package, _, _ = name.rpartition(".")
    try:
        if not package:
            return find_spec(name) if name else None
        inside = _folders(package)
        return PathFinder.find_spec(name, inside) if inside else None
    # A name that is imported from a module, not a module; KeyError: a namespace in a package that is not imported.
    except (ImportError, ValueError, AttributeError, KeyError):
        return None


def _folders(package: str) -> list[str]:
    """The folders in which the modules of a package are looked for; none for a module that is no package."""
    imported = getattr(sys.modules.get(package), "__path__", None)
    if imported is not None:
        return list(imported)
    above, _, last = package.rpartition(".")
    if above:
        return [str(folder) for folder in (Path(inside) / last for inside in _folders(above)) if folder.is_dir()]
    spec = find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def _is_own(name: str, file: Path, near: set[str]) -> bool:
    """Whether a module belongs to the code of a method rather than to the harness or an installed library."""
    if _top(name) == HARNESS or not file.is_file():
        return False
    return _top(name) in near or not _is_in(file, _libraries())


def _is_in(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in folders)


@cache
def _libraries() -> list[Path]:
    """Folders of Python's own modules and of installed packages, wherever PYTHONPATH or a .pth file found those."""
    paths = sysconfig.get_paths()
    named = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    installed = [folder for folder in sys.path if folder and any(Path(folder).glob("*.dist-info"))]
    found = [*named, *site.getsitepackages(), site.getusersitepackages(), *installed]
    return [Path(folder).resolve() for folder in found]


def _imported(name: str, file: Path) -> Iterator[str]:
    """Names that a module imports, as modules and as members of modules, also within its functions."""
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, name, file)
            if base is None:
                continue
            yield base
            if _top(base) != HARNESS:
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, name: str, file: Path) -> str | None:
    """The module that a `from ... import` in a module names; None for one beyond its packages."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    try:
        return resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
    except ImportError:
        return None


@cache
def _optimises(file: Path) -> bool:
    """Whether a module names torch.optim, in an import or as an attribute."""
    names = (str(getattr(node, of, "")) for node in ast.walk(_parsed(file)) for of in ("attr", "id", "module", "name"))
    return any(name.rpartition(".")[2] == "optim" for name in names)


@cache
def _parsed(file: Path) -> ast.Module:
    """The syntax tree of a source file without docstrings; an empty one for an extension module."""
    try:
        return _without_docstrings(ast.parse(file.read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


@cache
def _hash(file: Path) -> str:
    """Hash of a source file without comments, docstrings and layout; of an extension module, of its bytes."""
    tree = _parsed(file)
    content = ast.dump(tree).encode() if tree.body else file.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
