"""Captions say what is in the picture, at the documented rates, and the tokenizer reads them."""

import hashlib

import numpy as np
import pytest

from benchmark.mini.world import captions, species, world
from benchmark.mini.world.captions import RATES, Tokenizer, describe
from benchmark.mini.world.factors import BEHIND, MAIN
from benchmark.mini.world.scenes import COLOUR_NAMES, SCENE_NAMES
from benchmark.mini.world.shapes import SHAPE_NAMES
from benchmark.mini.world.textures import TEXTURE_NAMES

N = 20_000


@pytest.fixture(scope="module")
def photos():
    """Captions as lists of words, and the factors of their pictures."""
    ids = np.arange(N)
    factors = world.sample("monitor", ids)
    return [text.split() for text in describe("monitor", ids, factors)], factors


def first(words, vocabulary):
    """Index in the vocabulary of the caption's first word that is in it, or -1."""
    return next((vocabulary.index(word) for word in words if word in vocabulary), -1)


def test_the_first_256_captions_are_pinned():
    texts = "\n".join(captions.captions("pretrain", np.arange(256)))
    assert (
        hashlib.sha256(texts.encode()).hexdigest() == "a1d6f8724ece17de4f34c6c87293a59f9a9120d030f2fdcd03e8fe13617436d6"
    )


def test_a_caption_does_not_depend_on_its_batch():
    together = captions.captions("monitor", np.arange(50))
    assert captions.captions("monitor", [49, 3]) == [together[49], together[3]]


@pytest.mark.parametrize(
    ("name", "vocabulary"), [("texture", TEXTURE_NAMES), ("colour", COLOUR_NAMES), ("scene", SCENE_NAMES)]
)
def test_attributes_are_mentioned_as_often_as_stated(photos, name, vocabulary):
    said = np.array([first(words, vocabulary) for words in photos[0]])
    assert (said >= 0).mean() == pytest.approx(RATES[name], abs=0.015)


@pytest.mark.parametrize(("name", "vocabulary"), [("texture", TEXTURE_NAMES), ("colour", COLOUR_NAMES)])
def test_mentioned_attributes_are_wrong_as_often_as_stated(photos, name, vocabulary):
    said = np.array([first(words, vocabulary) for words in photos[0]])
    rows = said >= 0
    wrong = said[rows] != getattr(photos[1], name)[rows, MAIN]
    assert wrong.mean() == pytest.approx(RATES[f"wrong {name}"], abs=0.012)


def test_scenes_are_never_wrong(photos):
    said = np.array([first(words, SCENE_NAMES) for words in photos[0]])
    np.testing.assert_array_equal(said[said >= 0], photos[1].scene[said >= 0])


def test_the_full_name_is_said_as_often_as_stated_and_is_sometimes_a_siblings(photos):
    texts = [" ".join(words) for words in photos[0]]
    said = np.array([next((i for i, n in enumerate(world.CLASSNAMES) if f" {n} " in f" {t} "), -1) for t in texts])
    rows = said >= 0
    right_head = 1 - RATES["wrong head"]
    assert rows.mean() == pytest.approx(right_head * RATES["full name"], abs=0.015)
    assert (said[rows] != photos[1].label[rows]).mean() == pytest.approx(RATES["sibling"], abs=0.015)
    np.testing.assert_array_equal(said[rows] // species.SIBLINGS, photos[1].label[rows] // species.SIBLINGS)


def test_the_family_is_wrong_only_by_wrong_heads(photos):
    said = np.array([first(words, species.NOUNS) for words in photos[0]])
    rows = said >= 0
    wrong = said[rows] != photos[1].label[rows] // species.SIBLINGS
    named = RATES["full name"] + RATES["family"]
    expected = RATES["wrong head"] / (RATES["wrong head"] + (1 - RATES["wrong head"]) * named)
    assert wrong.mean() == pytest.approx(expected, abs=0.01)


def test_relations_are_said_of_pictures_with_a_companion_and_are_true(photos):
    words, factors = photos
    said = np.array([first(caption, ("left", "right", "above", "below")) for caption in words])
    assert (said[factors.relation < 0] == -1).all()
    rows = factors.relation >= 0
    assert (said[rows] >= 0).mean() == pytest.approx(RATES["relation"], abs=0.015)
    both = rows & (said >= 0)
    np.testing.assert_array_equal(said[both], factors.relation[both])
    named = [SHAPE_NAMES.index(words[i][_after_relation(words[i])]) for i in np.flatnonzero(both)]
    np.testing.assert_array_equal(named, factors.shape[both, BEHIND])


def _after_relation(caption):
    """Where the companion's shape stands: "left of a gear", "above a gear"."""
    place = next(i for i, word in enumerate(caption) if word in ("left", "right", "above", "below"))
    return place + (3 if caption[place] in ("left", "right") else 2)


def test_counts_are_true(photos):
    words, factors = photos
    texts = [" ".join(caption) for caption in words]
    for count, phrase in ((1, " alone"), (2, " one of two"), (3, " one of three")):
        rows = np.array([phrase in text for text in texts])
        assert rows.sum() > 500
        assert (factors.count[rows] == count).all()


def test_sketches_speak_of_sketches_and_not_of_colours_or_scenes():
    texts = [text.split() for text in captions.captions("monitor", np.arange(4000), "sketch")]
    assert all(
        first(words, (*COLOUR_NAMES, *SCENE_NAMES)) == -1 for words in texts if words[1:4] != ["black", "and", "white"]
    )
    said = np.mean([first(words, ("sketch", "drawing")) >= 0 for words in texts])
    assert said == pytest.approx(RATES["frame"] * RATES["style"], abs=0.02)


def test_end_of_text_has_the_largest_id_and_stands_last():
    tokenizer = Tokenizer()
    ids = tokenizer(["a photo of a tiger yorf"])
    assert ids.shape == (1, captions.CONTEXT)
    assert ids.max() == len(tokenizer) - 1
    assert ids[0].argmax() == 7  # <sot> and six words before it
    assert (ids[0, 8:] == 0).all()
    assert [tokenizer.words[i] for i in ids[0, :8]] == ["<sot>", "a", "photo", "of", "a", "tiger", "yorf", "<eot>"]


def test_what_is_too_long_loses_its_last_words_and_keeps_its_end():
    tokenizer = Tokenizer(context=5)
    assert [tokenizer.words[i] for i in tokenizer(["a photo of a dax in snow"])[0]] == [
        "<sot>",
        "a",
        "photo",
        "of",
        "<eot>",
    ]


def test_unknown_words_capitals_and_punctuation():
    tokenizer = Tokenizer()
    assert tokenizer(["A photo, of a DAX."]).equal(tokenizer(["a photo of a dax"]))
    assert [tokenizer.words[i] for i in tokenizer("a giraffe")[0, :4]] == ["<sot>", "a", "<unk>", "<eot>"]


def test_every_prompt_and_every_caption_is_in_the_vocabulary():
    tokenizer = Tokenizer()
    prompts = [template.format(name) for template in world.TEMPLATES for name in world.CLASSNAMES]
    texts = [text for style in world.STYLE_NAMES for text in captions.captions("monitor", np.arange(1000), style)]
    unknown = tokenizer.words.index("<unk>")
    assert not (tokenizer(prompts + texts) == unknown).any()
    assert max(len(prompt.split()) for prompt in prompts) <= captions.CONTEXT - 2
