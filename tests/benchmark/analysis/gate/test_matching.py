"""Our runs beside those of the reference: which runs are paired, and with which weights."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_world import change, record_of, table, toy

from benchmark.analysis import own_methods
from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate.difference import COUNTS, IMAGES, Difference
from benchmark.analysis.gate.matching import by_answers, by_counts, by_means
from benchmark.analysis.gate.reference_run import Golden
from benchmark.analysis.results import Measured, Row, gather
from benchmark.core import paths
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.records.record import SELECTIONS
from benchmark.records.store import Store

N = 1000
METHOD = "baselines.tip_adapter:TipAdapter"
WORLD = toy(datasets={role: {"reader": "toy_world:Squares"} for role in ("imagenet", "dtd", "food101")})
MEAN = table(
    rows=[{"name": "One", "method": METHOD}],
    columns=[{"name": "mean", "shots": 1, "mean_over": {"dataset": ["dtd", "food101"]}}],
)
ONE = table(rows=[{"name": "One", "method": METHOD}], columns=[{"name": "1-shot", "shots": 1}])
BIAS = table(
    rows=[{"name": "One", "method": METHOD}], columns=[{"name": "bias", "shots": 1, "metric": "bias_accuracy"}]
)

Right = Callable[[str, int], int]
"""Data set and seed -> images right of N; the first ones are."""


@pytest.fixture(autouse=True)
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "reference", lambda: tmp_path / "reference")
    monkeypatch.setattr(exhibit, "names", lambda: ("table0",))
    monkeypatch.setattr(own_methods, "methods", lambda: {METHOD})


def measured(folder: Path, shown: Exhibit, right: Right, seeds: Sequence[int]) -> tuple[Measured, Store, Cell]:
    store = Store(folder)
    (cell,) = shown.cells()
    for part in cell.groups(WORLD, seeds):
        for run in part[0]:
            answers = np.arange(N) < right(run.dataset, run.seed)
            count = int(answers.sum())
            record = record_of(run.asked(), (count,) * 3, N)
            change(record, metrics={name: {"bias_correct": count // 2} for name in record.selections})
            store.put(record, dict.fromkeys(SELECTIONS, answers))
    return gather(shown, WORLD, store.records()), store, cell


def against(
    tmp_path: Path,
    shown: Exhibit,
    theirs: Right,
    ours: Right,
    seeds: Sequence[int] = (1, 2),
    of: Sequence[int] = (1, 2),
) -> tuple[Sequence, Cell, Golden, Store]:
    reference, store, _ = measured(tmp_path / "golden", shown, theirs, of)
    reference_run.update([reference], store.records(), store)
    found, store, cell = measured(tmp_path / "ours", shown, ours, seeds)
    return found.records[cell.row, cell.column], cell, Golden("toy"), store


def test_answers_are_compared_image_by_image_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    found = by_answers(*against(tmp_path, ONE, lambda *_: 600, lambda _, seed: 600 - 10 * seed, seeds=(1, 2, 3)))
    assert found is not None
    assert (found.how, sorted(found.shares.values())) == (IMAGES, [0.5, 0.5])
    assert found.effect == pytest.approx(-(1 + 2) / 2)
    images = np.zeros(N)
    images[580:590], images[590:600] = -50, -100  # both seeds lose the last ten, one the ten before
    assert found.variance == pytest.approx(images.var(ddof=1) / N)


def test_without_a_seed_in_common_answers_say_nothing(tmp_path: Path) -> None:
    assert by_answers(*against(tmp_path, ONE, lambda *_: 600, lambda *_: 600, seeds=(3,))) is None


def test_a_mean_over_data_sets_is_the_mean_of_their_differences(tmp_path: Path) -> None:
    lost = {"dtd": 20, "food101": 0}
    found = by_answers(*against(tmp_path, MEAN, lambda *_: 600, lambda dataset, _: 600 - lost[dataset]))
    assert found is not None
    assert found.effect == pytest.approx((-2 + 0) / 2)
    one = by_answers(*against(tmp_path / "one", ONE, lambda *_: 600, lambda *_: 580))
    assert one is not None
    assert found.variance == pytest.approx(one.variance / 2**2)
    assert list(found.shares.values()) == [0.25] * 4


def test_answers_of_another_number_of_images_are_not_compared(tmp_path: Path) -> None:
    records, cell, golden, store = against(tmp_path, ONE, lambda *_: 600, lambda *_: 600)
    longer = [replace(record, n=N + 8) for record in records]
    assert golden.answers(longer[0]) is None
    assert by_answers(longer, cell, golden, store) is None


def test_the_reference_keeps_what_validation_chose(tmp_path: Path) -> None:
    store = Store(tmp_path / "golden")
    (cell,) = ONE.cells()
    for run in cell.runs(WORLD, (1,)):
        record = record_of(run.asked(), (500, 600, 700), N)
        store.put(record, {name: np.arange(N) < found.correct for name, found in record.selections.items()})
    reference_run.update([gather(ONE, WORLD, store.records())], store.records(), store)
    (record,) = store.records().values()
    answers = Golden("toy").answers(record)
    assert answers is not None
    assert answers.sum() == 600


def test_counts_without_answers_have_the_binomial_error_of_each_side(tmp_path: Path) -> None:
    records, cell, golden, _ = against(tmp_path, BIAS, lambda *_: 600, lambda _, seed: 600 - 20 * seed)
    found = by_counts(records, cell, golden)
    assert found is not None
    assert (found.how, found.effect, found.exact) == (COUNTS, pytest.approx(-(1 + 2) / 2), False)
    each = [100**2 * (0.3 * 0.7 + share * (1 - share)) / N for share in (0.29, 0.28)]
    assert found.variance == pytest.approx(sum(each) / 2**2)


def test_equal_counts_are_exact(tmp_path: Path) -> None:
    records, cell, golden, _ = against(tmp_path, BIAS, lambda *_: 600, lambda *_: 600)
    found = by_counts(records, cell, golden)
    assert found is not None
    assert found.exact


def test_means_are_compared_by_their_intervals() -> None:
    """Three seeds each: the 0.975 quantile of t with two degrees of freedom is 4.303."""
    row = Row("t", "r", "c", "toy", "val", "accuracy", 60.0, 60 - 4.303, 60 + 4.303, 3, 1, 1, None)
    other = replace(row, mean=58.0, ci_low=58 - 2 * 4.303, ci_high=58 + 2 * 4.303)
    found = by_means(row, other)
    assert isinstance(found, Difference)
    assert (found.effect, found.variance) == (2.0, pytest.approx(1 + 4, rel=1e-3))
    assert found.degrees == pytest.approx((1 + 4) ** 2 / (1 / 2 + 16 / 2))
