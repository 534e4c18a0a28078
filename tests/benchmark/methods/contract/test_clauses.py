"""Every method keeps the contract, and the contract notices every way of breaking it."""

import random
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from amu.controls import WEIGHTS, FusionControl
from amu.heads import LP, MLP, CacheHead, LinearProbe
from amu.tuning import PRESETS, AMUTuning
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
from baselines.zero_shot import TextClassifier, ZeroShotCLIP
from benchmark.methods import Scores, training
from benchmark.methods.contract.clauses import check, contract, violation
from tests.benchmark.methods.contract.zoo import inhabitants as zoo
from tests.benchmark.methods.contract.zoo.sound import Good

METHODS = [
    (ZeroShotCLIP, {}),
    (LPCLIP, {}),
    (CoOp, {}),
    (CoOp, {"n_ctx": 4}),
    (CLIPAdapter, {}),
    (TipAdapter, {}),
    (TipAdapterF, {}),
    (VTCLIP, {}),
    (CaFo, {}),
    (CaFo, {"generated": True}),
    (CoCoOp, {}),
    (MaPLe, {}),
    (MaPLe, {"n_ctx": 3, "depth": 1}),
    (MaPLe, {"n_ctx": 5}),
    *((AMUTuning, {"preset": preset}) for preset in PRESETS),
    (AMUTuning, {"init": "random", "aux": "dino", "fusion": "top5"}),
    (AMUTuning, {"fusion": "var"}),
    (AMUTuning, {"aux": "clip", "init": "random", "lam": 1.0, "fusion": "none"}),
    *((head, {"init": init}) for head in (LP, CacheHead, LinearProbe) for init in ("features", "random")),
    (MLP, {}),
    (LinearProbe, {"aux": "clip"}),
    *((FusionControl, {"weights": weights}) for weights in WEIGHTS),
    (GDA, {}),
    (GDA, {"aux": "mocov3"}),
    (ProKeR, {}),
    (LPPlusPlus, {"epochs": 20}),
    (LPPlusPlus, {"preset": "official", "epochs": 20}),
    (TaskRes, {}),
    (ZSLP, {}),
    (CLAP, {}),
    (CrossModalLP, {}),
    (CrossModalLP, {"init": "random"}),
    (APE, {}),
    (APET, {}),
    (RLA, {}),
]


@pytest.mark.parametrize(("cls", "settings"), METHODS, ids=str)
def test_every_method_keeps_the_contract(cls, settings):
    broken = {result.clause: result.reason for result in check(cls, **settings) if not result.passed}
    assert broken == {}


@pytest.mark.parametrize("cls", [cls for cls, _ in METHODS if cls is not ZeroShotCLIP], ids=lambda cls: cls.__name__)
def test_every_method_but_zero_shot_clip_declares_its_columns_of_table_1(cls):
    assert "-" not in (cls.feature, cls.predictor)
    assert all(isinstance(column, str) for column in (cls.feature, cls.predictor, cls.fusion_kind))


def test_checking_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    check(Good)
    assert torch.equal(before, torch.get_rng_state())


def test_the_example_that_the_broken_ones_start_from_is_good():
    assert [result for result in check(Good) if not result.passed] == []


class ForgetsAnArgument(Good):
    def __init__(self, *, width=3):
        super().__init__()


class NeedsATensor(Good):
    def __init__(self, *, weights=torch.zeros(2)):  # noqa: B008
        super().__init__()
        self.weights = weights


class TakesAnything(Good):
    def __init__(self, **options):
        super().__init__()


class ChangesItsSettings(Good):
    def fit(self, task):
        super().fit(task)
        self.beta = 3.0


class TrainsClip(Good):
    wants = ("clip",)

    def fit(self, task):
        super().fit(task)
        with torch.no_grad():
            task.clip.model.text_projection.mul_(1.1)


class LeavesClipTraining(Good):
    wants = ("clip",)

    def fit(self, task):
        super().fit(task)
        task.clip.model.train()


class ThawsClip(Good):
    wants = ("clip",)

    def fit(self, task):
        super().fit(task)
        task.clip.model.visual.requires_grad_(True)


class HasAnIdleParameter(Good):
    def build(self, task):
        super().build(task)
        self.idle = nn.Parameter(torch.ones(2))


class KeepsTheTextAsParameter(Good):
    def build(self, task):
        super().build(task)
        self.frozen = nn.Parameter(task.text.clone(), requires_grad=False)


class TrainsABuffer(Good):
    def build(self, task):
        super().build(task)
        self.register_buffer("steps", torch.zeros(()))

    def loss(self, batch):
        self.steps += 1
        return super().loss(batch)


class ScoresOneClassTooMany(Good):
    def scores(self, x):
        s = super().scores(x)
        return Scores(*(torch.cat([v, v[:, :1]], 1) for v in vars(s).values()))


class ScoresNothing(Good):
    def scores(self, x):
        s = super().scores(x)
        return Scores(s.zero_shot, s.bias, s.fused / 0)


class FusesOtherwise(Good):
    def scores(self, x):
        s = super().scores(x)
        return Scores(s.zero_shot, s.bias, s.fused + s.bias.square())


class LooksAtTheBatch(Good):
    def scores(self, x):
        clip = x["clip"]
        return super().scores({"clip": clip - clip.mean(0)})


class LooksAtTheNeighbour(Good):
    def scores(self, x):
        return super().scores({"clip": x["clip"] + 0.1 * x["clip"].roll(1, 0)})


class StaysOnTheCPU(Good):
    def build(self, task):
        super().build(task)
        self.weight = nn.Parameter(self.weight.detach().cpu())


class AnswersOnTheCPU(Good):
    def scores(self, x):
        return Scores(*(part.cpu() for part in vars(super().scores(x)).values()))

    def loss(self, batch):
        return nn.functional.cross_entropy(super().scores(batch.x).fused, batch.labels)


class DrawsElsewhere(Good):
    def build(self, task):
        super().build(task)
        shift = 0 if task.text.device.type == "cpu" else 1
        generator = torch.Generator().manual_seed(task.seed + shift)
        self.weight = nn.Parameter(torch.randn(task.text.shape, generator=generator).to(task.text))


class DrawsGlobally(Good):
    def build(self, task):
        super().build(task)
        self.weight = nn.Parameter(torch.randn_like(self.weight))


class DrawsFromNumpy(Good):
    def build(self, task):
        super().build(task)
        np.random.random()


class DrawsFromPython(Good):
    def build(self, task):
        super().build(task)
        random.random()


class SharesItsWeights(Good):
    shared: ClassVar = {}

    def build(self, task):
        super().build(task)
        self.weight = self.shared.setdefault("weight", self.weight)


class HidesItsState(Good):
    def fit(self, task):
        super().fit(task)
        self.offset = [task.support.mean("clip").mean()]

    def scores(self, x):
        offset = self.offset[0] if hasattr(self, "offset") else 0
        s = super().scores({"clip": x["clip"] + offset})
        return s


class PeeksAtLabels(Good):
    def scores(self, x):
        assert x["labels"] is not None
        return super().scores(x)


class ReadsWhatItDoesNotUse(Good):
    reads = ("clip", "dino")


class AsksForSentences(Good):
    def build(self, task):
        super().build(task)
        if task.sentences is not None:
            self.classifier = TextClassifier(task, task.sentences)


class WantsWhatItDoesNotUse(Good):
    wants = ("generated",)


class WantsWhatNoTaskHas(Good):
    wants = ("captions",)


class ScalesTheGenerated(Good):
    wants = ("generated",)

    def build(self, task):
        super().build(task)
        task.generated.spaces["clip"].mul_(2)


class ChangesTheSentences(Good):
    wants = ("sentences",)

    def build(self, task):
        super().build(task)
        task.sentences.neg_()


class NormalisesInPlace(Good):
    def scores(self, x):
        x["clip"].div_(x["clip"].norm(dim=1, keepdim=True))
        return super().scores(x)


class ShufflesTheSupport(Good):
    def build(self, task):
        super().build(task)
        task.support.labels.copy_(task.support.labels.flip(0))


class StaysInTrainingMode(Good):
    def fit(self, task):
        super().fit(task)
        self.train()


class PassesNoMilestone(Good):
    def fit(self, task):
        self.build(task)
        with torch.no_grad():
            self.weight += 1
        self.eval()


class TrainsOnAfterTheLastMilestone(Good):
    def fit(self, task):
        super().fit(task)
        with torch.no_grad():
            self.weight += 1


class BehavesWhenWatched(Good):
    def fit(self, task):
        super().fit(task)
        if training._watcher.get() is not None:
            with torch.no_grad():
                self.weight += 1
            training.milestone(self)


class TunesNothing(Good):
    tunes: ClassVar = {"temperature": (1.0, 2.0)}


class TunesInVain(Good):
    tunes: ClassVar = {"beta": (1.0, 2.0)}

    def scores(self, x):
        s = super().scores(x)
        return Scores(s.zero_shot, s.bias, s.zero_shot + s.bias)


class TunesASquare(Good):
    def scores(self, x):
        s = super().scores(x)
        return Scores(s.zero_shot, s.bias, s.zero_shot + self.beta**2 * s.bias)


class TunesFromNothing(Good):
    tunes: ClassVar = {"beta": (0.0, 2.0)}


class TunesZeroShotToo(Good):
    def scores(self, x):
        s = super().scores(x)
        return Scores(self.beta * s.zero_shot, s.bias, self.beta * (s.zero_shot + s.bias))


class PreparesSomethingElse(Good):
    def prepare(self, x):
        return {"clip": 2 * x["clip"] + 1}


class PreparesWhatIsTrained(Good):
    def prepare(self, x):
        return {"clip": x["clip"], "bias": x["clip"] @ self.weight.detach().T}

    def combine(self, prepared):
        s0 = self.classifier(prepared["clip"])
        return Scores(s0, prepared["bias"], s0 + self.beta * prepared["bias"] + 0 * self.weight.sum())

    def scores(self, x):
        return self.combine(self.prepare(x))


class MatchesWhatIsTuned(Good):
    tunes: ClassVar = {"beta": (1.0, 2.0)}

    def match(self, prepared):
        s = super().scores(prepared)
        return {"s0": s.zero_shot, "bias": s.bias, "weighted": self.beta * s.bias}

    def combine(self, matched):
        return Scores(matched["s0"], matched["bias"], matched["s0"] + matched["weighted"])

    def scores(self, x):
        return self.combine(self.match(x))


class ForgetsWhatItIsAskedAbout(Good):
    def among(self, classes):
        return self


class ShiftsAmongSome(Good):
    def among(self, classes):
        few = super().among(classes)
        scores = few.scores
        few.scores = lambda x: Scores(*(part + 1 for part in vars(scores(x)).values()))
        return few


BROKEN = [
    (ForgetsAnArgument, "numbers alone"),
    (NeedsATensor, "numbers alone"),
    (TakesAnything, "numbers alone"),
    (ChangesItsSettings, "numbers alone"),
    (TrainsClip, "clip untouched"),
    (LeavesClipTraining, "clip untouched"),
    (ThawsClip, "clip untouched"),
    (HasAnIdleParameter, "parameters are trained"),
    (KeepsTheTextAsParameter, "parameters are trained"),
    (TrainsABuffer, "parameters are trained"),
    (ScoresOneClassTooMany, "scores are logits"),
    (ScoresNothing, "scores are logits"),
    (PreparesSomethingElse, "prepared alike"),
    (PreparesWhatIsTrained, "prepared before training"),
    (MatchesWhatIsTuned, "matched before tuning"),
    (FusesOtherwise, "fused is a sum"),
    (LooksAtTheBatch, "alone"),
    (LooksAtTheNeighbour, "alone"),
    (StaysOnTheCPU, "moves with its task"),
    (AnswersOnTheCPU, "moves with its task"),
    (DrawsElsewhere, "moves with its task"),
    (DrawsGlobally, "deterministic"),
    (DrawsGlobally, "random state untouched"),
    (DrawsFromNumpy, "random state untouched"),
    (DrawsFromPython, "random state untouched"),
    (SharesItsWeights, "independent"),
    (HidesItsState, "state is whole"),
    (PeeksAtLabels, "reads what it says"),
    (ReadsWhatItDoesNotUse, "reads what it says"),
    (AsksForSentences, "wants what it says"),
    (WantsWhatItDoesNotUse, "wants what it says"),
    (WantsWhatNoTaskHas, "wants what it says"),
    (ScalesTheGenerated, "inputs untouched"),
    (ChangesTheSentences, "inputs untouched"),
    (NormalisesInPlace, "inputs untouched"),
    (ShufflesTheSupport, "inputs untouched"),
    (StaysInTrainingMode, "eval after fit"),
    (PassesNoMilestone, "milestones"),
    (TrainsOnAfterTheLastMilestone, "milestones"),
    (BehavesWhenWatched, "milestones"),
    (TunesASquare, "beta multiplies"),
    (TunesFromNothing, "beta multiplies"),
    (TunesZeroShotToo, "beta multiplies"),
    (TunesNothing, "tunes its own"),
    (TunesInVain, "tunes its own"),
    (ForgetsWhatItIsAskedAbout, "among some classes"),
    (ShiftsAmongSome, "among some classes"),
]


@pytest.mark.parametrize(("cls", "clause"), BROKEN)
def test_the_contract_notices(cls, clause):
    reason = violation(clause, cls)
    assert reason
    assert "\n" not in reason


def test_no_clause_is_without_a_method_that_breaks_it():
    assert {name for name, _ in contract()} == {clause for _, clause in (*BROKEN, *zoo.BROKEN)}
