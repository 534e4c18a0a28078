"""Lists that others drew are read by the ends of their paths, and a pickle is given nothing to run."""

import json
import os
import pickle
import re
import sys
import types
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_trees import make, split_file

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import read
from benchmark.data.published import kept_draws, readers
from benchmark.data.published.photographs import Photographs


@pytest.fixture
def dassl(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """Dassl's class under its own name while a pickle is written; gone when it is read."""
    module = types.ModuleType("dassl.data.datasets.base_dataset")

    class Datum:
        def __init__(self, impath: str, label: int, domain: int = 0, classname: str = "") -> None:
            self._impath, self._label, self._domain, self._classname = impath, label, domain, classname

    Datum.__module__, Datum.__qualname__ = module.__name__, "Datum"
    module.Datum = Datum  # type: ignore[attr-defined]
    for name in ("dassl", "dassl.data", "dassl.data.datasets"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Datum


DTD = ["dtd"]


@pytest.fixture
def dtd(root: Path) -> Path:
    return make(root, DTD, train=3, val=2, val_every=1)


def entries(root: Path, part: str) -> list[list]:
    return json.loads(split_file(root, "dtd").read_text())[part]


def cached(dtd: Path, datum: type, items: dict[str, Sequence], shots: int = 1, seed: int = 1, **how: int) -> Path:
    """A cache as CoOp writes it on somebody's machine."""
    base = "/home/somebody/data/dtd/images"
    said = {
        part: [datum(f"{base}/{path}", label, 0, name) for path, label, name in chosen]
        for part, chosen in items.items()
    }
    file = dtd / "dtd" / "split_fewshot" / f"shot_{shots}-seed_{seed}.pkl"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(pickle.dumps(said, **how))
    return file


def chosen(dataset: Photographs, shots: int = 1, seed: int = 1) -> tuple[list[str], list[str]]:
    draw = dataset.draw(shots, seed)
    return dataset.listed(draw.pool[draw.support]), dataset.listed(draw.val_pool[draw.val])


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_coops_cache_is_the_draw(protocol: int, dtd: Path, dassl: type, monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = entries(dtd, "train")[::3][::-1], entries(dtd, "val")[1::2]
    cached(dtd, dassl, {"train": train, "val": val}, protocol=protocol)
    monkeypatch.delitem(sys.modules, "dassl.data.datasets.base_dataset")
    dataset = readers.split("dtd", sampler="coop-cache", settings=read())
    assert chosen(dataset) == ([path for path, _, _ in train], [path for path, _, _ in val])
    assert not dataset.nested


def test_a_cache_without_validation_leaves_it_to_be_drawn(dtd: Path, dassl: type) -> None:
    """As CoOp's cache of ImageNet."""
    train = entries(dtd, "train")[::3]
    cached(dtd, dassl, {"train": train})
    _, val = chosen(readers.split("dtd", sampler="coop-cache", settings=read()))
    assert len(val) == 47
    assert set(val) <= {path for path, _, _ in entries(dtd, "val")}


def test_paths_of_another_system_are_matched_too(dtd: Path, dassl: type) -> None:
    train = [[path.replace("/", "\\"), label, name] for path, label, name in entries(dtd, "train")[::3]]
    cached(dtd, dassl, {"train": train})
    support, _ = chosen(readers.split("dtd", sampler="coop-cache", settings=read()))
    assert support == [path for path, _, _ in entries(dtd, "train")[::3]]


def test_no_shots_need_no_cache(dtd: Path) -> None:
    assert chosen(readers.split("dtd", sampler="coop-cache", settings=read()), shots=0) == ([], [])


def test_a_cache_that_is_not_there_is_named(dtd: Path) -> None:
    with pytest.raises(Incomplete, match=re.escape(f"{dtd}/dtd/split_fewshot/shot_2-seed_3.pkl: no such file")):
        readers.split("dtd", sampler="coop-cache", settings=read()).draw(2, 3)


def test_a_stale_cache_is_named_with_the_image(dtd: Path, dassl: type) -> None:
    """CoOp's recurring trap: the cache outlives the split that it was drawn from."""
    file = cached(dtd, dassl, {"train": [["banded/banded_0001.jpg", 0, "banded"]]})
    with pytest.raises(BenchError, match=r"banded_0001\.jpg is no image of class 0 in the split") as caught:
        readers.split("dtd", sampler="coop-cache", settings=read()).draw(1, 1)
    assert str(file) in str(caught.value)


def test_an_image_under_another_label_is_not_taken(dtd: Path, dassl: type) -> None:
    path, label, name = entries(dtd, "train")[0]
    cached(dtd, dassl, {"train": [[path, label + 1, name]]})
    with pytest.raises(BenchError, match="is no image of class 1"):
        readers.split("dtd", sampler="coop-cache", settings=read()).draw(1, 1)


class Malicious:
    """Would make a folder if it were run."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def test_a_malicious_pickle_does_nothing_and_is_named(dtd: Path, tmp_path: Path) -> None:
    file = dtd / "dtd" / "split_fewshot" / "shot_1-seed_1.pkl"
    file.parent.mkdir()
    file.write_bytes(pickle.dumps({"train": [Malicious(tmp_path / "ran")]}))
    with pytest.raises(BenchError, match=r"asks for (posix|nt)\.mkdir.*nothing of it was run") as caught:
        readers.split("dtd", sampler="coop-cache", settings=read()).draw(1, 1)
    assert str(file) in str(caught.value)
    assert not (tmp_path / "ran").exists()


TRICKS = [
    b"cbuiltins\neval\n(S'1'\ntR.",
    b"cos\nsystem\n(S'true'\ntR.",
    b"cdassl.data.datasets.base_dataset\nDatum.__init__\n.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    b"\x80\x04\x8c\x02os\x8c\x06systemX",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_pickles_that_name_functions_are_refused(trick: bytes, tmp_path: Path) -> None:
    file = tmp_path / "list.pkl"
    file.write_bytes(trick)
    with pytest.raises(BenchError, match=r"list\.pkl"):
        kept_draws.read_cache(file)


@pytest.mark.parametrize("said", [[], {}, {"train": []}, {"train": [1, 2]}, {"train": "abc"}, {"val": []}, 7, None])
def test_a_pickle_of_something_else_is_named(said: object, tmp_path: Path) -> None:
    file = tmp_path / "list.pkl"
    file.write_bytes(pickle.dumps(said))
    with pytest.raises(BenchError, match=r"list\.pkl: train is no list of images and labels"):
        kept_draws.read_cache(file)


HUGE = [
    b"\x80\x02" + b"]" * 3_000_000 + b".",
    b"\x80\x02Nr\xff\xff\xff\x7f.",
    b"\x80\x02})" + b"\x85" * 500_000 + b"K\x01s.",
    b"\x80\x02" + b"N" * (9 << 20),
]
"""Lists of nothing, a memo of 2 billion places, a key of tuples whose hash would end the process, and a long pickle."""


@pytest.mark.parametrize("content", HUGE, ids=["lists", "memo", "tuples", "long"])
def test_a_pickle_that_would_fill_the_memory_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list.pkl").write_bytes(content)
    with pytest.raises(BenchError, match=r"list\.pkl: cannot be read as one of CoOp's pickles"):
        kept_draws.read_cache(tmp_path / "list.pkl")


@pytest.mark.parametrize(
    ("path", "label"), [("a.jpg", 10**5000), ("a.jpg", -1), ("a/" * 10_000, 0)], ids=["huge", "negative", "long"]
)
def test_a_label_or_path_that_no_image_has_is_named(path: str, label: int, dassl: type, tmp_path: Path) -> None:
    datum: Any = object.__new__(dassl)
    vars(datum).update(_impath=path, _label=label)
    (tmp_path / "list.pkl").write_bytes(pickle.dumps({"train": [datum]}))
    with pytest.raises(BenchError, match=r"list\.pkl: train is no list of images and labels"):
        kept_draws.read_cache(tmp_path / "list.pkl")


def test_a_broken_pickle_is_named(dtd: Path, dassl: type, tmp_path: Path) -> None:
    content = cached(dtd, dassl, {"train": entries(dtd, "train")}).read_bytes()
    for length in (0, 1, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "half.pkl").write_bytes(content[:length])
        with pytest.raises(BenchError, match=r"half\.pkl: cannot be read"):
            kept_draws.read_cache(tmp_path / "half.pkl")


# --- cross_modal_adaptation


def indexed(folder: Path, train: Sequence, val: Sequence, key: str = "dtd") -> Path:
    """An index file as it is published."""

    def part(items: Sequence) -> dict:
        data = [
            {"impath": f"./data/dtd/images/{path}", "label": label, "classname": name} for path, label, name in items
        ]
        return {"data": data, "indices": list(range(len(items)))}

    file = folder / key / "shot_1-seed_1.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"train": part(train), "val": part(val)}))
    return file


@pytest.mark.parametrize("where", ["argument", "bench.toml", "root"])
def test_published_indices_are_the_draw(where: str, dtd: Path, tmp_path: Path) -> None:
    folder = dtd / "indices" if where == "root" else tmp_path / "elsewhere"
    train, val = entries(dtd, "train")[1::3], entries(dtd, "val")[::2]
    indexed(folder, train, val)
    if where == "bench.toml":
        Path("bench.toml").write_text(f'[data]\npaths = {{ indices = "{folder}" }}\n')
    dataset = readers.split(
        "dtd", sampler="cross-modal", indices=str(folder) if where == "argument" else "", settings=read()
    )
    assert chosen(dataset) == ([path for path, _, _ in train], [path for path, _, _ in val])


def test_validation_may_come_from_the_training_list(dtd: Path) -> None:
    """cross_modal_adaptation divides ImageNet's training images itself."""
    train, val = entries(dtd, "train")[::3], entries(dtd, "train")[1::3]
    indexed(dtd / "indices", train, val)
    assert chosen(readers.split("dtd", sampler="cross-modal", settings=read()))[1] == [path for path, _, _ in val]


def test_flowers_are_called_as_coop_calls_them(root: Path) -> None:
    make(root, ["flowers102"])
    with pytest.raises(Incomplete, match=r"indices/oxford_flowers/shot_1-seed_1\.json: no such file"):
        readers.split("flowers102", sampler="cross-modal", settings=read()).draw(1, 1)


def test_an_index_file_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "shot.json"
    file.write_bytes(BOM_UTF8 + b'{"train": {"data": [{"impath": "a.jpg", "label": 3}], "indices": [0]}}')
    assert kept_draws.read_indices(file)["train"] == [kept_draws.Item("a.jpg", 3)]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"train": 1}', '{"train": {"data": [{"impath": 1}]}}', "[" * 100_000]
)
def test_a_broken_index_file_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "shot.json"
    file.write_text(text)
    with pytest.raises(BenchError, match=r"shot\.json: ") as caught:
        kept_draws.read_indices(file)
    assert "\n" not in str(caught.value)


def test_an_unknown_sampler_is_named(dtd: Path) -> None:
    with pytest.raises(BenchError, match="unknown sampler 'coop': did you mean 'coop-cache'"):
        readers.split("dtd", sampler="coop", settings=read())
