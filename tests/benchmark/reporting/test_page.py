"""The page stands alone, and whatever a record or a name holds is shown and not obeyed."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from PIL import Image
from toy_world import FILE, change, planted, record_of, table, toy

from benchmark.analysis import beta_sensitivity, results
from benchmark.analysis.claims import SOURCES, ClaimRow, Comparison, Verdict
from benchmark.analysis.compare import Compared
from benchmark.analysis.leakage import GAPS, Leak
from benchmark.analysis.moves import Moves
from benchmark.analysis.results import Measured, gather
from benchmark.records import provenance
from benchmark.records.record import SELECTIONS
from benchmark.reporting import cells, exhibit_files, page, tables
from benchmark.reporting.figures import draw
from benchmark.reporting.next_step import Step
from benchmark.running.forecast import Forecast

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
        monkeypatch.setattr(page, "_encoded", lambda *_: "")


def measured(**changes: Any) -> Measured:
    records = planted(table(), toy(), COUNTS)
    for record in records.values():
        change(record, **changes)
    return gather(table(), toy(), records)


def verdict(says: str, reason: str = "") -> Verdict:
    comparison = Comparison("A against B", says, 1.5, 0.5, 2.5, "points", 0.0, "images", False, ("k",))
    return Verdict(says, 1.5, 0.5, 2.5, "points", "A against B", 1, 1, reason, ("k",), (comparison,))


def test_the_page_needs_nothing_but_itself() -> None:
    reader = read(page.html([measured()], {}))
    assert {tag for tag, _ in reader.tags} & {"link", "iframe", "object", "embed", "base", "form"} == set()
    assert [a for tag, a in reader.tags if tag == "script"] == [{}]  # one, of the page's own
    (policy,) = [a["content"] for tag, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    for _, attributes in reader.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith(("data:image/webp;base64,", "data:text/", "#"))


def test_the_style_fetches_nothing() -> None:
    text = page.html([measured()], {})
    assert "url(" not in text
    assert "@import" not in text


def test_every_measured_cell_is_there_with_its_seeds_and_records() -> None:
    found = measured()
    texts = read(page.html([found], {})).texts
    assert "52.5 ± 31.8" in texts  # 12.706 · √12.5 / √2
    assert "41.0 / 60.0 (+7.5) / 60.0 (+7.5)" in texts
    assert {"50.00", "55.00", "62.00"} <= set(texts)
    for records in found.records.values():
        for record in records:
            assert record.key in texts


def test_what_is_not_measured_is_said() -> None:
    empty = gather(table(), toy(), {})
    text = page.html([empty], {})
    assert f"Table 0: a test (0 %): <code>bench run --table 0 --suite {FILE}</code>" in text
    assert re.findall(r'<section id="([^"]+)"', text) == ["waiting", "reading", "conditions"]
    assert "Nothing is measured yet." in text
    assert "Three: not yet run; no code." in page.html([measured()], {})


def test_conditions_are_listed_and_differing_ones_side_by_side() -> None:
    records = list(planted(table(), toy(), COUNTS).values())
    change(records[1], conditions={"cpu": "a slide rule", "versions": {"torch": "2"}})
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
    assert text.count("<script") == 1
    assert [a for tag, a in reader.tags if tag == "img" and not (a["src"] or "").startswith("data:")] == []
    assert EVIL in "".join(reader.texts)


def test_hostile_names_in_an_exhibit_are_shown_and_not_obeyed() -> None:
    rows = [{"name": EVIL, "method": "baselines.tip_adapter:TipAdapter"}, {"name": "x", "missing": EVIL}]
    columns = [{"name": EVIL, "shots": 1}]
    shown = table(rows=rows, columns=columns, title=EVIL, caption=EVIL, paper=EVIL)
    suite = toy(title=EVIL, note=EVIL)
    found = gather(shown, suite, planted(shown, suite, {(EVIL, EVIL): [(1, 2, 3)]}))
    text = page.html([found], {})
    assert text.count("<script") == 1
    assert "2.0 +5.0 -1.4" in text
    assert [a for tag, a in read(text).tags if tag == "img" and not (a["src"] or "").startswith("data:")] == []


def test_the_picture_is_inside_the_page_pixel_by_pixel_that_of_the_file(tmp_path: Path) -> None:
    draw.draw(measured(), tmp_path / "table0.png")
    path = page.write([measured()], {}, tmp_path)
    assert path == tmp_path / "index.html"
    (image,) = [a for tag, a in read(path.read_text(encoding="utf-8")).tags if tag == "img"]
    source = image["src"]
    assert source is not None
    content = base64.b64decode(source.partition(",")[2])
    shown, file = (Image.open(f).convert("RGB") for f in (io.BytesIO(content), tmp_path / "table0.png"))
    assert shown.tobytes() == file.tobytes()
    assert len(content) < (tmp_path / "table0.png").stat().st_size
    words = "top-1 accuracy (%) over shots per class: Two 62.0 at 2; One 52.5 at 1"
    assert image["alt"] == f"Table 0: a test. {words}. The numbers are in its table."


def test_several_exhibits_share_a_page_and_are_linked() -> None:
    second = gather(table(id="table00"), toy(), planted(table(id="table00"), toy(), COUNTS))
    reader = read(page.html([measured(), second], {}))
    links = [a["href"] for tag, a in reader.tags if tag == "a" and "download" not in a]
    of_cells = [link for link in links if link and "-" in link]
    assert [link for link in links if link not in of_cells] == [
        "#main", "#exhibits", "#reading", "#conditions", "#table0", "#table00",
    ]  # fmt: skip
    assert len(of_cells) == 4
    sections = [a["id"] for tag, a in reader.tags if tag == "section" and "id" in a]
    assert sections == ["table0", "table00", "reading", "conditions"]
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links if link} <= set(ids)


def test_what_cannot_be_measured_in_a_suite_has_the_reason_and_no_command() -> None:
    rows = [{"name": "Other", "method": "baselines.zero_shot:ZeroShotCLIP", "dataset": "dtd"}]
    text = page.html([gather(table(rows), toy(), {})], {})
    assert "Table 0: a test (0 %): not run: data set dtd is missing in this suite</li>" in text


def test_a_cell_opens_to_what_validation_chose_where_it_was_measured_and_how_to_measure_it_again() -> None:
    found = measured()
    for records in found.records.values():
        for record in records:
            chosen = {"val": {**record.selections["val"].to_json(), "epoch": 7, "tuned": {"beta": 3.2}}}
            change(
                record,
                selections=record.to_json()["selections"] | chosen,
                conditions={"cpu": "an abacus", "commit": "0123456789", "versions": {}},
            )
    text = page.html([found], {})
    assert "epoch 7, beta 3.2" in text
    assert "Measured 2024-01-01 at commit 0123456 on an abacus." in text
    assert f"bench run --table 0 --suite {FILE} --method One --shots 1 --rerun" in text


def test_an_exhibit_can_be_taken_away_as_csv_markdown_and_latex() -> None:
    found = measured()
    files = {
        str(a["download"]): base64.b64decode(str(a["href"]).partition(",")[2]).decode()
        for tag, a in read(page.html([found], {})).tags
        if tag == "a" and "download" in a
    }
    assert files == {
        "table0.csv": results.csv(found),
        "table0.md": exhibit_files.markdown(found),
        "table0.tex": tables.latex(found),
    }


def test_latex_has_a_line_a_row_and_no_sign_that_it_would_obey() -> None:
    rows = [{"name": r"50% & \x_y", "method": "baselines.tip_adapter:TipAdapter"}]
    shown = table(rows=rows, title="a\nb")
    found = gather(shown, toy(), planted(shown, toy(), {(r"50% & \x_y", "1-shot"): [(40, 50, 60), (42, 52, 60)]}))
    lines = tables.latex(found).splitlines()
    assert lines[0].startswith("% a b; suite toy")
    assert lines[1:3] == [r"\begin{tabular}{lr}", r"\toprule"]
    assert r"50\% \& \textbackslash{}x\_y & 51.0 $\pm$ 12.7 \\" in lines
    assert lines[-1] == r"\end{tabular}"


def test_the_verdicts_come_first_and_every_comparison_is_inside() -> None:
    found = {says: verdict(says) for says in ("supported", "not run")}
    row = ClaimRow(
        "c", EVIL, "Table 9", "It is so.", "superiority", "all", "", ("table0",),
        {**dict.fromkeys(SOURCES, found["supported"]), "paper": found["not run"]},
    )  # fmt: skip
    text = page.html([measured()], {}, verdicts=[row])
    assert text.index("It is so.") < text.index('<section id="table0"')
    assert '<p class="tally"><span class="supported">1 held</span></p>' in text
    assert '<td role="cell" class="verdict not-run" data-label="paper">not printed</td>' in text
    (comparison,) = re.findall(r"A against B</p><ul>(.*)</ul>", text)
    assert 'val: <span class="supported">held</span>, +1.5 points (0.5 to 2.5); 1 record, over images' in comparison
    assert (
        'paper: <span class="not-run">not measured</span>, +1.5 points (0.5 to 2.5); 1 printed number, over images'
        in comparison
    )
    assert EVIL not in text


def test_why_a_conclusion_is_open_is_said_beside_what_decides() -> None:
    open_ = verdict("inconclusive", reason="about 9 seeds would tell")
    row = ClaimRow(
        "c", "q", "Table 9", "It is so.", "superiority", "all", "", ("table0",), dict.fromkeys(SOURCES, open_)
    )
    assert '+1.5 points (0.5 to 2.5), A against B; <span class="soft">about 9 seeds would tell</span>' in page.html(
        [measured()], {}, verdicts=[row]
    )


def test_the_head_says_how_much_was_measured_when_and_at_how_many_seeds() -> None:
    text = page.html([measured()], {})
    assert "3 runs, 2 draws of the support set, measured 2024-01-01." in text
    assert '<th scope="row">seeds</th><td class="words">1, 2</td>' in text


def test_what_stands_in_backticks_is_code_and_nothing_else_is() -> None:
    shown = table(caption="reads `centred` <b>bold</b>")
    text = page.html([gather(shown, toy(), planted(shown, toy(), COUNTS))], {})
    assert "reads <code>centred</code> &lt;b&gt;bold&lt;/b&gt;" in text


def test_a_cell_opens_to_what_it_reads_and_not_to_another_number() -> None:
    columns = [{"name": "1-shot", "shots": 1}, {"name": "CMY", "shots": 1, "metric": "cmy_centred"}]
    shown = table(columns=columns)
    records = planted(shown, toy(), {("One", "1-shot"): [(40, 50, 60)]})
    for record in records.values():
        change(record, metrics={name: {"cmy_centred": 0.25} for name in SELECTIONS})
    texts = read(page.html([gather(shown, toy(), records)], {})).texts
    assert texts.count("0.250") == 1 + len(SELECTIONS)  # the cell itself, and its seed under each selection
    assert texts.count("50.00") == 1


def test_a_stale_cell_has_a_dagger_and_what_it_means_stands_below() -> None:
    found = measured()
    found.stale["One", "1-shot"] = ["imagenet", "RN50"]
    text = page.html([found], {})
    assert "52.5 ± 31.8 †" in text
    again = f"bench run --table 0 --suite {FILE} --rerun measures it"
    assert f"† stale: measured on other RN50, imagenet than are here today; {again}" in text
    assert "†" not in page.html([measured()], {})
    assert "- † stale: measured on other RN50, imagenet than are here today;" in exhibit_files.markdown(found)
    assert r"31.8 $^\dagger$" in tables.latex(found)


def test_the_weight_of_the_bias_has_a_section_where_there_are_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<section id="sensitivity"' not in page.html([measured()], {})
    cost = beta_sensitivity.Cost("Tip", 16, 2, 1.25, 0.5, 2.0, 3)
    monkeypatch.setattr(beta_sensitivity, "costs", lambda _: [cost])
    text = page.html([measured()], {})
    assert '<section id="sensitivity"' in text
    assert "1.2 (0.5 to 2.0)" in text


def test_what_choosing_on_test_adds_has_a_section_with_a_table_of_the_released_choice_and_one_of_the_most() -> None:
    leaks = [
        Leak("Tip", "imagenet", 1, "released", 0.25, 0.1, 0.4, 0.0, 3),
        Leak("Tip", "imagenet", 1, "test", 0.5, 0.1, 0.9, 0.0, 3),
    ]
    _, _, section = page.html([measured()], {}, leaks=leaks).partition('<section id="leakage"')
    gaps = [section.index(str(escape(words.capitalize()))) for words in GAPS.values()]
    numbers = [section.index(text) for text in ("+0.2 (0.1 to 0.4)", "+0.5 (0.1 to 0.9)")]
    assert gaps[0] < numbers[0] < gaps[1] < numbers[1]


def main(counts: Any = COUNTS, **changes: Any) -> Measured:
    shown = table(id="table4", **changes)
    return gather(shown, toy(), planted(shown, toy(), counts))


def row(name: str, says: str, *exhibits: str, effect: float | None = 1.5) -> ClaimRow:
    found = replace(verdict(says), effect=effect)
    return ClaimRow(
        name, "q", "Sec. 9", f"{name} is so.", "superiority", "all", "", exhibits, dict.fromkeys(SOURCES, found)
    )


def test_the_main_exhibit_comes_first_then_the_conclusions_then_the_others() -> None:
    text = page.html([measured(), main()], {}, verdicts=[row("a", "supported", "table0")])
    assert re.findall(r'<section id="([^"]+)"', text) == ["table4", "claims", "table0", "reading", "conditions"]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ([row("a", "supported", "table0"), row("b", "contradicted", "table4")], "Not held</strong>: b is so."),
        ([row("a", "inconclusive", "table4"), row("b", "contradicted", "table0")], "Not held</strong>: b is so."),
        ([row("a", "inconclusive", "table0"), row("b", "inconclusive", "table4")], "Open</strong>: b is so."),
        ([row("a", "contradicted", "table4"), row("b", "supported", "table4")], "Held</strong>: b is so."),
        ([row("a", "not run", "table4", effect=None)], None),
    ],
)
def test_the_page_begins_with_a_decided_conclusion_of_the_main_exhibit(rows: list[ClaimRow], first: str | None) -> None:
    found = re.findall(r'<p class="answer"><strong class="[a-z]+">(.*)</p>', page.html([measured()], {}, verdicts=rows))
    assert found == ([] if first is None else [f"{first} What decides: +1.5 points (0.5 to 2.5), A against B."])


def test_decided_conclusions_stand_before_open_ones_and_those_not_measured_are_folded() -> None:
    rows = [
        row("d", "not run", "t"),
        row("c", "inconclusive", "t"),
        row("b", "contradicted", "t"),
        row("a", "supported", "t"),
    ]
    section = page.html([measured()], {}, verdicts=rows).partition('<section id="claims"')[2].partition("</section>")[0]
    shown, folded, rest = section.partition("<details><summary>1 not measured")
    assert folded
    assert re.findall(r'href="#claim-(.)"', shown) == ["a", "b", "c"]
    assert re.findall(r'href="#claim-(.)"', rest) == ["d"]


def test_the_first_picture_is_an_svg_whose_words_say_what_it_shows_and_names_in_it_are_not_obeyed() -> None:
    rows = [{"name": EVIL, "method": "baselines.tip_adapter:TipAdapter"}]
    text = page.html([main({(EVIL, "1-shot"): [(1, 20, 3)], (EVIL, "2-shot"): [(1, 30, 3)]}, rows=rows)], {})
    assert text.count("<script") == 1
    assert text.count("<svg") == 1
    tags = read(text).tags
    (words,) = [str(a["aria-label"]) for tag, a in tags if tag == "div" and a.get("role") == "img"]
    assert words == f"Table 0: a test. top-1 accuracy (%) over shots per class: {EVIL} 20.0 at 1 to 30.0 at 2."
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert [a for tag, a in tags if tag in ("image", "img") and not str(a.get("src")).startswith("data:")] == []


def test_without_the_main_exhibit_there_is_no_first_picture() -> None:
    assert "<svg" not in page.html([measured()], {})


def test_the_best_accuracy_of_a_column_is_bold_and_a_number_alone_is_not() -> None:
    counts = {("One", "1-shot"): [(1, 40, 1)], ("Two", "1-shot"): [(1, 50, 1)], ("One", "2-shot"): [(1, 60, 1)]}
    bold = re.findall(r'<td class="best"><a [^>]*>([^<]*)</a>', page.html([main(counts)], {}))
    assert [text[:4] for text in bold] == ["50.0"]


def test_a_cell_opens_in_a_row_of_its_own_over_all_columns_with_its_curve_over_epochs() -> None:
    found = main()
    for records in found.records.values():
        for record in records:
            change(record, n_val=20, curves={"test": [10, 40, 30], "val": [4, 10, 8]})
    text = page.html([found], {})
    links = re.findall(r'<a class="opens" href="#([^"]+)">52.5 ± 31.8</a>', text)
    (detail,) = re.findall(
        rf'<tr class="detail" id="{links[0]}" tabindex="-1"><td colspan="3">(.*?)</div></td></tr>', text, re.S
    )
    assert "<h4>One, 1-shot: 52.5 ± 31.8</h4>" in detail
    assert 'class="test" points="0,100 50,25 100,50"' in detail  # 10, 40 and 30 of 100 between 10 and 50 %
    assert 'class="val" points="0,75 50,0 100,25"' in detail  # 20, 50 and 40 %
    assert "Accuracy over 3 epochs, 10.0 to 50.0 %, mean of seeds" in detail


def test_a_long_curve_is_thinned_and_keeps_its_last_epoch() -> None:
    record = record_of({"shots": 1, "seed": 1}, n=100)
    change(record, curves={"test": [*range(100)], "val": []})
    curve = cells._curve([record])
    assert curve is not None
    points = curve["lines"]["test"].split()
    assert len(points) <= cells.POINTS + 1
    assert (points[0], points[-1]) == ("0,100", "100,0")
    assert cells._curve([record_of({"shots": 1, "seed": 1})]) is None  # one epoch is no curve


def test_the_next_command_stands_on_the_first_screen_with_its_time() -> None:
    text = page.html(
        [measured()], {}, step=Step("bench run --table 4", "measures the rest", Forecast(runs=61, each={"a": 61}))
    )
    assert (
        "Next: <code>bench run --table 4</code><br>about 40 to 100 s, without features; measures the rest</p>" in text
    )
    assert "Next:" not in page.html([measured()], {})


def test_cells_that_moved_are_marked_and_listed_and_others_say_so_where_they_open() -> None:
    found = measured()
    sure = Compared("One, 1-shot", 2.25, 1.5, 3.0, 0.001, 0.002, (), 2, "seeds and images", 0.0)
    places = {("table0", "One", "1-shot"): sure, ("table0", "Two", "2-shot"): replace(sure, adjusted=0.5, effect=-1.0)}
    text = page.html([found], {}, moves=Moves(Path("old"), 3, places))
    assert re.findall(r'<span class="moved up">(.*?)</span>', text) == ["▲ +2.2"]
    assert "Since old: +2.25 (+1.50 to +3.00), moved beyond chance." in text
    assert "Since old: -1.00 (+1.50 to +3.00), no difference shown." in text
    assert '<a href="#moves">Since old</a>: 1 of 5 cells moved beyond chance.' in text
    assert "<li>Table 0: a test, One, 1-shot: +2.25 (+1.50 to +3.00)</li>" in text


def test_own_methods_have_a_section_that_says_where_their_rows_are() -> None:
    rows = [{"name": "Mine", "method": "baselines.tip_adapter:TipAdapter"}]
    shown = table(rows=rows, added={"Mine": "mine:Mine"})
    text = page.html([gather(shown, toy(), planted(shown, toy(), {("Mine", "1-shot"): [(1, 2, 3)]}))], {})
    assert '<li>Mine: a row of <a href="#table0">Table 0: a test</a></li>' in text
    assert '<section id="others"' not in page.html([measured()], {})
