"""The exhibits as shipped: every one binds, cites and shares as the paper's own tables do. Nothing runs for it."""

import csv
from collections import Counter

import pytest
from toy_house import house

from benchmark.core import paths
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.run import Run
from benchmark.records import reference
from benchmark.reporting.figures import draw

IN_THE_PAPER = [
    *["table1", "table2", "figure3", "table3", "figure4a", "figure4b", "table4", "table5", "figure5", "figure6"],
    *["table6", "table7"],
]
BEYOND = [
    *["tableselection", "figurefusion", "tablereadings", "tablelam", "tablelater", "tablesamefeature", "tablecontrols"],
]
TEN = [
    *["caltech101", "oxford_pets", "stanford_cars", "flowers102", "food101"],
    *["fgvc_aircraft", "sun397", "dtd", "eurosat", "ucf101"],
]
SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]
ENCODERS = {"RN50", "RN101", "ViT-B/32", "ViT-B/16", "clip", "mocov3", "dino", "mae", "spark", "milan"}


def cell(name: str, row: str, column: str) -> Cell:
    return next(c for c in exhibit.load(name).cells() if (c.row, c.column) == (row, column))


def run(name: str, row: str, column: str) -> Run:
    return cell(name, row, column).runs(house(), [1])[0]


def test_they_come_in_the_paper_s_order_and_what_is_beyond_it_last() -> None:
    assert list(exhibit.names()) == IN_THE_PAPER + BEYOND


@pytest.mark.parametrize("name", exhibit.names())
def test_every_cell_binds_in_a_suite_that_has_every_role(name: str) -> None:
    for c in exhibit.load(name).cells():
        if lacking := c.lacks(house()):  # CaFo's stand-ins are there for the source task alone
            assert (c.row, lacking.partition(" ")[0]) == ("CaFo", "generated")
            continue
        for one in c.runs(house()):
            assert one.predictor().settings() == one.settings


@pytest.mark.parametrize("name", exhibit.names())
def test_roles_are_the_paper_s_so_that_a_mistyped_one_is_not_taken_for_a_missing_one(name: str) -> None:
    for c in exhibit.load(name).cells():
        for part in c.parts():
            assert part.dataset in ["imagenet", *TEN]
            assert part.target in [None, *SHIFTS]
            assert part.backbone in ENCODERS
            assert (part.arguments or {}).get("aux", "mocov3") in ENCODERS


@pytest.mark.parametrize("name", exhibit.names())
def test_the_mark_is_known_and_the_rows_and_columns_it_names_are_there(name: str) -> None:
    shown = exhibit.load(name)
    assert shown.mark["kind"] in draw.KINDS
    rows = {row["name"] for row in shown.rows}
    assert set(shown.mark.get("levels", ())) <= rows
    shorts = {column.get("short", column["name"]) for column in shown.columns}
    if shown.mark["kind"] == "scatter":
        assert {shown.mark["x"], shown.mark["y"]} <= shorts
    if shown.rule:
        assert {shown.rule["superiority"], shown.rule["complementarity"]} <= shorts
    assert shown.mark.get("x_label")


def cited(shown: Exhibit) -> Counter[tuple[str, ...]]:
    """How often each row of the reference file is cited."""
    rows = reference._rows(paths.reference() / "paper", shown.reference)
    found: Counter[tuple[str, ...]] = Counter()
    for c in shown.cells():
        if c.question.cite and c.question.declares is None and not c.empty:
            agreeing = [tuple(r.values()) for r in rows if reference._agrees(r, c.question.cite)]
            assert len(agreeing) == 1, (c.row, c.column, len(agreeing))
            found[agreeing[0]] += 1
    return found


@pytest.mark.parametrize("number", range(1, 8))
def test_every_number_of_a_paper_s_table_stands_beside_one_cell(number: int) -> None:
    shown = exhibit.load(f"table{number}")
    with (paths.reference() / "paper" / shown.reference).open(encoding="utf-8", newline="") as file:
        printed = [tuple(row.values()) for row in csv.DictReader(file) if row["accuracy"]]
    counts = cited(shown)
    assert [row for row in printed if not counts[row]] == []
    again = {row for row, times in counts.items() if times > 1}
    assert {row[6] for row in again} <= ({"CMY_Aux"} if number == 2 else set())  # three readings of one number


def test_the_four_methods_of_figure_6_that_the_paper_s_picture_has_are_cited_at_every_number_of_shots() -> None:
    assert sorted(cited(exhibit.load("figure6")).values()) == [1] * 20


def test_table_1_derives_from_the_classes_what_the_paper_prints() -> None:
    with (paths.reference() / "paper" / "table1.csv").open(encoding="utf-8", newline="") as file:
        printed = {
            r["method"]: (r["bias_feature"], r["bias_predictor"], r["bias_fusion"]) for r in csv.DictReader(file)
        }
    columns = ("feature", "predictor", "fusion")
    derived = {row: tuple(cell("table1", row, column).declared for column in columns) for row in printed}
    assert derived == printed


def test_what_a_method_sees_is_what_it_is_given() -> None:
    seen = {row: cell("tablelater", row, "sees").declared for row in ("GDA", "CLAP", "AMU-Tuning", "CaFo*", "CaFo")}
    assert seen == {
        "GDA": "CLIP",
        "CLAP": "CLIP",
        "AMU-Tuning": "CLIP + mocov3",
        "CaFo*": "CLIP + dino",
        "CaFo": "CLIP + dino + generated images + sentences of a language model",
    }


def test_every_logged_number_of_the_later_heads_is_one_of_the_paper_s_backbone_and_data_set() -> None:
    logs = {(c.row, c.column): c.question.log for c in exhibit.load("tablelater").cells() if c.question.log}
    found = {
        place: reference.cited(log["file"], {k: v for k, v in log.items() if k != "file"})
        for place, log in logs.items()
    }
    named = {row for (row, _), number in found.items() if number}
    assert named == {"Zero-shot CLIP", "Tip-Adapter", "APE", "APE-T", "GDA"}
    assert all((n["dataset"], n["backbone"]) == ("ImageNet", "CLIP RN50") for n in found.values() if n)


def test_a_head_on_the_auxiliary_feature_by_itself_and_beside_clip_is_one_run() -> None:
    for head in ("GDA", "ProKeR", "Cache", "LP", "AMU-Tuning"):
        rows = [
            run("tablesamefeature", row, f"4-shot, {head}")
            for row in ("auxiliary, by itself", "auxiliary and zero-shot CLIP")
        ]
        assert rows[0].key == rows[1].key
        assert run("tablesamefeature", "CLIP", f"4-shot, {head}").settings["aux"] == "clip"


def test_what_tables_share_is_one_run() -> None:
    amu = {run("table4", "AMU-Tuning", "16-shot").key, run("table5", "AMU-Tuning", "source").key}
    amu |= {run("table1", "AMU-Tuning", "16-shot accuracy").key, run("table5", "AMU-Tuning", "R").key}
    amu |= {run("table6", "AUX + MTFi + UF", "16-shot").key, run("table7", "AMU-Tuning", "RN50").key}
    assert len(amu | {run("figurefusion", "kurtosis (Eq. 10)", "imagenet").key}) == 1
    joint = {run("table2", "MoCov3", "fused").key, run("table3", "MoCov3", "Joint").key}
    assert len(joint | {run("table3", "MoCov3", "Joint + ZO").key, run("table6", "AUX", "16-shot").key}) == 1
    assert run("table2", "CLIP", "fused").key == run("table6", "baseline", "16-shot").key
    probe = {run("table2", "DINO", column).key for column in ("SUP", "CMY raw", "CMY centred")}
    assert (
        len(probe | {run("table3", "DINO", "Individual").key, run("tableselection", "DINO", "imagenet, CMY").key}) == 1
    )


def test_all_exhibits_together_ask_for_every_run_once() -> None:
    runs = [r for name in exhibit.names() for c in exhibit.load(name).cells() for r in c.runs(house())]
    once = exhibit.unique(runs)
    assert len({r.key for r in once}) == len(once)
    paper = [r for name in IN_THE_PAPER for c in exhibit.load(name).cells() for r in c.runs(house())]
    assert len(exhibit.unique(paper)) < len(paper) / 2


def test_figure_6_asks_for_nothing_that_table_4_and_figure_5_do_not() -> None:
    measured = {row["name"] for row in exhibit.load("table4").rows if "method" in row}

    def keys(name: str) -> set[str]:
        return {r.key for c in exhibit.load(name).cells() if c.row in measured for r in c.runs(house())}

    assert keys("figure6") <= keys("table4") | keys("figure5")


@pytest.mark.parametrize(
    ("row", "aux", "init", "lam", "fusion"),
    [
        ("baseline", "clip", "random", 1, "none"),
        ("AUX", "mocov3", "random", 1, "none"),
        ("MTFi", "clip", "mean", 0.35, "none"),
        ("UF", "clip", "random", 1, "kurtosis"),
        ("AUX + MTFi", "mocov3", "mean", 0.35, "none"),
        ("AUX + MTFi + UF", "mocov3", "mean", 0.35, "kurtosis"),
    ],
)
def test_the_ablation_is_arguments_of_one_class(row: str, aux: str, init: str, lam: float, fusion: str) -> None:
    one = run("table6", row, "4-shot")
    assert one.method == "amu.tuning:AMUTuning"
    assert [one.settings[name] for name in ("aux", "init", "lam", "fusion")] == [aux, init, lam, fusion]


def test_a_suite_without_a_role_lacks_those_cells_and_has_the_others() -> None:
    full = house()
    small = house(datasets={role: full.datasets[role] for role in ["imagenet", *SHIFTS, "dtd"]})
    five = exhibit.load("figure5")
    lacking = {c.of_column.panel: c.lacks(small) for c in five.cells() if c.row == "CoOp"}
    assert lacking["dtd"] == ""
    assert lacking["eurosat"] == "data set eurosat is missing in this suite"
    assert [bool(c.runs(small)) for c in five.cells() if c.row == "CoOp"].count(True) == 5


@pytest.mark.parametrize(
    ("exhibit_name", "row", "column", "gone", "words"),
    [
        ("table2", "MAE", "SUP", ("encoders", "mae"), "encoder mae is missing in this suite"),
        ("table7", "CoOp", "RN101", ("encoders", "RN101"), "backbone RN101 is missing in this suite"),
        ("figure6", "CoOp", "1-shot", ("datasets", "dtd"), "data set dtd is missing in this suite"),
    ],
)
def test_what_is_missing_is_named(exhibit_name: str, row: str, column: str, gone: tuple[str, str], words: str) -> None:
    kind, role = gone
    roles = {name: spec for name, spec in getattr(house(), kind).items() if name != role}
    missing = cell(exhibit_name, row, column)
    assert missing.lacks(house(**{kind: roles})) == words
    assert missing.runs(house(**{kind: roles})) == []


@pytest.mark.parametrize(
    ("changes", "row", "words"),
    [
        ({"shifts": ["imagenetv2"]}, "CoOp", "imagenet_r is missing in this suite as a shift of imagenet"),
        ({"shift_encoders": ["mocov3"]}, "CoOp", "imagenet_r is missing in this suite as a shift of imagenet"),
        ({"generated": 0}, "CaFo", "generated images for imagenet are missing in this suite"),
        ({"sentences": False}, "CaFo", "sentences of a language model for imagenet are missing in this suite"),
    ],
)
def test_a_shift_or_a_stand_in_that_is_missing_is_named(changes: dict[str, object], row: str, words: str) -> None:
    datasets = house().datasets
    poor = house(datasets={**datasets, "imagenet": {**datasets["imagenet"], **changes}})
    assert cell("table5", row, "R").lacks(poor).startswith(words)
