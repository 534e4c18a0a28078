"""Names given by the user: suggestions for unknown ones, and import of the object that `package.module:Class` names."""

import difflib
import hashlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.core.errors import BenchError

ALIKE = 0.5
"""Smallest likeness, of 0 to 1, at which a known name is suggested for an unknown one."""

NEAR = 5
"""Largest number of known names that an unknown one is answered with, the nearest first."""


def choose(value: str, known: Iterable[str], what: str) -> str:
    """Return `value` if it is a known name of a `what`; else BenchError with the nearest names, each once."""
    names = list(dict.fromkeys(map(str, known)))
    if value in names:
        return value
    typed = folded(value)
    alike = {name: difflib.SequenceMatcher(None, folded(name), typed).ratio() for name in names}
    near = max(names, key=alike.__getitem__, default="")
    hint = f"did you mean {near!r}? " if near and alike[near] >= ALIKE else ""
    shown = names if len(names) <= NEAR else sorted(names, key=alike.__getitem__, reverse=True)[:NEAR]
    raise BenchError(f"unknown {what} {value!r}: {hint}there {_are_listed(shown, len(names) - len(shown))}")


def meant(value: str, known: Iterable[str], what: str, also: Iterable[str] = ()) -> str:
    """The known name that a typed one means, by `spelt_alike`; else BenchError with the nearest of `known`.

    Args:
        value: Name as typed.
        known: Names of a `what`.
        what: What is named, for messages.
        also: Other names that are taken, and that no message lists.

    Returns:
        The name.

    Example:
        >>> meant("tip adapter f", ["Tip-Adapter", "Tip-Adapter-F"], "row")
        'Tip-Adapter-F'
    """
    names = [*map(str, known)]
    return spelt_alike(value, [*names, *also]) or choose(value, names, what)


def spelt_alike(value: str, known: Iterable[str]) -> str | None:
    """The name if it is known, else the first that is equal without regard to case, spaces, hyphens and underscores."""
    alike = [name for name in known if folded(name) == folded(value)]
    return value if value in alike else next(iter(alike), None)


def folded(name: str) -> str:
    """A name without case, spaces, hyphens and underscores: "tipadapterf"."""
    return re.sub(r"[\s_-]", "", name).casefold()


def _are_listed(names: list[str], more: int) -> str:
    listed = ", ".join(names) + f" and {more} more" * (more > 0)
    return ("is " if len(names) == 1 else "are ") + (listed or "none")


def for_file(text: str, longest: int = 80) -> str:
    """A text as part of a file's name, in ASCII letters, digits, ".", "_" and "-"; a longer text is cut and gets its hash."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", text)
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}-{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:8]}"


def resolve(name: str, what: str) -> Any:
    """Import the object named `package.module:Name`, as for an entry point, from the working folder too; else BenchError."""
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")]):
        raise BenchError(f"{what} {name!r} is no name of the form package.module:Class")
    try:
        _reach_working_folder(module.partition(".")[0])
        return pkgutil.resolve_name(name)
    except ImportError as error:
        raise BenchError(f"{what} {name!r} cannot be imported: {error}; is its package installed here?") from error
    except AttributeError as error:
        raise BenchError(f"{what} {name!r}: module {module} has no {attribute!r}") from error
    except (Exception, SystemExit) as error:  # any failure of the module's own code
        raise BenchError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def of_file(name: str, what: str) -> str:
    """A class in a file as a class in a module: "mine:Mine" of "path/mine.py:Mine", whose folder modules are then found in.

    Args:
        name: Class as "package.module:Class", which is returned as it is, or as "path/file.py:Class".
        what: What the class is, for messages.

    Returns:
        The class as "package.module:Class".

    Raises:
        BenchError: There is no such file, or a module of its name that is another file.
    """
    path, _, attribute = name.rpartition(":")
    if not path.endswith(".py"):
        return name
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise BenchError(f"{what} {name!r}: no such file {path}")
    module = file.stem
    if not module.isidentifier():
        raise BenchError(
            f"{what} {name!r}: {file.name} cannot be imported by this name; rename it with letters, digits and _"
        )
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    found = _place(module)
    if found != file:
        raise BenchError(
            f"{what} {name!r}: {module} is the module {found or 'of Python itself'} already; rename the file"
        )
    return f"{module}:{attribute}"


def _place(module: str) -> Path | None:
    """The file of a module; None for one that is built in."""
    there = sys.modules.get(module)
    spec = there.__spec__ if there is not None else find_spec(module)
    return Path(spec.origin).resolve() if spec is not None and spec.has_location and spec.origin else None


def _reach_working_folder(package: str) -> None:
    """Append the working folder to the places of modules, as python -m has it, if the package is in none of them.

    Not before something there is named: libraries try to import packages that may be absent, and would take files of that
    name from a folder that came with somebody's data.
    """
    if package not in sys.modules and find_spec(package) is None:
        sys.path.append(os.getcwd())
