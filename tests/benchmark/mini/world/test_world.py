"""The rendered world: the same pixels everywhere, and each picture what its factors say."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmark.mini.world import scenes, shapes, species, textures, world
from benchmark.mini.world.draws import Draws, mix, word
from benchmark.mini.world.factors import BEHIND, MAIN, RELATIONS
from benchmark.mini.world.render import draw

PIXELS = {
    ("pretrain", "photo"): "6ef527dee857ae93ed1015eacb62daf2e08a1836419958bc157f164648544da2",
    ("pretrain", "sketch"): "329acc5cd54da07a947e7897391729f585738e5aa489447021e3fe90aa128089",
    ("pretrain", "rendition"): "69f4ecf8fadb32ebe79b2eb23c7ed811b62e545e8e18802729baa3eb256cf443",
    ("pretrain", "clutter"): "d4460548962c74c648b7e9000981ea6d24d5596c8ae5baad25d4dcf6c172e886",
    ("train", "photo"): "0683d94ea589464ebd8437d1a60b50f6c6eb64d639feb0ca0503c46194bb3c0a",
    ("train", "sketch"): "804ad353289a6fb46b2144e08082112e6e22e6289a0c9903bee3af6068ebb9bd",
    ("train", "rendition"): "929396431e0420038080ce77b5e36ac68190e84beb78bb96babcd0234a232406",
    ("train", "clutter"): "ab09927a59d83d4f6d87c445901428458a8782bb9275383ce58e875f6c187af9",
    ("test", "photo"): "a15e111ccab8e0a38458ee44197ac76edc16aa7b97f163ddb406eebeb8fbd392",
    ("test", "sketch"): "6b56181e62257702cf2bcab74be5f9c49f26c83e9d91069a959f0d850300ca96",
    ("test", "rendition"): "32c454e638b1fe90bf5342a9fcd8c19d96d06bab5c24dcb3b8a19eb3edcd2fca",
    ("test", "clutter"): "47fbef17a605f1bc6a5a7ab39ae1763f914c7645443c5a77a33e0757f249fc0f",
    ("monitor", "photo"): "25ce3e2773a5e7477502e344ae2705445ae0f10d0f6657f39f7e2335cb9d9683",
    ("monitor", "sketch"): "a7ffe2d987832646c4f5f2ca1094bb2e15948c9047fe55c7bdd67fb0efd70bac",
    ("monitor", "rendition"): "1842061f543c9c29f71fab0573428e03a76e83b261ee4061da3e532756b5f8cf",
    ("monitor", "clutter"): "b97409f68bf2d4cd74047fbd6916b2ef3488773b9da43bf589e6b40b517166c0",
}


def digest(split: str, style: str) -> str:
    return hashlib.sha256(world.render(split, np.arange(256), style).tobytes()).hexdigest()


@pytest.mark.parametrize(("split", "style"), PIXELS)
def test_the_first_256_pictures_of_each_split_and_style_are_pinned(split, style):
    assert digest(split, style) == PIXELS[split, style]


def test_every_split_and_style_is_pinned():
    assert set(PIXELS) == {(split, style) for split in world.SPLITS for style in world.STYLE_NAMES}
    assert len(set(PIXELS.values())) == len(PIXELS)


@pytest.mark.slow
def test_pixels_do_not_depend_on_the_instructions_that_numpy_picks():
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    optional = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    if not optional:
        pytest.skip("this NumPy has one path only")
    script = (
        "import hashlib, numpy as np; from benchmark.mini.world import world;"
        "print(hashlib.sha256(world.render('monitor', np.arange(256), 'clutter').tobytes()).hexdigest())"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(optional)}
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == PIXELS["monitor", "clutter"]


@pytest.mark.parametrize("style", world.STYLE_NAMES)
def test_a_picture_does_not_depend_on_its_batch(style):
    together = world.render("monitor", np.arange(150), style)
    shuffled = np.random.default_rng(0).permutation(150)
    np.testing.assert_array_equal(world.render("monitor", shuffled, style), together[shuffled])
    np.testing.assert_array_equal(world.render("monitor", [149], style)[0], together[149])


def test_no_pictures_is_no_error():
    assert world.render("monitor", []).shape == (0, world.SIZE, world.SIZE, 3)


def test_the_same_id_is_another_picture_in_another_split():
    pictures = [world.render(split, [7])[0] for split in world.SPLITS]
    assert all((a != b).any() for i, a in enumerate(pictures) for b in pictures[:i])


def test_evaluation_splits_are_balanced_and_pre_training_nearly_so():
    for split in ("train", "test", "monitor"):
        assert (np.bincount(world.labels(split, np.arange(1000))) == 10).all()
    counts = np.bincount(world.labels("pretrain", np.arange(100_000)), minlength=100)
    assert counts.min() > 850
    assert counts.max() < 1150


def test_unknown_splits_and_styles_and_impossible_ids_are_refused_by_name():
    with pytest.raises(ValueError, match="'validation'"):
        world.render("validation", [0])
    with pytest.raises(ValueError, match="'cartoon'"):
        world.render("test", [0], "cartoon")
    with pytest.raises(ValueError, match="from 0"):
        world.labels("test", [-1])


def test_styles_are_mixed_at_the_stated_rates():
    shares = np.bincount(world.mixture(np.arange(50_000))) / 50_000
    np.testing.assert_allclose(shares, [world.MIX[name] for name in world.STYLE_NAMES], atol=0.01)


def test_the_mixer_is_splitmix64():
    # The first output of the published generator with seed 0.
    assert mix(np.array([0x9E3779B97F4A7C15], np.uint64))[0] == 0xE220A8397B1DCDAF


def test_names_are_hashed_by_fnv_1a():
    assert word("") == 0xCBF29CE484222325
    assert word("a") == 0xAF63DC4C8601EC8C


def test_draws_are_uniform_and_independent_of_each_other():
    draws = Draws("test of draws", ids=np.arange(40_000))
    a, b = draws.uniform("a"), draws.uniform("b")
    assert 0 <= a.min() < a.max() < 1
    assert abs(a.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    assert abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.02
    assert np.bincount(draws.integer("die", 6)).min() > 6300


def test_a_disc_has_the_area_of_a_disc():
    cell = (2 * shapes.REACH / shapes.CELLS) ** 2
    assert (shapes.table()[0] > 0).sum() * cell == pytest.approx(np.pi * 0.92**2, rel=0.01)


def test_a_polygon_knows_its_distance_inside_and_outside():
    field = shapes.box(-0.5, -0.5, 0.5, 0.5)
    distance = 0.5 - np.maximum(np.abs(shapes.X), np.abs(shapes.Y))
    inside = distance > 0
    np.testing.assert_allclose(field[inside], distance[inside], atol=1e-12)
    corner = np.hypot(np.abs(shapes.X) - 0.5, np.abs(shapes.Y) - 0.5)
    beyond = (np.abs(shapes.X) > 0.5) & (np.abs(shapes.Y) > 0.5)
    np.testing.assert_allclose(field[beyond], -corner[beyond], atol=1e-12)


def test_no_two_shapes_look_alike():
    inside = shapes.table() > 0
    for i, a in enumerate(inside):
        for b in inside[:i]:
            assert (a & b).sum() / (a | b).sum() < 0.85


def test_textures_go_on_where_their_tile_ends():
    for tile in textures.table():
        for axis in (0, 1):
            seam = np.abs(np.take(tile, 0, axis) - np.take(tile, -1, axis)).max()
            assert seam <= np.abs(np.diff(tile, axis=axis)).max() + 1e-6


def test_stripes_bands_and_checks_are_half_and_half():
    for name in ("striped", "banded", "checked", "zigzag"):
        assert textures.table()[textures.TEXTURE_NAMES.index(name)].mean() == pytest.approx(0.5, abs=0.01)


def test_siblings_share_a_shape_and_differ_in_texture_or_colour():
    assert len(set(world.CLASSNAMES)) == species.CLASSES == 100
    looks = list(zip(species.SHAPE, species.TEXTURE, species.COLOUR, strict=True))
    assert len(set(looks)) == 100
    for family in range(20):
        siblings = range(5 * family, 5 * family + 5)
        assert len({species.SHAPE[i] for i in siblings}) == 1
        assert len({species.TEXTURE[i] for i in siblings}) == 3
        assert len({species.COLOUR[i] for i in siblings}) == 3


def test_main_objects_are_mostly_true_to_their_species():
    f = world.sample("monitor", np.arange(20_000))
    assert (f.shape[:, MAIN] == species.SHAPE[f.label]).all()
    assert (f.texture[:, MAIN] == species.TEXTURE[f.label]).all()
    odd = (f.colour[:, MAIN] != species.COLOUR[f.label]).mean()
    assert odd == pytest.approx(0.15 * 11 / 12, abs=0.01)  # one odd colour in twelve is the right one by chance
    odd = (f.second[:, MAIN] != species.SECOND[f.label]).mean()
    assert odd == pytest.approx(0.30 * 11 / 12, abs=0.01)


def test_the_main_object_lies_where_the_relation_says():
    f = world.sample("monitor", np.arange(4000))
    assert ((f.relation >= 0) == f.present[:, BEHIND]).all()
    apart = f.centre[:, MAIN] - f.centre[:, BEHIND]
    for name, axis, sign in (("left", 0, -1), ("right", 0, 1), ("above", 1, -1), ("below", 1, 1)):
        rows = f.relation == RELATIONS.index(name)
        assert rows.sum() > 300
        assert (apart[rows, axis] * sign > 0.15).all()


def test_another_view_shows_the_same_objects_elsewhere():
    ids = np.arange(5000)
    one, two = (world.sample("pretrain", ids, "photo", view) for view in (0, 1))
    for name in ("label", "shape", "texture", "colour", "second", "present", "relation"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert (one.centre[:, MAIN] != two.centre[:, MAIN]).any(1).all()
    assert (one.dye != two.dye).any((1, 2, 3)).all()  # the exact colour is not shared: it would be a short cut
    assert (one.scene != two.scene).mean() == pytest.approx(0.6 * 15 / 16, abs=0.02)


def plain_square(**changes):
    """One upright, evenly lit, noiseless red square of half size .25 in the middle of a stone-grey road."""
    f = world.sample("monitor", [0])
    mute = {name: np.zeros_like(getattr(f, name)) for name in ("dye", "wash", "turn", "slope", "noise", "outline")}
    settings = {
        "present": np.array([[False, True, False]]),
        "shape": np.full((1, 3), shapes.SHAPE_NAMES.index("square")),
        "texture": np.full((1, 3), textures.TEXTURE_NAMES.index("plain")),
        "colour": np.full((1, 3), scenes.COLOUR_NAMES.index("red")),
        "scene": np.array([scenes.SCENE_NAMES.index("pavement")]),
        "centre": np.full((1, 3, 2), 0.5, np.float32),
        "size": np.full((1, 3), 0.25, np.float32),
        "aspect": np.ones((1, 3), np.float32),
        "light": np.ones(1, np.float32),
        "tint": np.ones((1, 3), np.float32),
    }
    return replace(f, **mute, **{**settings, **changes})


def test_a_red_square_is_red_and_square():
    picture = draw(plain_square())[0]
    red = (picture == np.floor(scenes.PALETTE[0] * 255 + 0.5).astype(np.uint8)).all(-1)
    # The square's half side is .8 of the object's half size: 24 * .8 = 19.2 pixels a side, of which 18 are full.
    np.testing.assert_array_equal(np.flatnonzero(red.any(0)), np.arange(15, 33))
    assert red.sum() == 18 * 18


def test_the_aspect_makes_it_wider_and_lower():
    picture = draw(plain_square(aspect=np.full((1, 3), 1.2, np.float32)))[0].astype(int)
    red = picture[..., 0] - picture[..., 1] > 150
    assert red.any(0).sum() > red.any(1).sum() + 4


def test_a_rendition_has_few_brightnesses_and_a_sketch_no_colours():
    rendition = plain_square(style=np.array([world.STYLE_NAMES.index("rendition")]))
    assert set(np.unique(draw(rendition))) <= {0, 64, 128, 191, 255}
    sketch = draw(plain_square(style=np.array([world.STYLE_NAMES.index("sketch")])))
    assert (sketch == sketch[..., :1]).all()
