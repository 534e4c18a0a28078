"""What moved since an earlier measurement: image by image, beyond chance, after Holm's adjustment."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import planted, table, toy

from benchmark.analysis import moves
from benchmark.analysis.results import gather
from benchmark.records.record import SELECTIONS, Record
from benchmark.records.store import Store

N = 400
SHOWN = table(id="table4")
Counts = Mapping[tuple[str, str], list[int]]


def stored(folder: Path, counts: Counts) -> tuple[Store, dict[str, Record]]:
    """A store with a run for each count, whose first images are right; other days make other records."""
    store = Store(folder / "toy")
    cells = {place: [(c, c, c) for c in each] for place, each in counts.items()}
    for record in planted(SHOWN, toy(), cells, N).values():
        right = np.arange(N) < record.selections["val"].correct
        store.put(replace(record, measured=f"2024 in {folder.name}"), dict.fromkeys(SELECTIONS, right))
    return store, store.records()


def since(tmp_path: Path, before: Counts, now: Counts, again: bool = True) -> moves.Moves:
    old, earlier = stored(tmp_path / "old", before)
    store, records = stored(tmp_path / "new", now) if again else (old, earlier)
    return moves.since([gather(SHOWN, toy(), records)], store, tmp_path / "old", earlier, old)


def test_a_large_difference_moved_and_a_small_one_did_not(tmp_path: Path) -> None:
    before = {("One", "1-shot"): [200], ("Two", "1-shot"): [200], ("Two", "2-shot"): [200]}
    now = {("One", "1-shot"): [200], ("Two", "1-shot"): [230], ("Two", "2-shot"): [202]}
    found = since(tmp_path, before, now)
    assert list(found.moved) == [("table4", "Two", "1-shot")]
    (moved,) = found.moved.values()
    assert moved.effect == pytest.approx(7.5)
    assert found.words == "1 of 3 cells moved beyond chance"


def test_what_one_cell_alone_would_show_is_adjusted_for_all_cells(tmp_path: Path) -> None:
    one, many = (
        {("Two", "1-shot"): [200]},
        {("One", "1-shot"): [200], ("Two", "1-shot"): [200], ("Two", "2-shot"): [200]},
    )
    moved = {("Two", "1-shot"): [205]}
    assert len(since(tmp_path / "a", one, moved).moved) == 1
    assert len(since(tmp_path / "b", many, {**many, **moved}).moved) == 0


def test_the_very_same_records_did_not_move_and_are_counted(tmp_path: Path) -> None:
    counts = {("Two", "1-shot"): [200, 210], ("Two", "2-shot"): [220]}
    found = since(tmp_path, counts, counts, again=False)
    assert (found.same, found.compared, found.words) == (2, {}, "0 of 2 cells moved beyond chance")


def test_equal_answers_measured_again_did_not_move(tmp_path: Path) -> None:
    counts = {("Two", "1-shot"): [200, 210], ("Two", "2-shot"): [220]}
    found = since(tmp_path, counts, counts)
    assert (found.same, len(found.compared), found.moved) == (0, 2, {})


def test_a_cell_that_only_one_side_has_is_none_of_the_cells(tmp_path: Path) -> None:
    found = since(tmp_path, {("Two", "1-shot"): [200]}, {("Two", "2-shot"): [200]})
    assert (found.same, found.compared) == (0, {})
