"""Encoders without a network: their fingerprints, their classifier, and what they cannot do."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import file_hash
from benchmark.core.settings import Settings
from benchmark.encoders import imported

TEXT = torch.eye(3)[:2]


def written(folder: Path, tensors: dict[str, torch.Tensor] | None = None, scale: str | None = "50.0") -> Path:
    file = folder / "features.safetensors"
    notes = {} if scale is None else {"logit_scale": scale}
    safetensors.torch.save_file({"text": TEXT} if tensors is None else tensors, file, notes)
    return file


def clip(file: Path) -> imported.Encoder:
    return imported.clip("RN50", str(file), settings=Settings(cache=file.parent / "cache"))


def test_an_encoder_of_features_has_a_name_and_no_content_of_its_own() -> None:
    encoder = imported.features("dino")
    assert (encoder.role, encoder.fingerprint) == ("dino", "imported")
    assert (encoder.clip, encoder.text) == (None, None)


def test_no_image_can_be_encoded(tmp_path: Path) -> None:
    for encoder in (imported.features("dino"), clip(written(tmp_path))):
        with pytest.raises(BenchError, match=f"encoder {encoder.role}: its features were imported"):
            encoder.encode(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 4)


def test_a_clip_is_named_by_the_hash_of_its_file(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert clip(file).fingerprint == f"imported-{file_hash(file)}"
    assert clip(file).clip is None


def test_its_classifier_and_scale_are_those_of_the_file(tmp_path: Path) -> None:
    text = clip(written(tmp_path)).text
    assert text is not None
    assert text.logit_scale == 50.0
    assert torch.equal(text.classifier(["ant", "bee"], ["a {}."]), TEXT)


def test_a_classifier_of_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    text = clip(written(tmp_path)).text
    assert text is not None
    with pytest.raises(BenchError, match="its text classifier has 2 classes, not 3"):
        text.classifier(["ant", "bee", "cat"], ["a {}."])


def test_sentences_cannot_be_read(tmp_path: Path) -> None:
    text = clip(written(tmp_path)).text
    assert text is not None
    with pytest.raises(BenchError, match="no text tower that could read sentences"):
        text.sentence_classifier([["a small ant"]])


def test_lengths_before_normalisation_are_not_there(tmp_path: Path) -> None:
    text = clip(written(tmp_path)).text
    assert text is not None
    with pytest.raises(BenchError, match="the lengths of its rows before are lost"):
        text.norms(["ant", "bee"], ["a {}."])


def test_a_missing_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="no such file; bench features import makes it"):
        clip(tmp_path / "gone")


@pytest.mark.parametrize(
    ("tensors", "scale"),
    [({"other": TEXT}, "50.0"), (None, None), (None, "large"), (None, "nan"), (None, "-3")],
    ids=["text", "scale", "number", "finite", "positive"],
)
def test_a_file_without_a_classifier_is_told_when_it_is_asked_for(
    tmp_path: Path, tensors: dict[str, torch.Tensor] | None, scale: str | None
) -> None:
    encoder = clip(written(tmp_path, tensors, scale))
    with pytest.raises(BenchError, match=r"no text classifier in it .*; import one with --text"):
        _ = encoder.text
