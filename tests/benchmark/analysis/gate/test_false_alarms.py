"""Simulated: how often the gate is red where nothing is worse, and how often it finds a loss.

The family is that of the quick grid at one seed: eleven methods at two numbers of shots on 10,000 images, and five of them on
ten data sets of 2,000 images.
"""

from collections.abc import Callable

import numpy as np
import pytest

from benchmark.analysis.gate.difference import of_answers
from benchmark.analysis.gate.verdicts import EVERYTHING, PATH, WORSE, Gate, Verdict, judge

pytestmark = pytest.mark.slow

QUESTIONS = [(f"M{method}", "imagenet", shots, 10_000) for method in range(11) for shots in (1, 16)]
QUESTIONS += [(f"M{m}", f"task {task}", shots, 2_000) for m in range(5) for task in range(10) for shots in (1, 16)]

Loss = Callable[[int], float]
"""Number of a question -> its loss in points."""


def repeated(rng: np.random.Generator, changed: float, path: float, loss: Loss, retrained: float = 1.0) -> Gate:
    """Judge a run whose answers are changed, half of them either way, whose paths scatter, and which loses something."""
    cells = []
    for number, (method, dataset, shots, n) in enumerate(QUESTIONS):
        lost = loss(number) / 100
        anew = rng.uniform() < retrained
        moved = rng.normal(0, path / 100) if anew else 0.0
        either = changed / 2 if anew else 0.0
        net = moved - lost  # of the accuracy; where few answers change otherwise, a loss changes more of them
        up, down = max(0.0, either + net / 2), max(0.0, either - net / 2) + max(0.0, -net / 2 - either)
        u = rng.random(n, np.float32)
        values = 100.0 * (u < up) - 100.0 * (u > 1 - down)
        difference = of_answers({(dataset, "", n): values}, {str(number): 1.0})
        asked, measured = (str(number),), 60 + difference.effect
        cells.append(Verdict("t", method, f"{dataset} {shots}", 60, measured, difference, asked=asked, method=method))
    return judge(cells)


def nothing(_: int) -> float:
    return 0.0


@pytest.mark.parametrize("retrained", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("changed", [0.04, 0.1, 0.2, 0.37])
def test_at_most_one_honest_repetition_of_twenty_is_red_whatever_was_trained_again(
    changed: float, retrained: float
) -> None:
    rng = np.random.default_rng([int(100 * changed), int(100 * retrained)])
    red = [repeated(rng, changed, PATH, nothing, retrained).red for _ in range(100)]
    assert np.mean(red) <= 0.05


def test_a_loss_of_two_points_in_one_method_at_one_number_of_shots_is_found() -> None:
    rng = np.random.default_rng(1)
    found = []
    for repetition in range(220):
        number = repetition % 22
        gate = repeated(rng, 0.1, PATH, lambda at, number=number: 2.0 if at == number else 0.0)
        found.append(gate.cells[number].says == WORSE)
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("changed", [0.04, 0.1, 0.2])
def test_a_loss_of_one_point_everywhere_is_found(changed: float) -> None:
    rng = np.random.default_rng(2)
    gates = [repeated(rng, changed, PATH, lambda _: 1.0) for _ in range(100)]
    assert np.mean([gate.red for gate in gates]) >= 0.95
    assert np.mean([{v.row: v.says for v in gate.means}[EVERYTHING] == WORSE for gate in gates]) >= 0.95
