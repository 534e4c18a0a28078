"""A predictor that tries to get at the test labels while it runs, in every way that its process offers, and does not."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_world import Squares, here, some_run, toy

from baselines.tip_adapter import TipAdapterF
from benchmark.exhibits.opened import Opened
from benchmark.methods import Features, Samples, Scores, Task, training
from benchmark.methods.sealed import Breach, Sealed, comparing, refuse, sealing
from benchmark.records.store import Store
from benchmark.running import measure
from benchmark.running import task as tasks
from benchmark.running.observer import Observer

N = len(Squares().ids("test"))
PLAIN = (str, bytes, int, float, type(None))


HOLDERS = {Tensor, torch.nn.Parameter, np.ndarray, bytes, bytearray, list, tuple}
"""What can hold labels; millions of other things are not asked."""


def found_in(thing: Any) -> list[int] | None:
    """What a thing holds, where that is as many whole numbers as there are test images."""
    kind = type(thing)  # not isinstance, which asks odd things for their class and makes some of them warn
    if issubclass(kind, Tensor | np.ndarray):
        if tuple(thing.shape) != (N,) or thing.dtype not in (torch.int64, torch.int32, np.int64, np.int32):
            return None
        return [int(x) for x in thing]
    if kind in (bytes, bytearray):
        return np.frombuffer(thing, np.int64).tolist() if len(thing) == 8 * N else None
    if kind in (list, tuple) and len(thing) == N and all(type(x) is int for x in thing):
        return list(thing)
    return None


def reachable(*roots: Any, most: int = 200_000) -> Iterator[Any]:
    """Everything that some things lead to: attributes, items, closures, whatever the garbage collector follows."""
    todo, seen = list(roots), set()
    while todo and len(seen) < most:
        thing = todo.pop()
        if id(thing) in seen or issubclass(type(thing), type | type(sys)):
            continue
        seen.add(id(thing))
        yield thing
        if type(thing) not in PLAIN:
            todo.extend(gc.get_referents(thing))


def frames() -> Iterator[Any]:
    """The callers' frames, the nearest first."""
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


def from_the_task(task: Task) -> Iterator[Any]:
    yield from reachable(vars(task))


def from_the_watcher(task: Task) -> Iterator[Any]:
    watcher = training._watcher.get()
    yield from reachable(watcher)
    yield watcher.__self__.sets["test"].labels  # type: ignore[union-attr]


def from_the_frames(task: Task) -> Iterator[Any]:
    for frame in frames():
        yield from frame.f_locals.values()
        yield from reachable(*frame.f_locals.values(), most=2_000)


def from_the_garbage_collector(task: Task) -> Iterator[Any]:
    for thing in gc.get_objects():
        if type(thing) in HOLDERS:
            yield thing
        yield from (held for held in gc.get_referents(thing) if type(held) in HOLDERS)


def from_whatever_has_labels(task: Task) -> Iterator[Any]:
    for thing in gc.get_objects():
        if issubclass(type(thing), Samples):
            yield thing.labels


def from_the_data_set(task: Task) -> Iterator[Any]:
    known = [frame.f_locals["opened"] for frame in frames() if "opened" in frame.f_locals]
    dataset = known[0].dataset
    yield dataset.labels("test", dataset.ids("test"))


def from_the_harness_s_own_function(task: Task) -> Iterator[Any]:
    known = [frame.f_locals["opened"] for frame in frames() if "opened" in frame.f_locals]
    yield tasks.build(known[0])[1].labels


def from_another_thread(task: Task) -> Iterator[Any]:
    got: list[Any] = []

    def look() -> None:
        try:
            got.extend(from_whatever_has_labels(task))
        except Breach as breach:
            got.append(breach)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    if isinstance(got[-1], Breach):
        raise got[-1]
    yield from got


WAYS: list[Callable[[Task], Iterator[Any]]] = [
    from_the_task,
    from_the_watcher,
    from_the_frames,
    from_the_garbage_collector,
    from_whatever_has_labels,
    from_the_data_set,
    from_the_harness_s_own_function,
    from_another_thread,
]
REFUSED = {
    "from_the_watcher",
    "from_whatever_has_labels",
    "from_the_data_set",
    "from_the_harness_s_own_function",
    "from_another_thread",
}
"""Ways that end at somebody who could say, and does not. The others find nothing."""


class Thief(TipAdapterF):
    """Looks for the labels when it begins to be fitted, when it is watched, and when it scores, as often as not in vain."""

    way: Callable[[Task], Iterator[Any]]
    loot: list[list[int]]
    refused: list[str]
    looked: list[str]
    task: Task | None = None

    def fit(self, task: Task) -> None:
        object.__setattr__(self, "task", task)
        self.look("fit")
        super().fit(task)

    def combine(self, matched: Features) -> Scores:
        self.look("combine")
        return super().combine(matched)

    def load_state_dict(self, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        self.look("load_state_dict")
        return super().load_state_dict(state, *args, **kwargs)

    def look(self, when: str) -> None:
        """Once at each occasion in training, and once at each after it, for it takes its time."""
        watcher = training._watcher.get()
        when = f"{when} {'in training' if watcher is not None else 'after it'}"
        if when in Thief.looked or self.task is None:
            return
        Thief.looked.append(when)
        try:
            for thing in Thief.way(self.task):
                if (numbers := found_in(thing)) is not None:
                    Thief.loot.append(numbers)
        except (Breach, AttributeError) as refused:  # no watcher after training: an AttributeError
            Thief.refused.append(type(refused).__name__)


def robbed(way: Callable[[Task], Iterator[Any]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> type[Thief]:
    """What a thief that looks in one way comes home with."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    for name, value in (("way", staticmethod(way)), ("loot", []), ("refused", []), ("looked", [])):
        monkeypatch.setattr(Thief, name, value, raising=False)
    settings = {**TipAdapterF().settings(), "recipe": {**TipAdapterF().settings()["recipe"], "epochs": 2}}
    run = some_run(method=f"{__name__}:Thief", shots=1, settings=settings)
    gc.collect()  # sealed samples of earlier tests, in cycles with tracebacks, would end the search
    measure.measure(run, here(toy()), Store(tmp_path / "results"))
    return Thief


def true_labels() -> list[int]:
    """Worked out when the thief is gone: it would have found them."""
    return Squares().labels("test", Squares().ids("test")).tolist()


@pytest.mark.parametrize("way", WAYS)
def test_a_predictor_finds_no_test_labels(
    way: Callable[[Task], Iterator[Any]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = robbed(way, tmp_path, monkeypatch)
    assert set(thief.looked) == {
        "fit in training",
        "combine in training",
        "combine after it",
        "load_state_dict after it",
    }
    assert true_labels() not in thief.loot
    assert ("Breach" in thief.refused) == (way.__name__ in REFUSED)


def in_a_frame(hidden: list[int], run: Callable[[], type[Thief]]) -> type[Thief]:
    """Somebody who keeps the labels in a variable while a predictor runs."""
    thief = run()
    assert hidden  # it is still there
    return thief


@pytest.mark.parametrize("way", [from_the_frames, from_the_garbage_collector])
def test_it_would_have_found_labels_that_lie_about(
    way: Callable[[Task], Iterator[Any]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = in_a_frame(true_labels(), lambda: robbed(way, tmp_path, monkeypatch))
    assert true_labels() in thief.loot


def test_it_would_have_found_labels_that_the_watcher_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    build = tasks.build

    def unsealed(opened: Opened) -> tuple[Task, Samples]:
        task, test = build(opened)
        return task, Samples(test.spaces, test.labels.clone())

    monkeypatch.setattr(tasks, "build", unsealed)
    for way in (from_the_watcher, from_whatever_has_labels):
        thief = robbed(way, tmp_path, monkeypatch)
        assert true_labels() in thief.loot


def sealed(labels: list[int]) -> Sealed:
    return Sealed(Samples({"clip": torch.zeros(1, len(labels), 2)}, torch.tensor(labels)))


def test_sealed_samples_are_samples_whose_labels_are_read_anew() -> None:
    samples = sealed([3, 1, 2])
    assert (len(samples), samples.views, samples.labels.tolist()) == (3, 1, [3, 1, 2])
    samples.labels.zero_()
    assert samples.labels.tolist() == [3, 1, 2]
    assert samples.view()["clip"].shape == (3, 2)


def test_labels_are_out_of_reach_while_sealed_but_for_a_comparison() -> None:
    samples = sealed([3, 1, 2])
    with sealing():
        with pytest.raises(Breach, match="a predictor asked for the labels of test images"):
            samples.labels  # noqa: B018
        with comparing():
            assert samples.labels.tolist() == [3, 1, 2]
        with pytest.raises(Breach):
            samples.labels  # noqa: B018
    assert samples.labels.tolist() == [3, 1, 2]


def test_the_seal_comes_off_when_a_predictor_fails() -> None:
    with pytest.raises(ZeroDivisionError), sealing():
        raise ZeroDivisionError
    refuse("nothing")


def test_an_observer_counts_sealed_images_as_it_does_others() -> None:
    images = Samples({"clip": torch.tensor([[[0.0], [1.0], [1.0]]])}, torch.tensor([0, 1, 0]))

    class Own(TipAdapterF):
        tunes: Mapping[str, Any] = {}

        def __init__(self) -> None:
            super().__init__()
            self.tunes = {}

        def prepare(self, x: Features) -> Features:
            return x

        match = prepare  # type: ignore[assignment]

        def combine(self, matched: Features) -> Scores:
            fused = torch.cat([1 - matched["clip"], matched["clip"]], 1)
            return Scores(fused, fused, fused)

    outcomes = []
    for test in (images, Sealed(images)):
        observer, predictor = Observer(None, test), Own()
        with sealing(), training.watching(observer.watch):
            training.milestone(predictor)
            outcomes.append(observer.outcomes(predictor)["test"].correct.tolist())
    assert outcomes == [[True, True, False]] * 2
