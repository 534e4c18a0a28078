"""Run -> record: one training, four selections, and the conditions they were measured under."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from benchmark.core import devices, warned
from benchmark.core.digest import JsonDict
from benchmark.core.errors import reason, without_memory
from benchmark.core.machine import peak_memory_mib
from benchmark.data.dataset import Dataset, listed
from benchmark.exhibits import inventory
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.features import requests
from benchmark.features.how_made import how_made
from benchmark.methods import scoring, training
from benchmark.methods.choice import Choice
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Samples, Scores
from benchmark.methods.scoring import joined, moved, right, small_parts, tuned
from benchmark.methods.sealed import comparing
from benchmark.numerics.confusion import unbalanced
from benchmark.records import answers, metrics, provenance
from benchmark.records.record import BetaCurve, Drawn, Histogram, OnShift, Record, Selection
from benchmark.records.store import Store
from benchmark.running import task
from benchmark.running.hosting import hosting
from benchmark.running.observer import Observer, Outcome
from benchmark.running.task import Shift
from benchmark.suites.world import World


def measure(run: Run, world: World, store: Store) -> Record:
    """Make the record of a run and store it. Whatever was stored under the same question is replaced.

    Where memory does not suffice, the run is begun once more, with large features in the memory of the machine and fewer
    images scored at a time. The record says so under its warnings.

    Args:
        run: Run to measure.
        world: Suite with the settings.
        store: Store of the record.

    Returns:
        The record.

    Raises:
        RuntimeError: Memory does not suffice for the second attempt either, or the method's code raises it.
        MemoryError: As RuntimeError; torch raises the one, Python the other.
    """
    try:
        return _measured(run, world, store)
    except (RuntimeError, MemoryError) as error:
        if not without_memory(error):
            raise
        short = reason(error)
    # Beyond the handler, because the error holds the frames of the first attempt, and these hold its tensors.
    with devices.sparing(), small_parts():
        return _measured(run, world, store, f"begun again in parts of {scoring.SMALL} images after {short}")


def _measured(run: Run, world: World, store: Store, again: str = "") -> Record:
    """The record of a run; `again` is the remark on a second attempt."""
    started = time.perf_counter()
    opened = Opened(run, world)
    fingerprints = opened.fingerprints  # before training, while the files of the method are those that were imported
    build, test = task.build(opened)
    drawn, tested = _drawn(opened), _tested(opened)
    states = StateMeasurements(test, task.shifts(opened))
    ready = time.perf_counter()
    observer = Observer(build.val, test, states.look, Choice(**run.released))
    with warned.heard(passed_on=True) as heard, hosting(opened, build):
        if again:
            warned.note(again)
        predictor = run.predictor()
        with training.watching(observer.watch):
            predictor.fit(build)
        predictor.eval()
        fitted = time.perf_counter()
        outcomes = observer.outcomes(predictor)
    record = Record(
        key=run.key,
        asked=run.asked(),
        n=len(test),
        n_val=0 if build.val is None else len(build.val),
        selections={name: outcome.summary() for name, outcome in outcomes.items()},
        picked_on=observer.picked_on,
        metrics={name: outcome.seen["metrics"] for name, outcome in outcomes.items()},
        shifts=states.on_shifts(outcomes),
        max_logit=states.max_logits,
        beta_curve=outcomes["val"].seen["curve"],
        curves=observer.curves,
        parameters=sum(p.numel() for p in predictor.parameters()),
        fingerprints=fingerprints,
        crops=requests.crops_of(opened),
        **inventory.licences(opened),
        draw=store.keep_draw(drawn) if drawn else None,
        tested=store.keep_tested(opened.dataset.classnames, tested) if tested is not None else None,
        **_counts(opened),
        warnings=heard.lines or None,
        seconds={
            "load": round(ready - started, 3),
            "fit": round(fitted - ready, 3),
            "total": round(time.perf_counter() - started, 3),
        },
        peak_memory_mib=peak_memory_mib(),
        measured=provenance.now(),
        conditions={**provenance.conditions(opened.device), **how_made(opened)},
    )
    return store.put(
        record, _answers(outcomes), outcomes["val"].predicted.cpu().numpy() if tested is not None else None
    )


def _answers(outcomes: Mapping[str, Outcome]) -> dict[str, np.ndarray]:
    """Name of answers -> whether each image is classified correctly, [N], for the test images and every shift."""
    found = {answers.on(name): outcome.correct for name, outcome in outcomes.items()}
    for name, outcome in outcomes.items():
        found |= {answers.on(name, role): correct for role, correct in outcome.seen["shifts"].items()}
    return {name: correct.cpu().numpy() for name, correct in found.items()}


def _drawn(opened: Opened) -> dict[str, list[str]]:
    """Names of the images of the support and the validation set; empty where they have no names or there are none."""
    run, dataset = opened.run, opened.dataset
    return listed(dataset, dataset.draw(run.shots, run.seed)) if run.shots else {}


def _tested(opened: Opened) -> np.ndarray | None:
    """Classes of the test images [N]; None for a balanced test set, where the balanced accuracy is the accuracy."""
    labels = opened.dataset.labels("test", opened.dataset.ids("test"))
    return labels if unbalanced(labels) else None


def _counts(opened: Opened) -> JsonDict:
    """How many images the run learnt and chose from; empty for a run without a support set."""
    run, dataset = opened.run, opened.dataset
    if not run.shots:
        return {}
    draw = dataset.draw(run.shots, run.seed)
    return {
        "support": _by_class(dataset, draw.pool[draw.support]),
        "validation": _by_class(dataset, draw.val_pool[draw.val]),
    }


def _by_class(dataset: Dataset, ids: np.ndarray) -> Drawn:
    """The number of different images among `ids` of the split "train", [N], in all and by class."""
    different = np.unique(ids)
    counts = np.bincount(dataset.labels("train", different), minlength=len(dataset.classnames))
    repeated = len(ids) - len(different)
    return Drawn(len(different), int(counts.min()), int(counts.max()), repeated or None)


class StateMeasurements:
    """Measurements of each selected state beyond its count: the metrics, the shifts, the curve over beta."""

    def __init__(self, test: Samples, shifts: Mapping[str, Shift]) -> None:
        self.test = test
        self.shifts = shifts
        self.max_logits: Histogram | None = None

    def look(self, predictor: Predictor, s: Scores, selections: Sequence[str]) -> JsonDict:
        """Measure one state.

        Args:
            predictor: The predictor in this state.
            s: Its scores of the test images.
            selections: The selections that end in this state.

        Returns:
            "metrics" on the test images; "shifts", whether each image of each is classified correctly, [N]; "curve", over
            beta, of the state that `val` picks and where the method tunes beta, else None.
        """
        shifts = {name: right(predictor, on.samples, on.classes, on.statistics) for name, on in self.shifts.items()}
        curve = _beta_curve(predictor, s, self.test) if "val" in selections else None
        with comparing():
            self.max_logits = self.max_logits or metrics.max_logits(s.zero_shot, self.test.labels)
            return {"metrics": metrics.of_scores(s, self.test.labels), "shifts": shifts, "curve": curve}

    def on_shifts(self, outcomes: Mapping[str, Outcome]) -> dict[str, OnShift]:
        """Role of a shift -> accuracy of every selected state there."""
        return {
            role: OnShift(
                n=len(on.samples),
                statistics=on.statistics,
                selections={name: Selection(int(o.seen["shifts"][role].sum())) for name, o in outcomes.items()},
            )
            for role, on in self.shifts.items()
        }


@torch.no_grad()
def _beta_curve(predictor: Predictor, s: Scores, test: Samples) -> BetaCurve | None:
    """The curve over the weight of the logit bias; None for a method whose weight may not change after training."""
    if "beta" not in predictor.tunes:
        return None
    beta = float(predictor.settings()["beta"])
    if beta == 0:
        with tuned(predictor, {"beta": 1.0}):
            s, beta = joined([predictor.scores(x) for x in moved(test)]), 1.0
    with comparing():
        return metrics.beta_curve(s.zero_shot, (s.fused - s.zero_shot) / beta, test.labels)
