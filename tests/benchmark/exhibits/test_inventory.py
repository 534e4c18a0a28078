"""What is needed and not here is said before anything runs; what runs went without is said for as long as it is missing."""

import json
import os
import re
from pathlib import Path

import pytest
import toy_outside
from toy_world import bench, undrawn

from benchmark.core.settings import read
from benchmark.exhibits import exhibit, inventory
from benchmark.exhibits import needs as needs_module
from benchmark.exhibits.needs import DATASET, ENCODER, Need
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.running import workers
from benchmark.suites import suite
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

ZERO, TIP = ["--method", "Zero-shot CLIP"], ["--method", "Tip-Adapter-F"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with everything in it, and `outside.toml` in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(draw, "draw", undrawn)
    for name in ("RESULTS", "REPORTS"):
        monkeypatch.delenv(f"BENCH_{name}", raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    toy_outside.write_suite(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    for name in toy_outside.everything(world()):
        (folder / name).write_text("good")
    return folder


def world() -> Suite:
    return suite.load("outside.toml", ["toy_outside"])


def run(*arguments: str) -> tuple[int, str, str]:
    return bench("run", "--suite", "outside.toml", "--jobs", "1", "--seeds", "1", *arguments)


def records() -> list[dict]:
    return list(Store(Path("results/outside")).records().values())


def needs(name: str, row: str, column: str) -> list[Need]:
    (cell,) = [c for c in exhibit.load(name).cells() if (c.row, c.column) == (row, column)]
    return needs_module.of_cell(cell, world())


def test_a_cell_needs_its_data_set_its_encoders_and_what_its_method_wants(root: Path) -> None:
    imagenet, backbone = Need(DATASET, "imagenet"), Need(ENCODER, "RN50")
    assert needs("table4", "CoOp", "1-shot") == [imagenet, backbone]
    assert needs("table4", "AMU-Tuning", "1-shot") == [imagenet, backbone, Need(ENCODER, "mocov3")]
    wanted = [Need("generated", "imagenet"), Need("sentences", "imagenet")]
    assert needs("table4", "CaFo", "1-shot") == [imagenet, *wanted, backbone, Need(ENCODER, "dino")]
    assert needs("table5", "CoOp", "R") == [imagenet, backbone, Need(DATASET, "imagenet_r")]
    assert needs("table1", "CoOp", "feature") == []
    assert len(needs("figure6", "CoOp", "1-shot")) == 12  # eleven data sets and a backbone


@pytest.mark.usefixtures("_nothing_may_run")
def test_a_run_that_lacks_something_is_refused_with_a_line_for_each_thing(root: Path) -> None:
    for name in ("mocov3", "imagenet", "imagenet-generated"):
        (root / name).unlink()
    code, out, err = run("--table", "4", "--table", "1")
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        f"data set imagenet: missing: put it into {root}/imagenet; blocks table4, table1",
        f"generated imagenet: missing: put it into {root}/imagenet-generated; blocks table4, table1",
        f"bench: weights mocov3: missing: put it into {root}/mocov3; blocks table4, table1; nothing was run: "
        "--skip-missing runs the rest",
    ]
    assert not Path("results").exists()


@pytest.fixture
def _nothing_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Crew", lambda *_: pytest.fail("something ran"))


def test_only_what_the_chosen_rows_need_is_asked_for(root: Path) -> None:
    for name in ("mocov3", "dino", "imagenet-generated", "caltech101", "imagenet_r"):
        (root / name).unlink()
    assert run("--table", "4", "--shots", "1", *TIP)[0] == 0


def test_with_skip_missing_the_rest_is_run_and_table_page_and_later_report_say_what_was_missing(root: Path) -> None:
    for name in ("imagenet_r", "mocov3"):
        (root / name).unlink()
    rows = [*TIP, "--method", "AMU-Tuning", *ZERO, "--method", "Zero-shot CLIP (ViT-B/16)", "--method", "CLIP-Adapter"]
    code, out, err = run("--table", "5", *rows)
    assert (code, "blocks table5" in err) == (3, True)
    code, out, err = run("--table", "5", *rows, "--skip-missing")
    assert code == 0, err
    (line,) = [line for line in out.splitlines() if line.startswith("| Tip-Adapter-F |")]
    assert line.endswith("| not run: imagenet_r missing |")
    assert len(re.findall(r"\| \**\d+\.\d ", line)) == 4
    (line,) = [line for line in out.splitlines() if line.startswith("| AMU-Tuning |")]
    assert line.count("not run: mocov3 missing") == 5
    for name in list(root.iterdir()):
        name.unlink()
    assert bench("report", "--suite", "outside.toml")[0] == 0
    markdown = Path("reports/outside/table5.md").read_text()
    assert (
        "- Zero-shot CLIP, CLIP-Adapter, Tip-Adapter-F, Zero-shot CLIP (ViT-B/16): not run at R: imagenet_r missing."
        in markdown
    )
    assert "- AMU-Tuning, AMU-Tuning (ViT-B/16): not run: mocov3 missing." in markdown
    page = Path("reports/outside/index.html").read_text()
    assert "not run: imagenet_r missing" in page


def test_a_shift_that_was_missing_is_measured_when_it_is_there(root: Path) -> None:
    (root / "imagenet_r").unlink()
    run("--table", "5", *TIP, "--skip-missing")
    (record,) = records()
    assert sorted(record.shifts) == ["imagenet_a", "imagenet_sketch", "imagenetv2"]
    (root / "imagenet_r").write_text("good")
    code, out, err = run("--table", "5", *TIP)
    assert (code, "1 run: 0 done, 1 missing, 0 stale" in err) == (0, True)
    (record,) = records()
    assert sorted(record.shifts) == sorted(toy_outside.SHIFTS)
    code, out, err = run("--table", "5", *TIP)
    assert "1 run: 1 done" in err
    assert "not run" not in out


def test_a_table_that_reads_no_shift_measures_none_and_loses_none(root: Path) -> None:
    code, _, err = run("--table", "4", *ZERO)
    assert (code, "[1/1]" in err) == (0, True)
    (record,) = records()
    assert record.shifts == {}
    assert not any(shift in err for shift in toy_outside.SHIFTS), "no features of them are made"
    assert "1 run: 1 done" in run("--table", "4", *ZERO)[2]
    code, _, err = run("--table", "5", *ZERO)
    assert (code, "1 run: 0 done, 1 missing, 0 stale" in err) == (0, True)
    (completed,) = records()
    assert sorted(completed.shifts) == sorted(toy_outside.SHIFTS)
    assert completed.selections == record.selections
    assert run("--table", "4", *ZERO, "--rerun")[0] == 0
    (again,) = records()
    assert again.shifts == completed.shifts, "a record never loses answers"
    for name in toy_outside.SHIFTS:
        (root / name).unlink()
    assert "1 run: 1 done" in run("--table", "4", *ZERO)[2]


def test_a_training_that_another_table_reads_on_shifts_is_scored_on_them_once(root: Path) -> None:
    (root / "imagenet_r").unlink()
    run("--table", "4", "--shots", "1,16", *TIP)
    found = {record.shots: record for record in records()}
    assert sorted(found[16].shifts) == ["imagenet_a", "imagenet_sketch", "imagenetv2"]
    assert run("--table", "4", "--shots", "2", *TIP)[0] == 0
    assert {record.shots: record.shifts for record in records()}[2] == {}


def test_what_is_there_again_is_no_longer_said_to_be_missing(root: Path) -> None:
    (root / "mocov3").unlink()
    code, out, err = run("--table", "4", "--shots", "1", "--method", "AMU-Tuning", "--skip-missing")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith("bench: weights mocov3: missing")
    assert err.splitlines()[-1].endswith("; without it nothing is left to run")
    assert Store(Path("results/outside")).skipped() == {"mocov3": "missing"}
    (root / "mocov3").write_text("good")
    run("--table", "4", "--shots", "1", *TIP)
    assert Store(Path("results/outside")).skipped() == {"mocov3": "missing"}, "nobody looked"
    run("--table", "4", "--shots", "1", "--method", "AMU-Tuning")
    assert Store(Path("results/outside")).skipped() == {}


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_skipped({"RN50": "wrong kind"}, [])
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"name": "x"}')):
        (tmp_path / "skipped" / f"{name}.json").write_text(text)
    assert store.skipped() == {"RN50": "wrong kind"}
    assert store.records() == {}


def test_a_record_and_its_table_name_the_licences_of_what_took_part(root: Path) -> None:
    run("--table", "4", "--shots", "1", *TIP)
    (record,) = records()
    assert record.licences["RN50"] == "terms of RN50"
    assert sorted(record.licences) == ["RN50", "imagenet"]
    assert record.noncommercial is True
    assert (
        "- Non-commercial assets took part; licences: RN50: terms of RN50; imagenet: terms of"
        in Path("reports/outside/table4.md").read_text()
    )


# --- the doctor


def doctor(*arguments: str) -> tuple[int, dict[str, dict]]:
    code, out, _ = bench("doctor", "--suite", "outside.toml", *arguments, "--format", "json")
    return code, {finding["what"]: finding for finding in json.loads(out)}


def test_the_doctor_has_a_line_for_every_asset_and_ends_well_when_all_is_here(root: Path) -> None:
    code, found = doctor()
    assert code == 0
    assert found["data set dtd"] == {
        "what": "data set dtd",
        "says": f"ok: {root}/dtd; https://dtd (terms of dtd)",
        "ok": True,
        "state": "ok",
        "path": f"{root}/dtd",
        "blocks": [],
        "page": "https://dtd",
        "licence": "terms of dtd",
        "noncommercial": False,
    }
    assert len([name for name in found if name.split()[0] in ("data", "weights", "generated", "sentences")]) == 26


def test_the_doctor_says_what_a_missing_thing_blocks_and_looks_only_at_what_is_chosen(root: Path) -> None:
    for name in ("imagenet_r", "dtd"):
        (root / name).unlink()
    code, found = doctor()
    assert code == 3
    assert found["data set imagenet_r"]["blocks"] == ["table5"]
    assert "figure5" in found["data set dtd"]["blocks"]
    assert "blocks table5" in found["data set imagenet_r"]["says"]
    assert doctor("--table", "4")[0] == 0
    code, found = doctor("--table", "5")
    assert (code, "data set dtd" in found) == (3, False)
    assert doctor("--figure", "5")[0] == 3


def test_a_deep_look_finds_what_a_short_one_does_not(root: Path) -> None:
    (root / "RN50").write_text("bad")
    assert doctor("--table", "4")[0] == 0
    code, found = doctor("--table", "4", "--deep")
    assert (code, found["weights RN50"]["state"], found["weights RN50"]["blocks"]) == (3, "incomplete", ["table4"])


def test_what_lies_outside_is_listed_without_being_opened(root: Path) -> None:
    (root / "imagenet").unlink()
    code, out, _ = bench("list", "--suite", "outside.toml", "--format", "json")
    listed = json.loads(out)["data sets"]
    assert (code, listed["imagenet"], listed["dtd"]) == (0, "missing", f"ok: {root}/dtd")


def test_an_opened_encoder_is_inspected_again_as_its_hash_is_known_then(all_here: Path) -> None:
    os.utime(all_here / "RN50.pt", (0, 0))  # a hash of a file that was just written is not remembered
    world = World(suite.load("paper"), read())
    assert inventory.look(Need(ENCODER, "RN50"), world).state == "ok"
    world.encoder("RN50")
    assert inventory.look(Need(ENCODER, "RN50"), world).state == "hash differs"
