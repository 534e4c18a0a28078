"""Samples and Task: shapes, views, and what their errors say."""

import pytest
import torch

from benchmark.methods import Predictor, Recipe, Samples, Task
from benchmark.methods.contract.toy import toy_clip, toy_task
from benchmark.methods.samples import OPTIONAL


def two_views():
    """Two views of three images in two spaces; image i of view v is 10 v + i."""
    rows = torch.tensor([[[0.0], [1.0], [2.0]], [[10.0], [11.0], [12.0]]])
    return Samples({"clip": rows, "dino": -rows}, torch.tensor([0, 1, 1]))


def test_samples_know_how_many_images_and_views_there_are():
    assert len(two_views()) == 3
    assert two_views().views == 2


@pytest.mark.parametrize("v", [1, 3, 101])
def test_a_view_is_counted_modulo_the_number_of_views(v):
    view = two_views().view(v)
    assert view["clip"].tolist() == [[10.0], [11.0], [12.0]]
    assert view["dino"].tolist() == [[-10.0], [-11.0], [-12.0]]


def test_a_view_of_some_images_keeps_the_spaces_aligned():
    view = two_views().view(0, torch.tensor([2, 0]))
    assert view["clip"].tolist() == [[2.0], [0.0]]
    assert view["dino"].tolist() == [[-2.0], [0.0]]


def test_the_mean_is_over_the_views():
    assert two_views().mean("clip").tolist() == [[5.0], [6.0], [7.0]]


def test_only_keeps_the_named_spaces():
    assert list(two_views().only(["dino"]).spaces) == ["dino"]


def test_only_names_a_missing_space_and_those_that_there_are():
    with pytest.raises(KeyError, match="no feature space 'mae'; there are clip, dino"):
        two_views().only(["clip", "mae"])


def test_pixels_are_a_space_like_any_other():
    samples = Samples({"pixels": torch.zeros(2, 3, 3, 8, 8), "clip": torch.zeros(2, 3, 4)}, torch.zeros(3))
    assert samples.view(1, torch.tensor([0]))["pixels"].shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("spaces", "message"),
    [
        ({}, "at least one feature space"),
        ({"clip": torch.zeros(3, 4)}, r"space 'clip' has shape \[3, 4\]; expected \[V, N, D\]"),
        ({"clip": torch.zeros(2, 4, 5)}, "2 views of 4 images; expected 2 views of 3 images"),
        ({"clip": torch.zeros(2, 3, 5), "dino": torch.zeros(1, 3, 5)}, "space 'dino' holds 1 views"),
    ],
)
def test_samples_of_the_wrong_shape_say_what_was_expected(spaces, message):
    with pytest.raises(ValueError, match=message):
        Samples(spaces, torch.zeros(3))


def test_a_task_draws_the_same_each_time_it_is_asked_and_otherwise_at_another_seed(task):
    def draw(t):
        return torch.rand(4, generator=t.generator())

    assert torch.equal(draw(task), draw(task))
    assert not torch.equal(draw(task), draw(toy_task(seed=2)))


def test_a_task_carries_generated_images_and_sentences_only_where_they_are_wanted():
    assert [getattr(toy_task(), name) for name in ("generated", "sentences")] == [None, None]
    told = toy_task(wants=OPTIONAL)
    assert told.generated.labels.bincount().tolist() == [3] * 5
    assert set(told.generated.spaces) == set(told.support.spaces)
    assert torch.allclose(told.sentences.norm(dim=1), torch.ones(5))


def test_toy_spaces_have_the_shapes_that_real_ones_have():
    spaces = toy_task(("clip", "clip_spatial", "pixels")).support.spaces
    assert {name: list(value.shape[2:]) for name, value in spaces.items()} == {
        "clip": [16],
        "clip_spatial": [4, 16],
        "pixels": [3, 16, 16],
    }
    assert spaces["pixels"].dtype == torch.uint8
    assert spaces["pixels"].float().std() > 20


def test_clip_makes_its_towers_input_of_pixels():
    images = toy_clip().preprocess(torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 2, 2))
    assert images[0, 0].tolist() == [[-1, 1], [-1, 1]]


def test_the_classes_are_counted_by_the_text():
    assert Task(text=torch.zeros(7, 2), support=two_views()).classes == 7


class Numbers(Predictor):
    def __init__(self, *, beta=2.0, recipe=Recipe(lr=0.5, epochs=1, batch_size=2)):  # noqa: B008
        super().__init__()
        self.beta = beta
        self.recipe = recipe


def test_settings_spell_out_every_default_and_the_recipe_field_by_field():
    settings = Numbers().settings()
    assert settings["beta"] == 2.0
    assert settings["recipe"]["lr"] == 0.5
    assert settings["recipe"]["eps"] == 1e-4


def test_a_predictor_without_arguments_has_no_settings():
    assert Predictor().settings() == {}


def test_what_a_subclass_must_give_is_said_by_name(task):
    with pytest.raises(NotImplementedError, match=r"Numbers has no build\(task\)"):
        Numbers().fit(task)
    with pytest.raises(NotImplementedError, match=r"Numbers has no scores\(x\)"):
        Numbers()(task.support.view())
