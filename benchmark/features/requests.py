"""Requests for the features that runs need: their images, files and shards."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmark.core.names import for_file
from benchmark.core.resizing import USUAL, Resizing
from benchmark.data import views as crops
from benchmark.data.dataset import MAX_SHOTS, fingerprint_of, nested
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import PIXELS, SPATIAL, views_in
from benchmark.features.shard_files import Form
from benchmark.methods.crops import SCALE, Crops, words
from benchmark.suites.suite import Suite
from benchmark.suites.world import World

CROPPED = ("pool", "generated")
"""Parts of a data set whose images are cropped at random beside the view as tested."""

DECODED, DRAWN = 2048, 2**15
"""Number of images in a shard, where each view counts as one: photographs decoded from files, and images drawn in memory,
which take a hundredth of the time. An interruption costs at most one shard, about a minute of work on two cores.
"""


@dataclass(frozen=True)
class Request:
    """A request for the features of one set of images in one feature space.

    Attributes:
        dataset: Role of the data set.
        role: Role of an encoder, that of a backbone followed by ":spatial" for patch features, or "pixels".
        part: "pool" (images of the support sets, V views), "val" or "test" (view 0 only), or "generated" (V views).
        seed: Seed of the draw and of the views; 0 for "test" and "generated".
        shots: Number of shots of a pool, for data sets that draw a pool for each; 0 if one pool serves all.
        scale: Scale of the crops among the views of "pool" and "generated".
    """

    dataset: str
    role: str
    part: str
    seed: int
    shots: int = 0
    scale: Crops = SCALE

    def label(self, suite: Suite) -> str:
        """Label for printing: "RN50 features of digits (scikit-learn), test images"."""
        return f"{self.role} features of {suite.named(self.dataset)}, {self.whose}{self.crops}"

    @property
    def crops(self) -> str:
        """The crops for printing where they are not the usual ones: " (crops of 0.08 to 1)"."""
        return f" (crops of {words(self.scale)})" if self.scale != SCALE else ""

    @property
    def whose(self) -> str:
        """Label of the images for printing: "pool images of seed 1, 4 shots"."""
        shots = f", {self.shots} shots" if self.shots else ""
        seedless = self.part in ("test", "generated")
        return f"{self.part} images" if seedless else f"{self.part} images of seed {self.seed}{shots}"


@dataclass(frozen=True)
class Wave:
    """Requests for one set of images, which is decoded and cropped once for all because that takes as long as encoding."""

    requests: tuple[Request, ...]

    def label(self, suite: Suite) -> str:
        """Label for printing: "source (rendered), pool images of seed 1: RN50, mocov3, RN50 (crops of 0.08 to 1)"."""
        one, encoders = self.requests[0], (request.role + request.crops for request in self.requests)
        return f"{suite.named(one.dataset)}, {one.whose}: {', '.join(encoders)}"

    @property
    def scales(self) -> tuple[Crops, ...]:
        """Scales of the crops, each once."""
        return tuple(dict.fromkeys(request.scale for request in self.requests))


def waves(requests: Iterable[Request], world: World) -> list[Wave]:
    """Group requests by images, their size and number of views; sort by part, pools first, and then by number of encoders."""
    together: dict[tuple[object, ...], list[Request]] = {}
    for request in requests:
        images = (request.dataset, request.part, request.seed, request.shots)
        place = (*images, views_in(world.suite, [request.role]), resizing(request, world))
        together.setdefault(place, []).append(request)
    order = ("pool", "test", "generated", "val")
    found = sorted(together.values(), key=lambda same: (order.index(same[0].part), -len(same)))
    return [Wave(tuple(same)) for same in found]


def resizing(request: Request, world: World) -> Resizing:
    """Size and interpolation of the images of a request, which its encoder decides."""
    if request.role == PIXELS:
        return USUAL
    return getattr(world.encoder(request.role.removesuffix(SPATIAL)), "resizing", USUAL)


@dataclass(frozen=True)
class Shard:
    """Some of the images of a wave, as the unit of work of a worker.

    Attributes:
        wave: Requests for these images.
        index: Index of the shard.
        of: Number of shards of the wave.
        size: Number of images, where each view counts as one.
    """

    wave: Wave
    index: int
    of: int
    size: int

    def label(self, suite: Suite) -> str:
        """Label for printing: "source (rendered), test images: RN50, mocov3 (3 of 25)"."""
        return self.wave.label(suite) + (f" ({self.index + 1} of {self.of})" if self.of > 1 else "")


class Images(NamedTuple):
    """The images of a request: ids [N], split and number of views."""

    ids: np.ndarray
    split: str
    views: int

    @property
    def size(self) -> int:
        """Number of images, where each view counts as one."""
        return len(self.ids) * self.views


def path(request: Request, world: World) -> Path:
    """Path of the file for a request's features, whose name has a hash of data, ids, views, seed and weights."""
    images = images_of(request, world)
    dataset = world.dataset(request.dataset)
    what = [
        world.data_fingerprint(request.dataset)
        + (fingerprint_of(dataset, "generated") if request.part == "generated" else ""),
        images.split,
        hashlib.sha256(images.ids.astype("<i8").tobytes()).hexdigest(),
        _fingerprint(request.role, world),
        str(images.views),
        f"{crops.VERSION} {request.seed}" if images.views > 1 else "",
    ]
    if request.scale != SCALE:
        what.append(words(request.scale))
    digest = hashlib.sha256("\n".join(what).encode()).hexdigest()[:20]
    name = for_file(f"{request.dataset}-{request.role}-{images.split}")
    return folder(world) / f"{name}-{digest}.safetensors"


def folder(world: World) -> Path:
    """Folder of a suite's features."""
    return world.settings.cache / "features" / world.suite.name


def is_given(request: Request, world: World) -> bool:
    """Whether the data set has only imported features (`benchmark.data.imported`), so that none can be extracted."""
    return hasattr(world.dataset(request.dataset), "given")


def shards_of(wave: Wave, world: World) -> list[Shard]:
    """Divide the images of a wave into shards, regardless of which exist on disk and of the number of scales."""
    images, per_shard = (
        images_of(wave.requests[0], world),
        DECODED if of_photographs(wave.requests[0], world) else DRAWN,
    )
    of = max(1, -(-images.size // per_shard))
    looks = len(crops.each(images.views, wave.scales))
    sizes = [len(part) * looks for part in np.array_split(images.ids, of)]
    return [Shard(wave, index, of, size) for index, size in enumerate(sizes)]


def images_of(request: Request, world: World) -> Images:
    """Ids, split and number of views of the images of a request."""
    dataset, views = world.dataset(request.dataset), views_in(world.suite, [request.role])
    if request.part == "test":
        return Images(dataset.ids("test"), "test", 1)
    if request.part == "generated":
        generated = generated_per_class(request.dataset, world) * len(dataset.classnames)
        return Images(np.arange(generated), "generated", views)
    draw = dataset.draw(request.shots or MAX_SHOTS, request.seed)
    return Images(draw.pool, "train", views) if request.part == "pool" else Images(draw.val_pool, "train", 1)


def form(request: Request, world: World, index: int = 0, of: int = 1) -> Form:
    """Function that holds the shape of a file against the views and images of a request, or of a shard of it."""

    def fits(notes: Mapping[str, str], shape: Sequence[int]) -> str:
        images = images_of(request, world)
        wanted = (images.views, len(np.array_split(images.ids, of)[index]))
        return "" if tuple(shape[:2]) == wanted else f"it has the shape {tuple(shape)}, which begins with {wanted} here"

    return fits


def generated_per_class(role: str, world: World) -> int:
    """Number of generated images of each class of a data set that the suite provides for methods."""
    return int(world.suite.datasets[role]["generated"])


def of_photographs(request: Request, world: World) -> bool:
    """Whether the images are decoded from files (by threads) and not drawn in memory."""
    dataset: Any = world.dataset(request.dataset)
    if request.part == "generated":
        return hasattr(generated(dataset, generated_per_class(request.dataset, world)), "views")
    return hasattr(dataset, "views")


@lru_cache(maxsize=1)
def generated(dataset: Any, per_class: int) -> Any:
    """Generated images of a data set, `per_class` for each class; cached for the shards of one extraction."""
    return dataset.generated(per_class)[0]


def _fingerprint(role: str, world: World) -> str:
    if role == PIXELS:
        return PIXELS
    behind = SPATIAL if role.endswith(SPATIAL) else ""
    return world.encoder_fingerprint(role.removesuffix(SPATIAL)) + behind


def of(opened: Opened) -> list[Request]:
    """List the features that a run needs, in every feature space that its method reads.

    These are the features of the test images of its data set and of the shifts, of the pool and the validation images unless
    the run has no shots, and of generated images if the method uses them.

    Args:
        opened: Run with its data sets and encoders.

    Returns:
        One request for each space and set of images.
    """
    run, roles = opened.run, list(dict.fromkeys(opened.roles.values()))
    parts = ["test", "pool", "val"] if run.shots else ["test"]
    parts += ["generated"] if "generated" in run.wants() else []
    drawn = run.seed, run.shots, opened.world, run.scale
    needed = [request(run.dataset, role, part, *drawn) for role in roles for part in parts]
    return needed + [Request(shift, role, "test", 0) for shift in opened.shifts for role in roles]


def request(dataset: str, role: str, part: str, seed: int, shots: int, world: World, scale: Crops = SCALE) -> Request:
    """Make the request for a part of a data set, with seed, shots and scale only if its images depend on them."""
    scale = scale if cropped(dataset, role, part, scale, world) == words(scale) else SCALE
    if part not in ("pool", "val"):
        return Request(dataset, role, part, 0, scale=scale)
    return Request(dataset, role, part, seed, 0 if nested(world.dataset(dataset)) else shots, scale)


NONE, OWN, UNKNOWN = "none", "the data set's own", "unknown (imported)"
"""Crops that have no scale of ours: images as tested only, crops of a reader's own making, and imported features."""


def cropped(dataset: str, role: str, part: str, scale: Crops | None, world: World) -> str:
    """Crops of the images of a part where a scale is asked for: the words of the scale, or one of those above."""
    if part not in CROPPED:
        return NONE
    images = world.dataset(dataset)
    if hasattr(images, "given"):
        return UNKNOWN
    if scale is None or views_in(world.suite, [role]) == 1:
        return NONE
    return words(scale) if crops.takes_scales(images) else OWN


def crops_of(opened: Opened) -> str | None:
    """Crops of the support set that a run's method is trained on, in words; None for a run without one."""
    run, roles = opened.run, opened.roles
    return cropped(run.dataset, next(iter(roles.values())), "pool", run.crops, opened.world) if run.shots else None
