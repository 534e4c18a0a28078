"""Imported features as a data set: its parts, its draws, and files that are no such thing."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import file_hash
from benchmark.core.settings import Settings
from benchmark.data.imported import FORM, Imported

NAMES = ["ant", "bee"]


def tensors() -> dict[str, torch.Tensor]:
    """Two classes, support sets of one and two shots, six validation and four test images; a feature tells its place."""
    found: dict[str, torch.Tensor] = {}
    parts = {"test": [0, 1, 0, 1], "support.1": [0, 1], "support.2": [0, 0, 1, 1], "val": [0, 1, 1, 0, 0, 1]}
    for number, (part, labels) in enumerate(parts.items()):
        views = 2 if part.startswith("support") else 1
        places = torch.arange(len(labels)) + 10 * number
        found[f"{part}.labels"] = torch.tensor(labels)
        found[f"{part}.RN50"] = torch.stack([places + 0.5 * view for view in range(views)])[..., None].half()
    return found


def written(folder: Path, change: dict[str, Any] | None = None, **notes: str) -> Path:
    """A file of features; a tensor that is None in `change`, or a note that is "", is left out."""
    file = folder / "features.safetensors"
    kept = {name: value for name, value in {**tensors(), **(change or {})}.items() if value is not None}
    said = {"form": FORM, "classnames": json.dumps(NAMES), **notes}
    safetensors.torch.save_file(kept, file, {name: value for name, value in said.items() if value})
    return file


@pytest.fixture
def data(tmp_path: Path) -> Imported:
    return Imported(str(written(tmp_path)), settings=Settings(cache=tmp_path / "cache"))


def test_names_shots_and_templates_are_those_of_the_file_and_of_the_suite(data: Imported) -> None:
    assert (data.classnames, data.shots, data.nested) == (("ant", "bee"), [1, 2], False)
    assert data.templates == ("a photo of a {}.",)
    assert Imported(str(data.file), ["one {}"]).templates == ("one {}",)


def test_the_fingerprint_is_the_hash_of_the_file(data: Imported) -> None:
    assert data.fingerprint == f"imported-{file_hash(data.file)[:32]}"


def test_ids_count_through_the_support_sets_and_then_the_validation_images(data: Imported) -> None:
    assert data.ids("test").tolist() == [0, 1, 2, 3]
    assert data.ids("train").tolist() == list(range(2 + 4 + 6))
    assert data.labels("test", np.array([1, 2])).tolist() == [1, 0]
    assert data.labels("train", data.ids("train")).tolist() == [0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1]


def test_the_support_set_of_a_number_of_shots_is_the_imported_one_for_every_seed(data: Imported) -> None:
    for seed in (1, 2):
        draw = data.draw(2, seed)
        assert draw.pool.tolist() == [2, 3, 4, 5]
        assert draw.support.tolist() == [0, 1, 2, 3]
    assert data.draw(1, 1).pool.tolist() == [0, 1]


def test_as_many_validation_images_of_a_class_are_drawn_as_there_are_shots(data: Imported) -> None:
    draws = [data.draw(1, seed).val_pool for seed in range(20)]
    assert {tuple(data.labels("train", drawn)) for drawn in draws} == {(0, 1)}
    assert {int(i) for drawn in draws for i in drawn} == set(range(6, 12))
    draw = data.draw(2, 1)
    assert np.bincount(data.labels("train", draw.val_pool)).tolist() == [2, 2]
    assert draw.val.tolist() == [0, 1, 2, 3]
    assert data.draw(2, 1).val_pool.tolist() == draw.val_pool.tolist()


def test_no_more_validation_images_are_drawn_than_there_are(tmp_path: Path) -> None:
    few = {"val.labels": torch.tensor([0, 1, 1]), "val.RN50": torch.zeros(1, 3, 1)}
    data = Imported(str(written(tmp_path, few)))
    assert np.bincount(data.labels("train", data.draw(2, 1).val_pool)).tolist() == [1, 2]


def test_without_validation_images_none_are_drawn(tmp_path: Path) -> None:
    data = Imported(str(written(tmp_path, {"val.labels": None, "val.RN50": None})))
    assert len(data.draw(2, 1).val_pool) == 0
    assert len(data.ids("train")) == 6


def test_a_number_of_shots_without_a_support_set_is_told_with_those_that_there_are(data: Imported) -> None:
    with pytest.raises(Incomplete, match="no support set of 16 shots; there are 1, 2"):
        data.draw(16, 1)


def test_features_of_a_part_are_those_of_its_ids_view_by_view(data: Imported) -> None:
    assert data.given("RN50", "test", np.array([1, 3])).flatten().tolist() == [1.0, 3.0]
    two = data.given("RN50", "train", data.draw(2, 1).pool)
    assert two[..., 0].tolist() == [[20.0, 21.0, 22.0, 23.0], [20.5, 21.5, 22.5, 23.5]]
    assert two.dtype == torch.float16
    assert data.given("RN50", "train", np.array([11, 7])).flatten().tolist() == [35.0, 31.0]
    assert data.given("RN50", "train", np.array([], int)).shape == (1, 0, 1)


def test_features_of_another_encoder_are_not_there(data: Imported) -> None:
    with pytest.raises(BenchError, match=r"no features of dino for support\.2; import them with the others"):
        data.given("dino", "train", np.array([2]))


def test_there_are_no_images(data: Imported) -> None:
    with pytest.raises(BenchError, match="holds features, and no images"):
        data.images("test", np.array([0]))


def test_a_file_that_is_missing_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="no such file; bench features import makes it"):
        Imported(str(tmp_path / "gone.safetensors"))


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        ({}, {"form": "features imported by bench, 0"}),
        ({}, {"form": ""}),
        ({}, {"classnames": ""}),
        ({}, {"classnames": "["}),
        ({}, {"classnames": "[" * 100_000}),
        ({}, {"classnames": "7"}),
        ({}, {"classnames": "[1, 2]"}),
        ({}, {"classnames": '["one"]'}),
        ({"test.labels": torch.tensor([0, 1, 0, 2])}, {}),
        ({"test.labels": torch.tensor([0, 1, 0, -1])}, {}),
        ({"test.labels": torch.tensor([0.0, 1.0, 0.0, 1.0])}, {}),
        ({"test.labels": torch.tensor([[0, 1, 0, 1]])}, {}),
        ({"support.many.labels": torch.tensor([0, 1])}, {}),
        ({"test.labels": None}, {}),
    ],
)
def test_a_file_of_another_form_is_to_be_imported_again(
    tmp_path: Path, change: dict[str, Any], notes: dict[str, str]
) -> None:
    with pytest.raises(BenchError, match="no features imported by bench"):
        Imported(str(written(tmp_path, change, **notes)))


def test_a_file_that_is_no_safetensors_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no tensors")
    with pytest.raises(BenchError, match="no features imported by bench"):
        Imported(str(tmp_path / "x"))


@pytest.mark.parametrize("features", [torch.zeros(1, 3, 1), torch.zeros(4, 1), torch.zeros(1, 4, 1, dtype=torch.int64)])
def test_features_that_do_not_fit_their_labels_are_to_be_imported_again(features: torch.Tensor, tmp_path: Path) -> None:
    data = Imported(str(written(tmp_path, {"test.RN50": features})))
    with pytest.raises(BenchError, match="features of RN50 for test do not fit their labels; import them again"):
        data.given("RN50", "test", data.ids("test"))


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BenchError, match="a named pipe, not a regular file"):
        Imported(str(tmp_path / "pipe"))
