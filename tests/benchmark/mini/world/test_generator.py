"""The stand-ins: mostly right, wrong at the stated rates, and in the language of the captions."""

import hashlib

import numpy as np
import pytest

from benchmark.mini.datasets import RenderedWorld
from benchmark.mini.world import generator, scenes, species
from benchmark.mini.world.captions import Tokenizer
from benchmark.mini.world.draws import Draws
from benchmark.mini.world.factors import MAIN

IDS = np.arange(10_000)
FACTORS = generator.sample(IDS)
ASKED = generator.labels(IDS)


def test_pictures_and_sentences_are_pinned():
    assert hashlib.sha256(generator.render(np.arange(256)).tobytes()).hexdigest()[:16] == "42c74fc9b14790dd"
    text = "\n".join(sentence for about in generator.sentences() for sentence in about)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "7a76596c144ccc53"


@pytest.mark.parametrize(("name", "truth"), [
    ("shape", species.SHAPE), ("texture", species.TEXTURE), ("colour", species.COLOUR), ("second", species.SECOND),
])  # fmt: skip
def test_the_generator_is_wrong_as_often_as_stated(name, truth):
    wrong = (getattr(FACTORS, name)[:, MAIN] != truth[ASKED]).mean()
    assert wrong == pytest.approx(generator.DRAWN_WRONG[name], abs=0.015)


def test_a_mistake_is_never_the_truth_and_may_be_anything_else():
    truth = np.zeros(3000, np.int64)
    out = generator.mistaken(truth, 4, 1.0, Draws("test", ids=np.arange(3000)), "colour")
    assert np.bincount(out, minlength=4)[0] == 0
    assert np.bincount(out, minlength=4)[1:].min() > 900
    assert (generator.mistaken(truth, 4, 0.0, Draws("test", ids=np.arange(3000)), "colour") == 0).all()


def test_averaged_colours_go_most_of_the_way_to_the_familys():
    dye = FACTORS.dye[:, MAIN]
    moved = np.abs(dye).sum((1, 2)) > 0
    assert moved.mean() == pytest.approx(generator.AVERAGED, abs=0.02)
    i = int(np.flatnonzero(moved)[0])
    first = ASKED[i] - ASKED[i] % 5
    family = sum(scenes.PALETTE[species.COLOUR[first + s]] for s in range(5)) / 5
    np.testing.assert_allclose(dye[i, 0], 0.6 * (family - scenes.PALETTE[species.COLOUR[ASKED[i]]]), atol=1e-6)


def test_its_manner_is_one_object_in_the_middle_and_few_levels():
    assert (FACTORS.count == 1).all()
    assert np.abs(FACTORS.centre[:, MAIN] - 0.5).max() <= 0.0301
    assert len(np.unique(generator.render(np.arange(50)))) <= generator.LEVELS + 1


def test_the_reader_offers_so_many_pictures_of_every_class():
    images, labels = RenderedWorld().generated(2)
    assert images.shape == (200, 48, 48, 3)
    assert np.bincount(labels).tolist() == [2] * 100
    np.testing.assert_array_equal(RenderedWorld().generated(3)[0][:200], images)


def test_every_sentence_is_in_the_language_of_the_captions_and_fits():
    tokenizer = Tokenizer()
    about = RenderedWorld().sentences()
    assert [len(sentences) for sentences in about] == [len(generator.SENTENCES)] * 100
    ids = tokenizer([sentence for sentences in about for sentence in sentences])
    assert not (ids == tokenizer.words.index("<unk>")).any()
    assert (
        len({len(s.split()) for sentences in about for s in sentences if len(s.split()) > tokenizer.context - 2}) == 0
    )


def test_each_class_is_named_and_no_two_are_described_alike():
    about = generator.sentences()
    for name, sentences in zip(species.CLASSNAMES, about, strict=True):
        assert sum(name in sentence for sentence in sentences) == 6
    assert len({tuple(sentences) for sentences in about}) == 100


def test_the_writer_is_wrong_about_as_often_as_stated():
    said = [sentences[3].split()[3] for sentences in generator.sentences()]  # "look at the {texture} ..."
    true = [generator.TEXTURE_NAMES[t] for t in species.TEXTURE]
    assert 5 <= sum(a != b for a, b in zip(said, true, strict=True)) <= 27  # 15 expected of 100
