"""Features on disk: loading, and extraction of missing ones.

The name of a file depends on everything that determines its content: data, ids, views, seed and weights. An existing file is
therefore never stale. Its header holds the name and a hash of the content, so that a damaged or exchanged file is made again.
Several processes may be asked for one file, in several shells or on several hosts; the one that leases a shard makes it.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from torch import Tensor

from benchmark.core import devices, leases, waiting
from benchmark.core.devices import CPU
from benchmark.core.digest import JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.leases import Taken
from benchmark.data import views
from benchmark.data.published import decoding
from benchmark.data.published.faults import Unreadable, told
from benchmark.data.published.stored import Stored
from benchmark.exhibits.run import PIXELS
from benchmark.features import checked, extraction, finite, how_made, shard_files
from benchmark.features.requests import (
    CROPPED,
    Request,
    Shard,
    Wave,
    form,
    generated,
    generated_per_class,
    images_of,
    is_given,
    of_photographs,
    path,
    resizing,
    shards_of,
    waves,
)
from benchmark.features.shard_files import USABLE, Form
from benchmark.methods.crops import Crops, words
from benchmark.suites.world import World


def load(request: Request, world: World, device: torch.device = CPU) -> Tensor:
    """Load features [V, N, D] to a device, float32 (pixels: uint8), and first extract them if they are not on disk."""
    if is_given(request, world):
        images, dataset = images_of(request, world), world.dataset(request.dataset)
        return dataset.given(request.role, images.split, images.ids).to(device).float()  # type: ignore[attr-defined]
    fill(request, world)
    features = shard_files.read(path(request, world)).to(device)
    return features if request.role == PIXELS else features.float()


def fill(request: Request, world: World) -> bool:
    """Extract the features of a request unless they are on disk; returns whether that was necessary."""
    return fill_all([request], world)


def fill_all(requests: Iterable[Request], world: World) -> bool:
    """Extract the features of requests that are not on disk, or wait for other processes to do so.

    Args:
        requests: Features that are needed.
        world: Suite on this machine.

    Returns:
        Whether some were not on disk.
    """
    needed = list(requests)
    absent = todo = missing(needed, world)
    while todo:
        taken = [(shard.label(world.suite), by) for shard in todo if (by := fill_shard(shard, world))]
        waiting.pause(taken)
        todo = missing(needed, world) if taken else []
    return bool(absent)


def missing(requests: Iterable[Request], world: World) -> list[Shard]:
    """Shards that must be extracted to fulfil requests, which are grouped by their images; damaged files are named."""
    files = {r: path(r, world) for r in requests if not is_given(r, world)}
    forms = {file: form(request, world) for request, file in files.items()}
    absent = checked.unusable(forms, world.settings.cache)
    wanted = waves((request for request, file in files.items() if file in absent), world)
    return [shard for wave in wanted for shard in _missing(wave, world)]


def _missing(wave: Wave, world: World) -> list[Shard]:
    whole = shards_of(wave, world)
    if len(whole) == 1:
        return whole
    todo = [shard for shard in whole if checked.unusable(_parts(shard, world))]
    return todo or whole[-1:]  # all shards exist and only have to be joined


def _parts(shard: Shard, world: World) -> dict[Path, Form]:
    """Files of a shard in the order of its requests, with what they are held against."""
    place = (shard.index, shard.of)
    return {
        shard_files.shard(path(request, world), *place): form(request, world, *place) for request in shard.wave.requests
    }


def fill_shard(shard: Shard, world: World) -> Taken | None:
    """Extract the missing features of a shard with all encoders of its wave, and join the files whose shards all exist.

    Args:
        shard: The shard.
        world: Suite on this machine.

    Returns:
        The other process that makes some of the features, or joins them; None where all is done.
    """
    places = {
        request: shard_files.lease(path(request, world), shard.index, shard.of) for request in _absent(shard, world)
    }
    with leases.leased(places.values(), "BENCH_CACHE") as granted:
        absent = _absent(shard, world) if granted.files else {}  # another process may have made them before
        _make(shard, {request: part for request, part in absent.items() if places.get(request) in granted.files}, world)
    joined = [shard_files.join(path(request, world), shard.of) for request in shard.wave.requests]
    return next(filter(None, [granted.taken, *joined]), None)


def _absent(shard: Shard, world: World) -> dict[Request, Path]:
    """Files of a shard that are neither there nor joined already."""
    parts = _parts(shard, world)
    there = checked.conditions(parts)
    return {
        request: part
        for request, part in zip(shard.wave.requests, parts, strict=True)
        if there[part] not in USABLE and (shard.of == 1 or not shard_files.readable(path(request, world)))
    }


def _make(shard: Shard, files: Mapping[Request, Path], world: World) -> None:
    """Extract the features of a shard with some encoders of its wave, and write them to files."""
    if not files:
        return
    started = time.perf_counter()
    with _preloaded(next(iter(files)), world, shard.index, shard.of):
        made = _extract(list(files), world, shard.index, shard.of)
        notes = _notes(shard, list(files), world, time.perf_counter() - started)
    for part, features in zip(files.values(), made, strict=True):
        shard_files.write(part, features, notes)


def extract(request: Request, world: World) -> Tensor:
    """Extract features [V, N, D] into memory, in the precision of the network's output and without using files."""
    with _preloaded(request, world):
        return _extract([request], world)[0]


def _extract(requests: Sequence[Request], world: World, index: int = 0, of: int = 1) -> list[Tensor]:
    one, scales = requests[0], Wave(tuple(requests)).scales
    images = images_of(one, world)
    ids = np.array_split(images.ids, of)[index]
    looks = list(enumerate(views.each(images.views, scales)))
    seen = [[place for place, (view, scale) in looks if view == 0 or scale == r.scale] for r in requests]
    look, roles = _look(one, scales, world), [request.role for request in requests]
    try:
        made = extraction.extract(look, ids, roles, world, ahead=of_photographs(one, world), views=seen)
    except Unreadable as error:  # one image stops the extraction; all that would are named at once
        faults = decoding.faults_of_all(_stored(one, ids, world)) or [error]
        raise BenchError(told(faults, len(ids))) from error
    finite.check(requests, ids, made, world)
    return made


def _stored(request: Request, ids: np.ndarray, world: World) -> list[Stored]:
    """Where the images of a request are, for a data set of photographs."""
    dataset: Any = world.dataset(request.dataset)
    if request.part == "generated":
        return list(generated(dataset, generated_per_class(request.dataset, world)).stored(ids))
    return list(dataset.stored(images_of(request, world).split, ids))


def _preloaded(request: Request, world: World, index: int = 0, of: int = 1) -> AbstractContextManager[None]:
    """Until the block ends, the data set may hold the images of a shard in memory, which are read in any order."""
    images, hold = images_of(request, world), getattr(world.dataset(request.dataset), "preloaded", None)
    return (
        hold(images.split, np.array_split(images.ids, of)[index])
        if hold and images.split != "generated"
        else nullcontext()
    )


def content(shard: Shard, world: World) -> str:
    """Hash of the files of a shard's images; "" for images that are drawn in memory."""
    one = shard.wave.requests[0]
    dataset: Any = world.dataset(one.dataset)
    images = images_of(one, world)
    ids = np.array_split(images.ids, shard.of)[shard.index]
    if images.split == "generated":
        ask = getattr(generated(dataset, generated_per_class(one.dataset, world)), "content", None)
        return ask(ids) if ask else ""
    ask = getattr(dataset, "content", None)
    return ask(images.split, ids) if ask else ""


def drop_outdated(requests: Iterable[Request], world: World) -> int:
    """Delete features whose image files have other content than when they were extracted.

    Args:
        requests: Features that will be used.
        world: Suite on this machine.

    Returns:
        Number of deleted files.
    """
    here = [r for r in dict.fromkeys(requests) if not is_given(r, world) and shard_files.readable(path(r, world))]
    outdated = [path(r, world) for r in here if _outdated(r, world)]
    for file in outdated:
        file.unlink(missing_ok=True)
    return len(outdated)


def _outdated(request: Request, world: World) -> bool:
    """Whether the content of a request's files, shard by shard, is another than its features say."""
    said = shard_files.about(path(request, world)).get("content", "")
    return said != " ".join(content(shard, world) for shard in shards_of(Wave((request,)), world)).strip()


def _notes(shard: Shard, requests: Sequence[Request], world: World, seconds: float) -> JsonDict:
    """Notes on how features were extracted; `seconds` is the time of all requests of the wave together."""
    of_files = content(shard, world)
    return {
        **({"content": of_files} if of_files else {}),
        "pictures": images_of(requests[0], world).size,
        "seconds": round(seconds, 3),
        "together": " ".join(request.role for request in requests),
        "crops": "; ".join(map(words, Wave(tuple(requests)).scales)) if requests[0].part in CROPPED else "",
        how_made.DEVICE: devices.name(world.settings.torch_device),
        how_made.PRECISION: world.settings.precision,
        **_resized(requests[0], world),
        "threads": torch.get_num_threads(),
    }


def _resized(request: Request, world: World) -> dict[str, str]:
    """A note on the resizing of photographs, with the version of PIL, whose interpolation it is."""
    if not of_photographs(request, world):
        return {}
    return {how_made.RESIZING: f"{resizing(request, world).words}, Pillow {PIL.__version__}"}


def _look(request: Request, scales: Sequence[Crops], world: World) -> extraction.Look:
    """Function from ids to the pixels of a request's images, with crops at several scales."""
    dataset: Any = world.dataset(request.dataset)
    images, size = images_of(request, world), resizing(request, world)
    if images.split != "generated":
        return lambda ids: views.of(dataset, images.split, ids, images.views, request.seed, scales, size)
    drawn = generated(dataset, generated_per_class(request.dataset, world))
    if hasattr(drawn, "views"):
        return lambda ids: views.made_by(drawn, scales, size, ids, images.views, request.seed)
    return lambda ids: views.all_of(drawn[ids], ids, images.views, request.seed, scales)
