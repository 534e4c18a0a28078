"""A whole data root of the fifteen published sets: the real folders, lists and class counts, tiny generated pixels.

Among the images are gray-scale, CMYK, palette and transparent ones, as in the published archives; A and R hold a README, an
aircraft's name a "/", SUN397 classes several levels deep, and the last class of each list a single training image.
"""

import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.data.published import imagenet
from benchmark.data.published.sets import SETS

TEN = [key for key, known in SETS.items() if known.kind in ("split", "aircraft")]
SHIFTS = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]
SIZES = [(40, 32), (32, 40), (36, 36), (50, 30), (32, 33)]
"""Widths and heights of the images."""


@dataclass(frozen=True)
class Sizes:
    """Images of a class. val: of every `val_every`th class of the ten; source: training images of an ImageNet class."""

    train: int = 1
    val: int = 1
    test: int = 1
    val_every: int = 10
    source: int = 2


def make(root: Path, sets: Sequence[str] | None = None, **sizes: int) -> Path:
    """Write the trees of some sets (all fifteen without `sets`); `sizes` are the fields of `Sizes`. Returns the root."""
    for key in sets or SETS:
        writer = WRITERS.get(SETS[key].kind)
        assert writer is not None, key
        writer(root, key, Sizes(**sizes))
    return root


def counts(key: str, **sizes: int) -> dict[str, int]:
    """Number of images in each split of a set that `make` writes in these sizes."""
    known, of_class = SETS[key], Sizes(**sizes)
    if known.kind in ("split", "aircraft"):
        parts = [part for part, _ in _entries(known.classes, of_class)]
        return {part: parts.count(part) for part in ("train", "val", "test")}
    return {"train": known.train and known.classes * of_class.source, "test": known.classes * of_class.test}


# --- images


def write(path: Path, number: int, label: int) -> None:
    """An image of a class in its class's colour, never the same twice; four of fifty are of unusual kinds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(number, label))


def encoded(number: int, label: int) -> bytes:
    """The file of an image: 0 gray, 1 CMYK, 2 palette, 3 transparent (both PNGs whatever they are called), else RGB."""
    image = picture(number, label)
    stream = io.BytesIO()
    kind = number % 50
    if kind == 2:
        image.quantize(16).save(stream, "PNG")
    elif kind == 3:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image.save(stream, "PNG")
    else:
        image.convert({0: "L", 1: "CMYK"}.get(kind, "RGB")).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def picture(number: int, label: int) -> Image.Image:
    """Noise around a colour that the label decides."""
    generator = np.random.default_rng([label, number])
    width, height = SIZES[number % len(SIZES)]
    colour = np.random.default_rng(label).integers(40, 216, 3)
    noise = generator.integers(-40, 40, (height, width, 3))
    return Image.fromarray((colour + noise).astype(np.uint8))


# --- ImageNet and its shifts


def _imagenet(root: Path, key: str, sizes: Sizes) -> None:
    folder = root / SETS[key].places[0]
    number = 0
    for label, synset in enumerate(imagenet.synsets()):
        for i in range(sizes.source):
            write(folder / "train" / synset / f"{synset}_{i * 37 % 100}.JPEG", number, label)
            number += 1
        for _ in range(sizes.test):
            write(folder / "val" / synset / f"ILSVRC2012_val_{number:08}.JPEG", number, label)
            number += 1
    names = zip(imagenet.synsets(), imagenet.classnames(), strict=True)
    (folder.parent / "classnames.txt").write_text("".join(f"{synset} {name}\n" for synset, name in names))


def _synsets(root: Path, key: str, sizes: Sizes) -> None:
    folder = root / SETS[key].places[0]
    held = range(imagenet.CLASSES) if key == "imagenet_sketch" else imagenet.subset(key)
    for number, label in enumerate(label for label in held for _ in range(sizes.test)):
        synset = imagenet.synsets()[label]
        name = f"sketch_{number}.JPEG" if key == "imagenet_sketch" else f"0.{number:06}_picture _ 0.99.jpg"
        write(folder / synset / name, number, label)
    if key != "imagenet_sketch":
        (folder / "README.txt").write_text("Images are not to be used to train on.\n")


def _numbers(root: Path, key: str, sizes: Sizes) -> None:
    folder = root / SETS[key].places[0]
    for number, label in enumerate(label for label in range(imagenet.CLASSES) for _ in range(sizes.test)):
        write(folder / str(label) / f"{number:040x}.jpeg", number, label)


# --- the ten


def _split(root: Path, key: str, sizes: Sizes) -> None:
    known = SETS[key]
    folder = root / known.places[0]
    lists: dict[str, list[tuple[str, int, str]]] = {"train": [], "val": [], "test": []}
    for number, (part, label) in enumerate(_entries(known.classes, sizes)):
        name, path = NAMES[key](label, number, part)
        write(folder / path, number, label)
        lists[part].append((path, label, name))
    if key == "flowers102":  # the one list whose labels are not in order
        random.Random(1).shuffle(lists["train"])
    top = root / Path(known.places[0]).parts[0]
    (top / known.split).write_text(json.dumps(lists))


def _aircraft(root: Path, key: str, sizes: Sizes) -> None:
    known = SETS[key]
    folder = root / known.places[0]
    names = sorted(["707-320", "F-16A/B", "F/A-18", "Boeing 717", *(f"A{n}" for n in range(known.classes - 4))])
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number, (part, label) in enumerate(_entries(known.classes, sizes)):
        write(folder / f"{number:07}.jpg", number, label)
        lists[part].append(f"{number:07} {names[label]}\n")
    (folder.parent / "variants.txt").write_text("".join(f"{name}\n" for name in names))
    for part, lines in lists.items():
        (folder.parent / f"images_variant_{part}.txt").write_text("".join(lines))


def _entries(classes: int, sizes: Sizes) -> Iterator[tuple[str, int]]:
    """(split, label) of every image, split by split; the last class has one training image."""
    for label in range(classes):
        yield from [("train", label)] * (1 if label == classes - 1 else sizes.train)
    for label in range(0, classes, sizes.val_every):
        yield from [("val", label)] * sizes.val
    for label in range(classes):
        yield from [("test", label)] * sizes.test


Namer = Callable[[int, int, str], tuple[str, str]]
"""label, number, split -> class name and path."""

CALTECH = ["face", "leopard", "motorbike", "accordion", "airplane", "water_lilly"]
EUROSAT = {
    "AnnualCrop": "Annual Crop Land",
    "Forest": "Forest",
    "HerbaceousVegetation": "Herbaceous Vegetation Land",
    "Highway": "Highway or Road",
    "Industrial": "Industrial Buildings",
    "Pasture": "Pasture Land",
    "PermanentCrop": "Permanent Crop Land",
    "Residential": "Residential Buildings",
    "River": "River",
    "SeaLake": "Sea or Lake",
}


def _caltech(label: int, number: int, part: str) -> tuple[str, str]:
    name = CALTECH[label] if label < len(CALTECH) else f"thing_{label}"
    return name, f"{name.title() if label < 3 else name}/image_{number:04}.jpg"


def _eurosat(label: int, number: int, part: str) -> tuple[str, str]:
    folder, name = list(EUROSAT.items())[label]
    return name, f"{folder}/{folder}_{number}.jpg"


def _sun(label: int, number: int, part: str) -> tuple[str, str]:
    if label % 5:
        return f"place_{label}", f"p/place_{label}/sun_{number}.jpg"
    return f"outdoor place_{label}", f"p/place_{label}/outdoor/sun_{number}.jpg"


NAMES: dict[str, Namer] = {
    "caltech101": _caltech,
    "oxford_pets": lambda label, number, _: (f"breed_{label}", f"Breed_{label}_{number}.jpg"),
    "stanford_cars": lambda label, number, part: (
        f"2012 Make Model {label}",
        f"cars_{'test' if part == 'test' else 'train'}/{number:05}.jpg",
    ),
    "flowers102": lambda label, number, _: (f"flower {label}", f"image_{number:05}.jpg"),
    "food101": lambda label, number, _: (f"dish_{label}", f"dish_{label}/{number}.jpg"),
    "sun397": _sun,
    "dtd": lambda label, number, _: (f"texture_{label}", f"texture_{label}/texture_{label}_{number:04}.jpg"),
    "eurosat": _eurosat,
    "ucf101": lambda label, number, _: (
        f"Some_Action_{label}",
        f"Some_Action_{label}/v_SomeAction{label}_g{number:02}_c01.jpg",
    ),
}

WRITERS: dict[str, Callable[[Path, str, Sizes], None]] = {
    "imagenet": _imagenet,
    "synsets": _synsets,
    "numbers": _numbers,
    "split": _split,
    "aircraft": _aircraft,
}


# --- what CaFo publishes beside them


def make_generated(root: Path, key: str, classnames: Sequence[str], per_class: int = 2) -> None:
    """Generated images in CaFo's layout: a folder beside the data set's and a list in the format of the split files."""
    known = SETS[key]
    folder = root / known.generated
    train = []
    for number, label in enumerate(label for label in range(len(classnames)) for _ in range(per_class)):
        path = f"{label}/{number}.jpg"
        write(folder / path, number, label)
        train.append((path, label, classnames[label]))
    (folder.parent / known.generated_list).write_text(json.dumps({"train": train, "val": [], "test": []}))


def make_prompts(root: Path, key: str, classnames: Sequence[str], per_class: int = 3) -> Path:
    """A file of a language model's sentences in CaFo's layout: {name without underscores: [sentence, ...]}."""
    path = root / "gpt_file" / SETS[key].prompts
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [name.replace("_", " ") for name in classnames]
    path.write_text(json.dumps({name: [f"{name}, sentence {i}" for i in range(per_class)] for name in names}))
    return path


# --- other layouts of a tree


def unsort_val(root: Path) -> dict[str, str]:
    """Move ImageNet's validation images into one heap, as their archive unpacks; name of each image -> its synset."""
    folder = root / SETS["imagenet"].places[0] / "val"
    synsets = {}
    for image in sorted(folder.rglob("*.JPEG")):
        synsets[image.stem] = image.parent.name
        image.rename(folder / image.name)
    for synset in set(synsets.values()):
        (folder / synset).rmdir()
    return synsets


# --- breaking a tree


def images(root: Path, key: str) -> list[Path]:
    """Every image of a set, sorted."""
    endings = (".jpg", ".jpeg", ".png")
    return sorted(p for p in (root / SETS[key].places[0]).rglob("*") if p.suffix.lower() in endings)


def split_file(root: Path, key: str) -> Path:
    """Its split file, or the aircraft's list of training images."""
    return next(root.rglob(SETS[key].split))


def link(made: Path, root: Path, key: str) -> Path:
    """A set of a made root once more, of links to the same files: quick, and to be broken by what is below alone."""
    top = Path(SETS[key].places[0]).parts[0]
    shutil.copytree(made / top, root / top, copy_function=os.link)
    return root


def truncate(path: Path) -> None:
    """Leave the first half of a file, as a copy that was broken off does."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])


def edit_split(root: Path, key: str, edit: Callable[[dict[str, list[list[object]]]], None]) -> None:
    """Change a split file in place."""
    path = split_file(root, key)
    said = json.loads(path.read_text())
    edit(said)
    path.write_text(json.dumps(said))
