"""A cell of K shots says so when a class has fewer than K images, to learn from or to choose on."""

import pytest
from toy_world import edited, record_of, toy

from benchmark.analysis.drawn import few, nothing_to_choose, unvalidated
from benchmark.exhibits.run import PROTOCOL
from benchmark.records.record import Record

ZERO, TIP_F = "baselines.zero_shot:ZeroShotCLIP", "baselines.tip_adapter:TipAdapterF"


def record(shots: int = 16, seed: int = 1, dataset: str = "birds", **changes: object) -> Record:
    asked = {"protocol": PROTOCOL, "method": "m:M", "shots": shots, "seed": seed, "dataset": dataset}
    return edited(record_of(asked), **changes)


def images(fewest: int, most: int, **more: int) -> dict[str, int]:
    return {"images": 3 * most, "fewest": fewest, "most": most, **more}


@pytest.mark.parametrize(
    ("support", "validation", "words"),
    [
        (images(16, 16), images(4, 4), ""),
        (images(4, 4), images(4, 4), "at most 4 images of a class (birds)"),
        (images(2, 4), images(4, 4), "at most 4 images of a class, 2 of some (birds)"),
        (images(0, 4), images(4, 4), "at most 4 images of a class, none of some (birds)"),
        (images(3, 16), images(4, 4), "3 to 16 images of a class (birds)"),
        (images(16, 16), images(0, 4), "0 to 4 validation images of a class (birds)"),
        (images(16, 16), images(1, 1), "at most 1 validation image of a class (birds)"),
        (images(16, 16), images(0, 0), ""),
        (
            images(2, 4, repeated=30),
            images(0, 2),
            "at most 4 images of a class, 2 of some, some repeated; at most 2 validation images of a class, none of some"
            " (birds)",
        ),
    ],
)
def test_fewer_images_than_shots_are_told(support: object, validation: object, words: str) -> None:
    assert few([record(support=support, validation=validation)], toy()) == words


def test_one_shot_promises_one_validation_image_and_sixteen_promise_four() -> None:
    assert few([record(1, support=images(1, 1), validation=images(1, 1))], toy()) == ""
    assert few([record(16, support=images(16, 16), validation=images(1, 1))], toy()) != ""


def test_the_seeds_of_a_cell_are_told_together() -> None:
    seeds = [record(seed=seed, support=images(seed, 5), validation=images(4, 4)) for seed in (1, 2, 3)]
    assert few(seeds, toy()) == "at most 5 images of a class, 1 of some (birds)"


def test_a_mean_over_data_sets_names_those_with_few_images() -> None:
    enough = record(dataset="flowers", support=images(16, 16), validation=images(4, 4))
    assert few([enough, record(support=images(4, 4))], toy()) == "at most 4 images of a class (birds)"


def test_a_record_of_an_earlier_version_says_nothing() -> None:
    assert few([record()], toy()) == ""


def test_a_run_with_shots_and_without_validation_images_is_unvalidated() -> None:
    assert unvalidated([record(n_val=0)])
    assert unvalidated([record(), record(seed=2, n_val=0)])
    assert not unvalidated([record()])
    assert not unvalidated([record(0, n_val=0)])


SAME = {name: {"correct": 5, "epoch": 1, "tuned": {}} for name in ("last", "val", "test")}


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, True),
        ({"curves": {"test": [5, 5]}}, False),
        ({"selections": {**SAME, "test": {"correct": 6, "epoch": 1, "tuned": {}}}}, False),
        ({"asked": {"method": TIP_F, "shots": 1, "seed": 1, "dataset": "birds", "settings": {}}}, False),
        ({"asked": {"method": "gone:Gone", "shots": 1, "seed": 1, "dataset": "birds"}}, False),
    ],
)
def test_nothing_is_chosen_where_there_is_one_epoch_and_no_tunable_setting(changes: object, nothing: bool) -> None:
    asked = {"method": ZERO, "shots": 1, "seed": 1, "dataset": "birds", "settings": {}}
    made = edited(record_of(asked), selections=SAME, curves={"test": [5]})
    assert nothing_to_choose(edited(made, **changes)) is nothing  # type: ignore[arg-type]
