"""What was measured on own data or through other encoders is drawn, compared and counted, or named, by every command."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from toy_house import FILE, house, planted
from toy_others import BIRDS, asked, kept, noted
from toy_world import bench, record_of, undrawn

from benchmark.core import paths
from benchmark.core.errors import ExitCode
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.suites.suite import Suite

ROWS = ("LP-CLIP", "Tip-Adapter-F")
SUITE = ["--suite", str(FILE)]
NAMED = f"{BIRDS} (LP-CLIP, Tip-Adapter-F; 8 shots)"
MINE = f"{BIRDS} (mine:Mine; 3 shots)"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of two rows on a folder of birds at two seeds, and of a method of another package there; nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(draw, "draw", undrawn)
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    records = asked(world(), "table4", ROWS, 8, seeds=[1, 2], dataset=BIRDS)
    mine = record_of({**next(iter(records.values())).asked, "method": "mine:Mine", "shots": 3})  # on no grid
    kept(store(tmp_path), {**records, mine.key: mine})
    return tmp_path


def store(place: Path) -> Store:
    return Store(place / "results" / world().name)


def world() -> Suite:
    return house()


def page(place: Path) -> str:
    return (place / "reports" / world().name / "index.html").read_text("utf-8")


def test_the_report_draws_them_in_a_section_of_their_own_and_names_what_it_cannot(place: Path) -> None:
    code, out, err = bench("report", *SUITE)
    assert code == 0
    *wrote, further = out.splitlines()
    assert [Path(line).name for line in wrote] == [
        *(f"table4-folder-birds-1a2b3c4d.{suffix}" for suffix in ("md", "csv", "png")),
        "index.html",
    ]
    assert further.startswith("next: bench ")
    assert err == f"1 record belongs to questions that are not drawn: {MINE}\n"
    sections = re.findall('<section id="([^"]+)"', page(place))
    assert sections.index("others") + 1 == sections.index("table4-folder-birds-1a2b3c4d")
    assert f"1 record belongs to questions that are not drawn: {MINE}." in page(place)
    assert '<a href="#others">' in page(place)
    assert "4 runs, 2 draws of the support set" in page(place)


def test_without_other_questions_the_page_has_no_such_section(tmp_path: Path, place: Path) -> None:
    kept(Store(tmp_path / "own" / world().name), planted(exhibit.load("table1"), world()))
    code, _, err = bench("report", *SUITE, "--results", tmp_path / "own")
    assert (code, err) == (0, "")
    assert '<section id="others"' not in page(place)
    assert "table1" in page(place)


def test_questions_that_are_only_named_have_the_section_too(place: Path) -> None:
    for key, record in store(place).records().items():
        if record.method != "mine:Mine":
            store(place).delete(key)
    bench("report", *SUITE)
    assert re.findall('<section id="([^"]+)"', page(place))[:3] == ["claims", "others", "waiting"]
    assert MINE in page(place)


def test_rows_are_compared_on_a_role_that_the_records_name(place: Path) -> None:
    code, out, err = bench("compare", *ROWS, *SUITE, "--dataset", BIRDS)
    assert (code, err) == (0, "")
    assert out.startswith("LP-CLIP less Tip-Adapter-F, table4-folder-birds-1a2b3c4d, val selection")
    assert re.search(r"8-shot +-\d+\.\d\d .*\(2 seeds\)", out)
    said = json.loads(bench("compare", *ROWS, *SUITE, "--dataset", BIRDS, "--format", "json")[1])
    assert [column["column"] for column in said["table4"]] == ["8-shot"]


def test_rows_are_compared_through_other_encoders(place: Path) -> None:
    records = asked(
        world(), "table4", ("AMU-Tuning", "CaFo*"), 16, seeds=[1, 2], dataset="dtd", aux="mae", backbone="RN101"
    )
    kept(store(place), records)
    roles = ["--dataset", "dtd", "--aux", "mae", "--backbone", "RN101"]
    code, out, _ = bench("compare", "AMU-Tuning", "CaFo*", *SUITE, *roles)
    assert code == 0
    assert "table4-dtd-mae-rn101" in out
    assert bench("compare", "AMU-Tuning", "CaFo*", *SUITE, *roles[:2])[0] == ExitCode.MISSING


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], f"; other records are of {BIRDS}: name one with --dataset"),
        (["--dataset", "imagenet"], f"; other records are of {BIRDS}: name one with --dataset"),
        (["--dataset", "dtd"], "nothing is measured on dtd"),
        (["--dataset", "folder:nowhere/birds"], f"no such folder; measured is {BIRDS}: name it with --dataset"),
        (["--dataset", "folder:nowhere/gulls"], "no such folder\n"),
        (
            ["--dataset", "caltec"],
            "unknown data set of suite toy_house (or folder:PATH) 'caltec': did you mean 'caltech101'",
        ),
        (["--figure", "5", "--dataset", BIRDS], f"so --dataset {BIRDS} cannot take the place of all"),
        (["--dataset", BIRDS, "--template", "a {}."], "--template is of --dataset folder:PATH"),
    ],
)
def test_what_cannot_be_compared_is_a_line_that_says_what_can(place: Path, arguments: list[str], said: str) -> None:
    code, out, err = bench("compare", *ROWS, *SUITE, *arguments)
    assert code in (ExitCode.USAGE, ExitCode.MISSING)
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


@pytest.fixture
def reference(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reference run of Table 1, which is measured here too."""
    monkeypatch.setattr(paths, "reference", lambda: place / "reference")
    kept(store(place), planted(exhibit.load("table1"), world()))
    assert bench("check", *SUITE, "--update", "--table", "1")[0] == 0
    return place


def test_check_counts_them_as_not_in_the_reference(reference: Path) -> None:
    line = f"5 records belong to questions that are not in the reference: {NAMED[:-1]}"
    code, out, err = bench("check", *SUITE)
    assert (code, err) == (0, "")
    assert "6 cells compared (6 different questions): 6 agree" in out
    assert "; 0 not measured, 2 not in the reference" in out
    assert out.startswith("5 records belong to questions that are not in the reference: ")
    code, out, err = bench("check", *SUITE, "--format", "json")
    said = json.loads(out)
    assert (code, said["counts"]["not in the reference"]) == (0, 2)
    cells = [cell for cell in said["cells"] if cell["says"] == "not in the reference"]
    assert {(c["exhibit"], c["row"], c["column"], c["expected"]) for c in cells} == {
        ("table4-folder-birds-1a2b3c4d", row, "8-shot", None) for row in ROWS
    }
    assert all(0 < cell["measured"] < 100 for cell in cells)
    assert err.startswith(line[:60])


def test_a_test_report_skips_them_and_a_chosen_exhibit_leaves_them_out(reference: Path) -> None:
    suite = ElementTree.fromstring(bench("check", *SUITE, "--format", "junit")[1])
    cells = suite.findall("testcase[@classname!='mean']")
    assert (len(cells), suite.get("failures"), suite.get("skipped")) == (8, "0", "2")
    out = bench("check", *SUITE, "--table", "1")[1]
    assert "6 cells compared" in out
    assert "0 not measured\n" in out


def test_they_alone_are_nothing_to_compare(reference: Path) -> None:
    for key, record in store(reference).records().items():
        if record.dataset != BIRDS:
            store(reference).delete(key)
    code, out, _ = bench("check", *SUITE)
    assert code == ExitCode.NOTHING_COMPARED
    assert "0 cells compared (0 different questions): 0 agree" in out
    assert "; 6 not measured, 2 not in the reference" in out


@pytest.mark.parametrize("command", [["claims"], ["claims", "--format", "json"], ["claims", "uf-helps"]])
def test_claims_say_that_they_do_not_read_them(place: Path, command: list[str]) -> None:
    code, out, err = bench(*command, *SUITE)
    assert code == 0
    assert err.startswith("5 records belong to questions that no claim reads: ")
    assert BIRDS in err
    assert "--format" not in command or json.loads(out)


def test_the_doctor_counts_them(place: Path) -> None:
    found = {f["what"]: f for f in json.loads(bench("doctor", *SUITE, "--table", "4", "--format", "json")[1])}
    assert found["records"]["says"].startswith("5 usable; 5 records belong to questions that no exhibit asks: ")
    assert found["records"]["ok"]


def test_features_of_other_roles_are_listed(place: Path) -> None:
    folder = place / "cache" / "features" / world().name
    folder.mkdir(parents=True)
    ending = "0123456789abcdef0123.safetensors"
    for name in ("folder-birds-1a2b3c4d-RN50-test", "folder-birds-1a2b3c4d-RN50-train", "imagenet-timm-resnet18-test"):
        (folder / f"{name}-{ending}").write_bytes(bytes(2**20))
    for name in ("imagenet-RN50-spatial-test", "dtd-pixels-test", "imagenet-ViT-B-16-test"):
        (folder / f"{name}-{ending}").write_bytes(b"own")
    line = (
        "of other data or encoders there are too: folder-birds-1a2b3c4d-RN50 (2 files, 2.0 MiB),"
        " imagenet-timm-resnet18 (1 file, 1.0 MiB)\n"
    )
    code, out, err = bench("features", *SUITE)
    assert (code, err) == (0, "")
    assert out.endswith(line)
    assert bench("features", *SUITE, "--format", "json")[2] == line
    assert "other data" not in bench("features", *SUITE, "--dataset", "dtd")[1]


def test_a_run_leaves_a_note_of_what_it_was_asked(place: Path) -> None:
    arguments = ["run", *SUITE, "--table", "4", "--shots", "1", "--jobs", "1", "--method", "Zero-shot CLIP"]
    bench(*arguments, "--dry-run", "--dataset", "dtd")
    assert store(place).asked() == []
    assert bench(*arguments)[0] == 0
    assert store(place).asked() == []
    assert bench(*arguments, "--dataset", "dtd", "--backbone", "RN101")[0] == 0
    assert store(place).asked() == [
        {"exhibit": "table4", "instead": {"dataset": "dtd", "backbone": "RN101"}, "given": {}}
    ]
    bench("report", *SUITE)
    assert "table4-dtd-rn101" in page(place)


def test_stale_cells_are_marked_where_data_are_gone_and_weights_are_here(place: Path) -> None:
    noted(store(place), "table4", {"path": str(place / "gone")}, dataset=BIRDS)
    bench("report", *SUITE)
    text = (place / "reports" / world().name / "table4-folder-birds-1a2b3c4d.md").read_text("utf-8")
    assert "was in" in text
    assert "stale: " not in text
    for record in store(place).records().values():
        if record.method != "mine:Mine":
            old = record.from_json({**record.to_json(), "fingerprints": {**record.fingerprints, "RN50": "older"}})
            kept(store(place), {old.key: old})
    bench("report", *SUITE)
    text = (place / "reports" / world().name / "table4-folder-birds-1a2b3c4d.md").read_text("utf-8")
    assert "stale: measured on other RN50 than are here today" in text
