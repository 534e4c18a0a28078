"""What a view shows of an image is decided by seed, image and number alone, by torchvision's own distribution."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from benchmark.core.libraries import torchvision_transforms as transforms
from benchmark.data import views


def as_torchvision_draws(
    height: int, width: int, seed: int, image_id: int, view: int, scale: views.Crops = (0.5, 1.0)
) -> views.Crop:
    """The slow twin: the global generator, seeded, and RandomResizedCrop's own drawing."""
    image = torch.empty(3, height, width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(views._number(seed, image_id, view))
        box = transforms.RandomResizedCrop.get_params(image, list(scale), list(views.RATIO))
        return views.Crop(*box, flip=bool(torch.rand(()) < 0.5))


@pytest.mark.parametrize(("height", "width"), [(48, 48), (375, 500), (500, 333), (1, 1), (7, 100), (100, 7), (30, 90)])
def test_a_crop_is_what_torchvision_draws(height: int, width: int) -> None:
    for image_id in range(40):
        expected = as_torchvision_draws(height, width, 3, image_id, 1)
        assert views.crop(height, width, 3, image_id, 1) == expected


@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.3, 0.4)])
def test_a_crop_at_another_scale_is_what_torchvision_draws_at_it(scale: views.Crops) -> None:
    for image_id in range(40):
        found = views.crop(375, 500, 3, image_id, 1, scale)
        assert found == as_torchvision_draws(375, 500, 3, image_id, 1, scale) != views.crop(375, 500, 3, image_id, 1)
    areas = [crop.height * crop.width / 187_500 for crop in (views.crop(375, 500, 1, i, 1, scale) for i in range(500))]
    assert scale[0] - 0.01 < min(areas) < scale[0] + 0.05
    assert scale[1] - 0.05 < max(areas) <= scale[1] + 0.01


def test_views_at_several_scales_are_those_at_each_with_the_view_as_tested_once() -> None:
    images, ids = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), np.uint8), np.arange(5)
    scales = ((0.5, 1.0), (0.08, 1.0))
    together = views.all_of(images, ids, 3, 1, scales)
    usual, wider = (views.all_of(images, ids, 3, 1, [scale]) for scale in scales)
    assert torch.equal(together, torch.cat([usual, wider[1:]]))
    assert torch.equal(usual, views.all_of(images, ids, 3, 1))
    assert [view for view, _ in views.each(3, scales)] == [0, 1, 2, 1, 2]
    assert views.each(1, scales) == [(0, (0.5, 1.0))]


def test_half_of_the_crops_are_mirrored_and_all_lie_inside() -> None:
    crops = [views.crop(200, 300, 1, image, 1) for image in range(1000)]
    assert abs(sum(crop.flip for crop in crops) - 500) < 5 * 16  # standard deviation √(1000 / 4) = 16
    assert all(0 <= c.top <= 200 - c.height and 0 <= c.left <= 300 - c.width for c in crops)
    assert all(0.49 * 60_000 < c.height * c.width <= 60_000 for c in crops)


def test_threads_do_not_disturb_each_other_nor_the_random_numbers_of_others() -> None:
    alone = [views.crop(200, 300, 1, image, 1) for image in range(500)]
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda image: views.crop(200, 300, 1, image, 1), range(500))) == alone
    assert torch.equal(torch.rand(3), expected)
