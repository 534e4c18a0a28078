"""What is done is not done again; what is missing or stale is known before anything runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from toy_world import bits_of, here, record_of, some_run, toy

from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.records.store import Store
from benchmark.running import plan
from benchmark.running.plan import DONE, MISSING, STALE, Planned

RUNS = [some_run(shots=shots, seed=seed) for shots in (1, 2) for seed in (1, 2)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def put(store: Store, run: Run, seconds: float = 2.0, fingerprints: dict[str, str] | None = None) -> None:
    today = Opened(run, here(toy())).fingerprints
    record = replace(record_of(run.asked()), fingerprints={**today, **(fingerprints or {})})
    record.seconds["total"] = seconds
    store.put(record, bits_of(record))


def states(store: Store) -> list[str]:
    return [planned.state for planned in plan.survey(RUNS, store.records(), here(toy()))]


def test_without_records_everything_is_missing(store: Store) -> None:
    assert states(store) == [MISSING] * 4


def test_a_record_of_today_s_data_and_weights_is_done(store: Store) -> None:
    put(store, RUNS[0])
    put(store, RUNS[2])
    assert states(store) == [DONE, MISSING, DONE, MISSING]


@pytest.mark.parametrize("changed", ["data", "RN50"])
def test_a_record_of_other_data_or_weights_is_stale(store: Store, changed: str) -> None:
    put(store, RUNS[1], fingerprints={changed: "older"})
    assert states(store) == [MISSING, STALE, MISSING, MISSING]


def test_a_deleted_or_damaged_record_is_the_one_to_run(store: Store) -> None:
    for run in RUNS:
        put(store, run)
    store.delete(RUNS[1].key)
    (store.root / f"{RUNS[2].key}.json").write_text("{")
    wanted = plan.to_run(plan.survey(RUNS, store.records(), here(toy())), rerun=False)
    assert {run.key for run in wanted} == {RUNS[1].key, RUNS[2].key}


def test_only_what_is_missing_is_run_unless_all_is_asked_for() -> None:
    planned = [Planned(run, state) for run, state in zip(RUNS, (DONE, MISSING, STALE, DONE), strict=True)]
    assert plan.to_run(planned, rerun=False) == [RUNS[1]]
    assert len(plan.to_run(planned, rerun=True)) == 4


def test_what_takes_longest_comes_first() -> None:
    wanted = plan.to_run([Planned(run, MISSING) for run in RUNS], rerun=False)
    assert [run.shots for run in wanted] == [2, 2, 1, 1]


def test_what_is_known_to_take_longest_comes_first_and_what_nobody_timed_before_it(store: Store) -> None:
    slow, quick, unknown = some_run(shots=1), some_run(shots=2), some_run(shots=4)
    for run, seconds in ((slow, 9.0), (quick, 1.0)):
        put(store, replace(run, seed=7), seconds)
    planned = [Planned(run, MISSING) for run in (quick, unknown, slow)]
    assert plan.to_run(planned, False, store.records()) == [unknown, slow, quick]
