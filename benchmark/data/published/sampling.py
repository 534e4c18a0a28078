"""Few-shot draws from a training list and, where there is one, a validation list.

official      what Tip-Adapter, CaFo and AMU-Tuning draw: Python's `random`, seeded with the repository's seed (Tip-Adapter 1;
              CaFo and AMU-Tuning 2 on ImageNet, CaFo 1 elsewhere), class by class as classes first appear in the list,
              `random.sample` in the list's order, `random.choices` where a class has too few. Validation behind it, in
              CoOp's way: min(K, 4) of each class of the validation list, all of a class that has no more.
nested        one order of each class a seed, of which K shots are the first K (`benchmark.data.dataset.nested_draw`), of
              small classes as much as there is.
coop-cache    the lists that CoOp pickled beside the data set; cross-modal: those that cross_modal_adaptation published.

ids count through the training list and on through the validation list. Where there is no validation list (ImageNet, a
folder) validation images come from the rest of the training list.
"""

import random
from collections.abc import Iterable, Sequence

import numpy as np

from benchmark.core.errors import BenchError
from benchmark.data.dataset import MAX_SHOTS, VAL_SHOTS, Draw
from benchmark.data.published.listing import Listing


def official(train: Listing, val: Listing, shots: int, seed: int) -> Draw:
    """The repositories' draw. Every number of shots is its own draw."""
    generator = random.Random(seed)
    classes = by_class(train.labels)
    support = [_sampled(generator, places, shots) for places in classes.values()]
    if len(val):
        rest = list(by_class(val.labels, len(train)).values())
    else:
        rest = [places[~np.isin(places, taken)] for places, taken in zip(classes.values(), support, strict=True)]
    return drawn(_joined(support), validation(generator, rest, shots))


def validation(generator: random.Random, rest: Iterable[np.ndarray], shots: int) -> np.ndarray:
    """min(K, 4) of each class, all of a class that has no more (CoOp)."""
    return _joined([_at_most(generator, places, min(shots, VAL_SHOTS)) for places in rest])


def by_class(labels: np.ndarray, first: int = 0) -> dict[int, np.ndarray]:
    """Class -> places of its images in the list, counted from `first`; classes in the order of their first image."""
    if not len(labels):
        return {}
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    places = np.split(order + first, starts[1:])
    together = sorted(zip(classes.tolist(), places, strict=True), key=lambda one: one[1][0])
    return dict(together)


def drawn(support: np.ndarray, val: np.ndarray) -> Draw:
    """A draw whose pools are what is drawn, and nothing more."""
    return Draw(support, np.arange(len(support)), val, np.arange(len(val)))


def _sampled(generator: random.Random, places: np.ndarray, shots: int) -> np.ndarray:
    if len(places) >= shots:
        return places[generator.sample(range(len(places)), shots)]
    return places[generator.choices(range(len(places)), k=shots)]


def _at_most(generator: random.Random, places: np.ndarray, shots: int) -> np.ndarray:
    if len(places) >= shots:
        return places[generator.sample(range(len(places)), shots)]
    return places


def nested(train: Listing, val: Listing, shots: int, seed: int) -> Draw:
    """The harness's draw, of as many images as there are: one pool serves every number of shots."""
    if not 0 <= shots <= MAX_SHOTS:
        raise BenchError(f'{shots} shots; a nested draw has 0 to {MAX_SHOTS}, sampler = "official" has any number')
    generator = random.Random(seed)
    classes, behind = by_class(train.labels), by_class(val.labels, len(train))
    pools, val_pools = [], []
    for label in sorted(classes):
        pool, rest = _ordered(generator, classes[label], reserve=not len(val))
        pools.append(pool)
        val_pools.append(_ordered_val(generator, behind.get(label)) if len(val) else rest)
    return Draw(
        pool=_joined(pools),
        support=_firsts(pools, shots),
        val_pool=_joined(val_pools),
        val=_firsts(val_pools, min(shots, VAL_SHOTS)),
    )


def _ordered(generator: random.Random, places: np.ndarray, reserve: bool) -> tuple[np.ndarray, np.ndarray]:
    """A class's first 16 images in random order, and four behind them; `reserve`: of a small class a fifth, else none."""
    order = places[generator.sample(range(len(places)), min(len(places), MAX_SHOTS + VAL_SHOTS))]
    behind = min(VAL_SHOTS, len(order) // 5) if reserve else 0
    first = min(MAX_SHOTS, len(order) - behind)
    return order[:first], order[first:][:behind]


def _ordered_val(generator: random.Random, places: np.ndarray | None) -> np.ndarray:
    if places is None:
        return np.array([], dtype=np.int64)
    return places[generator.sample(range(len(places)), min(len(places), VAL_SHOTS))]


def _firsts(pools: Sequence[np.ndarray], take: int) -> np.ndarray:
    """Positions of the first `take` of each pool where the pools lie one behind the other."""
    starts = np.cumsum([0, *map(len, pools)])
    return _joined([start + np.arange(min(take, len(pool))) for start, pool in zip(starts, pools, strict=False)])


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.array([], dtype=np.int64), *parts])
