"""Confusion matrices, and the recalls and the balanced accuracy that they hold."""

import numpy as np


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """Count the images of each class by the class that was predicted.

    Args:
        labels: Class of each image, [N].
        answers: Predicted class of each image, [N].
        classes: Number of classes C.

    Returns:
        Counts int64 [C, C]; the row is the class of the image, the column the predicted one.

    Example:
        >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = labels.astype(np.int64) * classes + answers
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def recalls(counts: np.ndarray) -> np.ndarray:
    """Recall of each class: the part of its images that is classified correctly.

    Args:
        counts: A confusion matrix, [C, C].

    Returns:
        Recalls [C], 0 to 1; NaN for a class without images.

    Example:
        >>> recalls(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])).tolist()
        [0.5, 1.0, nan]
    """
    images = counts.sum(1)
    found: np.ndarray = np.divide(counts.diagonal(), images, out=np.full(len(counts), np.nan), where=images > 0)
    return found


def balanced_accuracy(counts: np.ndarray) -> float:
    """Mean of the recalls of the classes that have images (scikit-learn's `balanced_accuracy_score`).

    Args:
        counts: A confusion matrix with at least one image, [C, C].

    Returns:
        Balanced accuracy in per cent.

    Example:
        Of nine images of one class and one of another, an answer that is always the first has an accuracy of 90 %.

        >>> balanced_accuracy(np.array([[9, 0], [1, 0]]))
        50.0
    """
    return float(100 * np.nanmean(recalls(counts)))


def most_confused(counts: np.ndarray) -> list[int | None]:
    """The other class that the images of each class are most often taken for, the first in a tie; None where none is.

    Args:
        counts: A confusion matrix, [C, C].

    Returns:
        Class indices, one for each class.

    Example:
        >>> most_confused(np.array([[5, 1, 3], [0, 2, 0], [4, 0, 0]]))
        [2, None, 0]
    """
    others = counts.copy()
    np.fill_diagonal(others, 0)
    return [int(row.argmax()) if row.any() else None for row in others]


def unbalanced(labels: np.ndarray) -> bool:
    """Whether two classes that have images have different numbers of them.

    Args:
        labels: Class of each image, [N].

    Returns:
        Whether the accuracy can differ from the balanced accuracy.

    Example:
        >>> unbalanced(np.array([0, 0, 2, 2])), unbalanced(np.array([0, 0, 2]))
        (False, True)
    """
    counts = np.bincount(labels)
    return len(set(counts[counts > 0].tolist())) > 1
