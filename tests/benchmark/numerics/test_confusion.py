"""Confusion matrices and balanced accuracy, held against loops."""

from fractions import Fraction

import numpy as np
import pytest

from benchmark.numerics import confusion


def slow_balanced_accuracy(labels: list[int], answers: list[int]) -> float:
    """Mean of the recalls of the classes that have images, by counting, in per cent."""
    recalls = []
    for c in sorted(set(labels)):
        of_class = [answer for label, answer in zip(labels, answers, strict=True) if label == c]
        recalls.append(Fraction(sum(answer == c for answer in of_class), len(of_class)))
    return float(100 * sum(recalls, Fraction()) / len(recalls))


def slow_confusion(labels: list[int], answers: list[int], classes: int) -> list[list[int]]:
    found = [[0] * classes for _ in range(classes)]
    for label, answer in zip(labels, answers, strict=True):
        found[label][answer] += 1
    return found


@pytest.mark.parametrize("seed", range(20))
def test_counts_and_their_balanced_accuracy_are_those_of_loops(seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes = int(generator.integers(2, 9))
    labels = generator.choice(classes - 1, 50)  # the last class has no images, but is predicted
    answers = generator.choice(classes, 50)
    counts = confusion.confusion(labels, answers.astype(np.uint16), classes)
    assert counts.tolist() == slow_confusion(labels.tolist(), answers.tolist(), classes)
    assert confusion.balanced_accuracy(counts) == pytest.approx(
        slow_balanced_accuracy([*labels], [*answers]), abs=1e-12
    )


def test_of_a_balanced_test_set_it_is_the_accuracy() -> None:
    labels, answers = np.repeat(np.arange(4), 25), np.random.default_rng(0).choice(4, 100)
    assert not confusion.unbalanced(labels)
    counts = confusion.confusion(labels, answers, 4)
    assert confusion.balanced_accuracy(counts) == pytest.approx(100 * (labels == answers).mean())
