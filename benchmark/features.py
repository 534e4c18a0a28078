"""Images -> features on disk, view by view.

A file is named by everything that decides its content: data, ids, views, seed and weights. So nothing stale is ever read, and
a file that is there is right. Safe against two processes: each writes its own temporary file and renames it.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from benchmark import assets, paths
from benchmark.data import views as crops
from benchmark.data.dataset import MAX_SHOTS, nested
from benchmark.run import PIXELS, SPATIAL
from benchmark.suite import Suite


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


def waves(requests: Iterable[Request]) -> list[Wave]:
    """Requests, put together by their images; those with most to encode come first."""
    together: dict[tuple[str, str, int, int], list[Request]] = {}
    for request in requests:
        together.setdefault((request.dataset, request.part, request.seed, request.shots), []).append(request)
    order = ("pool", "test", "generated", "val")
    found = sorted(together.values(), key=lambda same: (order.index(same[0].part), -len(same)))
    return [Wave(tuple(same)) for same in found]


def path(request: Request, suite: Suite) -> Path:
    """Where the features of a request are or will be."""
    ids, split, views = _images(request, suite)
    what = [
        assets.dataset(suite, request.dataset).fingerprint,
        split,
        hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest(),
        _fingerprint(request.role, suite),
        str(views),
        f"{crops.VERSION} {request.seed}" if views > 1 else "",
    ]
    digest = hashlib.sha256("\n".join(what).encode()).hexdigest()[:20]
    name = f"{request.dataset}-{request.role}-{split}-{digest}.safetensors".replace("/", "-").replace(":", "-")
    return paths.cache() / "features" / suite.name / name


def load(request: Request, suite: Suite) -> Tensor:
    """Features [V, N, D]; made now if they are not on disk."""
    fill(request, suite)
    return _read(path(request, suite))


def fill(request: Request, suite: Suite) -> bool:
    """Make the features of a request unless they are there; True when they had to be made."""
    where = path(request, suite)
    if where.is_file() and _readable(where):
        return False
    _write(where, extract(request, suite))
    return True


def fill_all(wave: Wave, suite: Suite) -> None:
    """Make the features of several encoders from one look at the images, whether or not they are there."""
    for request, made in zip(wave.requests, _extract(wave.requests, suite), strict=True):
        _write(path(request, suite), made)


def extract(request: Request, suite: Suite) -> Tensor:
    """Features [V, N, D] straight from the images. One chunk of images is in memory at a time."""
    return _extract([request], suite)[0]


def _extract(requests: Sequence[Request], suite: Suite) -> list[Tensor]:
    one = requests[0]
    ids, split, views = _images(one, suite)
    features: list[list[Tensor]] = [[] for _ in requests]
    for chunk in np.array_split(ids, -(-len(ids) // suite.batch_size)):
        images = _pixels(one, suite, split, chunk, views)
        encoded = [_encoded(view, [request.role for request in requests], suite) for view in images]
        for found, views_of_it in zip(features, zip(*encoded, strict=True), strict=True):
            found.append(torch.stack(views_of_it))
    return [torch.cat(found, dim=1) for found in features]


def _images(request: Request, suite: Suite) -> tuple[np.ndarray, str, int]:
    """Ids, split and number of views that a request stands for."""
    dataset = assets.dataset(suite, request.dataset)
    if request.part == "test":
        return dataset.ids("test"), "test", 1
    if request.part == "generated":
        return (
            np.arange(generated_per_class(request.dataset, suite) * len(dataset.classnames)),
            "generated",
            suite.views,
        )
    draw = dataset.draw(request.shots or MAX_SHOTS, request.seed)
    return (draw.pool, "train", suite.views) if request.part == "pool" else (draw.val_pool, "train", 1)


def generated_per_class(role: str, suite: Suite) -> int:
    """How many generated images of each class of a data set the suite gives to methods that want them."""
    return int(suite.datasets[role]["generated"])


def _pixels(request: Request, suite: Suite, split: str, ids: np.ndarray, views: int) -> Tensor:
    """uint8 images, view by view, [V, N, 3, H, W]."""
    dataset: Any = assets.dataset(suite, request.dataset)
    if split != "generated":
        return crops.of(dataset, split, ids, views, request.seed)
    images = torch.from_numpy(_generated(dataset, generated_per_class(request.dataset, suite))[ids]).permute(0, 3, 1, 2)
    return torch.stack([crops.augmented(images, ids.tolist(), v, request.seed) for v in range(views)])


@lru_cache(maxsize=1)
def _generated(dataset: Any, per_class: int) -> np.ndarray:
    return dataset.generated(per_class)[0]


def _encoded(images: Tensor, roles: Sequence[str], suite: Suite) -> list[Tensor]:
    """Images [N, 3, H, W] in every role's space, in the order of the roles."""
    found: dict[str, Tensor] = {}
    for role in sorted(roles, key=lambda role: not role.endswith(SPATIAL)):
        found[role] = _in_space(images, role, found, suite)
    return [found[role] for role in roles]


def _in_space(images: Tensor, role: str, found: Mapping[str, Tensor], suite: Suite) -> Tensor:
    """One role's features, out of those by place where these are found already and the encoder makes them so."""
    if role == PIXELS:
        return images
    encoder = assets.encoder(suite, role.removesuffix(SPATIAL))
    places = found.get(f"{role}{SPATIAL}")
    if places is not None and encoder.loaded.pooled is not None:
        return encoder.loaded.pooled(places)
    return encoder.encode(images, suite.batch_size, spatial=role.endswith(SPATIAL))


def _fingerprint(role: str, suite: Suite) -> str:
    if role == PIXELS:
        return PIXELS
    behind = SPATIAL if role.endswith(SPATIAL) else ""
    return assets.encoder(suite, role.removesuffix(SPATIAL)).fingerprint + behind


@lru_cache(maxsize=16)
def _read(where: Path) -> Tensor:
    return safetensors.torch.load_file(where)["features"]


def _readable(where: Path) -> bool:
    try:
        _read(where)
    except (SafetensorError, KeyError):
        return False
    return True


def _write(where: Path, features: Tensor) -> None:
    temporary = where.with_name(f".{where.name}.{secrets.token_hex(8)}.tmp")
    with paths.writing("cache", where.parent, "BENCH_CACHE"):
        where.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(safetensors.torch.save({"features": features.contiguous()}))
            temporary.replace(where)
        finally:
            temporary.unlink(missing_ok=True)


def requests(dataset: str, roles: Sequence[str], seed: int, shots: int, suite: Suite) -> list[Request]:
    """What a run needs: test features in every space, and, unless it learns nothing, its pool and validation images."""
    parts = ["test", "pool", "val"] if shots else ["test"]
    return [request(dataset, role, part, seed, shots, suite) for role in roles for part in parts]


def request(dataset: str, role: str, part: str, seed: int, shots: int, suite: Suite) -> Request:
    """The request for a part of a data set: named by the seed, and by the shots, where its images depend on them."""
    if part not in ("pool", "val"):
        return Request(dataset, role, part, 0)
    return Request(dataset, role, part, seed, 0 if nested(assets.dataset(suite, dataset)) else shots)
