"""Kinds of files that the product reads: how a valid one is made, and by which command or reader it is used.

A new kind is one entry of `KINDS`. `make` writes what the use needs into an empty folder, in which the use then works, and
returns the file that is damaged.
"""

import io
import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from PIL import Image

from benchmark.core.settings import Settings
from benchmark.data.imported import FORM
from benchmark.data.published import decoding, kept_draws, listing, shard_index, splits, unsorted_val
from benchmark.data.published.sets import SETS
from benchmark.records import exporting, importing, lines
from benchmark.records.store import Store
from tests.torture.trial import bench
from tests.toys import fake_shards


@dataclass(frozen=True)
class Kind:
    """One kind of file: what makes a valid one, and what uses it."""

    make: Callable[[Path], Path]
    use: Callable[[], object]


# --- weights


def _resnet() -> dict[str, torch.Tensor]:
    """Names and small shapes of a bare ResNet-50, as DINO's file holds it."""
    blocks = [f"layer{stage}.{block}" for stage, count in enumerate((3, 4, 6, 3), 1) for block in range(count)]
    names = ["conv1.weight", *(f"{block}.conv{number}.weight" for block in blocks for number in (1, 2, 3))]
    return {name: torch.zeros(4, 4, 1, 1) for name in names}


def _weights(name: str, write: Callable[[Path], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "weights").mkdir()
        write(folder / "weights" / name)
        return folder / "weights" / name

    return make


def _zip(path: Path) -> None:
    torch.save({"state_dict": _resnet(), "epoch": 3}, path)


def _old_pickle(path: Path) -> None:
    torch.save(_resnet(), path, _use_new_zipfile_serialization=False)


def _torchscript(path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    torch.jit.script(network).save(str(path))


def _safetensors(path: Path) -> None:
    safetensors.torch.save_file(_resnet(), path, {"slot": "dino_rn50"})


def _facts(folder: Path) -> Path:
    """Remembered facts of a file of weights, as the second look finds them."""
    _weights("dino.pth", _zip)(folder)
    path = folder / "weights" / "dino.pth"
    os.utime(path, (0, 0))
    (folder / "cache").mkdir()
    stamp = path.stat()
    key = f"1 {path} {stamp.st_size} {stamp.st_mtime_ns} {stamp.st_ctime_ns} {stamp.st_ino}"
    content = {"files": {key: {"content": ["bare ResNet", ""], "digest": "a" * 64}}, "trusted": {"dino_rn50": "a" * 64}}
    (folder / "cache" / "weights.json").write_text(json.dumps(content))
    return folder / "cache" / "weights.json"


_trained: list[bytes] = []


def _checkpoint(folder: Path) -> Path:
    """A checkpoint of pre-training after its only step."""
    if not _trained:
        from benchmark.mini.pretraining import pretrain

        run = pretrain.Run("mae", folder / "x", 1)
        run.curve, run.step = [{"step": 1.0, "loss": 0.0, "minutes": 0.0}], 1
        (folder / "x").mkdir()
        run.save()
        _trained.append(run.checkpoint.read_bytes())
        shutil.rmtree(folder / "x")
    (folder / "x").mkdir()
    (folder / "x" / "mae.ckpt").write_bytes(_trained[0])
    return folder / "x" / "mae.ckpt"


def _resume() -> object:
    from benchmark.mini.pretraining.pretrain import Run

    return Run("mae", Path("x"), 1).resume()


# --- features of others

CLASSES, WIDTH = 3, 8


def _features(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, WIDTH)).astype(np.float32)


def _arrays(path: Path, save: Callable[..., None] = np.savez) -> Path:
    labels = np.arange(CLASSES).repeat(2)
    save(
        path,
        test_clip=_features(12),
        test_labels=np.arange(CLASSES).repeat(4),
        support2_clip=_features(6),
        support2_labels=labels,
        text=_features(CLASSES),
        logit_scale=100.0,
        classnames=np.array(["ant", "bee", "cat"]),
    )
    return path


def _cache_of_tip_adapter(folder: Path, damaged: str) -> Path:
    (folder / "caches").mkdir()
    one_hot = torch.eye(CLASSES).repeat_interleave(2, 0)
    tensors = {
        "keys_2shots.pt": torch.from_numpy(_features(6)).T.half(),
        "values_2shots.pt": one_hot.half(),
        "test_f.pt": torch.from_numpy(_features(12)).half(),
        "test_l.pt": torch.arange(CLASSES).repeat_interleave(4),
    }
    for name, tensor in tensors.items():
        torch.save(tensor, folder / "caches" / name)
    np.save(folder / "text.npy", _features(CLASSES))
    return folder / damaged


IMPORT = ("features", "import", "--dataset", "mine", "--out", "out")
CACHES = ("caches", "--text", "text.npy")


def _imported(folder: Path) -> Path:
    """A suite of imported features."""
    parts = {"test": torch.arange(CLASSES).repeat_interleave(4), "support.1": torch.arange(CLASSES)}
    tensors = {f"{part}.labels": labels for part, labels in parts.items()}
    tensors |= {f"{part}.RN50": torch.from_numpy(_features(len(labels)))[None] for part, labels in parts.items()}
    notes = {"form": FORM, "classnames": json.dumps(["ant", "bee", "cat"]), "logit_scale": "100.0"}
    safetensors.torch.save_file(
        {**tensors, "text": torch.from_numpy(_features(CLASSES))}, folder / "f.safetensors", notes
    )
    return folder / "f.safetensors"


def _use_imported() -> object:
    from benchmark.data.imported import Imported
    from benchmark.encoders.imported import clip

    data = Imported("f.safetensors", settings=Settings(cache=Path("cache")))
    clip("RN50", "f.safetensors", settings=Settings(cache=Path("cache"))).text.classifier(data.classnames, ())  # type: ignore[union-attr]
    return [data.given("RN50", split, data.ids(split)[:3]) for split in ("test", "train")]


# --- lists of images, and images


class Datum:
    """An image in CoOp's pickled draws, by the name and the attributes of Dassl's class."""

    def __init__(self, path: str, label: int) -> None:
        self._impath, self._label = path, label


def _tree(folder: Path, damaged: str) -> Path:
    """Lists of images, as CoOp, its followers and Kaggle publish them."""
    names = [f"class {label}" for label in range(SETS["eurosat"].classes)]
    entries = [[f"{label}/{number}.jpg", label, name] for label, name in enumerate(names) for number in range(2)]
    (folder / "split.json").write_text(json.dumps({part: entries for part in ("train", "val", "test")}))
    items = [{"impath": path, "label": label, "classname": name} for path, label, name in entries]
    (folder / "indices.json").write_text(json.dumps({"train": {"data": items, "indices": [1]}}))
    (folder / "draw.pkl").write_bytes(pickle.dumps({"train": [Datum(path, label) for path, label, _ in entries]}))
    rows = ["ImageId,PredictionString", *(f"ILSVRC2012_val_{n:08},n01440764 1 2 3 4" for n in range(20))]
    (folder / "solution.csv").write_text("\n".join(rows))
    (folder / "names.txt").write_text("\n".join(names))
    return folder / damaged


def _meta(folder: Path) -> Path:
    from scipy.io import savemat

    rows = np.array([(1.0, "n01440764"), (2.0, "n01443537")], dtype=[("ILSVRC2012_ID", "f8"), ("WNID", "O")])
    savemat(folder / "meta.mat", {"synsets": rows[:, None]}, do_compression=True)
    (folder / "truth.txt").write_text("1\n" * 10)
    return folder / "meta.mat"


def _image(form: str, mode: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pixels = np.random.default_rng(1).integers(0, 256, (40, 60), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(stream, form)
        path = folder / "images" / "ant" / "image.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(stream.getvalue())
        return path

    return make


def _use_images() -> object:
    return [decoding.faults_of([Path("images/ant/image.png")]), listing.walk(Path("images")), _content()]


def _content() -> object:
    listed = listing.folders(Path("images"), {"ant": 0}, Path("cache"))
    return listed.content(Path("cache"))


def _tar(folder: Path) -> Path:
    samples = [fake_shards.sample(f"ILSVRC2012_val_{n:08}", content, n) for n, content in enumerate(_jpegs())]
    return fake_shards.tar(folder / "0.tar", [member for members in samples for member in members])


def _parquet(folder: Path) -> Path:
    return fake_shards.parquet(folder / "0.parquet", [(f"n_{n}", content, n) for n, content in enumerate(_jpegs())], 2)


def _jpegs() -> list[bytes]:
    streams = [io.BytesIO() for _ in range(4)]
    for label, stream in enumerate(streams):
        Image.new("RGB", (9, 8), (label, 50, 90)).save(stream, "JPEG")
    return [stream.getvalue() for stream in streams]


def _use_shard(name: str) -> Callable[[], object]:
    return lambda: decoding.faults_of([sample.place for sample in shard_index.read(Path(name))])


# --- results of other programs

RECORDS = Path(__file__).parents[1] / "benchmark" / "records" / "of_0_1" / "mini"


def _results(form: str) -> Callable[[Path], Path]:
    """A results file of two records of the mini suite."""

    def make(folder: Path) -> Path:
        store, path = Store(RECORDS), folder / f"results.{form}"
        records = lines.ordered(store.records().values(), str)
        exporter = exporting.Exporter(store, str)
        found = (exporting.jsonl(said) + "\n" for record in records for said in exporter.lines(record))
        path.write_text(exporting.csv(records, str) if form == "csv" else "".join(found))
        return path

    return make


def _use_results(form: str) -> Callable[[], object]:
    def use() -> object:
        file = Path(f"results.{form}")
        importing.check(file)
        return importing.read(file, "mini", Store(Path("mini")) if form == "jsonl" else None)

    return use


KINDS: dict[str, Kind] = {
    "checkpoint": Kind(_weights("dino.pth", _zip), bench("weights", "--deep")),
    "older checkpoint": Kind(_weights("dino.pth", _old_pickle), bench("weights", "--deep")),
    "TorchScript": Kind(_weights("RN50.pt", _torchscript), bench("weights", "--deep")),
    "safetensors": Kind(_weights("dino_rn50.safetensors", _safetensors), bench("weights", "--deep")),
    "imported checkpoint": Kind(_weights("dino.pth", _zip), bench("weights", "import", "weights/dino.pth")),
    "facts of weights": Kind(_facts, bench("weights")),
    "checkpoint of pre-training": Kind(_checkpoint, _resume),
    "archive of features": Kind(lambda folder: _arrays(folder / "f.npz"), bench(*IMPORT, "f.npz")),
    "compressed features": Kind(lambda folder: _arrays(folder / "f.npz", np.savez_compressed), bench(*IMPORT, "f.npz")),
    "released features": Kind(lambda f: _cache_of_tip_adapter(f, "caches/test_f.pt"), bench(*IMPORT, *CACHES)),
    "released labels": Kind(lambda f: _cache_of_tip_adapter(f, "caches/test_l.pt"), bench(*IMPORT, *CACHES)),
    "classifier": Kind(lambda f: _cache_of_tip_adapter(f, "text.npy"), bench(*IMPORT, *CACHES)),
    "imported features": Kind(_imported, _use_imported),
    "split list": Kind(lambda folder: _tree(folder, "split.json"), lambda: splits.zhou(Path("split.json"), Path("images"))),
    "indices": Kind(lambda folder: _tree(folder, "indices.json"), lambda: kept_draws.read_indices(Path("indices.json"))),
    "pickled draw": Kind(lambda folder: _tree(folder, "draw.pkl"), lambda: kept_draws.read_cache(Path("draw.pkl"))),
    "solution": Kind(lambda folder: _tree(folder, "solution.csv"), lambda: unsorted_val.solution(Path("solution.csv"))),
    "names": Kind(lambda folder: _tree(folder, "names.txt"), lambda: splits.lines(Path("names.txt"))),
    "table of synsets": Kind(_meta, lambda: unsorted_val.truth(Path("truth.txt"))),
    "JPEG": Kind(_image("JPEG", "RGB"), _use_images),
    "PNG of 16 bits": Kind(_image("PNG", "I;16"), _use_images),
    "GIF": Kind(_image("GIF", "P"), _use_images),
    "TIFF": Kind(_image("TIFF", "CMYK"), _use_images),
    "WebP": Kind(_image("WEBP", "RGB"), _use_images),
    "results file": Kind(_results("jsonl"), _use_results("jsonl")),
    "table of results": Kind(_results("csv"), _use_results("csv")),


    "tar of images": Kind(_tar, _use_shard("0.tar")),
    "parquet of images": Kind(_parquet, _use_shard("0.parquet")),
}  # fmt: skip
"""Name -> kind of file."""
