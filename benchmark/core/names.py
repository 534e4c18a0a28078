"""Names that people type: "did you mean" for a wrong one, and `package.module:Class` into the class."""

import difflib
import pkgutil
from collections.abc import Iterable
from typing import Any

from benchmark.core.errors import BenchError


def choose(value: str, known: Iterable[str], what: str) -> str:
    """Return `value` when it is known; else BenchError with the nearest known name and the whole list."""
    names = [str(name) for name in known]
    if value in names:
        return value
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.4)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    raise BenchError(f"unknown {what} {value!r}: {hint}there {_are(names)}")


def _are(names: list[str]) -> str:
    return ("is " if len(names) == 1 else "are ") + (", ".join(names) or "none")


def resolve(name: str, what: str) -> Any:
    """The object that `package.module:Name` names, as an entry point would find it."""
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")]):
        raise BenchError(f"{what} {name!r} is no name of the form package.module:Class")
    try:
        return pkgutil.resolve_name(name)
    except ImportError as error:
        raise BenchError(f"{what} {name!r} cannot be imported: {error}; is its package installed here?") from error
    except AttributeError as error:
        raise BenchError(f"{what} {name!r}: module {module} has no {attribute!r}") from error
    except Exception as error:  # whatever the module does when it is imported, a mistyped line included
        raise BenchError(f"{what} {name!r} cannot be imported: {type(error).__name__}: {error}") from error
