"""Images -> features on disk, view by view.

A file is named by everything that decides its content: data, ids, views, seed and weights. So nothing stale is ever read, and
a file that is there is right. Safe against two processes: each writes its own temporary file and renames it.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from benchmark import assets, paths
from benchmark.data.views import VERSION, augmented
from benchmark.suite import Suite


@dataclass(frozen=True)
class Request:
    """Features of one set of images in one space.

    part: "pool" (what support sets are drawn from, V views), "val" or "test" (view 0 alone).
    """

    dataset: str
    role: str
    part: str
    seed: int

    @property
    def label(self) -> str:
        """For people: "RN50 features of imagenet, test images"."""
        whose = "test images" if self.part == "test" else f"{self.part} images of seed {self.seed}"
        return f"{self.role} features of {self.dataset}, {whose}"


def path(request: Request, suite: Suite) -> Path:
    """Where the features of a request are or will be."""
    ids, split, views = _images(request, suite)
    what = [
        assets.dataset(suite, request.dataset).fingerprint,
        split,
        hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest(),
        assets.encoder(suite, request.role).fingerprint,
        str(views),
        f"{VERSION} {request.seed}" if views > 1 else "",
    ]
    digest = hashlib.sha256("\n".join(what).encode()).hexdigest()[:20]
    return paths.cache() / "features" / suite.name / f"{request.dataset}-{request.role}-{split}-{digest}.safetensors"


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


def extract(request: Request, suite: Suite) -> Tensor:
    """Features [V, N, D] straight from the images. One chunk of images is in memory at a time."""
    ids, split, views = _images(request, suite)
    dataset, encoder = assets.dataset(suite, request.dataset), assets.encoder(suite, request.role)
    features = []
    for chunk in np.array_split(ids, -(-len(ids) // suite.batch_size)):
        images = torch.from_numpy(dataset.images(split, chunk)).permute(0, 3, 1, 2)
        crops = [augmented(images, chunk.tolist(), v, request.seed) for v in range(views)]
        features.append(torch.stack([encoder.encode(crop, suite.batch_size) for crop in crops]))
    return torch.cat(features, dim=1)


def _images(request: Request, suite: Suite) -> tuple[np.ndarray, str, int]:
    """Ids, split and number of views that a request stands for."""
    dataset = assets.dataset(suite, request.dataset)
    if request.part == "test":
        return dataset.ids("test"), "test", 1
    draw = dataset.draw(1, request.seed)
    return (draw.pool, "train", suite.views) if request.part == "pool" else (draw.val_pool, "train", 1)


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


def requests(dataset: str, roles: Sequence[str], seed: int, learns: bool) -> list[Request]:
    """What a run needs: test features in every space, and, unless it learns nothing, its pool and validation images."""
    parts = [("test", 0)] + ([("pool", seed), ("val", seed)] if learns else [])
    return [Request(dataset, role, part, s) for role in roles for part, s in parts]
