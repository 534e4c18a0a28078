"""The random crops that each method is trained on are those of its released code's family."""

import pytest

from amu.heads import LP, MLP, CacheHead, LinearProbe
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
from baselines.zero_shot import ZeroShotCLIP
from benchmark.methods import Predictor
from benchmark.methods.crops import Crops, listed, words

FAMILIES: dict[Crops | None, tuple[type[Predictor], ...]] = {
    (0.08, 1.0): (CoOp, CoCoOp, MaPLe, CLIPAdapter, TaskRes, ZSLP, CLAP),  # Dassl
    (0.5, 1.0): (
        TipAdapter,
        TipAdapterF,
        CaFo,
        AMUTuning,
        VTCLIP,
        LP,
        CacheHead,
        MLP,
        LinearProbe,
        GDA,
        ProKeR,
        LPPlusPlus,
        CrossModalLP,
        APE,
        APET,
        RLA,
        Predictor,
    ),
    None: (LPCLIP, ZeroShotCLIP),  # no augmentation, no training
}


@pytest.mark.parametrize(("crops", "method"), [(c, method) for c, methods in FAMILIES.items() for method in methods])
def test_each_method_is_trained_on_the_crops_of_its_family(crops: Crops | None, method: type[Predictor]) -> None:
    assert method.crops == crops


def test_crops_in_words_with_the_methods_that_are_trained_on_them() -> None:
    pairs = [(words((0.08, 1.0)), "CoOp"), ("none", "LP-CLIP"), (words((0.08, 1.0)), "CoCoOp"), ("none", "LP-CLIP")]
    assert listed(pairs) == "0.08 to 1 for CoOp, CoCoOp; none for LP-CLIP"
    assert listed([]) == ""
