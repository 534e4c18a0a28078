"""Few-shot draws from a training list and an optional validation list.

official      the draw of Tip-Adapter, CaFo and AMU-Tuning: Python's `random` with the seed of the repository (Tip-Adapter 1;
              CaFo and AMU-Tuning 2 on ImageNet, CaFo 1 elsewhere), classes in the order of their first image in the list,
              `random.sample` from each class, `random.choices` from a class with too few images. Validation images are drawn
              afterwards as in CoOp: min(K, 4) of each class of the validation list, or all of a smaller class.
nested        one random order of each class a seed; K shots are the first K images (`benchmark.data.dataset.nested_draw`), or
              all of a smaller class.
coop-cache    the lists that CoOp pickled beside the data set (benchmark.data.published.kept_draws).
cross-modal   the lists that cross_modal_adaptation published (benchmark.data.published.kept_draws).

Ids count through the training list, then through the validation list. Without a validation list (ImageNet, folders of
images), validation images are drawn from the rest of the training list.
"""

import random
from collections.abc import Iterable, Sequence

import numpy as np

from benchmark.core.errors import BenchError
from benchmark.data.dataset import MAX_SHOTS, VAL_SHOTS, Draw
from benchmark.data.published.listing import Listing


def official(train: Listing, val: Listing, shots: int, seed: int) -> Draw:
    """Draw as Tip-Adapter, CaFo and AMU-Tuning do, anew for every number of shots."""
    generator = random.Random(seed)
    classes = by_class(train.labels)
    support = [_sampled(generator, places, shots) for places in classes.values()]
    if len(val):
        rest = list(by_class(val.labels, len(train)).values())
    else:
        rest = [places[~np.isin(places, taken)] for places, taken in zip(classes.values(), support, strict=True)]
    return drawn(_joined(support), validation(generator, rest, shots))


def validation(generator: random.Random, rest: Iterable[np.ndarray], shots: int) -> np.ndarray:
    """Draw min(shots, 4) validation images of each class, or all of a smaller class, as CoOp does; ids, int64 [N]."""
    return _joined([_at_most(generator, places, min(shots, VAL_SHOTS)) for places in rest])


def by_class(labels: np.ndarray, first: int = 0) -> dict[int, np.ndarray]:
    """Positions of the images of each class in a list, counted from `first`; classes in the order of their first image."""
    if not len(labels):
        return {}
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    places = np.split(order + first, starts[1:])
    together = sorted(zip(classes.tolist(), places, strict=True), key=lambda one: one[1][0])
    return dict(together)


def drawn(support: np.ndarray, val: np.ndarray) -> Draw:
    """A draw from ids of the support set and validation images, with pools that hold no further images."""
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
    """Nested draw, with fewer images of small classes; raises BenchError for more than 16 shots."""
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
    """The first 16 images of a class in random order, and up to 4 further ones if `reserve` (a fifth of a small class)."""
    order = places[generator.sample(range(len(places)), min(len(places), MAX_SHOTS + VAL_SHOTS))]
    behind = min(VAL_SHOTS, len(order) // 5) if reserve else 0
    first = min(MAX_SHOTS, len(order) - behind)
    return order[:first], order[first:][:behind]


def _ordered_val(generator: random.Random, places: np.ndarray | None) -> np.ndarray:
    if places is None:
        return np.array([], dtype=np.int64)
    return places[generator.sample(range(len(places)), min(len(places), VAL_SHOTS))]


def _firsts(pools: Sequence[np.ndarray], take: int) -> np.ndarray:
    """Positions of the first `take` images of each pool in the concatenation of all pools."""
    starts = np.cumsum([0, *map(len, pools)])
    return _joined([start + np.arange(min(take, len(pool))) for start, pool in zip(starts, pools, strict=False)])


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.array([], dtype=np.int64), *parts])
