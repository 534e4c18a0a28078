"""Imported features become one file and a suite that names it; what is missing or does not fit is told before."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import Settings
from benchmark.data.imported import FORM, Imported
from benchmark.data.published import imagenet
from benchmark.encoders.published import containers, slots
from benchmark.features.importing import write_suite
from benchmark.features.importing.released_caches import Given, Part, Place
from benchmark.features.importing.write_suite import Told, classnames, write
from benchmark.suites import suite

TEXT = torch.eye(3)[:2]
FILE = Path("somewhere.pt")


def part(value: float, labels: list[int], width: int = 3, views: int = 1) -> Part:
    return Part(torch.full((views, len(labels), width), value), torch.tensor(labels), FILE)


def given(**changes: Any) -> Given:
    """Two classes: four test images and two shots in "clip", one shot of two views in "aux"."""
    parts = {
        Place("test", 0, "clip"): part(1.0, [0, 1, 0, 1]),
        Place("test", 0, "aux"): part(2.0, [0, 1, 0, 1], 5),
        Place("support", 2, "clip"): part(3.0, [0, 0, 1, 1]),
        Place("support", 1, "aux"): part(4.0, [0, 1], 5, views=2),
    }
    return Given(**{"parts": parts, "text": TEXT, "logit_scale": 50.0, **changes})


def told(**changes: Any) -> Told:
    said = {"dataset": "mine", "roles": {"clip": "RN50", "aux": "mocov3"}, "seed": 3, "classnames": ["ant", "bee"]}
    return Told(**{**said, "templates": (), **changes})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", weights_dirs=(tmp_path / "weights",))


def test_a_space_has_the_role_that_was_said_or_is_one() -> None:
    assert [told().role(space) for space in ("clip", "aux", "dino")] == ["RN50", "mocov3", "dino"]


def test_class_names_are_the_lines_of_a_file_first(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text(" ant \n\nbee\n")
    assert classnames(given(classnames=["x", "y"]), "imagenet", file) == ["ant", "bee"]


def test_without_a_file_they_are_the_imported_names_then_imagenet_s_then_numbers() -> None:
    thousand = given(parts={Place("test", 0, "clip"): part(0.0, list(range(1000)))})
    assert classnames(given(classnames=["x", "y"]), "imagenet", None) == ["x", "y"]
    assert classnames(thousand, "imagenet", None) == list(imagenet.classnames())
    assert classnames(given(), "mine", None) == ["class 0", "class 1"]


def test_names_that_nobody_knows_are_asked_for_where_a_classifier_has_to_be_made() -> None:
    with pytest.raises(Incomplete, match="the classes of mine have no names: --classnames FILE"):
        classnames(given(text=None), "mine", None)


def test_a_wrong_number_of_names_is_told_with_their_source(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("ant\n")
    with pytest.raises(BenchError, match=r"names\.txt: 1 class names for 2 classes"):
        classnames(given(), "mine", file)
    with pytest.raises(BenchError, match="imagenet: 1000 class names for 2 classes"):
        classnames(given(), "imagenet", None)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfd"])
def test_a_file_of_names_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(BenchError, match="cannot be read as a name a line"):
        classnames(given(), "mine", tmp_path / "names.txt")


def test_the_file_holds_every_part_under_its_role_and_the_notes(tmp_path: Path, settings: Settings) -> None:
    _, file = write(given(), told(), tmp_path / "out", settings)
    with safe_open(file, "pt") as opened:
        held = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
        notes = opened.metadata()
    assert notes == {"form": FORM, "classnames": '["ant", "bee"]', "logit_scale": "50.0"}
    features = {name: (tuple(t.shape), float(t.max())) for name, t in held.items() if not name.endswith("labels")}
    assert features == {
        "text": ((2, 3), 1.0),
        "test.RN50": ((1, 4, 3), 1.0),
        "test.mocov3": ((1, 4, 5), 2.0),
        "support.2.RN50": ((1, 4, 3), 3.0),
        "support.1.mocov3": ((2, 2, 5), 4.0),
    }
    labels = {name: t.tolist() for name, t in held.items() if name.endswith("labels")}
    assert labels == {"test.labels": [0, 1, 0, 1], "support.2.labels": [0, 0, 1, 1], "support.1.labels": [0, 1]}


def test_the_suite_names_the_file_its_encoders_and_their_shots(tmp_path: Path, settings: Settings) -> None:
    path, file = write(given(notes=["a note"]), told(), tmp_path / "out", settings)
    assert (path, file) == (tmp_path / "out" / "mine.toml", tmp_path / "out" / "mine.safetensors")
    found = suite.load(str(path))
    assert (found.seeds, found.views, found.comparable, found.published) == ([3], 2, False, False)
    assert found.note.endswith("nothing is known of how they were made; a note.")
    assert found.datasets == {
        "mine": {
            "reader": "benchmark.data.imported:Imported",
            "file": str(file),
            "templates": ["a photo of a {}."],
            "shots": [1, 2],
            "images": False,
        }
    }
    network = {"network": False}
    assert found.encoders == {
        "RN50": {"loader": "benchmark.encoders.imported:clip", "file": str(file), **network},
        "mocov3": {"loader": "benchmark.encoders.imported:features", "shots": [1], **network},
    }
    assert Imported(str(file)).shots == [1, 2]


def test_templates_are_the_given_ones_else_those_published_for_the_data_set(tmp_path: Path, settings: Settings) -> None:
    def templates(**changes: Any) -> list[str]:
        path, _ = write(given(), told(**changes), tmp_path, settings)
        (said,) = suite.load(str(path)).datasets.values()
        return list(said["templates"])

    assert templates(templates=("one {}",)) == ["one {}"]
    assert templates(dataset="dtd") == ["{} texture."]


def test_a_published_data_set_may_be_compared_only_where_all_its_test_images_are_there(
    tmp_path: Path, settings: Settings
) -> None:
    whole = given(parts={Place("test", 0, "clip"): part(0.0, [c % 10 for c in range(8100)])})
    for features, comparable in ((whole, True), (given(), False)):
        path, _ = write(features, told(dataset="eurosat"), tmp_path, settings)
        found = suite.load(str(path))
        assert (found.comparable, found.published) == (comparable, True)


@pytest.mark.parametrize("name", ["mini", "paper", "a b", "a/b", ""])
def test_a_name_that_is_a_suite_s_or_no_file_s_is_refused(tmp_path: Path, settings: Settings, name: str) -> None:
    with pytest.raises(BenchError, match="records are kept by this name"):
        write(given(), told(dataset=name), tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_without_a_classifier_the_published_weights_make_one(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"text_projection": torch.zeros(7, 3)}
    monkeypatch.setattr(slots, "find", lambda slot, _: Path(f"{slot}.pt"))
    monkeypatch.setattr(containers, "read", lambda _: type("Read", (), {"tensors": weights}))
    path, file = write(given(text=None), told(), tmp_path, settings)
    assert suite.load(str(path)).encoders["RN50"] == {
        "loader": "benchmark.encoders.published:clip",
        "slot": "clip_rn50",
    }
    assert "text" not in json.dumps(list(Imported(str(file))._labels))
    weights["text_projection"] = torch.zeros(7, 4)
    with pytest.raises(BenchError, match=r"features of CLIP are 3 wide, those of RN50 \(clip_rn50\.pt\) 4"):
        write(given(text=None), told(), tmp_path, settings)


def test_without_a_classifier_and_weights_both_ways_are_told_and_nothing_is_written(
    tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(Incomplete, match=r"no text classifier of RN50: .* or its weights \(clip_rn50\)"):
        write(given(text=None), told(), tmp_path / "out", settings)
    with pytest.raises(Incomplete, match="for there are no weights of this name"):
        write(given(text=None), told(roles={"clip": "RN9"}), tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_every_clip_of_the_paper_has_its_weights() -> None:
    assert set(write_suite.SLOTS.values()) == {
        name for name, slot in slots.SLOTS.items() if slot.kind == "OpenAI's CLIP"
    }


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BenchError, match=r"--out folder .*: cannot be written"):
        write(given(), told(), tmp_path / "out", settings)
