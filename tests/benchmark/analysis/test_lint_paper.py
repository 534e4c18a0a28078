"""What is odd about the printed numbers is found, each thing with its sources, and nothing that is in order."""

import inspect
import json
import re

import pytest
from toy_world import bench

from benchmark.analysis import lint_paper
from benchmark.analysis.lint_paper import Finding, Printed, attainable
from benchmark.records import reference


@pytest.fixture(scope="module")
def found() -> list[Finding]:
    return lint_paper.findings()


@pytest.fixture(scope="module")
def cells() -> list[Printed]:
    return list(lint_paper.printed())


def of(found: list[Finding], kind: str) -> dict[str, str]:
    return {finding.where: finding.says for finding in found if finding.kind == kind}


def test_every_finding_names_its_sources(found: list[Finding]) -> None:
    assert all(finding.sources and all(finding.sources) for finding in found)


def test_the_one_number_that_two_tables_print_differently(found: list[Finding]) -> None:
    assert of(found, "disagreement") == {"table4: CaFo*, 16-shot; table7: CaFo*, RN50": "printed as 68.05 and 68.03"}


def test_what_two_tables_print_alike_is_looked_at_too(cells: list[Printed]) -> None:
    """Five methods stand in Tables 1, 4 and 7, three fused features in 2 and 3, two of them in 6, AMU-Tuning in 4 and 6."""
    tables = lint_paper._grouped((cell.quantity, cell.table) for cell in cells)
    pairs = [tuple(names) for names in tables.values() if len(names) > 1]
    assert ("table1", "table4", "table5", "table7") in pairs
    assert pairs.count(("table2", "table3")) + pairs.count(("table2", "table3", "table6")) == 6
    assert pairs.count(("table2", "table3", "table6")) == 2
    assert ("table4", "table6") in pairs


@pytest.mark.parametrize(
    ("text", "n", "possible"),
    [
        ("66.67", 3, True),
        ("66.66", 3, False),
        ("66.7", 3, True),
        ("50", 3, False),
        ("50.00", 8, True),
        ("0.00", 7, True),
    ],
)
def test_an_accuracy_is_a_whole_number_of_images(text: str, n: int, possible: bool) -> None:
    assert attainable(text, n) is possible
    decimals = len(text.partition(".")[2])
    assert possible is any(f"{100 * k / n:.{decimals}f}" == text for k in range(n + 1))


def test_attainable_agrees_with_every_number_of_images() -> None:
    n = 1692
    by_counting = {f"{100 * k / n:.2f}" for k in range(n + 1)}
    texts = [f"{i / 100:.2f}" for i in range(10_001)]
    assert [t for t in texts if attainable(t, n)] == [t for t in texts if t in by_counting]


def test_five_logged_numbers_are_no_number_of_images(found: list[Finding]) -> None:
    logs = [f for f in found if f.kind == "attainability" and "exp.log" in f.sources[0]]
    assert [(f.where, f.says.split()[0]) for f in logs] == [
        ("Caltech101: Tip-Adapter, 4 shots", "89.39"),
        ("Caltech101: Tip-Adapter, 8 shots", "89.83"),
        ("Caltech101: Tip-Adapter-F, 4 shots", "90.56"),
        ("DTD: CLIP-Adapter, 8 shots", "61.00"),
        ("Flowers102: CLIP-Adapter, 16 shots", "93.90"),
    ]


def test_a_row_of_two_models_is_mixed_and_a_row_from_one_source_is_not(found: list[Finding]) -> None:
    mixed = of(found, "mixed")
    assert mixed["table5: CoOp"] == (
        "V2, Sketch, A, R are those of TPT repo README, which has source 63.33 and not 62.95"
    )
    assert "RN101 62.53 and not 65.53" in mixed["table7: Zero-shot CLIP"]
    assert not any(where.startswith("table4: ") for where in mixed)  # its Tip-Adapter-F row is wholly that of a paper


def test_tables_put_maxima_over_test_beside_last_epochs(found: list[Finding]) -> None:
    said = of(found, "mixed")["table1, table4, table5, table7"]
    assert "mean of three seeds at the last epoch: CoOp, " in said
    assert "one seed on the test images: Tip-Adapter-F, CaFo, AMU-Tuning" in said


def test_a_number_printed_twice_in_a_row_is_a_duplicate(found: list[Finding]) -> None:
    assert of(found, "duplicate") == {"table7: CaFo": "70.82 in RN101 and ViT-B/32"}


def test_other_sources_numbers_stand_beside_the_papers_furthest_first(found: list[Finding]) -> None:
    elsewhere = of(found, "elsewhere")
    assert "60.72 (+4.72: TPT repo README, 80-prompt ensemble)" in next(iter(elsewhere.values()))
    assert elsewhere["table4: Tip-Adapter-F, 1-shot"] == "61.32; elsewhere 61.13 (-0.19: Tip-Adapter repo exp.log)"
    assert "table4: Tip-Adapter-F, 2-shot" not in elsewhere


def test_two_estimators_of_one_name_are_remarked(found: list[Finding]) -> None:
    assert "two estimators, one name" in of(found, "remark")["table4: LP-CLIP"]


def test_every_remark_is_about_an_exhibit() -> None:
    assert {row["exhibit"] for row in reference.rows("remarks.csv")} <= {"table1", "table2", "table4"}


def test_the_command_prints_them_all(found: list[Finding]) -> None:
    code, out, err = bench("lint-paper")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{len(found)} findings in the paper's printed numbers; the 5 that matter first"
    assert lines[2] == "disagreement (1): the paper prints one quantity twice, with different numbers"
    assert lines[3] == "  table4: CaFo*, 16-shot; table7: CaFo*, RN50: printed as 68.05 and 68.03"
    assert max(map(len, lines)) <= 100
    first = " ".join(out.partition("attainability (")[0].split())
    assert all(
        number in first for number in ("68.05", "65.53", "62.53", "70.82", "CoOp: V2", "one seed on the test images")
    )
    assert lines[-1].startswith("next: bench claims ")
    code, out, _ = bench("lint-paper", "--format", "json")
    assert (code, len(json.loads(out))) == (0, len(found))


def test_every_kind_is_explained_and_those_that_matter_come_first(found: list[Finding]) -> None:
    kinds = list(dict.fromkeys(finding.kind for finding in found))
    assert kinds == list(lint_paper.KINDS)
    assert tuple(kinds[:3]) == lint_paper.LEADING


def test_no_sentence_has_two_punctuation_marks_in_a_row(found: list[Finding]) -> None:
    """Neither the printed findings nor what help() prints of the functions that make them."""
    _, printed, _ = bench("lint-paper")
    documented = [value.__doc__ or "" for value in vars(lint_paper).values() if inspect.isfunction(value)]
    for text in (printed, *(finding.says for finding in found), *documented):
        assert not re.search(r"[,;:] ?[,;:.]", text), text


@pytest.mark.parametrize(("role", "n"), [("imagenet", 50_000), ("oxford_pets", 3669), ("imagenet_sketch", 50_889)])
def test_a_published_test_set_has_its_size(role: str, n: int) -> None:
    assert reference.images(role) == n
