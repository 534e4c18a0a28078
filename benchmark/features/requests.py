"""Which features a run needs: requests, their images, their files, and the pieces they are made in."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmark.data import views as crops
from benchmark.data.dataset import MAX_SHOTS, fingerprint_of, nested
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import PIXELS, SPATIAL, views_in
from benchmark.suites.world import World

DECODED, DRAWN = 2048, 2**15
"""Pictures of a shard, every view of an image one: photographs from files, which take a hundred times as long as images
that are drawn in memory, and those. A minute of work on two cores, the most that an interruption costs.
"""


@dataclass(frozen=True)
class Request:
    """Features of one set of images in one space.

    role: an encoder's, a backbone's with ":spatial" behind it, or "pixels".
    part: "pool" (what support sets are drawn from, V views), "val" or "test" (view 0 alone), "generated" (V views).
    shots: of a pool, where a data set draws anew for every number of shots; 0 where one pool serves all.
    """

    dataset: str
    role: str
    part: str
    seed: int
    shots: int = 0

    @property
    def label(self) -> str:
        """For people: "RN50 features of imagenet, test images"."""
        return f"{self.role} features of {self.dataset}, {self.whose}"

    @property
    def whose(self) -> str:
        """The images, for people."""
        shots = f", {self.shots} shots" if self.shots else ""
        seedless = self.part in ("test", "generated")
        return f"{self.part} images" if seedless else f"{self.part} images of seed {self.seed}{shots}"


@dataclass(frozen=True)
class Wave:
    """Requests for the same images: rendering and cropping them costs as much as encoding them, and is done once."""

    requests: tuple[Request, ...]

    @property
    def label(self) -> str:
        """For people: "imagenet, test images: RN50, mocov3"."""
        one = self.requests[0]
        return f"{one.dataset}, {one.whose}: " + ", ".join(request.role for request in self.requests)


def waves(requests: Iterable[Request], world: World) -> list[Wave]:
    """Requests, put together by their images and views of them; those with most to encode come first."""
    together: dict[tuple[str, str, int, int, int], list[Request]] = {}
    for request in requests:
        place = (request.dataset, request.part, request.seed, request.shots, views_in(world.suite, [request.role]))
        together.setdefault(place, []).append(request)
    order = ("pool", "test", "generated", "val")
    found = sorted(together.values(), key=lambda same: (order.index(same[0].part), -len(same)))
    return [Wave(tuple(same)) for same in found]


@dataclass(frozen=True)
class Shard:
    """Some of a wave's images: the unit of work, all that an interruption costs, and what workers share.

    index, of: which of how many.  size: its pictures, each view of an image one.
    """

    wave: Wave
    index: int
    of: int
    size: int

    @property
    def label(self) -> str:
        """For people: "imagenet, test images: RN50, mocov3 (3 of 25)"."""
        return self.wave.label + (f" ({self.index + 1} of {self.of})" if self.of > 1 else "")


class Images(NamedTuple):
    """The images that a request stands for."""

    ids: np.ndarray
    split: str
    views: int

    @property
    def size(self) -> int:
        """How many pictures they are, each view of an image one."""
        return len(self.ids) * self.views


def path(request: Request, world: World) -> Path:
    """Where the features of a request are or will be."""
    images = images_of(request, world)
    dataset = world.dataset(request.dataset)
    what = [
        dataset.fingerprint + (fingerprint_of(dataset, "generated") if request.part == "generated" else ""),
        images.split,
        hashlib.sha256(images.ids.astype("<i8").tobytes()).hexdigest(),
        _fingerprint(request.role, world),
        str(images.views),
        f"{crops.VERSION} {request.seed}" if images.views > 1 else "",
    ]
    digest = hashlib.sha256("\n".join(what).encode()).hexdigest()[:20]
    name = f"{request.dataset}-{request.role}-{images.split}-{digest}.safetensors".replace("/", "-").replace(":", "-")
    return folder(world) / name


def folder(world: World) -> Path:
    """Where a suite's features are."""
    return world.settings.cache / "features" / world.suite.name


def is_given(request: Request, world: World) -> bool:
    """Whether the data set comes with features, so that none can be made (`benchmark.data.imported`)."""
    return hasattr(world.dataset(request.dataset), "given")


def shards_of(wave: Wave, world: World) -> list[Shard]:
    """All of a wave's images in shards, whether or not they are there."""
    images, per_shard = (
        images_of(wave.requests[0], world),
        DECODED if of_photographs(wave.requests[0], world) else DRAWN,
    )
    of = max(1, -(-images.size // per_shard))
    sizes = [len(part) * images.views for part in np.array_split(images.ids, of)]
    return [Shard(wave, index, of, size) for index, size in enumerate(sizes)]


def images_of(request: Request, world: World) -> Images:
    """The images that a request stands for."""
    dataset, views = world.dataset(request.dataset), views_in(world.suite, [request.role])
    if request.part == "test":
        return Images(dataset.ids("test"), "test", 1)
    if request.part == "generated":
        generated = generated_per_class(request.dataset, world) * len(dataset.classnames)
        return Images(np.arange(generated), "generated", views)
    draw = dataset.draw(request.shots or MAX_SHOTS, request.seed)
    return Images(draw.pool, "train", views) if request.part == "pool" else Images(draw.val_pool, "train", 1)


def generated_per_class(role: str, world: World) -> int:
    """How many generated images of each class of a data set the suite gives to methods that want them."""
    return int(world.suite.datasets[role]["generated"])


def of_photographs(request: Request, world: World) -> bool:
    """Whether images are decoded from files, which threads may do, rather than drawn in memory."""
    dataset: Any = world.dataset(request.dataset)
    if request.part == "generated":
        return hasattr(generated(dataset, generated_per_class(request.dataset, world)), "views")
    return hasattr(dataset, "views")


@lru_cache(maxsize=1)
def generated(dataset: Any, per_class: int) -> Any:
    """The generated images of a data set, `per_class` of each class; kept for the pieces of one extraction."""
    return dataset.generated(per_class)[0]


def _fingerprint(role: str, world: World) -> str:
    if role == PIXELS:
        return PIXELS
    behind = SPATIAL if role.endswith(SPATIAL) else ""
    return world.encoder(role.removesuffix(SPATIAL)).fingerprint + behind


def of(opened: Opened) -> list[Request]:
    """The features that a run needs: of its data set, of its shifts' test images, of generated images.

    Of the data set the test images in every space, and, unless the run learns nothing, its pool and validation images.
    """
    run, roles = opened.run, list(dict.fromkeys(opened.roles.values()))
    parts = ["test", "pool", "val"] if run.shots else ["test"]
    needed = [request(run.dataset, role, part, run.seed, run.shots, opened.world) for role in roles for part in parts]
    needed += [Request(shift, role, "test", 0) for shift in opened.shifts for role in roles]
    if "generated" in run.wants():
        needed += [Request(run.dataset, role, "generated", 0) for role in roles]
    return needed


def request(dataset: str, role: str, part: str, seed: int, shots: int, world: World) -> Request:
    """The request for a part of a data set: named by the seed, and by the shots, where its images depend on them."""
    if part not in ("pool", "val"):
        return Request(dataset, role, part, 0)
    return Request(dataset, role, part, seed, 0 if nested(world.dataset(dataset)) else shots)
