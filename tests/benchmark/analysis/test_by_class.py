"""Cells by class, from the predicted classes that records keep."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import numbered, table

from benchmark.analysis import by_class
from benchmark.analysis.by_class import ByClass, OneClass
from benchmark.core.digest import digest
from benchmark.exhibits.exhibit import Exhibit
from benchmark.records.record import Record
from benchmark.records.store import Store

NAMES = ("robin", "crow", "owl", "kiwi")
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])  # no kiwi
ANSWERS = np.array([0, 0, 0, 1, 1, 1, 0, 3])
TIP = "baselines.tip_adapter:TipAdapter"


def kept(store: Store, number: int, predicted: np.ndarray = ANSWERS, names: tuple[str, ...] = NAMES) -> Record:
    """A record that keeps what it predicted."""
    right = predicted == LABELS
    record = numbered(number, n=len(LABELS))
    correct = int(right.sum())
    selections = {name: replace(s, correct=correct) for name, s in record.selections.items()}
    record = replace(record, selections=selections, tested=store.keep_tested(names, LABELS), answers=None)
    return store.put(record, dict.fromkeys(selections, right), predicted)


def shown(**column: object) -> Exhibit:
    return table(rows=[{"name": "Tip", "method": TIP}], columns=[{"name": "1-shot", "shots": 1, **column}])


def looked_at(store: Store, *records: Record, **column: object) -> ByClass | None:
    place = ("Tip", "1-shot")
    return by_class.of_cells(shown(**column).cells(), {place: records}, store).get(place)


def test_a_cell_by_class_is_counted_from_what_its_seeds_predicted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one = looked_at(store, kept(store, 1))
    assert one is not None
    assert one.balanced[0] == pytest.approx((75 + 100 + 0) / 3)
    assert one.classes == [
        OneClass("robin", 4, 75.0, "crow", 25.0),
        OneClass("crow", 2, 100.0, "", 0.0),
        OneClass("owl", 2, 0.0, "robin", 50.0),
    ]
    assert [c.name for c in one.worst] == ["owl", "robin", "crow"]
    both = looked_at(store, kept(store, 1), kept(store, 2, LABELS))
    assert both is not None
    assert both.balanced[0] == pytest.approx((175 / 3 + 100) / 2)
    assert both.classes[0] == OneClass("robin", 4, 87.5, "crow", 12.5)


def test_a_cell_without_predicted_classes_is_not_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path)
    early = replace(kept(store, 2), tested=None)
    assert looked_at(store, early) is None
    assert looked_at(store, kept(store, 1), early) is None
    assert looked_at(store) is None


def test_cells_of_several_test_sets_and_of_shifts_are_not_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert looked_at(store, kept(store, 1), kept(store, 2, names=(*NAMES[:3], "emu"))) is None
    assert looked_at(store, kept(store, 1), target="sketch") is None
    assert looked_at(store, kept(store, 1), metric="bias_accuracy") is None


def test_lists_of_classes_that_are_not_as_written_are_not_used(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = kept(store, 1)
    (file,) = (tmp_path / "tested").iterdir()
    file.write_text(file.read_text().replace("robin", "raven"))
    assert store.tested(record) is None
    file.unlink()
    assert store.tested(record) is None
    assert Store(tmp_path).records(), "the record itself is whole"


@pytest.mark.parametrize("labels", [[10**30], [[0], [1]], ["robin"], [-1] * 8, [99] * 8, [0], None, {}])
def test_a_list_of_classes_that_somebody_made_up_is_not_used(tmp_path: Path, labels: object) -> None:
    store = Store(tmp_path)
    said = {"classes": list(NAMES), "labels": labels}
    record = replace(kept(store, 1), tested=digest(said))
    (tmp_path / "tested" / f"{record.tested}.json").write_text(json.dumps(said))
    assert store.tested(record) is None
