"""The doctor looks at everything, whatever it meets, and says what to do."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_world import FILE, bench, bits_of, numbered, toy

from benchmark.commands.actions import doctor
from benchmark.commands.actions.doctor import Finding
from benchmark.core.settings import read
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.world import World


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def examined(tmp_path: Path, suite: Suite | None = None) -> dict[str, Finding]:
    found = list(
        doctor.examine(
            World(suite or toy(), read(results=str(tmp_path / "results"), reports=str(tmp_path / "reports")))
        )
    )
    return {finding.what: finding for finding in found}


def test_a_sound_place_has_nothing_amiss(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert [finding for finding in found.values() if not finding.ok] == []
    assert found["weights mocov3"].says.startswith("sha256 projection-m")
    assert found["data"].says == "imagenet: 16 classes, 160 test images"
    assert found["records"].says == "0 usable"


def test_it_says_on_which_crops_each_method_is_trained(tmp_path: Path) -> None:
    _, out, _ = bench("doctor", "--suite", FILE, "--table", "4", "--results", tmp_path, "--reports", tmp_path)
    (line,) = [line for line in out.splitlines() if "random crops" in line]
    assert line.startswith("ok  random crops: none for LP-CLIP; 0.08 to 1 for CoOp, CLIP-Adapter; 0.5 to 1 for ")


def test_looking_writes_nothing(tmp_path: Path) -> None:
    examined(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loader", ["toy_world:nobody", "toy_world:paper"])
def test_weights_that_do_not_load_are_said_and_the_rest_is_looked_at(tmp_path: Path, loader: str) -> None:
    found = examined(tmp_path, toy(encoders={"RN50": {"loader": loader}, "dino": {"loader": "toy_world:projection"}}))
    assert not found["weights RN50"].ok
    assert "\n" not in found["weights RN50"].says
    assert found["weights dino"].ok
    assert found["data"].ok


def test_data_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    found = examined(tmp_path, toy(datasets={"imagenet": {"reader": "toy_world:Circles"}}))
    assert not found["data"].ok
    assert "has no 'Circles'" in found["data"].says


def test_a_folder_that_cannot_be_written_is_said_with_its_option(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    found = examined(tmp_path)["results"]
    assert not found.ok
    assert found.says.endswith("cannot be written; see --results")


def test_a_broken_record_is_said(tmp_path: Path) -> None:
    store, record = Store(tmp_path / "results" / "toy"), numbered(1)
    store.put(record, bits_of(record))
    (store.root / "torn.json").write_text("{")
    found = examined(tmp_path)["records"]
    assert not found.ok
    assert found.says.startswith("1 usable; torn.json: not readable as JSON")


def test_the_command_says_the_same_in_json_and_ends_with_3_when_something_is_amiss(tmp_path: Path) -> None:
    arguments = [
        "doctor",
        "--suite",
        FILE,
        "--results",
        tmp_path / "r",
        "--reports",
        tmp_path / "p",
        "--format",
        "json",
    ]
    code, out, err = bench(*arguments)
    assert (code, err) == (0, "")
    assert {"what": "records", "says": "0 usable", "ok": True} in json.loads(out)
    (tmp_path / "p").write_text("a file")
    code, out, _ = bench(*arguments)
    assert code == 3
    assert [f["what"] for f in json.loads(out) if not f["ok"]] == ["reports"]


@pytest.mark.parametrize(("bad", "last"), [
    (0, f"all well; next: bench run --table 4 --suite {FILE}"),
    (1, "mend b0: gone"),
    (3, "mend b0, the first of 3 that are BAD: gone"),
])  # fmt: skip
def test_the_last_line_says_that_all_is_well_or_what_to_mend_first(
    bad: int, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [Finding("a", "here"), *(Finding(f"b{i}", "gone", ok=False) for i in range(bad))]
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(findings))
    code, out, _ = bench("doctor", "--suite", FILE)
    assert code == (3 if bad else 0)
    assert out.splitlines()[-1] == last


def test_a_warning_of_a_library_is_one_line_behind_the_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def examined(*_: object) -> Iterator[Finding]:
        warnings.warn("one\n  two", RuntimeWarning, stacklevel=1)
        yield Finding("data", "ok")

    monkeypatch.setattr(doctor, "examine", examined)
    assert bench("doctor", "--suite", FILE) == (
        0,
        f"ok  data: ok\nall well; next: bench run --table 4 --suite {FILE}\n",
        "warning: RuntimeWarning: one two\n",
    )
