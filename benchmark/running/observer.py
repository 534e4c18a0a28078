"""Selection of epoch and hyper-parameters in one training run, in three ways.

`last`  the last epoch, with the method's own hyper-parameters.
`val`   the epoch, and then the tunable hyper-parameters, with the most few-shot validation images classified correctly.
`test`  the epoch, and then the tunable hyper-parameters, with the most test images classified correctly. The released code of
        Tip-Adapter-F, CaFo and AMU-Tuning reports this accuracy.

Images are scored in an epoch-end callback, and tunable hyper-parameters are searched after training
(`benchmark.running.search`). The predictor learns nothing from either: labels of test images are unsealed only while none of
its code runs (`benchmark.methods.sealed`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmark.core.digest import JsonDict
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores
from benchmark.methods.scoring import joined, parts, right_answers, tuned
from benchmark.records.record import Selection
from benchmark.running.search import search

Look = Callable[[Predictor, Scores, Sequence[str]], JsonDict]
"""Function that computes further plain data of a selected state, from the predictor in this state, its scores of the test
images, and the names of the selections with this state."""


@dataclass
class State:
    """A state of the predictor during training.

    Attributes:
        epoch: Number of the epoch-end callback, from 1.
        weights: State dict.
        score: Number of images classified correctly.
        tuned: Tuned hyper-parameters; empty for the method's own.
    """

    epoch: int
    weights: dict[str, Tensor]
    score: int
    tuned: dict[str, float] = field(default_factory=dict)


@dataclass
class Outcome:
    """The result of one selection.

    Attributes:
        correct: Whether each test image is classified correctly, [N].
        epoch: Selected epoch.
        tuned: Selected hyper-parameters; empty for the method's own.
        seen: Result of `look` for the selected state.
    """

    correct: Tensor
    epoch: int
    tuned: dict[str, float]
    seen: JsonDict = field(default_factory=dict)

    def summary(self) -> Selection:
        """Plain data for the record."""
        return Selection(int(self.correct.sum()), self.epoch, self.tuned)


class Observer:
    """Scores a predictor on validation and test images at the end of each epoch, and keeps the best states.

    Pass `observer.watch` as the epoch-end callback to `benchmark.methods.training.watching`, fit the predictor, then call
    `outcomes`.

    Attributes:
        look: Function called once for each selected state.
        sets: Images to score, by name: "test", and "val" if there are validation images.
        curves: Number of images classified correctly after each epoch, by set.
        best: State with the most images classified correctly, by set.
        picked_on: Number of images classified correctly in the selected state, after the search, by set.
        recent: Scores of the test images at the last call of `watch`.
        prepared: Parts of each set, as returned by `Predictor.prepare`.
    """

    def __init__(self, val: Samples | None, test: Samples, look: Look = lambda *_: {}) -> None:
        self.look = look
        self.sets = {"test": test} if val is None else {"val": val, "test": test}
        self.curves: dict[str, list[int]] = {name: [] for name in self.sets}
        self.best: dict[str, State] = {}
        self.picked_on: dict[str, int] = {}
        self.recent: list[Scores] = []
        self.prepared: dict[str, list[Features]] = {}

    @torch.no_grad()
    def watch(self, predictor: Predictor) -> None:
        """Score the predictor in its present state; this is the epoch-end callback."""
        if not self.prepared:
            self.prepared = {n: [predictor.prepare(x) for x in parts(s)] for n, s in self.sets.items()}
        self.recent = []  # 600 MB on ImageNet, freed before the next scores are computed
        for name, samples in self.sets.items():
            scores = self._scored(predictor, name)
            score = int(right_answers(torch.cat([s.fused.argmax(-1) for s in scores]), samples).sum())
            if name == "test":
                self.recent = scores
            self.curves[name].append(score)
            if name not in self.best or self._better(name, score):
                self.best[name] = State(len(self.curves[name]), _copy(predictor), score)

    def outcomes(self, predictor: Predictor) -> dict[str, Outcome]:
        """Results of the three selections; the state after fitting counts as the only epoch if `watch` was never called."""
        if not self.curves["test"]:
            self.watch(predictor)
        last = State(len(self.curves["test"]), _copy(predictor), 0)
        searched = {name: self._searched(predictor, name) for name in self.sets}
        self.picked_on = {name: state.score for name, state in searched.items()}
        picked = {"last": last, **searched}
        ends: dict[tuple[int, str], list[str]] = {}  # epoch and settings -> selections with this state
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
        # On the few validation images the later of two equal epochs counts, because a tie is no evidence for early stopping.
        # On test images the first counts, as in the released code; the number of correct images is equal.
        return score >= self.best[name].score if name == "val" else score > self.best[name].score

    def _searched(self, predictor: Predictor, name: str) -> State:
        """The best epoch with the best hyper-parameters for its weights, or with the method's own if none are better."""
        state = self.best[name]
        predictor.load_state_dict(state.weights)
        found = search(predictor, self.prepared[name], self.sets[name])
        if found is None or found.correct <= state.score:
            return state
        return State(state.epoch, state.weights, found.correct, found.tuned)

    def _answered(self, predictor: Predictor, state: State, names: Sequence[str]) -> tuple[Tensor, JsonDict]:
        """Predicted classes of the test images [N] in a state, and the result of `look`; labels are not used here."""
        predictor.load_state_dict(state.weights)
        with tuned(predictor, state.tuned), torch.no_grad():
            known = bool(self.recent) and state.epoch == len(self.curves["test"]) and not state.tuned
            recent, self.recent = (self.recent, []) if known else (self._scored(predictor, "test"), self.recent)
            scores = joined(recent)
            del recent
            return scores.fused.argmax(-1), self.look(predictor, scores, names)


def _copy(predictor: Predictor) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in predictor.state_dict().items()}
