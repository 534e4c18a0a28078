"""The documentation site's pages without a file in docs/: code, exhibits, notebooks, documents of the repository.

mkdocs calls the functions whose names begin with `on_` (mkdocs.yml, `hooks`).
"""

import exhibit_pages
import links
import method_pages
import reference_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

SECTIONS = {"methods/": method_pages.pages, "exhibits/": exhibit_pages.pages}
"""Folder of pages -> the function that gives their texts by path, the index first; mkdocs.yml names the folder in `nav`."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages without a file, and put those of a section into the navigation."""
    made = reference_pages.pages() | links.documents()
    for folder, pages in SECTIONS.items():
        section = pages()
        made |= section
        for entry in config.nav or []:
            entry.update({title: [*section] for title, inside in entry.items() if inside == folder})
    for path, text in (made | links.sources()).items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a file in docs/ that leave docs/ to pages."""
    return markdown if page.file.generated_by else links.within(markdown, f"docs/{page.file.src_uri}")
