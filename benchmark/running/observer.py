"""One training run, three numbers: what the last epoch gives, what validation picks, what picking on test would have given.

`last`  the last epoch at the method's own hyper-parameters.
`val`   the epoch, then the tunable hyper-parameters, that are best on the few-shot validation images.
`test`  the same picked on the test images: what the released code of Tip-Adapter-F, CaFo and AMU-Tuning reports.

The predictor sees none of this: it is watched while it trains, and searched when it is done. Labels of test images are
compared with when its code has returned (`benchmark.methods.sealed`).

The search over tunable settings after training is `benchmark.running.search`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores
from benchmark.methods.scoring import joined, parts, right_answers, tuned
from benchmark.running.search import search

Look = Callable[[Predictor, Scores, Sequence[str]], dict[str, Any]]
"""What else is wanted of a selected state: the predictor in it, its scores of the test images, the selections that end in
it -> plain data."""


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

    Give `observer.watch` to benchmark.methods.training.watching, fit, then ask for `outcomes`. `look` is asked once for each
    state that a selection ends in.
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
            score = int(right_answers(torch.cat([s.fused.argmax(-1) for s in scores]), samples).sum())
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
            state, correct = picked[names[0]], right_answers(answers, self.sets["test"])
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


def _copy(predictor: Predictor) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in predictor.state_dict().items()}
