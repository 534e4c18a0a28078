"""The page stands alone, and whatever a record or a name holds is shown and not obeyed."""

import base64
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from toy_world import planted, table, toy

from benchmark import page, provenance
from benchmark.results import Measured, gather

EVIL = "<script>alert('x')</script>\"'&<img src=http://example.org/x onerror=y>"
VOID = {"meta", "img", "br", "link", "input", "hr"}
COUNTS = {("One", "1-shot"): [(40, 50, 60), (42, 55, 60)], ("Two", "2-shot"): [(61, 62, 63)]}


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(autouse=True)
def _no_picture(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "picture" not in request.node.name:
        monkeypatch.setattr(page, "_picture", lambda _: "")


def measured(**changes: Any) -> Measured:
    records = planted(table(), toy(), COUNTS)
    for record in records.values():
        record.update(changes)
    return gather(table(), toy(), records)


def test_the_page_needs_nothing_but_itself() -> None:
    reader = read(page.html([measured()], {}))
    assert {tag for tag, _ in reader.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    for _, attributes in reader.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith(("data:image/png;base64,", "#"))


def test_the_style_fetches_nothing() -> None:
    text = page.html([measured()], {})
    assert "url(" not in text
    assert "@import" not in text


def test_every_measured_cell_is_there_with_its_seeds_and_records() -> None:
    found = measured()
    texts = read(page.html([found], {})).texts
    assert "52.5 ± 31.8" in texts  # 12.706 · √12.5 / √2
    assert "41.0 / 60.0 (+7.5)" in texts
    assert {"50.00", "55.00", "62.00"} <= set(texts)
    for records in found.records.values():
        for record in records:
            assert record["key"] in texts


def test_what_is_not_measured_is_said() -> None:
    empty = gather(table(), toy(), {})
    text = page.html([empty], {})
    assert "Table 0: a test (0 %): <code>bench run --table 0</code>" in text
    assert "<section id=" not in text
    assert "Three: not yet run; no code." in page.html([measured()], {})


def test_conditions_are_listed_and_differing_ones_side_by_side() -> None:
    records = list(planted(table(), toy(), COUNTS).values())
    records[1]["conditions"] = {"cpu": "a slide rule", "versions": {"torch": "2"}}
    conditions = provenance.summary(records)
    assert conditions["cpu"] == "a slide rule, an abacus"
    assert conditions["torch"] == "2"
    assert conditions["runs"] == "3"
    assert conditions["seconds, all runs added up"] == "6"


def test_hostile_text_in_a_record_is_shown_and_not_obeyed() -> None:
    hostile = measured(conditions={EVIL: EVIL, "versions": {EVIL: EVIL}}, seconds={"fit": 1, "total": 1})
    problems = {f"{EVIL}.json": EVIL}
    text = page.html([hostile], problems)
    reader = read(text)
    assert "<script" not in text
    assert [a for tag, a in reader.tags if tag == "img" and not (a["src"] or "").startswith("data:")] == []
    assert EVIL in "".join(reader.texts)


def test_hostile_names_in_an_exhibit_are_shown_and_not_obeyed() -> None:
    rows = [{"name": EVIL, "method": "baselines.tip_adapter:TipAdapter"}, {"name": "x", "missing": EVIL}]
    columns = [{"name": EVIL, "shots": 1}]
    shown = table(rows=rows, columns=columns, title=EVIL, caption=EVIL, paper=EVIL)
    suite = toy(title=EVIL, note=EVIL)
    found = gather(shown, suite, planted(shown, suite, {(EVIL, EVIL): [(1, 2, 3)]}))
    text = page.html([found], {})
    assert "<script" not in text
    assert "2.0 ± " in text
    assert {tag for tag, _ in read(text).tags} & {"script"} == set()


def test_the_picture_is_a_png_inside_the_page(tmp_path: Path) -> None:
    path = page.write([measured()], {}, tmp_path)
    assert path == tmp_path / "index.html"
    (image,) = [a for tag, a in read(path.read_text(encoding="utf-8")).tags if tag == "img"]
    source = image["src"]
    assert source is not None
    assert base64.b64decode(source.partition(",")[2])[:4] == b"\x89PNG"
    assert "the numbers are in the table above" in (image["alt"] or "")


def test_several_exhibits_share_a_page_and_are_linked() -> None:
    second = gather(table(id="table00"), toy(), planted(table(id="table00"), toy(), COUNTS))
    reader = read(page.html([measured(), second], {}))
    links = [a["href"] for tag, a in reader.tags if tag == "a"]
    assert links == ["#table0", "#table00"]
    assert {a["id"] for tag, a in reader.tags if tag == "section" and "id" in a} == {"table0", "table00"}
