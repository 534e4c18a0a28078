"""A toy task with a tiny CLIP of random weights and with random features, for contract tests and examples.

Its contents are meaningless, but all shapes are correct, and it is created in milliseconds.
"""

import re
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmark.core.libraries import open_clip
from benchmark.methods.clip import Clip
from benchmark.methods.samples import Samples, Task

WIDTH = 16
"""Width of CLIP's joint embedding space."""
IMAGE = 16
"""Height and width of an image in the space "pixels"."""
POSITIONS = 4
"""Number of patches in the space "clip_spatial"."""
CONTEXT = 32
"""Positions of the text tower, enough for CoOp's 16 context vectors and a short name."""
WORDS = 126
START, END = WORDS + 1, WORDS + 2

CLASSNAMES = ("ant", "red_ant", "bee", "small red bee", "crab", "owl", "old owl", "yak")


def tokenize(texts: Sequence[str]) -> Tensor:
    """Map words and punctuation marks to ids 1 to 126 by a checksum, enclosed by start and end tokens -> [N, 32]."""
    ids = torch.zeros(len(texts), CONTEXT, dtype=torch.long)
    for row, text in zip(ids, texts, strict=True):
        words = re.findall(r"\w+|[^\w\s]", text)[: CONTEXT - 2]
        codes = [START, *(zlib.crc32(word.encode()) % WORDS + 1 for word in words), END]
        row[: len(codes)] = torch.tensor(codes)
    return ids


def toy_clip(seed: int = 0) -> Clip:
    """Make an open_clip CLIP with two layers in each tower and random weights, without changing the global random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.CLIP(
            embed_dim=WIDTH,
            vision_cfg={"image_size": IMAGE, "patch_size": 8, "width": 24, "head_width": 12, "layers": 2},
            text_cfg={"context_length": CONTEXT, "vocab_size": END + 1, "width": 24, "heads": 2, "layers": 2},
        )
    return Clip(model, tokenize, lambda pixels: pixels.float() / 127.5 - 1)


def toy_samples(spaces: Sequence[str], classes: int, shots: int, views: int = 2, seed: int = 0) -> Samples:
    """Draw samples around one random centre per class.

    Args:
        spaces: Names of the feature spaces. "pixels" gives images, uint8 [V, N, 3, 16, 16], "clip" features of width 16,
            "clip_spatial" features of width 16 for four patches, any other space features of width 12.
        classes: Number of classes.
        shots: Images per class.
        views: Number of views.
        seed: Seed of the images; the centres do not depend on it.

    Returns:
        Samples sorted by class.
    """
    labels = torch.arange(classes).repeat_interleave(shots)
    return Samples({space: _space(space, labels, views, seed) for space in spaces}, labels)


def toy_task(
    spaces: Sequence[str] = ("clip", "mocov3", "dino"),
    classes: int = 5,
    shots: int = 2,
    seed: int = 1,
    support_seed: int = 0,
    clip: Clip | None = None,
    wants: Sequence[str] = (),
    views: int = 2,
) -> Task:
    """Make a small few-shot task with one validation image per class.

    Args:
        spaces: Names of the feature spaces.
        classes: Number of classes.
        shots: Support images per class.
        seed: Seed of the method.
        support_seed: Seed of all images, which changes nothing else.
        clip: CLIP model; None makes a toy CLIP.
        wants: Optional fields to fill: "generated" (three images per class), "sentences", "text_norms".
        views: Number of views of the support images.

    Returns:
        The task.
    """
    clip = clip or toy_clip()
    names = [*CLASSNAMES[:classes], *(f"kind {number}" for number in range(len(CLASSNAMES), classes))]
    return Task(
        text=clip.classifier(names, ["a photo of a {}."]),
        support=toy_samples(spaces, classes, shots, views, seed=support_seed),
        classnames=names,
        val=toy_samples(spaces, classes, 1, seed=support_seed + 1000),
        logit_scale=20.0,
        clip=clip,
        seed=seed,
        generated=toy_samples(spaces, classes, 3, seed=support_seed + 2000) if "generated" in wants else None,
        sentences=clip.classifier(names, ["{}, seen by a crab.", "an old {}."]) if "sentences" in wants else None,
        text_norms=clip.norms(names, ["a photo of a {}."])[:, 0] if "text_norms" in wants else None,
    )


def _space(space: str, labels: Tensor, views: int, seed: int) -> Tensor:
    """Class centre plus noise, [V, N, D], [V, N, P, D] for "clip_spatial", images for "pixels"."""
    name = zlib.crc32(space.encode())
    shapes = {"pixels": (3, IMAGE, IMAGE), "clip": (WIDTH,), "clip_spatial": (POSITIONS, WIDTH)}
    shape = shapes.get(space, (12,))
    sources = torch.Generator().manual_seed(name)
    centres = [
        torch.randn(len(CLASSNAMES), *shape, generator=sources)
        for _ in range(0, int(labels.max()) + 1, len(CLASSNAMES))
    ]
    generator = torch.Generator().manual_seed(name + 1 + seed)
    drawn = torch.cat(centres)[labels] + 0.5 * torch.randn(views, len(labels), *shape, generator=generator)
    return (128 + 40 * drawn).clamp(0, 255).byte() if space == "pixels" else drawn
