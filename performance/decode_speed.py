"""Where the time of a photograph goes before it is encoded, and a worker of PyTorch's DataLoader beside one thread of ours.

JPEG files of 500 x 375, made to 224 x 224 pixels as CLIP is tested on, and to five views of a support image. CPU milliseconds
an image of one process: the parts; open_clip's transform in a DataLoader with one worker, which hands float batches over; and
ours, whose batches are bytes that the device standardises. The starts of processes cancel, because every way is measured with
two numbers of images.

python -m performance.decode_speed [images]
"""

import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmark.core.libraries import open_clip
from benchmark.data import views
from benchmark.data.published import decoding
from benchmark.features import extraction
from performance.extraction_speed import HEIGHT, WIDTH, photographs

BATCH, ROUNDS = 64, 3
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Usual(Dataset[torch.Tensor]):
    """Files through open_clip's transform of test images, each as often as it has views."""

    def __init__(self, files: Sequence[Path], count: int) -> None:
        self.files = [file for file in files for _ in range(count)]
        self.transform = open_clip.image_transform(224, is_train=False, mean=MEAN, std=STD)

    def __len__(self) -> int:
        """Number of images, where each view counts as one."""
        return len(self.files)

    def __getitem__(self, place: int) -> torch.Tensor:
        """A view, float32 [3, H, W]."""
        return self.transform(Image.open(self.files[place]))


def usual(count: int, files: Sequence[Path]) -> None:
    """Load all images with one worker."""
    for _ in DataLoader(Usual(files, count), batch_size=BATCH, num_workers=1):
        pass


def ours(count: int, files: Sequence[Path]) -> None:
    """Decode all images with one thread."""
    batches = np.array_split(np.arange(len(files)), max(1, len(files) // BATCH))

    def look(ids: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(decoding.stacked([files[i] for i in ids], ids.tolist(), count, 1))

    for _ in extraction._decoded(look, batches):
        pass


def used() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in found)


def milliseconds(work: Callable[[Sequence[Path]], object], files: Sequence[Path]) -> float:
    """CPU milliseconds that another image takes, the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        times = []
        for some in (files[: len(files) // 4], files):
            before = used()
            work(some)
            times.append(used() - before)
        found.append(1000 * (times[1] - times[0]) / (len(files) - len(files) // 4))
    return min(found)


def parts(files: Sequence[Path]) -> dict[str, float]:
    """CPU milliseconds of each part of an image."""
    images = [decoding.read(file) for file in files]
    tested = [decoding.as_tested(image) for image in images]
    scale = views.SCALE
    pixels = np.empty((3, 224, 224), np.uint8)
    each: dict[str, tuple[Callable[..., object], Sequence[object]]] = {
        "reading and decoding": (decoding.read, files),
        "resizing and cropping as tested": (decoding.as_tested, images),
        "one random crop": (lambda image: decoding.cropped(image, 0, 1, 1, scale), images),
        "copying to planes of colour": (lambda image: np.copyto(pixels, np.asarray(image).transpose(2, 0, 1)), tested),
    }
    return {name: milliseconds(lambda some, f=f: [f(x) for x in some], of) for name, (f, of) in each.items()}  # type: ignore[misc, arg-type]


def main(count: int = 192) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        photographs(Path(place), count)
        files = sorted((Path(place) / "test").rglob("*.jpg"))
        print(f"{count} JPEG files of {WIDTH} x {HEIGHT}; CPU milliseconds an image")
        for name, took in parts(files).items():
            print(f"{name:<34} {took:6.2f}")
        for number, words in ((1, "as tested"), (5, "five views")):
            some = files[:: 1 if number == 1 else 4]
            theirs, here = (milliseconds(partial(way, number), some) for way in (usual, ours))
            print(f"{words}: DataLoader {theirs:.2f}, ours {here:.2f}, ratio {theirs / here:.2f}", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
