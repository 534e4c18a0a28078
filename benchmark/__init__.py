"""AMU-Bench: does AMU-Tuning, and CLIP few-shot learning around it, reproduce? From Python: `benchmark.commands.api`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.commands.api import Table, claims, compare, measure, read, results, run

__version__ = "0.2.0"

__all__ = ["Table", "claims", "compare", "measure", "read", "results", "run"]


def __getattr__(name: str) -> Any:
    """A function of `benchmark.commands.api`, which is imported when it is first asked for: it needs torch and pandas."""
    if name in __all__:
        return getattr(import_module("benchmark.commands.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names of the module, with those that are not imported yet."""
    return sorted({*globals(), *__all__})
