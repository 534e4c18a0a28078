"""The paper suite from data and weights on disk to the report, on a small tree in exactly the published layout."""

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import fake_trees
import fake_weights
import pytest
import torch
from PIL import Image
from toy_world import bench, here, undrawn

from benchmark.core.libraries import open_clip
from benchmark.data.published import sets
from benchmark.exhibits import needs
from benchmark.exhibits import run as runs
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.question import Question
from benchmark.records import reference
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.running import task
from benchmark.suites import suite

TABLE = ["--table", "4", "--jobs", "1"]
ZERO, AMU = ["--method", "Zero-shot CLIP"], ["--method", "AMU-Tuning"]
ZERO_SHOT = "baselines.zero_shot:ZeroShotCLIP"
EPOCHS = {"amu.tuning:AMUTuning": 2, "baselines.tip_adapter:TipAdapterF": 2}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with ImageNet under data/ and the published files of two encoders in downloads/; weights/ is empty."""
    folder = tmp_path_factory.mktemp("paper")
    fake_trees.make(folder / "data", ["imagenet"])
    fake_weights.make(folder / "downloads", ["clip_rn50", "mocov3_rn50"])
    (folder / "small.toml").write_text(small())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "RESULTS", "REPORTS", "DEVICE", "PRECISION", "DOWNLOAD"):
            patch.delenv(f"BENCH_{name}", raising=False)
        for name in ("DATA", "WEIGHTS", "CACHE"):
            patch.setenv(f"BENCH_{name}", str(folder / name.lower()))
        patch.setenv("HOME", str(folder))
        patch.chdir(folder)
        patch.setattr(draw, "draw", undrawn)
        yield folder


def small() -> str:
    """The paper suite's own file with fewer crops and epochs."""
    text = resources.files("benchmark").joinpath("suites", "paper.toml").read_text("utf-8")
    for key, value in (("views", 2), ("batch_size", 4)):
        text, found = re.subn(rf"^{key} = \d+", f"{key} = {value}", text, flags=re.M)
        assert found == 1
    return text + "".join(f'[methods."{name}"]\nrecipe = {{ epochs = {n} }}\n' for name, n in EPOCHS.items())


def looked(*arguments: str) -> tuple[int, dict[str, dict]]:
    code, out, _ = bench("doctor", "--suite", "paper", *arguments, "--format", "json")
    return code, {finding["what"]: finding for finding in json.loads(out)}


@pytest.mark.slow
def test_from_an_empty_weights_folder_to_the_report(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # nothing is there: the doctor says so, and a run is refused before anything is made
    code, found = looked("--table", "4")
    assert (code, found["data set imagenet"]["state"], found["weights clip_rn50"]["state"]) == (
        3,
        "incomplete",
        "missing",
    )
    assert "val: test has 1,000 of 50,000 images; " in found["data set imagenet"]["says"]
    assert found["weights clip_rn50"]["blocks"] == ["table4"]
    assert not any(name in found for name in ("data set dtd", "weights mae_vitb16"))
    code, out, err = bench("run", "--suite", "paper", *TABLE, *ZERO)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("bench: weights clip_rn50: missing: put RN50.pt from https://openaipublic.azureedge.net/")
    assert not (place / "results").exists()

    # the weights come, and are converted once
    code, out, _ = bench("weights", "import", *map(str, sorted((place / "downloads").iterdir())))
    assert (code, len(out.splitlines())) == (0, 3)

    # the published suite, all of it but the rows that need more than one encoder
    code, out, err = bench("run", "--suite", "paper", *TABLE, *ZERO)
    assert code == 0, err
    assert "LP-CLIP" not in out, "which was not asked"
    written = (place / "reports/paper/table4.md").read_text()
    assert "| LP-CLIP | – (paper 22.17) |" in written
    assert re.search(r"\| Zero-shot CLIP \| \d+\.\d [±+][^(]+ \(1,000 of 50,000 images\) †† \|", out)
    assert "† 1-shot, 2-shot, 4-shot, 8-shot, 16-shot: hash differs of RN50: sha256 of RN50.pt, which it was" in written
    assert err.startswith("data set imagenet: incomplete: ")
    (record,) = Store(place / "results" / "paper").records().values()
    assert (record.n, record.shifts, record.noncommercial) == (1000, {}, True)
    assert_as_open_clip_has_it(place)

    # as if so many images were published: a method that learns, with the crops and epochs of a smaller suite
    monkeypatch.setattr(reference, "known_images", lambda _: 1000)
    arguments = ["run", "--suite", "small.toml", *TABLE, "--shots", "1", "--seeds", "1"]
    code, out, err = bench(*arguments, *AMU, "--method", "Tip-Adapter-F")
    assert code == 0, err
    assert re.search(r"\| AMU-Tuning \| \**\d+\.\d [±+][^(]+ \(paper 62\.60, [-+]\d+\.\d\) †\** \|", out)
    assert re.search(r"\| Tip-Adapter-F \| \**\d+\.\d [±+][^(]+ \(paper 61\.32, [-+]\d+\.\d\) †\** \|", out)
    assert "3 runs" not in err
    assert "2 runs: 2 done" in bench(*arguments, *AMU, "--method", "Tip-Adapter-F")[2]

    # what is missing is left out when that is asked, and said without data ever after
    code, out, _ = bench("run", "--suite", "paper", "--table", "5", "--jobs", "1", *ZERO, "--skip-missing")
    assert code == 0
    assert "not run: imagenet_r missing (paper 56.00)" in out
    (place / "data").rename(place / "gone")
    assert bench("report", "--suite", "paper")[0] == bench("report", "--suite", "small.toml")[0] == 0
    for command in (["list"], ["check", "--against", "paper"], ["claims"]):
        assert bench(*command, "--suite", "paper")[0] in (0, 1, 5), command
    assert "not run: imagenet_r missing" in (place / "reports" / "paper" / "table5.md").read_text()
    (place / "gone").rename(place / "data")
    assert "licences: RN50: MIT; imagenet: non-commercial" in (place / "reports" / "paper" / "table5.md").read_text()

    # a released adapter is evaluated on the same images
    torch.save({"fc.weight": torch.zeros(1000, 256)}, "best_adapter_16shots.pt")
    code, out, err = bench("evaluate-adapter", "best_adapter_16shots.pt", "--suite", "small.toml", "--jobs", "1")
    assert code == 0, err
    assert re.search(r"published command +\d\.\d\d \(\d\.\d\d to \d\.\d\d\)  README 70\.02, -", out)

    # what trains nothing needs the validation images alone
    train = place / "data" / sets.get("imagenet").places[0] / "train"
    train.rename(place / "gone")
    assert bench("evaluate-adapter", "best_adapter_16shots.pt", "--suite", "small.toml", "--jobs", "1")[0] == 0
    elsewhere = ["run", "--suite", "paper", *TABLE, *ZERO, "--results", "elsewhere"]
    assert bench(*elsewhere)[0] == 0
    code, _, err = bench(*elsewhere, *AMU, "--shots", "1")
    assert (code, f"incomplete: {train}: has no images; what trains nothing" in err) == (3, True)
    code, out, err = bench(*elsewhere, *AMU, "--shots", "1", "--skip-missing")
    assert (code, "nothing to run" in err) == (0, True)
    assert "| AMU-Tuning | not run: imagenet incomplete (paper 62.60) |" in out
    (place / "gone").rename(train)

    # and nothing that these rows need is missing any more
    found = looked("--table", "4")[1]
    assert {name: found[name]["state"] for name in ("weights clip_rn50", "weights mocov3_rn50")} == {
        "weights clip_rn50": "hash differs",
        "weights mocov3_rn50": "ok",
    }


def assert_as_open_clip_has_it(place: Path, classes: int = 8) -> None:
    """Features of some test images and their classes' rows of the classifier, by open_clip's own transform and builder."""
    world = suite.load("paper")
    run = runs.make(world, Question(ZERO_SHOT, dataset="imagenet", backbone="RN50", shots=0), 0)
    build, test = task.build(Opened(run, here(needs.without_shifts(world))))
    network, tokenizer = fake_weights.network("clip_rn50"), open_clip.get_tokenizer("RN50-quickgelu")
    names, templates = open_clip.IMAGENET_CLASSNAMES[:classes], open_clip.SIMPLE_IMAGENET_TEMPLATES
    text = open_clip.build_zero_shot_classifier(network, tokenizer, names, templates)
    assert torch.allclose(build.text[:classes], text.T, atol=1e-5)
    transform = open_clip.image_transform(224, is_train=False)
    files = sorted((place / "data" / sets.get("imagenet").places[0] / "val").rglob("*.JPEG"))[:classes]
    images = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
    theirs = network.encode_image(images)
    assert torch.allclose(test.spaces["clip"][0, :classes], theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()))
    assert test.labels[:classes].tolist() == list(range(classes))
