"""Links of the repository's Markdown files as links of the site, where a document is a page and a file of code is one too."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from parts import fenced

from benchmark.core.paths import REPOSITORY

DOCUMENTS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "benchmark/mini/weights/MODEL_CARD.md": "model-card.md",
    "results/reference/paper/README.md": "reference-numbers.md",
}
"""Markdown file outside of docs/ -> its page."""

METHODS = ("amu", "baselines")
"""Packages of which every file has a page."""

LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json"}

LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
BLOCK = re.compile(r"(^```.*?^```)", flags=re.M | re.S)
"""Block of code, in which nothing is a link."""


def documents() -> dict[str, str]:
    """Page -> text, of the Markdown files outside of docs/."""
    return {page: within(text(name), name) for name, page in DOCUMENTS.items()}


def sources() -> dict[str, str]:
    """Page -> text, of every file of the methods and every other file of code that a document leads to."""
    files = {path.relative_to(REPOSITORY).as_posix() for room in METHODS for path in (REPOSITORY / room).glob("*.py")}
    for name in (*DOCUMENTS, *(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))):
        files.update(target for target in _targets(name) if page_of(target).startswith("source/"))
    return {page_of(name): f"# {name}\n\n{fenced(text(name), _language(name))}" for name in sorted(files)}


def page_of(name: str) -> str:
    """The page of a file of the repository; "" for a folder."""
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    if name.endswith(".ipynb"):
        return f"notebooks/{PurePosixPath(name).stem}.md"
    return DOCUMENTS.get(name) or (f"source/{name}.md" if (REPOSITORY / name).is_file() else "")


def within(markdown: str, name: str) -> str:
    """The text of a Markdown file, with local links as links from its page; of one to a folder the words alone."""
    here = posixpath.dirname(page_of(name)) or "."

    def led(link: re.Match[str]) -> str:
        words, target, anchor = link.groups()
        page = page_of(_resolved(target, name))
        return f"[{words}]({posixpath.relpath(page, here)}{anchor or ''})" if page else words

    parts = BLOCK.split(markdown)  # every second part is a block
    return "".join(part if place % 2 else LINK.sub(led, part) for place, part in enumerate(parts))


def text(name: str) -> str:
    """The text of a file of the repository."""
    return (REPOSITORY / name).read_text("utf-8")


def _targets(name: str) -> Iterator[str]:
    """The files that a document leads to."""
    for place, part in enumerate(BLOCK.split(text(name))):
        if place % 2 == 0:
            yield from (_resolved(target, name) for _, target, _ in LINK.findall(part))


def _resolved(target: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _language(name: str) -> str:
    return LANGUAGES.get(PurePosixPath(name).suffix, "text")
