"""One training run, three numbers: what the last epoch gives, what validation picks, what picking on test would have given.

`last`  the last epoch at the method's own hyper-parameters.
`val`   the epoch, then the tunable hyper-parameters, that are best on the few-shot validation images.
`test`  the same picked on the test images: what the released code of Tip-Adapter-F, CaFo and AMU-Tuning reports.

The predictor sees none of this: it is watched while it trains, and searched when it is done.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.predictor import Batch, Features, Predictor, Samples, Scores
from benchmark.suite import STATISTICS

Look = Callable[[Predictor, Scores, Sequence[str]], dict[str, Any]]
"""What else is wanted of a selected state: the predictor in it, its scores of the test images, the selections that end in
it -> plain data."""

PART = 1000
"""Images scored at a time."""


@dataclass
class State:
    """A state of the predictor worth keeping: which milestone, which hyper-parameters, its weights, its score."""

    epoch: int
    weights: dict[str, Tensor]
    score: int
    tuned: dict[str, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """What one selection gives: right or wrong for every test image [N], how it was picked, and what `look` saw."""

    correct: Tensor
    epoch: int
    tuned: dict[str, float]
    seen: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Plain data for the record."""
        return {"correct": int(self.correct.sum()), "epoch": self.epoch, "tuned": self.tuned}


class Observer:
    """Scores a predictor at each milestone on validation and test images, and keeps the best states.

    Give `observer.watch` to benchmark.train.watching, fit, then ask for `outcomes`. `look` is asked once for each state
    that a selection ends in.
    """

    def __init__(self, val: Samples | None, test: Samples, look: Look = lambda *_: {}) -> None:
        self.look = look
        self.sets = {"test": test} if val is None else {"val": val, "test": test}
        self.curves: dict[str, list[int]] = {name: [] for name in self.sets}
        self.best: dict[str, State] = {}
        self.recent: list[Scores] = []  # of the test images, at the last milestone
        self.prepared: dict[str, list[Features]] = {}

    @torch.no_grad()
    def watch(self, predictor: Predictor) -> None:
        """Score the predictor as it stands now."""
        if not self.prepared:
            self.prepared = {n: [predictor.prepare(x) for x, _ in parts(s)] for n, s in self.sets.items()}
        for name, samples in self.sets.items():
            scores = self._scored(predictor, name)
            score = int((torch.cat([s.fused.argmax(-1) for s in scores]) == samples.labels).sum())
            if name == "test":
                self.recent = scores
            self.curves[name].append(score)
            if name not in self.best or self._better(name, score):
                self.best[name] = State(len(self.curves[name]), _copy(predictor), score)

    def outcomes(self, predictor: Predictor) -> dict[str, Outcome]:
        """The three selections of a fitted predictor, which is left as it was. Its end counts where no milestone was."""
        if not self.curves["test"]:
            self.watch(predictor)
        last = State(len(self.curves["test"]), _copy(predictor), 0)
        picked = {"last": last, **{name: self._searched(predictor, name) for name in self.sets}}
        ends: dict[tuple[int, str], list[str]] = {}  # two selections often end in one state
        for name, state in picked.items():
            ends.setdefault((state.epoch, repr(state.tuned)), []).append(name)
        found: dict[str, Outcome] = {}
        for names in ends.values():
            outcome = self._outcome(predictor, picked[names[0]], names)
            found |= {name: outcome for name in names}
        predictor.load_state_dict(last.weights)
        return {"last": found["last"], "val": found.get("val", found["last"]), "test": found["test"]}

    def _scored(self, predictor: Predictor, name: str) -> list[Scores]:
        return [predictor.combine(predictor.match(x)) for x in self.prepared[name]]

    def _better(self, name: str, score: int) -> bool:
        # A tie on a few hundred validation images is no evidence for stopping early: the later epoch stays.
        # On test the first of equals stays, as in the released code; the count is the same.
        return score >= self.best[name].score if name == "val" else score > self.best[name].score

    def _searched(self, predictor: Predictor, name: str) -> State:
        """The best epoch's weights, with the hyper-parameters that suit them best. Ties keep the defaults, then the first."""
        state = self.best[name]
        predictor.load_state_dict(state.weights)
        best, samples = State(state.epoch, state.weights, state.score), self.sets[name]
        for tuned, score in sweep(predictor, self.prepared[name], samples.labels):
            if score > best.score:
                best = State(state.epoch, state.weights, score, tuned)
        return best

    def _outcome(self, predictor: Predictor, state: State, names: Sequence[str]) -> Outcome:
        predictor.load_state_dict(state.weights)
        test = self.sets["test"]
        with tuned(predictor, state.tuned), torch.no_grad():
            known = state.epoch == len(self.curves["test"]) and not state.tuned
            scores = joined(self.recent if known else self._scored(predictor, "test"))
            correct = scores.fused.argmax(-1) == test.labels
            return Outcome(correct, state.epoch, state.tuned, self.look(predictor, scores, names))


@torch.no_grad()
def right(
    predictor: Predictor, samples: Samples, classes: Tensor | None = None, statistics: str = STATISTICS[0]
) -> Tensor:
    """Whether the fused logits put each image's own class first, booleans [N].

    classes: those that may be answered at all, where a data set holds only some of them (ImageNet-A and -R have 200 of the
    1,000); the logits of the others are left out.
    statistics: whether what the method works out over an image's classes runs over "all", or over those "held" alone.
    """
    if classes is None:
        return torch.cat([predictor(x).argmax(-1) == labels for x, labels in parts(samples)])
    few = predictor.among(classes) if statistics == "held" else Predictor.among(predictor, classes)
    return torch.cat([classes[few(x).argmax(-1)] == labels for x, labels in parts(samples)])


def joined(found: Sequence[Scores]) -> Scores:
    """The scores of several parts as those of all images."""
    return Scores(*(torch.cat([getattr(s, name) for s in found]) for name in ("zero_shot", "bias", "fused")))


def parts(samples: Samples) -> Iterator[Batch]:
    """View 0 in parts of some hundred images. An image is scored alone, so this changes nothing but the time.

    The affinities of 10,000 images to a cache are fresh memory that the system has to hand out and take back at every step;
    those of 1,000 stay in the processor's cache: twice as fast (benchmarks/scoring_speed.py).
    """
    for places in torch.arange(len(samples)).split(PART):
        where = slice(int(places[0]), int(places[-1]) + 1)
        yield Batch(samples.view(0, where), samples.labels[where])


@torch.no_grad()
def sweep(predictor: Predictor, prepared: Sequence[Features], labels: Tensor) -> list[tuple[dict[str, float], int]]:
    """Every combination of the tunable hyper-parameters with its number of images classified rightly.

    prepared: the images part by part, as `prepare` gave them.  labels: of all of them, [N].
    `beta` scales the bias alone (fused = zero_shot + beta · b), so its whole grid costs one pass through the predictor; what
    no setting changes costs one for the whole search.
    """
    grids = dict(predictor.tunes)
    betas = grids.pop("beta", None)
    if betas is None and not grids:
        return []
    points = [dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values())]
    counts = [[0] * len(betas or (None,)) for _ in points]
    for x, truth in zip(prepared, labels.split(PART), strict=True):
        matched = predictor.match(x)
        for count, point in zip(counts, points, strict=True):
            with tuned(predictor, point if betas is None else {**point, "beta": 1.0}):
                s = predictor.combine(matched)
            for place, answer in enumerate(_answers_over(s, betas)):
                count[place] += int((answer == truth).sum())
    if betas is None:
        return [(point, count[0]) for point, count in zip(points, counts, strict=True)]
    return [
        ({**point, "beta": beta}, score)
        for point, count in zip(points, counts, strict=True)
        for beta, score in zip(betas, count, strict=True)
    ]


def _answers_over(s: Scores, betas: Sequence[float] | None) -> Iterator[Tensor]:
    """The answers of one state [B], or those at every beta, `s` being the scores at 1."""
    if betas is None:
        yield s.fused.argmax(-1)
        return
    bias = s.fused - s.zero_shot
    for beta in betas:
        yield torch.add(s.zero_shot, bias, alpha=beta).argmax(-1)


@contextmanager
def tuned(predictor: Predictor, values: dict[str, float]) -> Iterator[None]:
    """The predictor with other hyper-parameters for a while."""
    before = {name: getattr(predictor, name) for name in values}
    try:
        for name, value in values.items():
            setattr(predictor, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(predictor, name, value)


def _copy(predictor: Predictor) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in predictor.state_dict().items()}
