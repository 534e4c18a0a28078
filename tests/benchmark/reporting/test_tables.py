"""What is drawn from planted records, letter by letter."""

from collections.abc import Callable
from pathlib import Path

import pytest
from toy_house import house
from toy_world import change, paper, planted, table, toy, undrawn

from baselines.cafo import CaFo
from baselines.clip_adapter import CLIPAdapter
from benchmark.analysis import results
from benchmark.analysis.results import Measured, gather
from benchmark.core import paths
from benchmark.core.errors import BenchError
from benchmark.reporting import exhibit_files, notes, page, tables
from benchmark.reporting.figures import draw as figure

COUNTS = {
    ("One", "1-shot"): [(40, 50, 60), (42, 54, 60)],
    ("Two", "1-shot"): [(61, 62, 63)],
}

MARKDOWN = """\
# Table 0: a test

Suite toy: coloured squares. Accuracy. Epoch and tunable settings are chosen on the few-shot validation images (`val`); \
1 or 2 seeds a cell, fewer than others in the column where it says so.

| method | 1-shot |
|---|---:|
| One | 52.0 ± 25.4 |
| Two | **62.0 ± 9.3 (1 seed)** |

## The other selections

`last`: the last epoch at the method's own settings. `released`: epoch and settings as the method's released code chooses \
them, on the images that it chooses on (see the notes). `test`: both on the test images, the most that choosing there gives. \
Each cell: last / released (released minus val) / test (test minus val, the leakage gap).

| method | 1-shot |
|---|---:|
| One | 41.0 / 60.0 (+8.0) / 60.0 (+8.0) |
| Two | 61.0 / 63.0 (+1.0) / 63.0 (+1.0) |

## Ordering, beside the paper's

Best first, among the rows with a number on both sides. For tests.

| | the paper's order | the order here | Kendall's τ |
|---|---|---|---:|
| 1-shot | Two > One | Two > One | – |

## Notes

- One, Two: not yet run at 2-shot.
- Three: not yet run; no code.
- Fewer seeds than others in the column: Two at 1-shot (1 of 2); bench compare takes the seeds that both have.
- `released` chooses as the released code does. One: nothing (last epoch, own settings), no \
released code being known; Two: settings on test.
- Every method trains on 2 cached views of each image (view 0 as tested, the others randomly cropped and flipped), \
epoch e on view e modulo that; released code crops anew in every step.
"""

# t of one degree of freedom is 12.7062: 52 ± 12.7062 · √8 / √2. Wilson of 61, 62, 63 of 100.
CSV = """\
exhibit,row,column,suite,selection,metric,mean,ci_low,ci_high,seeds,correct,n,paper,note,dataset,method,shots,n_seeds
table0,One,1-shot,toy,last,accuracy,41.0000,28.2938,53.7062,2,82,200,,,imagenet,baselines.zero_shot:ZeroShotCLIP,1,2
table0,One,1-shot,toy,val,accuracy,52.0000,26.5876,77.4124,2,104,200,,,imagenet,baselines.zero_shot:ZeroShotCLIP,1,2
table0,One,1-shot,toy,released,accuracy,60.0000,60.0000,60.0000,2,120,200,,,imagenet,baselines.zero_shot:ZeroShotCLIP,1,2
table0,One,1-shot,toy,test,accuracy,60.0000,60.0000,60.0000,2,120,200,,,imagenet,baselines.zero_shot:ZeroShotCLIP,1,2
table0,Two,1-shot,toy,last,accuracy,61.0000,51.2030,69.9831,1,61,100,,1 of the 2 seeds of others,\
imagenet,baselines.tip_adapter:TipAdapter,1,1
table0,Two,1-shot,toy,val,accuracy,62.0000,52.2098,70.9024,1,62,100,,1 of the 2 seeds of others,\
imagenet,baselines.tip_adapter:TipAdapter,1,1
table0,Two,1-shot,toy,released,accuracy,63.0000,53.2205,71.8176,1,63,100,,1 of the 2 seeds of others,\
imagenet,baselines.tip_adapter:TipAdapter,1,1
table0,Two,1-shot,toy,test,accuracy,63.0000,53.2205,71.8176,1,63,100,,1 of the 2 seeds of others,\
imagenet,baselines.tip_adapter:TipAdapter,1,1
"""


@pytest.fixture(autouse=True)
def _paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paper(tmp_path / "reference")
    monkeypatch.setattr(paths, "reference", lambda: folder)


def measured(comparable: bool = False) -> Measured:
    suite = toy(comparable=comparable)
    return gather(table(), suite, planted(table(), suite, COUNTS))


def test_the_markdown_of_planted_records() -> None:
    assert exhibit_files.markdown(measured()) == MARKDOWN


def test_the_csv_of_planted_records() -> None:
    assert results.csv(measured()) == CSV


def test_nothing_measured_is_drawn_too() -> None:
    empty = gather(table(), toy(), {})
    assert "no seeds a cell" in exhibit_files.markdown(empty)
    assert "Ordering" not in exhibit_files.markdown(empty)
    assert "| One | – | – |" in tables.main_table(empty)


@pytest.mark.parametrize("draw", [exhibit_files.markdown, results.csv, lambda m: page.html([m], {})])
def test_a_suite_of_its_own_scale_shows_no_number_of_the_paper(
    draw: Callable[[Measured], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_encoded", lambda *_: "")
    ours, comparable = draw(measured()), draw(measured(comparable=True))
    for number in ("50.25", "60.25", "70.25", "80.25", "90.25"):
        assert number not in ours
        assert number in comparable


def test_a_comparable_suite_shows_the_paper_s_number_and_the_difference() -> None:
    lines = tables.main_table(measured(comparable=True)).splitlines()
    assert "| One | 52.0 ± 25.4 (paper 50.25, +1.8) | – (paper 60.25) |" in lines
    assert "| Two | **62.0 ± 9.3 (paper 70.25, -8.2) (1 seed)** | – (paper 80.25) |" in lines
    assert "| Three | – (paper 90.25) | – |" in lines
    assert "Two,1-shot,toy,val,accuracy,62.0000,52.2098,70.9024,1,62,100,70.2500," in results.csv(
        measured(comparable=True)
    )


LEVEL = {"name": "Level", "method": "baselines.zero_shot:ZeroShotCLIP", "shots": 0, "seeds": [0]}
TIP = {"name": "Tip", "method": "baselines.tip_adapter:TipAdapter"}


def test_rows_and_columns_are_shown_that_are_measured_or_asked() -> None:
    shown = table(rows=[LEVEL, TIP, {**TIP, "name": "Other", "with": {"beta": 2.0}}])
    found = gather(shown, toy(), planted(shown, toy(), {("Tip", "2-shot"): [(1, 62, 1)]}))
    assert tables.main_table(found).splitlines()[0::2] == ["| method | 2-shot |", "| Tip | 62.0 ± 9.3 |"]
    asked = tables.main_table(found, [("Other", "1-shot")]).splitlines()
    assert asked[0] == "| method | 1-shot | 2-shot |"
    assert asked[-1] == "| Other | – | – |"


def test_beside_asked_cells_the_paper_s_numbers_of_others_are_not_shown() -> None:
    lines = tables.main_table(measured(comparable=True), [("Two", "1-shot")]).splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["method", "---", "One", "Two"]
    assert "2-shot" not in lines[0]


def test_a_row_with_one_run_for_all_columns_brings_none_of_them() -> None:
    shown = table(rows=[LEVEL, TIP])
    counts = {("Level", "1-shot"): [(1, 50, 1)], ("Tip", "2-shot"): [(1, 62, 1)]}
    both = gather(shown, toy(), planted(shown, toy(), counts))
    assert tables.main_table(both).splitlines()[0] == "| method | 2-shot |"
    alone = gather(shown, toy(), planted(shown, toy(), {("Level", "1-shot"): [(1, 50, 1)]}))
    assert tables.main_table(alone).splitlines()[0] == "| method | 1-shot | 2-shot |"
    assert tables.main_table(alone, [("Level", "1-shot")]).splitlines()[0] == "| method | 1-shot |"


def test_the_best_of_a_column_is_bold_in_markdown_and_latex_all_of_them_in_a_tie() -> None:
    shown = table(rows=[LEVEL, TIP, {**TIP, "name": "Other*", "with": {"beta": 2.0}}])
    counts = {("Tip", "1-shot"): [(1, 62, 1)], ("Other*", "1-shot"): [(1, 62, 1)], ("Level", "1-shot"): [(1, 50, 1)]}
    found = gather(shown, toy(), planted(shown, toy(), counts))
    assert "| Tip | **62.0 ± 9.3** |" in tables.main_table(found)
    assert "| Other\\* | **62.0 ± 9.3** |" in tables.main_table(found)
    assert "| Level | 50.0 ± 9.6 |" in tables.main_table(found)
    assert r"Tip & \textbf{62.0 $\pm$ 9.3} \\" in tables.latex(found)


def test_neither_a_number_alone_nor_a_ratio_nor_the_paper_s_is_best() -> None:
    shown = table(rows=[TIP, {"name": "Cited", "cite": {"method": "One"}}])
    counts = {("Tip", "1-shot"): [(1, 62, 1)]}
    assert not gather(shown, toy(comparable=True), planted(shown, toy(comparable=True), counts)).best
    ratios = table(rows=[LEVEL, TIP], metric="cmy_raw")
    assert not gather(ratios, toy(), planted(ratios, toy(), {("Tip", "1-shot"): [(1, 62, 1)]})).best


def test_signs_that_mean_something_in_markdown_are_escaped() -> None:
    shown = table(rows=[{"name": "A|B*", "missing": "x"}])
    assert "| A\\|B\\* | – | – |" in tables.main_table(gather(shown, toy(), {}))


def test_what_the_suite_sets_otherwise_is_said_under_the_table() -> None:
    method = "baselines.tip_adapter:TipAdapterF"
    suite = toy(methods={method: {"beta": 2, "recipe": {"epochs": 3, "lr": 0.1}}})
    lines = notes.deviations(gather(table(rows=[{"name": "F", "method": method}]), suite, {}))
    assert lines[0] == "Tip-Adapter-F runs with beta = 2, epochs = 3, lr = 0.1 in this suite."


def test_on_which_crops_each_row_was_trained_is_said_under_the_table() -> None:
    found = measured()
    for (row, _), records in found.records.items():
        for record in records:
            change(record, crops={"One": "none", "Two": "0.08 to 1"}[row])
    line = "Random crops of the support images, by share of the area: none for One; 0.08 to 1 for Two."
    assert line in notes.deviations(found)
    assert not any(line.startswith("Random crops") for line in notes.deviations(measured()))


def test_what_a_method_here_is_not_is_said_under_the_table() -> None:
    rows = [
        {"name": "VT", "method": "baselines.vt_clip:VTCLIP"},
        {"name": "Full", "method": "baselines.cafo:CaFo", "with": {"generated": True}},
        {"name": "Less", "method": "baselines.cafo:CaFo", "with": {"generated": False}},
    ]
    lines = notes.deviations(gather(table(rows=rows), house(), {}))
    assert lines[:3] == [
        "VT: re-implementation, unverifiable hyper-parameters.",
        f"Full, Less: {CaFo.note}.",
        "Full: coloured tiles, not pictures.",
    ]
    assert not any(line.startswith("Less") for line in lines)


def test_a_remark_on_a_method_names_every_row_of_it_with_its_signs_escaped() -> None:
    method = "baselines.clip_adapter:CLIPAdapter"
    rows = [{"name": name, "method": method, "with": {"ratio": r}} for name, r in (("A*", 0.2), ("B|", 0.4))]
    (said,) = [line for line in notes.notes(gather(table(rows=rows), toy(), {}))[1].splitlines() if "templates" in line]
    assert said == f"- A\\*, B\\|: {CLIPAdapter.note}."


def test_three_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "draw", undrawn)
    written = exhibit_files.write(measured(), tmp_path / "new" / "folder")
    assert [p.name for p in written] == ["table0.md", "table0.csv", "table0.png"]
    assert written[0].read_text(encoding="utf-8") == MARKDOWN
    assert written[1].read_text(encoding="utf-8") == CSV


def test_a_file_in_the_place_of_the_folder_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    for write in (lambda f: exhibit_files.write(measured(), f), lambda f: page.write([measured()], {}, f)):
        with pytest.raises(BenchError, match=r"reports folder .*cannot be written .*--reports$"):
            write(tmp_path / "reports")
