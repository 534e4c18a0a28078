"""The time of a command is told before it begins: from records here, else from the reference run at this machine's pace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_world import here, record_of, some_run, toy

from benchmark.core import pace, paths
from benchmark.exhibits.run import Run
from benchmark.features import requests
from benchmark.features.costs import Cost
from benchmark.features.requests import Wave
from benchmark.records import timings
from benchmark.records.record import Record
from benchmark.running import forecast
from benchmark.running.forecast import Forecast

TIP = "baselines.tip_adapter:TipAdapter"


def timed(*pairs: tuple[Run, float]) -> dict[str, Record]:
    """Records of runs that took the given seconds."""
    records = {run.key: record_of(run.asked()) for run, _ in pairs}
    for run, seconds in pairs:
        records[run.key].seconds["total"] = seconds
    return records


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    """What other tests read of a reference run is read anew."""
    timings.reference.cache_clear()


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reference run in which the piece of work took 10 ms, a run at one shot 5 s and an image through RN50 2 ms."""
    for suite, seconds in (("toy", 5), ("mini", 500)):
        (tmp_path / suite).mkdir()
        lines = f"{TIP},,1,{seconds}\npace,,0,0.01\nencoding,RN50,0,0.002\nencoding,,0,0.004\n"
        (tmp_path / suite / "seconds.csv").write_text(f"method,dataset,shots,seconds\n{lines}")
    monkeypatch.setattr(paths, "reference", lambda: tmp_path)
    timings.reference.cache_clear()
    yield
    timings.reference.cache_clear()


def test_a_run_takes_the_median_of_the_same_method_at_as_many_shots() -> None:
    records = timed(*((some_run(shots=1, seed=seed), seconds) for seed, seconds in enumerate((1.0, 3.0, 100.0))))
    runs = [some_run(shots=1, seed=7), some_run(shots=1, seed=8)]
    assert forecast.of_runs(runs, records, jobs=1).runs == 6
    assert forecast.of_runs(runs, records, jobs=2).runs == 3
    assert forecast.of_runs(runs, records, jobs=4).runs == 3  # no run is shared out
    assert forecast.of_runs([], records, jobs=2).runs == 0


def test_a_method_that_took_no_time_is_known_to_take_none() -> None:
    found = forecast.of_runs([some_run(seed=2)], timed((some_run(seed=1), 0.0)), jobs=1)
    assert (found.runs, found.untimed) == (0, 0)


def test_runs_that_were_never_timed_are_counted() -> None:
    found = forecast.of_runs([some_run(shots=2), some_run(shots=1, seed=2)], timed((some_run(shots=1), 20.0)), jobs=1)
    assert (found.runs, found.untimed) == (20, 1)
    assert found.words == "about 10 to 35 s, and 1 run whose time is unknown"
    assert forecast.of_runs([some_run(shots=2)], {}, jobs=1).words == "unknown (no method like it was timed)"


def test_a_data_set_s_own_time_counts_before_the_median_of_all() -> None:
    runs = [some_run(dataset=name, seed=seed) for name, seed in (("imagenet", 1), ("dtd", 1), ("dtd", 2))]
    records = timed(*zip(runs, (10.0, 1.0, 3.0), strict=True))
    for dataset, seconds in (("dtd", 2), ("imagenet", 10), ("eurosat", 3)):  # 3: of 10, 1 and 3
        assert forecast.of_runs([some_run(dataset=dataset, seed=9)], records, jobs=1).runs == seconds


@pytest.mark.usefixtures("reference")
def test_the_reference_run_of_the_same_suite_is_asked_where_there_is_no_record() -> None:
    assert forecast.of_runs([some_run(shots=1)], {}, jobs=1).runs == 5


@pytest.mark.usefixtures("reference")
def test_a_machine_of_half_the_pace_takes_twice_the_reference_s_time() -> None:
    assert forecast.of_runs([some_run(shots=1)], {}, jobs=1, pace=0.02).runs == 10


@pytest.mark.usefixtures("reference")
def test_without_a_look_at_the_pace_it_is_that_of_the_records() -> None:
    there = timings.reference("toy")
    assert timings.slowness("toy", {place: 3 * seconds for place, seconds in there.items()}) == 3
    (place, seconds), *_ = [(place, seconds) for place, seconds in there.items() if place[1]]
    over_all = {(place[0], "", place[2]): 90 * seconds}  # the reference's is of other data sets
    assert timings.slowness("toy", {place: 3 * seconds, **over_all}) == 3
    assert timings.slowness("toy", {}) == 1
    assert timings.slowness("unheard-of", {}, 0.02) == 1


@pytest.mark.usefixtures("reference")
def test_a_command_is_its_start_its_features_and_its_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pace, "seconds", lambda: 0.02)
    monkeypatch.setattr(forecast.time, "process_time", lambda: 3.0)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    world, asked = here(toy()), [requests.Request("imagenet", role, "test", 0) for role in ("RN50", "dino")]
    pieces = [shard for request in asked for shard in requests.shards_of(Wave((request,)), world)]
    images = len(world.dataset("imagenet").ids("test"))
    found = forecast.of_command([some_run(shots=1)], pieces, {}, world, jobs=1)
    assert (found.start, found.runs) == (6, 10)
    assert found.features.seconds == pytest.approx(
        2 * images * (0.002 + 0.004)
    )  # the second, which nobody timed, as any


def test_images_that_were_never_timed_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pace, "seconds", lambda: 0.02)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    world = here(toy())
    pieces = requests.shards_of(Wave((requests.Request("imagenet", "RN50", "test", 0),)), world)
    found = forecast.of_command([], pieces, {}, world, jobs=1)
    assert found.features.untimed == len(world.dataset("imagenet").ids("test"))
    assert found.words.endswith(f"and {found.features.untimed} images whose time is unknown")


def test_the_words_are_a_range() -> None:
    assert Forecast(start=10, features=Cost(seconds=50), runs=60, each={"a": 60}).words == "about 1 to 4 min"


def test_the_share_of_each_method_is_told_the_largest_first() -> None:
    runs = [some_run(seed=1), some_run(seed=2), some_run(method="baselines.coop:CoOp", settings={})]
    records = timed(*zip(runs, (1.0, 2.0, 4.0), strict=True)).values()
    assert list(timings.shares(records).items()) == [("CoOp", 4), ("Tip-Adapter", 3)]
