"""Parts of a page in Markdown."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in Markdown (`benchmark.core.text.markdown`)."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def fenced(code: str, language: str) -> str:
    """A block of code."""
    return f"````{language}\n{code.rstrip()}\n````\n"


def documented(name: str, **options: object) -> str:
    """The documentation of a Python name, which mkdocstrings reads from its code."""
    said = "".join(f"        {option}: {value}\n" for option, value in options.items())
    return f"::: {name}\n" + (f"    options:\n{said}" if said else "")
