"""What a cell reads of a record, and what it does where the record does not have it."""

from dataclasses import replace

import pytest
from toy_house import full_record, house
from toy_world import record_of, some_run

from benchmark.exhibits.question import Question
from benchmark.records import readings
from benchmark.records.readings import Reading
from benchmark.records.record import Record


@pytest.fixture
def record() -> Record:
    """1000 images, 490, 500, 510 right; half as many on a shift; bias alone a third of `last`."""
    return full_record(some_run(), house(), 0.5)


def read(record: Record, selection: str = "val", **said: str) -> Reading | None:
    return readings.read(record, Question.from_json({"metric": "accuracy", **said}), selection)


def at_epochs(record: Record, **epochs: int) -> Record:
    changed = {name: replace(record.selections[name], epoch=epoch) for name, epoch in epochs.items()}
    return replace(record, selections={**record.selections, **changed})


def test_an_accuracy_is_the_selection_s_count(record: Record) -> None:
    assert [read(record, s) for s in ("last", "val", "test")] == [
        Reading(49, 490, 1000),
        Reading(50, 500, 1000),
        Reading(51, 510, 1000),
    ]


def test_on_a_target_it_is_the_shift_s_count(record: Record) -> None:
    assert read(record, target="imagenet_a") == Reading(25, 250, 1000)
    assert read(record, target="imagenet_z") is None


def test_the_bias_alone(record: Record) -> None:
    assert read(record, metric="bias_accuracy") == Reading(16.3, 163, 1000)


def test_validation_accuracy_is_the_curve_s_at_the_selected_epoch(record: Record) -> None:
    record = replace(record, n_val=8, curves={"val": [2, 6], "test": [0, 0]})
    record = at_epochs(record, val=2, last=1)
    assert read(record, metric="val_accuracy") == Reading(75, 6, 8)
    assert read(record, "last", metric="val_accuracy") == Reading(25, 2, 8)
    assert read(at_epochs(record, val=3), metric="val_accuracy") is None


def test_any_other_metric_is_a_ratio_by_its_name(record: Record) -> None:
    assert read(record, metric="cmy_raw") == Reading(0.5)
    assert read(record, metric="cmy_unheard_of") is None
    assert readings.counted("bias_accuracy")
    assert not readings.counted("cmy_raw")


@pytest.mark.parametrize("metric", ["bias_accuracy", "cmy_raw"])
def test_a_record_from_before_the_metrics_has_none(metric: str) -> None:
    assert read(record_of(some_run().asked()), metric=metric) is None
