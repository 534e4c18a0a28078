"""Features of several sources: the same images, other images, or not to be seen."""

from pathlib import Path

import pytest
import torch

from benchmark.core.errors import BenchError
from benchmark.features.importing import draws
from benchmark.features.importing.given import Given, Part, Place
from benchmark.numerics.logits import unit

CLASSES = 12
WIDTHS = {"clip": 24, "aux": 40}
LENS = {space: torch.randn(10, d, generator=torch.Generator().manual_seed(d)) for space, d in WIDTHS.items()}


def pictures(per_class: int, seed: int) -> torch.Tensor:
    """What is to be seen on images, class by class; a seed is a draw."""
    classes = torch.randn(CLASSES, 1, 10, generator=torch.Generator().manual_seed(0))
    each = torch.randn(CLASSES, per_class, 10, generator=torch.Generator().manual_seed(seed))
    return (classes + each).flatten(0, 1)


def part(space: str, seen: torch.Tensor, name: str, noise: float = 0.0, seed: int = 9) -> Part:
    """Features of images in a space, in which noise stands for augmentation."""
    blurred = seen + noise * torch.randn(seen.shape, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(CLASSES).repeat_interleave(len(seen) // CLASSES)
    return Part(unit(blurred @ LENS[space])[None], labels, Path(name), origins=frozenset([name]))


TEST, SUPPORT = Place("test", 0, "clip"), Place("support", 16, "clip")


def test_equal_features_of_two_files_are_of_the_same_images() -> None:
    before, now = part("clip", pictures(16, 1), "tip"), part("clip", pictures(16, 1), "amu")
    now.features = (3 * now.features).half()  # another length and precision
    for place in (TEST, SUPPORT):
        draws.join(before, now, place)
        assert before.origins == {"tip", "amu"}


@pytest.mark.parametrize("place", [TEST, SUPPORT])
def test_other_images_of_the_same_labels_are_refused(place: Place) -> None:
    before, now = part("clip", pictures(16, 1), "tip_f.pt"), part("clip", pictures(16, 2), "amu_f.pt")
    with pytest.raises(
        BenchError, match=r"^tip_f\.pt and amu_f\.pt are not of the same images, though their labels agree"
    ):
        draws.join(before, now, place)


def test_the_same_images_in_another_order_are_refused() -> None:
    seen = pictures(16, 1)
    turned = seen.unflatten(0, (CLASSES, 16)).flip(1).flatten(0, 1)
    with pytest.raises(BenchError, match="are not of the same images"):
        draws.join(part("clip", seen, "a"), part("clip", turned, "b"), TEST)


def test_a_support_set_that_was_augmented_anew_is_of_the_same_images() -> None:
    before, now = part("clip", pictures(16, 1), "tip"), part("clip", pictures(16, 1), "cafo", noise=0.3)
    draws.join(before, now, SUPPORT)
    assert before.origins == {"tip", "cafo"}
    with pytest.raises(BenchError, match="are not of the same images"):
        draws.join(before, now, TEST)


def test_of_one_image_a_class_nothing_is_concluded() -> None:
    before, now = part("clip", pictures(1, 1), "tip"), part("clip", pictures(1, 2), "cafo")
    draws.join(before, now, SUPPORT)
    assert before.origins == {"tip"}


def test_files_of_two_encoders_are_refused() -> None:
    with pytest.raises(BenchError, match="b and a are not of one encoder: features of width 40 and 24"):
        draws.join(part("clip", pictures(2, 1), "a"), part("aux", pictures(2, 1), "b"), TEST)


def noted(per_class: int, seed: int, origin: str = "amu", noise: float = 0.0) -> list[str]:
    """Notes on CLIP's features of draw 1 beside auxiliary features of another draw or the same."""
    first = part("clip", pictures(per_class, 1), "tip")
    other = part("aux", pictures(per_class, seed), origin, noise)
    given = Given({Place("support", per_class, "clip"): first, Place("support", per_class, "aux"): other})
    draws.note(given)
    return given.notes


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_features_in_two_spaces_show_that_they_are_of_the_same_images(noise: float) -> None:
    assert noted(16, 1, noise=noise) == []


def test_features_of_two_draws_are_told_apart_from_those_of_one() -> None:
    (note,) = noted(16, 2)
    assert note.startswith(
        "support features of clip, 16 shots, (tip) and of aux (amu) were made apart, and it cannot be"
    )


def test_too_few_images_show_nothing_and_that_is_said() -> None:
    assert len(noted(1, 1)) == len(noted(2, 1)) == 1


def test_features_that_one_piece_of_code_made_together_are_not_asked() -> None:
    assert noted(16, 2, origin="tip") == []


def test_features_that_do_not_vary_show_nothing() -> None:
    first, other = (part(space, torch.ones(CLASSES * 4, 10), space) for space in ("clip", "aux"))
    given = Given({Place("test", 0, "clip"): first, Place("test", 0, "aux"): other})
    draws.note(given)
    assert len(given.notes) == 1
