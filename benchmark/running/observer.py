"""Selection of epoch and hyper-parameters in one training run, in four ways.

`last`      the last epoch, with the method's own hyper-parameters.
`val`       the epoch, and then the tunable hyper-parameters, with the most few-shot validation images classified correctly.
`released`  what the method's released code chooses, on the images that it chooses on (`Predictor.released`).
`test`      the epoch, and then the tunable hyper-parameters, with the most test images classified correctly: the most that
            choosing on test gives, and more than some released code chooses there.

Images are scored in an epoch-end callback, and tunable hyper-parameters are searched after training
(`benchmark.running.search`). The predictor learns nothing from either: labels of test images are unsealed only while none of
its code runs (`benchmark.methods.sealed`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from benchmark.core.digest import JsonDict
from benchmark.methods.choice import Choice
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Features, Samples, Scores, placed, prepared
from benchmark.methods.scoring import joined, parts, right_answers, tuned
from benchmark.records.record import SELECTIONS, Selection
from benchmark.running.search import Found, search

CHOICES: Mapping[str, Choice] = {
    "last": Choice(),
    "val": Choice(epoch="val", settings="val"),
    "test": Choice(epoch="test", settings="test"),
}
"""Selection -> what it chooses, for the selections that are alike for all methods."""

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
        predicted: Predicted class of each test image, [N].
        epoch: Selected epoch.
        tuned: Selected hyper-parameters; empty for the method's own.
        seen: Result of `look` for the selected state.
    """

    correct: Tensor
    predicted: Tensor
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
        choices: Selection -> what it chooses on which images.
        sets: Images to score, by name: "test", and "val" if there are validation images.
        curves: Number of images classified correctly after each epoch, by set.
        best: State with the most images classified correctly, by set.
        picked_on: Number of images classified correctly in the selected state, after the search, by set.
        recent: Scores of the test images at the last call of `watch`.
        prepared: Parts of each set, as returned by `Predictor.prepare`.
        found: Epoch, images and names of settings -> what the search found.
    """

    def __init__(
        self, val: Samples | None, test: Samples, look: Look = lambda *_: {}, released: Choice = CHOICES["last"]
    ) -> None:
        self.look = look
        self.choices = {name: {**CHOICES, "released": released}[name] for name in SELECTIONS}
        self.sets = {"test": test} if val is None else {"val": val, "test": test}
        self.curves: dict[str, list[int]] = {name: [] for name in self.sets}
        self.best: dict[str, State] = {}
        self.picked_on: dict[str, int] = {}
        self.recent: list[Scores] = []
        self.prepared: dict[str, list[Features]] = {}
        self.found: dict[tuple[int, str, tuple[str, ...] | None], Found | None] = {}

    @torch.no_grad()
    def watch(self, predictor: Predictor) -> None:
        """Score the predictor in its present state; this is the epoch-end callback."""
        if not self.prepared:
            self.prepared = {
                n: [prepared(predictor.prepare, x, s.device) for x in parts(s)] for n, s in self.sets.items()
            }
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
        """Results of the selections; the state after fitting counts as the only epoch if `watch` was never called."""
        if not self.curves["test"]:
            self.watch(predictor)
        last = State(len(self.curves["test"]), _copy(predictor), 0)
        made = [name for name in self.choices if name != "val" or "val" in self.sets]
        picked = {name: self._picked(predictor, self.choices[name], last) for name in made}
        self.picked_on = {name: picked[name].score for name in self.sets}
        ends: dict[tuple[int, str], list[str]] = {}  # epoch and settings -> selections with this state
        for name, state in picked.items():
            ends.setdefault((state.epoch, repr(state.tuned)), []).append(name)
        answered = [(names, *self._answered(predictor, picked[names[0]], names)) for names in ends.values()]
        predictor.load_state_dict(last.weights)
        found: dict[str, Outcome] = {}
        for names, answers, seen in answered:
            state, correct = picked[names[0]], right_answers(answers, self.sets["test"])
            found |= {name: Outcome(correct, answers, state.epoch, state.tuned, seen) for name in names}
        return {name: found.get(name, found["last"]) for name in self.choices}

    def _scored(self, predictor: Predictor, name: str) -> list[Scores]:
        device = self.sets[name].device
        return [predictor.combine(predictor.match(placed(x, device))) for x in self.prepared[name]]

    def _better(self, name: str, score: int) -> bool:
        # On the few validation images the later of two equal epochs counts, because a tie is no evidence for early stopping.
        # On test images the first counts, as in the released code; the number of correct images is equal.
        return score >= self.best[name].score if name == "val" else score > self.best[name].score

    def _picked(self, predictor: Predictor, choice: Choice, last: State) -> State:
        """The epoch of a choice, with the settings found for its weights if they are better than the method's own.

        Args:
            predictor: Fitted predictor.
            choice: Images that the epoch and the settings are chosen on; where there are none, nothing is chosen.
            last: State of the last epoch.

        Returns:
            The state that the choice picks.
        """
        state = last if choice.epoch is None else self.best.get(choice.epoch, last)
        if choice.settings is None or choice.settings not in self.sets:
            return state
        found = self._searched(predictor, state, choice.settings, choice.tunes)
        if found is None:
            return state
        judge = choice.settings if choice.better is None or choice.better not in self.sets else choice.better
        correct = found.correct if judge == choice.settings else self._right(predictor, state, found, judge)
        better = correct > self.curves[judge][state.epoch - 1]
        return replace(state, score=correct, tuned=found.tuned) if better else state

    def _searched(self, predictor: Predictor, state: State, name: str, tunes: Sequence[str] | None) -> Found | None:
        """The best settings for the weights of a state on some images, searched once for all selections."""
        place = state.epoch, name, None if tunes is None else tuple(tunes)
        if place not in self.found:
            predictor.load_state_dict(state.weights)
            self.found[place] = search(predictor, self.prepared[name], self.sets[name], tunes)
        return self.found[place]

    @torch.no_grad()
    def _right(self, predictor: Predictor, state: State, found: Found, name: str) -> int:
        """Number of images of a set that a state classifies correctly with the settings found."""
        predictor.load_state_dict(state.weights)
        with tuned(predictor, found.tuned):
            answers = torch.cat([s.fused.argmax(-1) for s in self._scored(predictor, name)])
        return int(right_answers(answers, self.sets[name]).sum())

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
