"""Own images, own methods and own readers are known by what they hold, in every command that a user types."""

import os
import subprocess
import sys
from pathlib import Path

import fake_trees
import fake_weights
import numpy as np
import pytest
from PIL import Image
from toy_world import FILE, bench

COLOURS = ((220, 40, 40), (40, 220, 40), (40, 40, 220))
CLASSES = ("robin", "crow", "owl")


def fill(root: Path, images: int, shift: int = 0, first: int = 0) -> None:
    """Uncompressed images, so that all files have one size; a class's colour is that of class + `shift`."""
    for label, name in enumerate(CLASSES):
        for i in range(images):
            noise = np.random.default_rng([label, first + i]).integers(-20, 20, (32, 32, 3))
            (root / name).mkdir(parents=True, exist_ok=True)
            pixels = np.clip(np.array(COLOURS[(label + shift) % 3]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.bmp")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with small weights in the published containers."""
    monkeypatch.chdir(tmp_path)
    for name in ("results", "reports", "cache", "weights"):
        monkeypatch.setenv(f"BENCH_{name.upper()}", str(tmp_path / name))
    fake_weights.make(tmp_path / "weights", ["clip_rn50"])
    return tmp_path


def lp_clip(dataset: str, *more: str) -> tuple[str, str]:
    """The accuracy of LP-CLIP at 4 shots on a folder, and what was said."""
    words = ["--suite", "paper", "--table", "4", "--method", "LP-CLIP", "--shots", "4", "--seeds", "1", "--jobs", "1"]
    code, out, err = bench("run", *words, "--dataset", f"folder:{dataset}", *more)
    assert code == 0, err
    (row,) = [line for line in out.splitlines() if line.startswith("| LP-CLIP ")]
    return row.split("|")[2].strip(), err


@pytest.mark.slow
def test_other_pixels_in_files_of_the_same_names_and_sizes_are_other_data(place: Path) -> None:
    fill(place / "clean/birds/train", 8)
    fill(place / "clean/birds/test", 8, first=50)
    fill(place / "corrupted/birds/train", 8)
    fill(place / "corrupted/birds/test", 8, shift=1, first=50)
    clean, _ = lp_clip("clean/birds")
    corrupted, said = lp_clip("corrupted/birds")
    assert "0 done" in said
    assert clean != corrupted
    fill(place / "clean/birds/test", 8, shift=1, first=50)
    assert lp_clip("clean/birds")[0] == corrupted


@pytest.mark.slow
def test_features_of_a_folder_can_be_made_before_anything_trains(place: Path) -> None:
    fill(place / "birds", 6)
    (place / "birds/owl/x.gif").write_bytes(b"")
    words = ["features", "--suite", "paper", "--dataset", f"folder:{place}/birds", "--encoder", "RN50", "--shots", "1"]
    code, out, err = bench(*words, "--seeds", "1", "--jobs", "1")
    assert code == 0, err
    assert "3 classes, 9 training, 3 validation and 6 test images, divided here" in err
    assert "1 file left out for their endings (1 .gif)" in err
    assert out.count("missing") == 4, "of test, val, and a pool in the crops of each family of methods"
    code, out, err = bench(*words, "--seeds", "1", "--jobs", "1", "--make")
    assert code == 0, err
    assert "missing" not in out


@pytest.mark.slow
def test_a_run_on_a_folder_that_is_not_balanced_says_how_the_classes_fare(place: Path) -> None:
    fill(place / "birds/train", 8)
    fill(place / "birds/test", 3, first=50)
    fill(place / "birds/test", 9, first=80)
    (place / "birds/test/owl/8.bmp").unlink()
    words = ["--suite", "paper", "--table", "4", "--shots", "4", "--seeds", "1", "--jobs", "1"]
    code, out, err = bench("run", *words, "--method", "Zero-shot CLIP", "--dataset", f"folder:{place}/birds")
    assert code == 0, err
    assert "Zero-shot CLIP at 4-shot: balanced accuracy" in out
    assert "worst of 3 classes: " in out
    assert len(list((place / "reports/paper").glob("*-confusion.png"))) == 1
    assert "By class, 16-shot" in next((place / "reports/paper").glob("table4-*.md")).read_text()
    code, out, err = bench("report", "--suite", "paper")
    assert code == 0, err
    assert "Confusion matrix. Zero-shot CLIP at 16-shot" in (place / "reports/paper/index.html").read_text()


@pytest.mark.parametrize(
    ("method", "seeds", "runs"), [("LP-CLIP", (), 10), ("CoOp", (), 3), ("LP-CLIP", ("--seeds", "2"), 1)]
)
def test_own_images_have_ten_seeds_but_for_methods_that_prompt(
    place: Path, method: str, seeds: tuple[str, ...], runs: int
) -> None:
    fill(place / "birds", 12)
    words = [
        "--suite",
        "paper",
        "--table",
        "4",
        "--method",
        method,
        "--shots",
        "1",
        "--dataset",
        f"folder:{place}/birds",
    ]
    code, _, err = bench("run", *words, *seeds, "--dry-run")
    assert code == 0, err
    assert f"\n{runs} run{'s' * (runs > 1)}: 0 done" in err
    said = "own images: 10 seeds, 3 seeds for methods that prompt CLIP; --seeds chooses others"
    assert (said in err) is (runs == 10)


def test_doctor_looks_at_a_folder_and_deeply_at_every_image(place: Path) -> None:
    fill(place / "birds", 6)
    code, out, _ = bench("doctor", "--dataset", "folder:birds", "--deep")
    assert code == 0
    assert "ok  data: image folder birds: 3 classes, 9 training, 3 validation and 6 test images, divided here" in out
    assert "ok  data: every image was read" in out
    (place / "birds/owl/3.bmp").write_bytes(b"BM broken")
    code, out, _ = bench("doctor", "--dataset", "folder:birds", "--deep")
    assert code == 3
    assert "BAD data: " in out
    assert "owl/3.bmp" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dataset", "imagenet"], "--dataset imagenet is no folder:PATH"),
        (["--dataset", "folder:nowhere"], "image folder nowhere: no such folder"),
        (["--dataset", "folder:birds", "--classnames", "gone"], "--classnames gone: no such file"),
    ],
)
def test_doctor_refuses_what_is_no_folder_in_one_line(words: list[str], says: str, place: Path) -> None:
    fill(place / "birds", 2)
    code, _, err = bench("doctor", *words)
    assert code in (2, 3)
    assert says in err
    assert err.count("\n") == 1


def test_class_folders_with_names_from_an_old_archive_are_read_where_they_get_other_names(place: Path) -> None:
    fill(place / "birds", 6)
    os.rename(place / "birds/crow", os.fsencode(place / "birds") + b"/caf\xe9")
    code, _, err = bench("doctor", "--dataset", "folder:birds")
    assert code == 2
    assert err.endswith(
        r"class folder 'caf\udce9' has no readable name; rename it, or give names by --classnames FILE" + "\n"
    )
    (place / "names.txt").write_text("crow\nowl\nrobin\n")
    code, out, err = bench("doctor", "--dataset", "folder:birds", "--classnames", "names.txt", "--deep")
    assert (code, err) == (0, "")
    assert "ok  data: every image was read" in out


def test_a_home_folder_may_be_written_with_a_tilde(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    fill(place / "birds", 6)
    words = ["--suite", "paper", "--table", "4", "--method", "LP-CLIP", "--shots", "1", "--seeds", "1", "--dry-run"]
    code, _, err = bench("run", *words, "--dataset", "folder:~/birds")
    assert (code, "1 missing" in err) == (0, True), err


def test_a_folder_of_a_long_name_gives_no_file_of_a_long_name(place: Path) -> None:
    fill(place / ("b" * 250), 6)
    words = [
        "features",
        "--suite",
        "paper",
        "--dataset",
        f"folder:{'b' * 250}",
        "--encoder",
        "pixels",
        "--part",
        "test",
    ]
    code, _, err = bench(*words, "--make", "--jobs", "1")
    assert code == 0, err


def test_broken_trees_of_published_sets_are_named_before_anything_runs(place: Path) -> None:
    fake_trees.make(place / "data", ["eurosat"])
    next((place / "data").rglob("*.jpg")).unlink()
    words = ["--suite", "paper", "--table", "4", "--method", "LP-CLIP", "--dataset", "eurosat", "--data-root", "data"]
    code, _, err = bench("run", *words, "--dry-run")
    assert code == 3
    assert "no such file, but it is listed" in err


# --- own methods


METHOD = """
from baselines.tip_adapter import TipAdapter
from benchmark.methods import Scores

class Mine(TipAdapter):
    def combine(self, matched):
        s = super().combine(matched)
        return Scores(s.zero_shot, s.bias, {sign}s.fused)
"""


def own(*more: str) -> tuple[str, str]:
    """A run of `mine:Mine` in a process of its own, as every command is: its row and what was said."""
    words = [
        "run",
        "--table",
        "4",
        "--suite",
        FILE,
        "--method",
        "mine:Mine",
        "--shots",
        "1",
        "--seeds",
        "1",
        "--jobs",
        "1",
    ]
    path = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", "from benchmark.cli import main; main()", *words, *more],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("|") and "Mine" in line]
    return row, done.stderr


@pytest.mark.slow
def test_an_edited_method_is_stale_and_measured_again_by_rerun(place: Path) -> None:
    (place / "mine.py").write_text(METHOD.format(sign=""))
    first, _ = own()
    assert "1 done" in own()[1]
    (place / "mine.py").write_text('"""Documented."""\n' + METHOD.format(sign=""))
    assert "1 done" in own()[1]
    (place / "mine.py").write_text(METHOD.format(sign="-"))
    row, said = own()
    assert "1 stale" in said
    assert "†" in row
    row, said = own("--rerun")
    assert "†" not in row
    assert row != first
    assert "1 done" in own()[1]
