"""What a method's released code chooses on which images, as data, in words, and of each method here."""

import pytest

from amu.heads import LP
from amu.tuning import AMUTuning
from baselines.ape import APE, APET
from baselines.cafo import CaFo
from baselines.clap import CLAP, ZSLP
from baselines.clip_adapter import CLIPAdapter
from baselines.cocoop import CoCoOp
from baselines.coop import CoOp
from baselines.cross_modal import CrossModalLP
from baselines.gda import GDA
from baselines.lp_clip import LPCLIP
from baselines.lp_plus_plus import LPPlusPlus
from baselines.maple import MaPLe
from baselines.proker import ProKeR
from baselines.rla import RLA
from baselines.taskres import TaskRes
from baselines.tip_adapter import TipAdapter, TipAdapterF
from baselines.vt_clip import VTCLIP
from benchmark.methods import Choice, Predictor, Released


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(), "nothing (last epoch, own settings)"),
        (Choice(epoch="test"), "epoch on test"),
        (Choice(settings="val"), "settings on val"),
        (Choice(epoch="val", settings="test", tunes=("beta",)), "epoch on val, beta on test"),
        (
            Choice(epoch="test", settings="val", better="test"),
            "epoch on test, settings on val (if better on test than its own)",
        ),
    ],
)
def test_a_choice_in_words(choice: Choice, words: str) -> None:
    assert choice.words == words


@pytest.mark.parametrize(
    "choice", [Choice(), Choice(epoch="test"), Choice("val", "test", ("beta", "rho"), "val"), Choice(settings="val")]
)
def test_a_choice_is_what_its_plain_data_says(choice: Choice) -> None:
    again = Choice(**choice.plain)
    assert (again.words, again.plain) == (choice.words, choice.plain)
    assert None not in choice.plain.values()


def test_images_that_do_not_exist_and_details_of_no_search_are_refused() -> None:
    with pytest.raises(ValueError, match="chosen on 'train': there are val and test"):
        Choice(epoch="train")
    for details in ({"tunes": ("beta",)}, {"better": "test"}):
        with pytest.raises(ValueError, match="name the images that settings are searched on"):
            Choice(epoch="test", **details)


def test_a_data_set_may_have_a_choice_of_its_own() -> None:
    released = Released("somewhere", Choice(epoch="val"), {"imagenet": Choice(epoch="test")})
    assert [released.of(role).epoch for role in ("imagenet", "dtd", "folder:birds-1")] == ["test", "val", "val"]


# Read in the repositories that each class names: which images choose the epoch and the settings on ImageNet, and elsewhere.
AS_RELEASED: list[tuple[type[Predictor], tuple[str | None, str | None], tuple[str | None, str | None]]] = [
    (LPCLIP, (None, None), (None, None)),  # its fit chooses C on validation images by itself
    (CoOp, (None, None), (None, None)),
    (CoCoOp, (None, None), (None, None)),
    (MaPLe, (None, None), (None, None)),
    (CLIPAdapter, (None, None), (None, None)),
    (TipAdapter, (None, "test"), (None, "val")),
    (TipAdapterF, ("test", "test"), ("test", "val")),
    (CaFo, ("test", "test"), ("test", "val")),
    (GDA, (None, "test"), (None, "val")),
    (ProKeR, (None, "test"), (None, "val")),
    (LPPlusPlus, ("val", None), ("val", None)),
    (TaskRes, (None, None), (None, None)),
    (ZSLP, (None, None), (None, None)),
    (CLAP, (None, None), (None, None)),
    (CrossModalLP, ("val", None), ("val", None)),
    (APE, (None, "test"), (None, "val")),
    (APET, ("test", None), ("val", None)),
    (RLA, (None, None), (None, None)),
    (AMUTuning, ("test", None), ("test", None)),
]


@pytest.mark.parametrize(("method", "imagenet", "elsewhere"), AS_RELEASED)
def test_each_released_code_chooses_what_it_does(
    method: type[Predictor], imagenet: tuple[str | None, str | None], elsewhere: tuple[str | None, str | None]
) -> None:
    assert method.released.source
    found = [method.released.of(role) for role in ("imagenet", "eurosat")]
    assert [(choice.epoch, choice.settings) for choice in found] == [imagenet, elsewhere]


@pytest.mark.parametrize("method", [VTCLIP, LP, Predictor])
def test_where_no_code_is_released_the_last_epoch_counts(method: type[Predictor]) -> None:
    assert method.released == Released()
    assert method.released.of("imagenet").plain == {}
