"""Records of other machines, taken into a store, and compared with those that are here already.

Nothing of the other folder is copied as a file. Each record is read and held against itself and its answers as any record is,
and written anew under the name that its content has. A record that is here already stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from benchmark.core.digest import JsonDict
from benchmark.records import answers
from benchmark.records.record import Record
from benchmark.records.store import DRAWS, TESTED, Store


@dataclass(frozen=True)
class Different:
    """A run that both measured, with different answers.

    Attributes:
        key: Name of the run.
        method: The method's class.
        shots: Shots of the support set.
        seed: Seed of the support set.
        n: Number of test images here.
        differ: Name of answers (`answers.on`) -> images that one has right and the other wrong; empty for test sets of
            different sizes.
        inputs: What has another fingerprint there: "data", roles of encoders, "method".
    """

    key: str
    method: str
    shots: int
    seed: int
    n: int
    differ: Mapping[str, int]
    inputs: list[str]


@dataclass
class Merged:
    """The records of one folder or file: taken, here already, different, left out.

    Attributes:
        folder: The folder, or the file.
        taken: Keys of the records that are here now.
        same: Keys of those that were here with the same answers.
        different: Those that were here with other answers, and stay as they are.
        left_out: Name of a file, or line of the file -> why it was not taken.
    """

    folder: str
    taken: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    different: list[Different] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def merge(store: Store, other: Store, suite: str) -> Merged:
    """Take the records of another store that this one lacks, and compare the others.

    Args:
        store: The store that takes them.
        other: The other store, of which nothing is changed.
        suite: Name of the suite; a record that names another is left out.

    Returns:
        What became of each record.
    """
    found = Merged(str(other.root))
    theirs = other.records()
    found.left_out.update(other.problems)
    for key, record in theirs.items():
        try:
            take(found, store, suite, record, partial(other.answers_of, record), other.listed)
        # A file that changed meanwhile, or a list that holds no numbers.
        except (OSError, ValueError, TypeError, OverflowError) as error:
            found.left_out[f"{key}.json"] = str(error)
    return found


def replace(store: Store, other: Store) -> None:
    """Write the records of another store in the place of those that this one has of the same runs, with their lists.

    Args:
        store: The store that takes them.
        other: The other store, of which nothing is changed.

    Raises:
        ValueError: A record of the other store is damaged.
    """
    for record in other.records().values():
        _keep_lists(store, record, other.listed)
        _put(store, record, other.answers_of(record))
    for name, problem in other.problems.items():
        raise ValueError(f"{name}: {problem}")


def take(
    found: Merged,
    store: Store,
    suite: str,
    record: Record,
    read_answers: Callable[[], Mapping[str, np.ndarray]],
    listed: Callable[[str, str | None], JsonDict | None],
) -> None:
    """Take one record if the store lacks it, or else compare the two; and the lists that it names, where these are not here.

    Answers that cannot be read raise OSError.

    Args:
        found: What became of each record, to which this one is added.
        store: The store that takes it.
        suite: Name of the suite.
        record: A record that agrees with its answers.
        read_answers: Reads the answers of the record, as `Store.answers_of`.
        listed: Kind and name of a list -> the list; None where it is not there, as `Store.listed`.

    Raises:
        ValueError: A record of another suite, or answers or lists that cannot be written.
    """
    if complaint := _foreign(record, suite):
        raise ValueError(complaint)
    arrays, own = read_answers(), store.get(record.key)
    _keep_lists(store, record, listed)
    if own is None:
        _put(store, record, arrays)
        found.taken.append(record.key)
    elif different := _different(own, store.answers_of(own), record, arrays):
        found.different.append(different)
    else:
        found.same.append(record.key)


def _foreign(record: Record, suite: str) -> str:
    """Why a record does not belong to a suite, in a few words; "" if it does, or names none."""
    said = record.asked.get("suite", suite)
    return "" if said == suite else f"a record of suite {said!r}, not {suite!r}"


def _keep_lists(store: Store, record: Record, listed: Callable[[str, str | None], JsonDict | None]) -> None:
    """Write the lists that a record names, as far as they are there and the store lacks them."""
    if drawn := None if store.lists(DRAWS, record.draw) else listed(DRAWS, record.draw):
        store.keep_draw(drawn)
    tested = None if store.lists(TESTED, record.tested) else listed(TESTED, record.tested)
    if tested and tested.keys() == {"classes", "labels"}:
        store.keep_tested(tested["classes"], np.array(tested["labels"], np.int64))


def _put(store: Store, record: Record, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a record with its answers."""
    names = arrays.keys() - {answers.HELD, answers.PREDICTED}
    correct = {name: answers.right(arrays, name, answers.counted(record, name)[1]) for name in names}
    predicted = answers.predicted(arrays, record.n) if answers.PREDICTED in arrays else None
    store.put(record, correct, predicted)


def _different(
    own: Record, ours: Mapping[str, np.ndarray], record: Record, theirs: Mapping[str, np.ndarray]
) -> Different | None:
    """How the answers that both records have differ; None where they are the same."""
    prints = own.fingerprints.keys() & record.fingerprints.keys()
    inputs = sorted(name for name in prints if own.fingerprints[name] != record.fingerprints[name])
    differ = {}
    for name in sorted((ours.keys() & theirs.keys()) - {answers.HELD, answers.PREDICTED}):
        n, n_theirs = answers.counted(own, name)[1], answers.counted(record, name)[1]
        if n == n_theirs:
            differ[name] = int((answers.right(ours, name, n) != answers.right(theirs, name, n)).sum())
    if own.n == record.n and not any(differ.values()):
        return None
    shown = differ if own.n == record.n else {}
    return Different(own.key, own.method, own.shots, own.seed, own.n, shown, inputs)
