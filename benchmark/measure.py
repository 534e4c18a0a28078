"""Run -> record: one training, three selections, and the conditions they were measured under."""

import time

from benchmark import provenance, task, train
from benchmark.run import Run
from benchmark.selection import Observer
from benchmark.store import SCHEMA, Record, Store
from benchmark.suite import Suite


def measure(run: Run, suite: Suite, store: Store) -> Record:
    """Make the record of a run and store it. Whatever was stored under the same question is replaced."""
    started = time.perf_counter()
    build, test = task.build(run, suite)
    ready = time.perf_counter()
    predictor = run.predictor()
    observer = Observer(build.val, test)
    with train.watching(observer.watch):
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
        "curves": observer.curves,
        "parameters": sum(p.numel() for p in predictor.parameters()),
        "fingerprints": task.fingerprints(run, suite),
        "seconds": {
            "load": round(ready - started, 3),
            "fit": round(fitted - ready, 3),
            "total": round(time.perf_counter() - started, 3),
        },
        "peak_memory_mib": provenance.peak_memory_mib(),
        "measured": provenance.now(),
        "conditions": provenance.conditions(),
    }
    store.put(record, {name: outcome.correct.numpy() for name, outcome in outcomes.items()})
    return record
