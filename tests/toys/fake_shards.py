"""ImageNet of a fake tree once more, shuffled and in shards: parquet as on Hugging Face's hub, tar archives as timm's."""

import io
import json
import random
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.data.published import imagenet
from benchmark.data.published.sets import SETS

Images = list[tuple[Path, int]]
"""Files and labels."""

OF = {"train": 3, "val": 2}
"""Shards of each part."""


def images(root: Path, part: str) -> Images:
    """Images of a part of ImageNet in a tree, in an order that has nothing to do with their names."""
    folder = root / SETS["imagenet"].places[0] / part
    found = [(path, imagenet.labels()[path.parent.name]) for path in sorted(folder.rglob("*.JPEG"))]
    random.Random(part).shuffle(found)
    return found


def tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """Write an archive of members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def sample(name: str, content: bytes, label: object) -> list[tuple[str, bytes]]:
    """Members of a sample in the order of timm's shards."""
    notes = json.dumps({"label": label, "filename": f"{name}.JPEG"})
    return [(f"{name}.cls", str(label).encode()), (f"{name}.jpg", content), (f"{name}.json", notes.encode())]


def tars(root: Path, folder: Path) -> Path:
    """Write timm's shards of the tree below `root`: imagenet1k-train-0000.tar, ..., imagenet1k-validation-01.tar."""
    for part, name in (("train", "imagenet1k-train-{:04}.tar"), ("val", "imagenet1k-validation-{:02}.tar")):
        found = images(root, part)
        for shard in range(OF[part]):
            samples = (sample(path.stem, path.read_bytes(), label) for path, label in found[shard :: OF[part]])
            tar(folder / name.format(shard), (member for members in samples for member in members))
    return folder


def parquet(path: Path, rows: Sequence[tuple[str | None, bytes | None, int]], group: int = 100) -> Path:
    """Write a file of images (path, bytes, label), `group` rows a row group, and a test is skipped without pyarrow."""
    import pytest

    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    image = pa.array([{"bytes": content, "path": name} for name, content, _ in rows], kind)
    label = pa.array([label for _, _, label in rows], pa.int64())
    pq.write_table(pa.table({"image": image, "label": label}), path, row_group_size=group)
    return path


def parquets(root: Path, folder: Path) -> Path:
    """Write the hub's shards of the tree below `root`, and one of its test images without labels."""
    for part, name in (("train", "train"), ("val", "validation")):
        found = images(root, part)
        for shard in range(OF[part]):
            rows = [
                (f"{path.stem}_{path.parent.name}.JPEG", path.read_bytes(), label)
                for path, label in found[shard :: OF[part]]
            ]
            parquet(folder / f"{name}-{shard:05}-of-{OF[part]:05}.parquet", rows)
    parquet(folder / "test-00000-of-00001.parquet", [("ILSVRC2012_test_00000001.JPEG", rows[0][1], -1)])
    return folder
