"""Images -> features. One look at the images feeds every encoder that wants them.

Photographs are decoded by threads ahead of the encoders, a bounded number at a time. An accelerator is handed the next batch
before the features of the last are fetched, so that it does not wait for this process.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from benchmark.exhibits.run import PIXELS, SPATIAL
from benchmark.suites.world import World

Look = Callable[[np.ndarray], Tensor]
"""Ids of images [N] -> their pixels, uint8, view by view, [V, N, 3, H, W]."""

AHEAD = 2
"""Batches of photographs that are decoded, or being decoded, behind the one in hand."""

AT_A_TIME = 8
"""Photographs that a thread decodes in one go."""


def extract(look: Look, ids: np.ndarray, roles: Sequence[str], world: World, *, ahead: bool) -> list[Tensor]:
    """Features of images in every role's space, each [V, N, D], in the precision that its network gives them in.

    roles: encoders, a backbone with ":spatial" behind it, "pixels".
    ahead: whether `look` may be called by threads, ahead of time.
    """
    batches = np.array_split(ids, max(1, -(-len(ids) // world.suite.batch_size)))
    sheets = [_Sheet(len(ids)) for _ in roles]
    launched: list[list[Tensor]] = []
    with closing(_decoded(look, batches) if ahead else (look(batch) for batch in batches)) as pictures:
        for images in pictures:
            following = [_encoded(view, roles, world) for view in images]
            _fetch(launched, sheets)
            launched = following
    _fetch(launched, sheets)
    return [sheet.features for sheet in sheets]


class _Sheet:
    """Features of all images, [V, N, D], written batch by batch, so that no second copy is ever held."""

    features: Tensor

    def __init__(self, images: int) -> None:
        self.images = images
        self.filled = 0

    def add(self, batch: Sequence[Tensor]) -> None:
        """The next images, view by view, [B, D] each."""
        if self.filled == 0:
            self.features = torch.empty(len(batch), self.images, *batch[0].shape[1:], dtype=batch[0].dtype)
        behind = self.filled + len(batch[0])
        for view, features in zip(self.features, batch, strict=True):
            view[self.filled : behind] = features
        self.filled = behind


def _fetch(launched: Sequence[Sequence[Tensor]], sheets: Sequence[_Sheet]) -> None:
    """Keep a batch's features, given view by view and role by role."""
    if launched:
        for sheet, batch in zip(sheets, zip(*launched, strict=True), strict=True):
            sheet.add(batch)


def _decoded(look: Look, batches: Sequence[np.ndarray]) -> Generator[Tensor, None, None]:
    """The batches' images in their order, decoded by as many threads as torch has in this process."""
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


def _encoded(images: Tensor, roles: Sequence[str], world: World) -> list[Tensor]:
    """Images [B, 3, H, W] in every role's space, in the order of the roles, each where its network runs."""
    found: dict[str, Tensor] = {}
    on: dict[torch.device, Tensor] = {}
    for role in sorted(roles, key=lambda role: not role.endswith(SPATIAL)):
        found[role] = _in_space(images, role, found, on, world)
    return [found[role] for role in roles]


def _in_space(
    images: Tensor, role: str, found: Mapping[str, Tensor], on: dict[torch.device, Tensor], world: World
) -> Tensor:
    """One role's features, out of those by place where these are found already and the encoder makes them so."""
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
    """Images on a device; from locked memory the copy runs while this process goes on."""
    if device.type == "cuda":
        images = images.pin_memory()
    return images.to(device, non_blocking=True)
