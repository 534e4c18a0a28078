"""Run -> record: one training, three selections, and the conditions they were measured under."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmark.core.machine import peak_memory_mib
from benchmark.data.dataset import listed
from benchmark.exhibits import inventory
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.methods import training
from benchmark.methods.predictor import Predictor
from benchmark.methods.samples import Samples, Scores
from benchmark.methods.scoring import joined, parts, right, tuned
from benchmark.methods.sealed import comparing, sealing
from benchmark.records import metrics, provenance
from benchmark.records.record import SCHEMA, Record
from benchmark.records.store import Store
from benchmark.running import task
from benchmark.running.observer import Observer, Outcome
from benchmark.running.task import Shift
from benchmark.suites.world import World


def measure(run: Run, world: World, store: Store) -> Record:
    """Make the record of a run and store it. Whatever was stored under the same question is replaced."""
    started = time.perf_counter()
    opened = Opened(run, world)
    build, test = task.build(opened)
    drawn = _drawn(opened)
    eye = Eye(test, task.shifts(opened))
    ready = time.perf_counter()
    predictor = run.predictor()
    observer = Observer(build.val, test, eye.look)
    with sealing():
        with training.watching(observer.watch):
            predictor.fit(build)
        predictor.eval()
        fitted = time.perf_counter()
        outcomes = observer.outcomes(predictor)
    record: Record = {
        "schema": SCHEMA,
        "key": run.key,
        "asked": run.asked(),
        "n": len(test),
        "n_val": 0 if build.val is None else len(build.val),
        "selections": {name: outcome.summary() for name, outcome in outcomes.items()},
        "picked_on": observer.picked_on,
        **eye.seen(predictor, outcomes),
        "curves": observer.curves,
        "parameters": sum(p.numel() for p in predictor.parameters()),
        "fingerprints": opened.fingerprints,
        **inventory.licences(opened),
        **({"draw": store.keep_draw(drawn)} if drawn else {}),
        "seconds": {
            "load": round(ready - started, 3),
            "fit": round(fitted - ready, 3),
            "total": round(time.perf_counter() - started, 3),
        },
        "peak_memory_mib": peak_memory_mib(),
        "measured": provenance.now(),
        "conditions": provenance.conditions(opened.device),
    }
    return store.put(record, {name: outcome.correct.cpu().numpy() for name, outcome in outcomes.items()})


def _drawn(opened: Opened) -> dict[str, list[str]]:
    """What the images are called that the run learnt and chose from; empty where they have no names or there are none."""
    run, dataset = opened.run, opened.dataset
    return listed(dataset, dataset.draw(run.shots, run.seed)) if run.shots else {}


class Eye:
    """What a record keeps of each selected state beyond its count: the shifts, the metrics, the curve over beta."""

    def __init__(self, test: Samples, shifts: Mapping[str, Shift]) -> None:
        self.test = test
        self.shifts = shifts
        self.max_logits: dict[str, Any] = {}

    def look(self, predictor: Predictor, s: Scores, selections: Sequence[str]) -> dict[str, Any]:
        """One state: its metrics on the test images, its count on every shift; of `val` the curve over beta too."""
        shifts = {name: _right_on(predictor, on) for name, on in self.shifts.items()}
        curve = _beta_curve(predictor, s, self.test) if "val" in selections else {}
        with comparing():
            self.max_logits = self.max_logits or metrics.max_logits(s.zero_shot, self.test.labels)
            return {"metrics": metrics.of_scores(s, self.test.labels), "shifts": shifts, "curve": curve}

    def seen(self, predictor: Predictor, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """The parts of a record: selection by selection, the curve of `val` alone."""
        curve = outcomes["val"].seen["curve"]
        return {
            "metrics": {name: outcome.seen["metrics"] for name, outcome in outcomes.items()},
            "shifts": {
                role: {
                    "n": len(on.samples),
                    "statistics": on.statistics,
                    "selections": {name: {"correct": o.seen["shifts"][role]} for name, o in outcomes.items()},
                }
                for role, on in self.shifts.items()
            },
            "max_logit": self.max_logits,
            **({"beta_curve": curve} if curve else {}),
        }


def _right_on(predictor: Predictor, on: Shift) -> int:
    return int(right(predictor, on.samples, on.classes, on.statistics).sum())


@torch.no_grad()
def _beta_curve(predictor: Predictor, s: Scores, test: Samples) -> dict[str, Any]:
    """Over the weight of the bias, where the method has one that may change after training; else nothing."""
    if "beta" not in predictor.tunes:
        return {}
    beta = float(predictor.settings()["beta"])
    if beta == 0:
        with tuned(predictor, {"beta": 1.0}):
            s, beta = joined([predictor.scores(x) for x in parts(test)]), 1.0
    with comparing():
        return metrics.beta_curve(s.zero_shot, (s.fused - s.zero_shot) / beta, test.labels)
