"""Extraction of features: each image is decoded once and encoded by every requested encoder.

Photographs are decoded by threads ahead of the encoders, a bounded number at a time. An accelerator receives a batch, copies
its features to pinned memory of the host, and receives the next batch before this process waits for that copy, so that it is
never without work. Copies in both directions are queued and do not stop this process.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.suites.world import World

Look = Callable[[np.ndarray], Tensor]
"""Function from ids of images [N] to the pixels of their views, uint8 [V, N, 3, H, W]."""

AHEAD = 2
"""Number of batches of photographs that are decoded ahead of the batch being encoded."""

AT_A_TIME = 8
"""Number of photographs that a thread decodes in one call."""


def extract(
    look: Look,
    ids: np.ndarray,
    roles: Sequence[str],
    world: World,
    *,
    ahead: bool,
    views: Sequence[Sequence[int]] | None = None,
) -> list[Tensor]:
    """Extract features of images with several encoders.

    Args:
        look: Function that returns the pixels of images.
        ids: Ids of the images, [N].
        roles: Roles of encoders, that of a backbone followed by ":spatial" for patch features, or "pixels"; one may occur
            several times, with other views.
        world: Suite on this machine, which opens the encoders.
        ahead: Whether threads may call `look` ahead of time.
        views: For each role, the positions of the views to encode; None for all views.

    Returns:
        Features of each role, [V, N, D] (patch features [V, N, P, D]), in the precision of the network's output.
    """
    batches = np.array_split(ids, max(1, -(-len(ids) // world.suite.batch_size)))
    sheets = [_Sheet(len(ids)) for _ in roles]
    launched: _Launched | None = None
    with closing(_decoded(look, batches) if ahead else (look(batch) for batch in batches)) as pictures:
        for images in pictures:
            following = _by_role(images, roles, views or [range(len(images))] * len(roles), world)
            _fetch(launched, sheets)
            launched = following
    _fetch(launched, sheets)
    return [sheet.features for sheet in sheets]


class _Launched(NamedTuple):
    """Features of a batch, for each role one tensor a view, and the events behind which they are in the host's memory."""

    features: list[list[Tensor]]
    arrived: Sequence[torch.cuda.Event]


def _by_role(images: Tensor, roles: Sequence[str], views: Sequence[Sequence[int]], world: World) -> _Launched:
    """Features of a batch [V, B, 3, H, W], for each role one tensor a view; no view is encoded twice by one encoder."""
    wanted = list(zip(roles, views, strict=True))
    looked = [list(dict.fromkeys(role for role, seen in wanted if v in seen)) for v in range(len(images))]
    found = [_encoded(view, names, world) for view, names in zip(images, looked, strict=True)]
    devices = dict.fromkeys(features.device for each in found for features in each.values())
    home = [{role: _homeward(features) for role, features in each.items()} for each in found]
    arrived = [torch.cuda.current_stream(device).record_event() for device in devices if device.type == "cuda"]
    return _Launched([[home[v][role] for v in seen] for role, seen in wanted], arrived)


def _homeward(features: Tensor) -> Tensor:
    """Queue a copy of features to pinned memory of the host, behind what computes them; on the CPU, the features."""
    if features.device.type != "cuda":
        return features
    pinned = torch.empty(features.shape, dtype=features.dtype, pin_memory=True)
    return pinned.copy_(features, non_blocking=True)


class _Sheet:
    """Features of all images, [V, N, D], in memory that is allocated once and filled batch by batch."""

    features: Tensor

    def __init__(self, images: int) -> None:
        self.images = images
        self.filled = 0

    def add(self, batch: Sequence[Tensor]) -> None:
        """Append the features of the next images, one tensor [B, D] for each view."""
        if self.filled == 0:
            self.features = torch.empty(len(batch), self.images, *batch[0].shape[1:], dtype=batch[0].dtype)
        behind = self.filled + len(batch[0])
        for view, features in zip(self.features, batch, strict=True):
            view[self.filled : behind] = features
        self.filled = behind


def _fetch(launched: _Launched | None, sheets: Sequence[_Sheet]) -> None:
    """Append the features of a batch to the sheets of all roles, when they are in the host's memory."""
    if launched:
        for event in launched.arrived:
            event.synchronize()
        for sheet, batch in zip(sheets, launched.features, strict=True):
            sheet.add(batch)


def _decoded(look: Look, batches: Sequence[np.ndarray]) -> Generator[Tensor, None, None]:
    """Yield the pixels of the batches in order, decoded by as many threads as torch uses in this process."""
    with ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="decode") as pool:
        waiting: deque[list[Future[Tensor]]] = deque()
        coming = ([pool.submit(look, part) for part in _parts(batch)] for batch in batches)
        try:
            waiting.extend(islice(coming, AHEAD))
            while waiting:
                images = torch.cat([part.result() for part in waiting.popleft()], dim=1)
                waiting.extend(islice(coming, 1))
                yield images
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _parts(batch: np.ndarray) -> list[np.ndarray]:
    return np.array_split(batch, max(1, -(-len(batch) // AT_A_TIME)))


def _encoded(images: Tensor, roles: Sequence[str], world: World) -> dict[str, Tensor]:
    """Encode images [B, 3, H, W] with every role's encoder, each on the device of its network: role -> features."""
    found: dict[str, Tensor] = {}
    on: dict[torch.device, Tensor] = {}
    for role in sorted(roles, key=lambda role: not role.endswith(SPATIAL)):
        found[role] = _in_space(images, role, found, on, world)
    return found


def _in_space(
    images: Tensor, role: str, found: Mapping[str, Tensor], on: dict[torch.device, Tensor], world: World
) -> Tensor:
    """Features of one role, pooled from its patch features if these are computed already and the encoder allows it."""
    if role == PIXELS:
        return images
    encoder = world.encoder(role.removesuffix(SPATIAL))
    places = found.get(f"{role}{SPATIAL}")
    if places is not None and encoder.loaded.pooled is not None:
        return encoder.loaded.pooled(places)
    device = encoder.loaded.device
    if device not in on:
        on[device] = _moved(images, device)
    return encoder.forward(on[device], spatial=role.endswith(SPATIAL))


def _moved(images: Tensor, device: torch.device) -> Tensor:
    """Copy images to a device; from pinned memory the copy to an accelerator is asynchronous."""
    if device.type == "cuda":
        images = images.pin_memory()
    return images.to(device, non_blocking=True)
