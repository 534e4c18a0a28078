"""Trust in the code that a suite file names: its readers and loaders are called only if this project's, or trusted by name.

A suite file comes with features or records of others and looks like data. Importing a module runs it, so nothing that such a
file names is imported before.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from benchmark.core import code
from benchmark.core.errors import BenchError
from benchmark.core.paths import expanded

OPTION = "--trust-suite"


def check(file: Path, named: Mapping[str, str], trusted: Collection[str]) -> None:
    """Refuse a suite file that names code of others.

    Args:
        file: The suite file.
        named: Place in the file, such as "[datasets.imagenet] reader" -> the callable that it names.
        trusted: Trusted modules, with those below them ("mine" or "mine.readers"), and suite files, by their path.

    Raises:
        BenchError: A callable is in none of this project's packages, and neither its module nor the file is trusted.
    """
    foreign = {place: name for place, name in named.items() if not _is_known(_module(name), trusted)}
    if not foreign or any(_is_path_of(file, one) for one in trusted):
        return
    place, name = next(iter(foreign.items()))
    options = " ".join(f"{OPTION} {module}" for module in dict.fromkeys(map(_module, foreign.values())))
    raise BenchError(
        f"suite file {file}: {place} = {name!r} is code from outside this project, and nothing of it was run;"
        f" if you trust it, add {options}"
    )


def _module(name: str) -> str:
    return name.partition(":")[0]


def _is_known(module: str, trusted: Collection[str]) -> bool:
    """Whether a module is in this project's packages, or is a trusted module or below one."""
    known = (code.HARNESS, *code.METHODS, *map(_module, trusted))
    return any(module == one or module.startswith(f"{one}.") for one in known)


def _is_path_of(file: Path, named: str) -> bool:
    """Whether a trusted name is the path of a suite file."""
    return named.endswith(".toml") and expanded(named).resolve() == file.resolve()
