"""A zero-shot classifier is encoded once, named by all that decides it, and spares who reads features the network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_house import house
from toy_world import WORLDS, here, some_run, toy

from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.opened import Opened
from benchmark.features import text_classifiers
from benchmark.features.text_classifiers import Text
from benchmark.methods import Predictor
from benchmark.running import task
from benchmark.suites.suite import Suite

TEXT = Text("imagenet", "RN50")


class Lengths(Predictor):
    """Wants the lengths of the texts."""

    wants = ("text_norms",)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def with_images(**changes: object) -> Suite:
    return toy(datasets={"imagenet": {"reader": "toy_world:Squares", **changes}})


def test_it_is_the_clips_own_classifier_with_its_scale() -> None:
    clip, data = here(toy()).encoder("RN50").clip, here(toy()).dataset("imagenet")
    assert clip is not None
    made, scale = text_classifiers.load(TEXT, here(toy()))
    assert torch.equal(made, clip.classifier(data.classnames, data.templates))
    assert scale == clip.logit_scale
    again, _ = text_classifiers.load(TEXT, here(toy()))
    assert torch.equal(again, made)


def test_a_classifier_of_sentences_is_another_one() -> None:
    sentences = replace(TEXT, of="sentences")
    clip, data = here(house()).encoder("RN50").clip, here(house()).dataset("imagenet")
    assert clip is not None
    assert torch.equal(text_classifiers.load(sentences, here(house()))[0], clip.sentence_classifier(data.sentences()))  # type: ignore[attr-defined]
    assert text_classifiers.path(sentences, here(house())) != text_classifiers.path(TEXT, here(house()))


def test_lengths_are_those_of_the_mean_embeddings_before_normalisation() -> None:
    norms = replace(TEXT, of="norms")
    clip, data = here(toy()).encoder("RN50").clip, here(toy()).dataset("imagenet")
    assert clip is not None
    found, _ = text_classifiers.load(norms, here(toy()))
    for row, name in zip(found, data.classnames, strict=True):
        texts = clip.encode_text([template.format(name.replace("_", " ")) for template in data.templates])
        assert row.tolist() == pytest.approx([sum(float(x) ** 2 for x in texts.mean(0)) ** 0.5], rel=1e-5)
    assert text_classifiers.path(norms, here(toy())) != text_classifiers.path(TEXT, here(toy()))


def test_only_a_method_that_wants_the_lengths_is_given_them() -> None:
    learnt = some_run(method=f"{__name__}:Lengths", settings={})
    assert list(text_classifiers.of(learnt)) == [TEXT, replace(TEXT, of="norms")]
    assert list(text_classifiers.of(some_run())) == [TEXT]
    build, _ = task.build(Opened(learnt, here(toy())))
    assert build.text_norms is not None
    assert build.text_norms.shape == (16,)
    assert task.build(Opened(some_run(), here(toy())))[0].text_norms is None


def test_whatever_changes_it_changes_its_name() -> None:
    suites = [
        toy(),
        with_images(classnames=[f"a{c}" for c in range(16)]),
        with_images(templates=["a {}."]),
        toy(encoders={"RN50": {"loader": "toy_world:projection", "fingerprint": "other"}}),
    ]
    assert len({text_classifiers.path(TEXT, here(suite)) for suite in suites}) == len(suites)


def test_what_is_there_is_not_encoded_again_and_no_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    run = some_run()
    assert text_classifiers.needed([run], here(toy())) == [TEXT]
    task.build(Opened(run, here(toy())))
    assert text_classifiers.needed([run], here(toy())) == []
    WORLDS.clear()
    monkeypatch.setattr(Encoder, "loaded", property(lambda self: pytest.fail("built a network")))
    build, _ = task.build(Opened(run, here(toy())))
    assert build.clip is None


def test_a_method_that_prompts_gets_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    run = some_run(method="baselines.coop:CoOp", settings={"n_ctx": 2})
    assert run.prompts
    assert task.build(Opened(run, here(toy())))[0].clip is here(toy()).encoder("RN50").clip
    assert not some_run().prompts


def test_texts_have_labels_for_people() -> None:
    assert TEXT.label(toy()) == "text of imagenet by RN50"
    assert replace(TEXT, of="sentences").label(toy()) == "text of imagenet by RN50, sentences"
