"""Everything at once on the toy house: each run made once, every exhibit drawn, and a golden table byte for byte."""

import re
from pathlib import Path

import pytest
from toy_house import FILE
from toy_world import FILE as SMALL
from toy_world import bench, undrawn

from benchmark.exhibits import exhibit
from benchmark.reporting.figures import draw
from benchmark.running import workers

GOLDEN = Path(__file__).parent / "golden"
QUICK = ["--quick", "--suite", FILE, "--jobs", "1"]
UNTRAINED = ["--method", "Zero-shot CLIP", "--method", "Tip-Adapter"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which results and reports go to their defaults."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def _unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "draw", undrawn)


@pytest.mark.usefixtures("_unpainted")
def test_a_tiny_grid_renders_as_it_always_did(place: Path) -> None:
    code, _, err = bench("run", "--table", "4", *QUICK, *UNTRAINED)
    assert code == 0, err
    assert (place / "reports" / "toy_house" / "table4.md").read_bytes() == (GOLDEN / "table4.md").read_bytes()


@pytest.mark.usefixtures("_unpainted")
def test_the_quick_grid_is_the_suite_s(place: Path) -> None:
    _, _, err = bench("run", "--table", "4", *QUICK, "--method", "CoOp", *UNTRAINED, "--dry-run")
    assert "random crops of the support images: 0.08 to 1 for CoOp; 0.5 to 1 for Tip-Adapter\n" in err
    _, _, err = bench("run", "--table", "6", *QUICK, "--dry-run")
    assert "12 runs: " in err  # six rows, 1 and 16 shots of the table's three, one seed
    _, _, err = bench("run", "--table", "6", "--suite", FILE, "--dry-run")
    assert "36 runs: " in err


def test_a_dry_run_tells_the_work_and_the_time_on_other_numbers_of_workers(place: Path) -> None:
    words = ["run", "--table", "4", *QUICK, *UNTRAINED, "--workers", "1,64"]
    code, _, err = bench(*words, "--dry-run")
    assert code == 0, err
    found = [line for line in err.splitlines() if re.match(r"work: |\s*\d+ workers? ", line)]
    assert len(found) == 3, err
    assert re.search(r"work: \d+\.\d\d CPU-hours, .*; the longest piece takes ", found[0])
    assert [" ".join(line.split()[:2]) for line in found[1:]] == ["1 worker", "64 workers"]
    assert not (place / "results").exists()
    code, _, err = bench(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert "--workers tells the time on other numbers of workers; add --dry-run, or type --jobs to run" in err


def test_what_the_quick_grid_goes_without_is_not_run(place: Path) -> None:
    poorer = place / "poorer.toml"
    poorer.write_text(FILE.read_text().replace("shots = [1, 16]", 'shots = [1, 16]\nwithout = ["table6"]', 1))
    _, _, err = bench("run", "--table", "6", "--quick", "--suite", poorer, "--dry-run")
    assert "0 runs: " in err


def test_a_suite_without_a_quick_grid_says_so() -> None:
    code, _, err = bench("run", "--table", "4", "--quick", "--suite", SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert "suite toy has no quick grid; give its file a [quick] with seeds and shots" in err


@pytest.mark.slow
def test_everything_is_run_once_and_drawn_and_the_second_time_nothing_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = bench("run", "--all", *QUICK)
    assert code == 0, err
    records = list((place / "results" / "toy_house").glob("*.json"))
    assert f"{len(records)} runs: 0 done, {len(records)} missing" in err
    (shares,) = re.findall(r"^time by method, of \d+ s in all workers: (.*)$", err, flags=re.M)
    assert {"CoOp", "AMU-Tuning", "MaPLe"} <= {share.split()[0] for share in shares.split(", ")}
    (peak,) = re.findall(r"^peak memory: (\d+\.\d) GiB in \d+ process(?:es)?$", err, flags=re.M)
    assert 0.1 < float(peak) < 6
    folder = place / "reports" / "toy_house"
    waiting = re.findall(r"^(\w+): \d+ % measured, not drawn$", err, flags=re.M)
    assert {p.name for p in folder.iterdir()} == {
        "index.html",
        "leaderboard.csv",
        "leakage.csv",
        *(f"{name}.{kind}" for name in exhibit.names() if name not in waiting for kind in ("md", "csv", "png")),
    }
    page = (folder / "index.html").read_text(encoding="utf-8")
    shown = [name for name in re.findall(r'<section id="(\w+)"', page) if name in exhibit.names()]
    assert sorted([*shown, *waiting]) == sorted(exhibit.names())
    assert {'<section id="claims"', '<section id="leakage"'} <= set(re.findall(r'<section id="\w+"', page))
    assert page.count("data:image/webp;base64,") == len(shown)
    assert {"table4", "table5", "table7", "figure6"} <= set(shown)
    monkeypatch.setattr(workers, "Crew", lambda *_: pytest.fail("something ran"))
    before = {p.name: p.read_bytes() for p in folder.glob("*.md")}
    assert bench("run", "--all", *QUICK)[0] == 0
    assert {p.name: p.read_bytes() for p in folder.glob("*.md")} == before


@pytest.mark.usefixtures("_unpainted")
def test_one_method_of_all_exhibits_can_be_run(place: Path) -> None:
    code, out, err = bench("run", "--all", *QUICK, "--method", "Zero-shot CLIP")
    assert code == 0
    assert "14 runs: " in err  # eleven tasks with RN50, the source with three more backbones
    assert "| method |" not in out  # everything is written, nothing printed
    assert out.splitlines()[-2].startswith("wrote reports/toy_house/index.html")
    assert out.splitlines()[-1].startswith("next: bench claims --suite ")


def test_check_needs_a_reference_of_what_it_is_asked(place: Path) -> None:
    bench("run", "--table", "1", "--suite", FILE, "--method", "Zero-shot CLIP", "--jobs", "1")
    code, _, err = bench("check", "--table", "1", "--suite", FILE)
    assert code == 3
    assert "there is no reference run of table1 for suite toy_house" in err


@pytest.mark.parametrize("arguments", [[], ["--dry-run"], ["--dry-run", "--jobs", "4"]])
def test_a_device_that_is_not_here_is_refused_before_anything_is_planned(arguments: list[str]) -> None:
    code, out, err = bench("run", "--suite", FILE, "--table", "4", "--device", "cuda:99", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("bench: device 'cuda:99' cannot be used (")
    assert err.endswith("--device cpu always can\n")
