"""One training run, three numbers: what the last epoch gives, what validation picks, what picking on test would have given.

`last`  the last epoch at the method's own hyper-parameters.
`val`   the epoch, then the tunable hyper-parameters, that are best on the few-shot validation images.
`test`  the same picked on the test images: what the released code of Tip-Adapter-F, CaFo and AMU-Tuning reports.

The predictor sees none of this: it is watched while it trains, and searched when it is done. Labels of test images are
compared with when its code has returned (`benchmark.sealed`).

The search goes through every point of the declared grid, but for `beta`, whose whole range (from the smallest to the largest
value declared) is searched exactly: `benchmark.sweep` says for which beta how many images are right. Of what is right most
often that is taken which keeps most of the method's own settings; a beta that is not its own is the geometric middle of the
widest stretch. In proportion, for it is a ratio: whether the bias or zero-shot CLIP carries the weight is a way of writing.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmark import sweep
from benchmark.predictor import Features, Predictor, Samples, Scores
from benchmark.sealed import comparing
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
        self.picked_on: dict[str, int] = {}  # images right among those that a selection picks by, where it ended
        self.recent: list[Scores] = []  # of the test images, at the last milestone
        self.prepared: dict[str, list[Features]] = {}

    @torch.no_grad()
    def watch(self, predictor: Predictor) -> None:
        """Score the predictor as it stands now."""
        if not self.prepared:
            self.prepared = {n: [predictor.prepare(x) for x in parts(s)] for n, s in self.sets.items()}
        self.recent = []  # at ImageNet's size 600 MB, which need not be held beside the next
        for name, samples in self.sets.items():
            scores = self._scored(predictor, name)
            score = int(_right(torch.cat([s.fused.argmax(-1) for s in scores]), samples).sum())
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
        searched = {name: self._searched(predictor, name) for name in self.sets}
        self.picked_on = {name: state.score for name, state in searched.items()}
        picked = {"last": last, **searched}
        ends: dict[tuple[int, str], list[str]] = {}  # two selections often end in one state
        for name, state in picked.items():
            ends.setdefault((state.epoch, repr(state.tuned)), []).append(name)
        answered = [(names, *self._answered(predictor, picked[names[0]], names)) for names in ends.values()]
        predictor.load_state_dict(last.weights)
        found: dict[str, Outcome] = {}
        for names, answers, seen in answered:
            state, correct = picked[names[0]], _right(answers, self.sets["test"])
            found |= {name: Outcome(correct, state.epoch, state.tuned, seen) for name in names}
        return {"last": found["last"], "val": found.get("val", found["last"]), "test": found["test"]}

    def _scored(self, predictor: Predictor, name: str) -> list[Scores]:
        return [predictor.combine(predictor.match(x)) for x in self.prepared[name]]

    def _better(self, name: str, score: int) -> bool:
        # A tie on a few hundred validation images is no evidence for stopping early: the later epoch stays.
        # On test the first of equals stays, as in the released code; the count is the same.
        return score >= self.best[name].score if name == "val" else score > self.best[name].score

    def _searched(self, predictor: Predictor, name: str) -> State:
        """The best epoch's weights, with the hyper-parameters that suit them best. Ties keep the method's own."""
        state = self.best[name]
        predictor.load_state_dict(state.weights)
        found = search(predictor, self.prepared[name], self.sets[name])
        if found is None or found.correct <= state.score:
            return state
        return State(state.epoch, state.weights, found.correct, found.tuned)

    def _answered(self, predictor: Predictor, state: State, names: Sequence[str]) -> tuple[Tensor, dict[str, Any]]:
        """The class answered for every test image [N], and what `look` sees. Which are right is asked when all are."""
        predictor.load_state_dict(state.weights)
        with tuned(predictor, state.tuned), torch.no_grad():
            known = bool(self.recent) and state.epoch == len(self.curves["test"]) and not state.tuned
            recent, self.recent = (self.recent, []) if known else (self._scored(predictor, "test"), self.recent)
            scores = joined(recent)
            del recent
            return scores.fused.argmax(-1), self.look(predictor, scores, names)


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
        return _right(torch.cat([predictor(x).argmax(-1) for x in parts(samples)]), samples)
    few = predictor.among(classes) if statistics == "held" else Predictor.among(predictor, classes)
    return _right(torch.cat([classes[few(x).argmax(-1)] for x in parts(samples)]), samples)


def _right(answers: Tensor, samples: Samples, where: slice = slice(None)) -> Tensor:
    with comparing():
        return answers == samples.labels[where]


def joined(found: Sequence[Scores]) -> Scores:
    """The scores of several parts as those of all images."""
    return Scores(*(torch.cat([getattr(s, name) for s in found]) for name in ("zero_shot", "bias", "fused")))


def parts(samples: Samples) -> Iterator[Features]:
    """View 0 in parts of some hundred images. An image is scored alone, so this changes nothing but the time.

    The affinities of 10,000 images to a cache are fresh memory that the system has to hand out and take back at every step;
    those of 1,000 stay in the processor's cache: twice as fast (benchmarks/scoring_speed.py).
    """
    for places in torch.arange(len(samples)).split(PART):
        yield samples.view(0, slice(int(places[0]), int(places[-1]) + 1))


class Found(NamedTuple):
    """Settings, with how many images they put right, how many of the method's own they keep, how wide their stretch is."""

    tuned: dict[str, float]
    correct: int
    kept: int
    width: float


@torch.no_grad()
def search(predictor: Predictor, prepared: Sequence[Features], samples: Samples) -> Found | None:
    """The tunable settings with the most images right, of every beta in its range; None where nothing can be tuned.

    prepared: the images of `samples` part by part, as `prepare` gave them.
    One pass through the predictor a point of the grid without beta, and what no setting changes is worked out once.
    """
    if "beta" not in predictor.tunes:
        candidates = [_found(predictor, *counted) for counted in grid(predictor, prepared, samples)]
    else:
        span = _range(predictor.tunes["beta"])
        candidates = [_on_curve(predictor, *pair, span) for pair in curves(predictor, prepared, samples)]
    return max(candidates, key=lambda found: found[1:], default=None)


@torch.no_grad()
def curves(
    predictor: Predictor, prepared: Sequence[Features], samples: Samples
) -> list[tuple[dict[str, float], sweep.Curve]]:
    """Every combination of the declared values but beta's, with the exact curve over beta. Of a predictor that tunes beta."""
    points = _points({name: values for name, values in predictor.tunes.items() if name != "beta"})
    largest = max(predictor.tunes["beta"])
    ends: list[list[sweep.Ends]] = [[] for _ in points]
    for where, matched in _matched(predictor, prepared):
        for found, point in zip(ends, points, strict=True):
            line = _line(predictor, matched, point, largest)
            with comparing():
                found.append(sweep.ends(*line, samples.labels[where]))
    return list(zip(points, map(sweep.joined, ends), strict=True))


@torch.no_grad()
def grid(predictor: Predictor, prepared: Sequence[Features], samples: Samples) -> list[tuple[dict[str, float], int]]:
    """Every combination of the declared values, beta's too, with its images right: the search as the official codes do it."""
    points = _points(predictor.tunes) if predictor.tunes else []
    counts = [0] * len(points)
    for where, matched in _matched(predictor, prepared):
        for place, point in enumerate(points):
            with tuned(predictor, point):
                answers = predictor.combine(matched).fused.argmax(-1)
            counts[place] += int(_right(answers, samples, where).sum())
    return list(zip(points, counts, strict=True))


def _points(grids: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Every combination of the values; the empty one, where there are none."""
    return [dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values())]


def _range(betas: Sequence[float]) -> tuple[float, float]:
    if not min(betas) > 0:
        raise ValueError(
            f"beta is tuned from {min(betas):g}: its range must lie above 0, where it can be halved and doubled"
        )
    return min(betas), max(betas)


def _matched(predictor: Predictor, prepared: Sequence[Features]) -> Iterator[tuple[slice, Features]]:
    """Each part's place among the images, and what the predictor matches of it."""
    for part, x in enumerate(prepared):
        yield slice(part * PART, (part + 1) * PART), predictor.match(x)


def _line(predictor: Predictor, matched: Features, point: dict[str, float], beta: float) -> tuple[Tensor, Tensor]:
    """s₀ and b of the scores s₀ + beta · b, worked out at the largest beta, where b is known best; [B, C] each."""
    with tuned(predictor, {**point, "beta": beta}):
        s = predictor.combine(matched)
    return s.zero_shot, (s.fused - s.zero_shot).double() / beta


def _on_curve(predictor: Predictor, point: dict[str, float], curve: sweep.Curve, span: tuple[float, float]) -> Found:
    """The beta to take at a point of the rest: the method's own where none is better, else from the widest stretch."""
    widest = max(curve.bests(*span), key=lambda stretch: stretch.high / stretch.low)
    own = float(predictor.settings()["beta"])
    if span[0] <= own <= span[1] and curve.at([own]) == [widest.correct]:
        return _found(predictor, {**point, "beta": own}, widest.correct)
    middle, width = sqrt(widest.low * widest.high), log(widest.high / widest.low)
    return _found(predictor, {**point, "beta": middle}, widest.correct, width)


def _found(predictor: Predictor, point: dict[str, float], correct: int, width: float = 0.0) -> Found:
    own = predictor.settings()
    return Found(point, correct, sum(own[name] == value for name, value in point.items()), width)


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
