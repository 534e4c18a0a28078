"""A page for each table and figure, and one of all claims: read from the TOML files that the harness reads."""

from collections.abc import Iterator
from importlib import resources

from method_pages import path, title
from parts import table

from benchmark import exhibits
from benchmark.analysis.claims import model as claims
from benchmark.core.digest import Json
from benchmark.core.text import markdown
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit

CLAIMS = "exhibits/claims.md"

ELSEWHERE = ("method", "cite", "log", "panel", "short")
"""Keys of a row or column that are shown beside the others, or say where the paper's number of a cell stands."""


def pages() -> dict[str, str]:
    """Path -> text: the list of all exhibits, each exhibit in the paper's order, the claims."""
    shown = [exhibit.load(name) for name in exhibit.names()]
    each = {f"exhibits/{one.id}.md": _page(one) for one in shown}
    return {"exhibits/index.md": _index(shown), **each, CLAIMS: _claims()}


def _index(shown: list[Exhibit]) -> str:
    rows = ([f"[{markdown(one.title)}]({one.id}.md)", markdown(one.paper), f"`{one.command}`"] for one in shown)
    return "\n".join(
        [
            "# Tables, figures and claims",
            "",
            "An exhibit is a table or a figure as data: one TOML file says its rows, columns and runs.",
            "The conclusions that rest on exhibits are [claims](claims.md).",
            "",
            table(["exhibit", "in the paper", "measured by"], rows),
        ]
    )


def _page(one: Exhibit) -> str:
    file = f"{one.id}.toml"
    lines = [
        f"# {markdown(one.title)}",
        "",
        markdown(one.caption),
        "",
        table(["", ""], _facts(one)),
        _remarks(file),
        "",
        "## Rows",
        "",
        table([one.row_header, "class", "arguments"], map(_part, one.rows)),
        "## Columns",
        "",
        table(["column", "class", "what is asked"], map(_part, one.columns)),
    ]
    said = [claim for claim in map(claims.load, claims.names()) if one.id in claim.exhibits]
    if said:
        lines += ["## Claims", "", *(f"- [{markdown(claim.reading)}](claims.md#{claim.id})" for claim in said), ""]
    return "\n".join(lines)


def _facts(one: Exhibit) -> Iterator[list[str]]:
    yield ["in the paper", markdown(one.paper)]
    yield ["measured by", f"`{one.command}`"]
    yield ["metric", f"`{one.metric}`"]
    if one.fixed:
        yield ["all cells", _asked(one.fixed)]
    if one.reference:
        yield ["the paper's numbers", f"`results/reference/paper/{one.reference}`"]
    if one.beside:
        yield ["an own method is compared with", markdown(" or ".join(one.beside)) + ", the first that is measured"]


def _remarks(file: str) -> str:
    """The lines of comment at the head of an exhibit's file."""
    lines = resources.files(exhibits).joinpath(file).read_text("utf-8").splitlines()
    head = []
    for line in lines:
        if not line.startswith("#"):
            break
        head.append(markdown(line.removeprefix("#").strip()))
    return "\n".join(head)


def _part(part: Json) -> list[str]:
    """A row or column: its name, its method with a link to the page, and its other keys."""
    method = part.get("method")
    link = f"[{title(method)}](../{path(method)})" if method else ""
    return [markdown(part["name"]), link, _asked({key: value for key, value in part.items() if key not in ELSEWHERE})]


def _asked(part: Json) -> str:
    return ", ".join(f"`{name} = {value}`" for name, value in part.items() if name != "name")


def _claims() -> str:
    lines = [
        "# Claims",
        "",
        "Each conclusion of the paper and each question beyond it.",
        "`bench claims` judges them on the printed numbers and on measured ones.",
        "",
    ]
    for claim in map(claims.load, claims.names()):
        lines += [f"## {markdown(claim.reading)} {{: #{claim.id} }}", ""]
        if claim.quote:
            lines += [f"> {markdown(claim.quote)}", ">", f"> {markdown(claim.place)}", ""]
        if claim.note:
            lines += [markdown(claim.note), ""]
        where = ", ".join(f"[{markdown(exhibit.load(name).title)}]({name}.md)" for name in claim.exhibits)
        lines += [f"{claim.kind}, {claim.quantifier} of {len(claim.contrasts)}; {where}; `bench claims {claim.id}`", ""]
    return "\n".join(lines)
