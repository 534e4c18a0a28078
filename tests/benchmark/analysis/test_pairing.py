"""Two rows are compared at the same draws of the support set, and image by image where both keep their answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import bits_of, edited, record_of, some_run, table, toy

from benchmark.analysis import compare, pairing
from benchmark.analysis.results import gather
from benchmark.core.errors import Incomplete
from benchmark.records.record import Record
from benchmark.records.store import Store

TIP, TIP_F = "baselines.tip_adapter:TipAdapter", "baselines.tip_adapter:TipAdapterF"


def cell(*seeds: int, shots: int = 1, **changes: object) -> list[Record]:
    """Records of one method, a seed each."""
    return [record_of(some_run(seed=seed, shots=shots, **changes).asked()) for seed in seeds]


def of(found: pairing.Paired) -> list[list[list[int]]]:
    """Row by row and seed by seed, the seeds of the runs."""
    return [[[record.seed for record in runs] for runs in side] for side in found.sides]


def test_two_rows_are_paired_at_the_seeds_that_both_have() -> None:
    found = pairing.pair(cell(3, 1, 2), cell(2, 3, 5))
    assert found.seeds == (2, 3)
    assert of(found) == [[[2], [3]], [[2], [3]]]


def test_a_row_that_draws_nothing_stands_beside_every_seed() -> None:
    found = pairing.pair(cell(0, shots=0), cell(1, 2, 3))
    assert found.seeds == (1, 2, 3)
    assert of(found) == [[[0], [0], [0]], [[1], [2], [3]]]


def test_a_trained_row_at_seed_0_is_no_row_that_draws_nothing() -> None:
    assert pairing.pair(cell(0), cell(1, 2, 3)).seeds == ()
    assert pairing.pair(cell(0), cell(0, 1)).seeds == (0,)


def test_a_row_of_no_shots_draws_nothing_at_whichever_seed_it_was_measured() -> None:
    found = pairing.pair(cell(7, shots=0), cell(1, 2))
    assert of(found) == [[[7], [7]], [[1], [2]]]


def test_a_row_of_no_shots_measured_at_several_seeds_stands_beside_every_seed_with_its_own_run_where_it_has_one() -> (
    None
):
    found = pairing.pair(cell(1, 2, shots=0), cell(2, 3))
    assert of(found) == [[[2], [1]], [[2], [3]]]


def test_rows_that_both_draw_nothing_are_paired_once() -> None:
    """However often they were measured: repetitions of one draw are no seeds."""
    found = pairing.pair(cell(0, 1, 2, shots=0), cell(0, 1, 2, shots=0))
    assert found.seeds == (0,)
    assert of(found) == [[[0]], [[0]]]
    assert of(pairing.pair(cell(0, shots=0), cell(4, shots=0))) == [[[0]], [[4]]]


def test_a_row_that_is_not_measured_is_paired_with_nothing() -> None:
    assert pairing.pair(cell(1), []).seeds == ()
    assert pairing.pair([], []).seeds == ()


def test_a_cell_that_is_a_mean_over_data_sets_has_all_its_runs_at_a_seed() -> None:
    several = [*cell(1, 2), *cell(1, 2, dataset="dtd")]
    found = pairing.pair(several, cell(1, 2))
    assert [[len(runs) for runs in side] for side in found.sides] == [[2, 2], [1, 1]]
    assert {name: len(runs) for name, runs in pairing.by_dataset(several).items()} == {"imagenet": 2, "dtd": 2}


def kept(folder: Path, *records: Record) -> pairing.Answers:
    store = Store(folder)
    for record in records:
        store.put(record, bits_of(record))
    return pairing.stored(store, "val")


def test_answers_are_given_row_by_row_and_seed_by_seed(tmp_path: Path) -> None:
    one, two = cell(1, 2), cell(1, 2, backbone="RN101")
    val = replace(two[1].selections["val"], correct=9)
    two[1] = replace(two[1], selections={**two[1].selections, "val": val})
    answers = kept(tmp_path, *one, *two)
    found = pairing.pair(one, two).answers(answers, answers)
    assert found is not None
    assert [[int(bits.sum()) for bits in side] for side in found] == [[5, 5], [5, 9]]
    np.testing.assert_array_equal(found[1][1], np.arange(10) < 9)


def test_there_are_no_answers_where_those_of_one_run_are_gone(tmp_path: Path) -> None:
    one, two = cell(1, 2), cell(1, 2, backbone="RN101")
    answers = kept(tmp_path, *one, *two[:1])
    assert pairing.pair(one, two).answers(answers, answers) is None


@pytest.mark.parametrize("other", [{"fingerprints": {"data": "squares-2"}}, {"n": 12}])
def test_there_are_no_answers_where_one_run_was_measured_on_other_images(
    tmp_path: Path, other: dict[str, object]
) -> None:
    one, two = cell(1, 2), cell(1, 2, backbone="RN101")
    two[1] = edited(two[1], **other)
    answers = kept(tmp_path, *one, *two)
    assert pairing.pair(one, two).answers(answers, answers) is None


def test_repeated_runs_are_paired_with_themselves_one_by_one(tmp_path: Path) -> None:
    runs = cell(3, 1)
    found = pairing.repeated(runs)
    assert found.seeds == (3, 1)
    before, now = kept(tmp_path / "before", *runs), kept(tmp_path / "now", *runs)
    assert [len(side) for side in found.answers(before, now) or ()] == [2, 2]
    assert found.answers(before, kept(tmp_path / "nowhere")) is None


def test_keys_are_those_of_the_runs_each_once() -> None:
    zero, drawing = cell(0, shots=0), cell(1, 2, 3)
    keys = [record.key for record in [*zero, *drawing]]
    assert pairing.pair(zero, drawing).keys("val") == tuple(keys)


def test_compare_sets_no_trained_row_measured_at_seed_0_alone_beside_other_seeds(tmp_path: Path) -> None:
    shown = table(rows=[{"name": "One", "method": TIP}, {"name": "Two", "method": TIP_F}])
    records: dict[str, Record] = {}
    for place in shown.cells():
        for run in place.runs(toy(), [0] if place.row == "One" else [1, 2, 3]):
            records[run.key] = record_of(run.asked())
    with pytest.raises(Incomplete, match="no column has both 'Two' and 'One' measured at the same seeds"):
        compare.compare(gather(shown, toy(), records), "Two", "One", Store(tmp_path), "val", 1.0)
