"""Features that others made, in exactly their files' shapes: from caches to a measured table, and every misfit named."""

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_weights
import numpy as np
import pytest
import torch
from array_types import NUMPY, TORCH, in_numpy, in_torch
from toy_world import WORLDS, bench, here

from benchmark.core import settings
from benchmark.core.errors import BenchError, Incomplete
from benchmark.exhibits.exhibit import load
from benchmark.exhibits.opened import Opened
from benchmark.features import filling
from benchmark.features.importing import released_caches, write_suite
from benchmark.features.importing.given import Given, Place
from benchmark.features.requests import Request
from benchmark.numerics.logits import unit
from benchmark.running import task
from benchmark.suites import suite

CLASSES, TEST, WIDTHS = 6, 48, {"clip": 32, "aux": 64, "dino": 64}
CENTRES = {
    space: 3 * torch.randn(CLASSES, d, generator=torch.Generator().manual_seed(d)) for space, d in WIDTHS.items()
}
TEXT = unit(CENTRES["clip"] + torch.randn(CLASSES, 32, generator=torch.Generator().manual_seed(9)))


def images(space: str, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Features as an encoder gives them, float32 [N, D]."""
    noise = torch.randn(len(labels), WIDTHS[space], generator=torch.Generator().manual_seed(seed + WIDTHS[space]))
    return CENTRES[space][labels] + noise


def test_labels() -> torch.Tensor:
    return torch.arange(TEST) % CLASSES


test_labels.__test__ = False  # type: ignore[attr-defined]


def support_labels(shots: int) -> torch.Tensor:
    """Class by class, as the loaders give them."""
    return torch.arange(CLASSES).repeat_interleave(shots)


def tip_adapter(folder: Path, shots: tuple[int, ...] = (1, 16), prefix: str = "", space: str = "clip") -> Path:
    """Tip-Adapter's cache: half precision; keys are columns; values one-hot halves; test and validation features unit."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in shots:
        labels = support_labels(k)
        keys = unit(torch.stack([images(space, labels, 10 * k + p) for p in range(3)]).mean(0)).half()
        torch.save(keys.permute(1, 0), folder / f"{prefix}keys_{k}shots.pt")
        torch.save(torch.nn.functional.one_hot(labels).half(), folder / f"{prefix}values_{k}shots.pt")
    name = prefix.strip("_")
    for split, n, seed in (("val", 60, 5), ("test", TEST, 7)):
        stem = f"{split}_{name}" if name else split
        labels = torch.arange(n) % CLASSES
        torch.save(unit(images(space, labels, seed)).half(), folder / f"{stem}_f.pt")
        torch.save(labels, folder / f"{stem}_l.pt")
    torch.save(torch.nn.Parameter(torch.ones(6, 32).half()), folder / "best_F_16shots.pt")
    return folder


def cafo(folder: Path) -> Path:
    """CaFo's: the same of both towers, and of generated images."""
    tip_adapter(folder, (16,), "clip_", "clip")
    tip_adapter(folder, (16,), "dino_", "dino")
    torch.save(torch.ones(32, 6).half(), folder / "clip_dalle_keys_1shots.pt")
    return folder


def amu_tuning(folder: Path, shots: tuple[int, ...] = (1, 16)) -> Path:
    """AMU-Tuning's: unit auxiliary features of the support set; test features raw, CLIP's in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in shots:
        passes = torch.stack([images("aux", support_labels(k), 10 * k + p) for p in range(2)])
        torch.save(unit(passes.mean(0)), folder / f"aux_feature_{k}shots.pt")
        torch.save(support_labels(k), folder / f"aux_labels_{k}shots.pt")
    for space, features_ in (
        ("clip", images("clip", test_labels(), 7).half()),
        ("aux", images("aux", test_labels(), 7)),
    ):
        torch.save(features_, folder / f"{space}_test_f.pt")
        torch.save(test_labels(), folder / f"{space}_test_l.pt")
    torch.save({"fc.weight": torch.ones(6, 64)}, folder / "best_adapter_16shots.pt")
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """The classifier as released code keeps it in memory: classes are columns, half precision."""
    torch.save(TEXT.T.half(), tmp_path / "text.pt")
    return tmp_path / "text.pt"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("BENCH_RESULTS", "BENCH_REPORTS", "TORCH_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    WORLDS.clear()
    monkeypatch.chdir(tmp_path)


def take_in(*arguments: object) -> tuple[int, str, str]:
    return bench("features", "import", *arguments)


def test_from_released_caches_to_a_measured_table(tmp_path: Path, text: Path) -> None:
    caches = [amu_tuning(tmp_path / "amu"), tip_adapter(tmp_path / "tip"), tmp_path / "cafo"]
    cafo(tmp_path / "cafo")
    code, out, err = take_in(*caches, "--text", text, "--classnames", names(tmp_path))
    assert code == 0, err
    assert out.splitlines()[-1] == "next: bench run --table 4 --suite imported/imagenet.toml"
    assert "mocov3: support features of aux, 16 shots: 96 x 64" in out
    assert "dino: test features of dino: 48 x 64" in out
    assert "test_f.pt: test features of clip are in" in err, "of two the first stays"
    arguments = ["--table", "4", "--suite", "imported/imagenet.toml", "--shots", "16", "--jobs", "1"]
    code, out, err = bench("run", *arguments)
    assert code == 0, err
    row = {line.split("|")[1].strip(): line for line in out.splitlines() if line.startswith("|")}
    cells = {name: [cell.strip(" *") for cell in line.split("|")[2:-1]] for name, line in row.items()}
    measured = [name for name, found in cells.items() if "±" in found[-1] or found[-1][:1].isdigit()]
    assert {"Zero-shot CLIP", "LP-CLIP", "CLIP-Adapter", "Tip-Adapter", "Tip-Adapter-F", "AMU-Tuning"} <= set(measured)
    assert any(name.startswith("CaFo\\*") or name == "CaFo*" for name in measured)
    assert "CoOp" not in measured
    table = Path("reports/imagenet/table4.md").read_text()
    assert "it prompts CLIP's towers, and of RN50 there are features alone" in table
    assert "it reads clip_spatial, and of imagenet there are the images' whole features alone" in table


def names(tmp_path: Path) -> Path:
    (tmp_path / "names.txt").write_text("\n".join(f"kind {c}" for c in range(CLASSES)))
    return tmp_path / "names.txt"


def imported(tmp_path: Path, *sources: Path, text: Path | None = None, dataset: str = "dtd") -> suite.Suite:
    more = ["--text", text] if text else []
    code, _, err = take_in(*sources, *more, "--dataset", dataset, "--classnames", names(tmp_path))
    assert code == 0, err
    return suite.load(f"imported/{dataset}.toml")


def test_what_is_read_is_what_the_files_hold(tmp_path: Path, text: Path) -> None:
    world = imported(tmp_path, tip_adapter(tmp_path / "tip"), text=text)
    keys = torch.load(tmp_path / "tip" / "keys_16shots.pt")
    pool = filling.load(Request("dtd", "RN50", "pool", 1, 16), here(world))
    assert pool.dtype == torch.float32
    assert torch.equal(pool, keys.T[None].float())
    test = filling.load(Request("dtd", "RN50", "test", 0), here(world))
    assert torch.equal(test[0], torch.load(tmp_path / "tip" / "test_f.pt").float())
    data = here(world).dataset("dtd")
    assert data.labels("test", data.ids("test")).tolist() == test_labels().tolist()
    assert data.labels("train", data.draw(16, 1).pool).tolist() == support_labels(16).tolist()
    (run,) = [r for c in load("table4").cells() if c.row == "Tip-Adapter" for r in c.runs(moved(world), [1])][-1:]
    build, _ = task.build(Opened(run, here(moved(world))))
    torch.testing.assert_close(build.text, unit(TEXT.half().float()))
    assert (build.logit_scale, len(build.support), len(build.val or ())) == (100.0, 96, 4 * CLASSES)


def moved(world: suite.Suite) -> suite.Suite:
    """The same data set in the role that Table 4 asks for."""
    return suite.Suite(**{**world.__dict__, "datasets": {"imagenet": world.datasets["dtd"]}})


def test_validation_images_are_drawn_by_the_seed_and_their_features_follow(tmp_path: Path, text: Path) -> None:
    world = imported(tmp_path, tip_adapter(tmp_path / "tip"), text=text)
    data = here(world).dataset("dtd")
    one, two = data.draw(16, 1), data.draw(16, 2)
    assert one.val_pool.tolist() != two.val_pool.tolist()
    assert np.bincount(data.labels("train", one.val_pool)).tolist() == [4] * CLASSES
    found = filling.load(Request("dtd", "RN50", "val", 1, 16), here(world))[0]
    places = one.val_pool - (1 + 16) * CLASSES
    assert torch.equal(found, torch.load(tmp_path / "tip" / "val_f.pt").float()[places])


def test_nothing_is_encoded_or_kept_twice(tmp_path: Path, text: Path) -> None:
    world = imported(tmp_path, tip_adapter(tmp_path / "tip"), text=text)
    requests = [Request("dtd", "RN50", part, 1, 16) for part in ("pool", "val")] + [Request("dtd", "RN50", "test", 0)]
    assert filling.missing(requests, here(world)) == []
    code, out, _ = bench("features", "--suite", "imported/dtd.toml")
    assert (code, out.count("there")) == (0, 3 + 1)
    assert out.count("crops: unknown (imported)") == out.count("crops: ") == 1
    with pytest.raises(BenchError, match="its features were imported, and there is no network"):
        here(world).encoder("RN50").encode(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 1)
    with pytest.raises(BenchError, match="holds features, and no images"):
        here(world).dataset("dtd").images("test", np.arange(1))


def test_other_features_make_records_stale(tmp_path: Path, text: Path) -> None:
    world = imported(tmp_path, tip_adapter(tmp_path / "tip"), text=text)
    before = here(world).dataset("dtd").fingerprint, here(world).encoder("RN50").fingerprint
    torch.save(unit(images("clip", test_labels(), 8)).half(), tmp_path / "tip" / "test_f.pt")
    WORLDS.clear()
    world = imported(tmp_path, tmp_path / "tip", text=text)
    after = here(world).dataset("dtd").fingerprint, here(world).encoder("RN50").fingerprint
    assert not set(before) & set(after)


def arrays(**changes: Any) -> dict[str, Any]:
    """An archive of anybody's own, with three views of the support set; None leaves an array out."""
    labels = support_labels(4)
    found: dict[str, Any] = {
        "test_clip": images("clip", test_labels(), 7).numpy(),
        "test_mae": images("aux", test_labels(), 7).double().numpy(),
        "test_labels": test_labels().numpy(),
        "support4_clip": torch.stack([images("clip", labels, p) for p in range(3)]).numpy(),
        "support4_mae": torch.stack([images("aux", labels, p) for p in range(3)]).numpy(),
        "support4_labels": labels.numpy(),
        "text": TEXT.numpy(),
        "logit_scale": 50.0,
        "classnames": np.array([f"kind {c}" for c in range(CLASSES)]),
    }
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def archive(folder: Path, **changes: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays(**changes))
    return folder / "mine.npz"


def test_anybodys_own_arrays_with_views_names_text_and_scale(tmp_path: Path) -> None:
    code, out, err = take_in(archive(tmp_path), "--dataset", "birds", "--backbone", "ViT-B/16")
    assert code == 0
    assert "ViT-B/16: support features of clip, 4 shots: 3 views of 24 x 32" in out
    assert "left out: there are no validation features of clip" in err
    assert "note: without validation features `val` is the last epoch" in err
    world = suite.load("imported/birds.toml")
    assert (world.views, world.comparable, world.datasets["birds"]["shots"]) == (3, False, [4])
    assert set(world.encoders) == {"ViT-B/16", "mae"}
    assert here(world).dataset("birds").classnames == tuple(f"kind {c}" for c in range(CLASSES))
    assert filling.load(Request("birds", "mae", "pool", 1, 4), here(world)).shape == (3, 24, 64)
    assert here(world).encoder("ViT-B/16").text.logit_scale == 50.0  # type: ignore[union-attr]


def test_without_a_classifier_clips_own_weights_make_it_and_prompts_can_be_learnt(tmp_path: Path) -> None:
    fake_weights.make(tmp_path / "weights", ["clip_rn50"])
    code, _, err = take_in(archive(tmp_path, text=None), "--dataset", "imagenet", "--template", "a {}.")
    assert code == 0, err
    world = suite.load("imported/imagenet.toml")
    (cell,) = [c for c in load("table4").cells() if (c.row, c.column) == ("CoOp", "4-shot")]
    assert cell.lacks(world) == ""
    build, _ = task.build(Opened(cell.runs(world, [1])[0], here(world)))
    assert build.clip is not None
    clip = build.clip
    assert torch.allclose(build.text, clip.classifier([f"kind {c}" for c in range(CLASSES)], ["a {}."]))


def test_features_of_one_space_are_brought_to_one_length(tmp_path: Path) -> None:
    """Released code keeps unit features of support sets beside raw ones of test images: a probe would not carry over."""
    found = released_caches.read([amu_tuning(tmp_path / "amu"), tip_adapter(tmp_path / "tip")])
    for part in found.parts.values():
        torch.testing.assert_close(
            part.features.float().norm(dim=-1), torch.ones(part.features.shape[:2]), atol=1e-2, rtol=0
        )
    assert any(note.startswith("CLIP's features have length one") for note in found.notes)
    assert released_caches.MEANS in found.notes
    own = released_caches.read([archive(tmp_path)])
    assert not any("length one" in note for note in own.notes)
    assert released_caches.MEANS not in own.notes
    assert float(own.parts[Place("test", 0, "clip")].features.norm(dim=-1).min()) > 2


def test_what_is_not_complete_is_left_out_and_said(tmp_path: Path) -> None:
    amu = amu_tuning(tmp_path / "amu")
    found = released_caches.read([amu])
    assert (found.spaces, found.shots) == (["clip"], [])
    assert "there is no support set of CLIP features, without which nothing but zero-shot CLIP is run" in found.left_out
    found = released_caches.read([amu, tip_adapter(tmp_path / "tip", (16,))])
    assert (found.spaces, found.shots) == (["clip", "aux"], [16])
    assert "of 1 shots there are no features of CLIP" in found.left_out
    assert not any(place.part == "val" for place in found.parts), "the auxiliary encoder's are missing"


def test_an_encoder_may_have_features_of_fewer_shots_than_clip(tmp_path: Path, text: Path) -> None:
    world = imported(tmp_path, tip_adapter(tmp_path / "tip"), cafo(tmp_path / "cafo"), text=text, dataset="imagenet")
    lacks = {(c.row, c.column): c.lacks(world) for c in load("table4").cells()}
    assert lacks["CaFo*", "16-shot"] == lacks["Tip-Adapter", "1-shot"] == ""
    assert lacks["CaFo*", "1-shot"] == "of 1 shots there are no features of dino"
    assert lacks["Tip-Adapter", "2-shot"] == "of 2 shots there are no features of imagenet"


def test_files_of_no_known_name_are_named(tmp_path: Path) -> None:
    found = released_caches.read([tip_adapter(tmp_path / "tip")])
    assert found.left_out == [f"{tmp_path / 'tip' / 'best_F_16shots.pt'}: no features that are known by this name"]


class Trap:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return Path.touch, (Path("sprung"),)  # type: ignore[return-value]


def broken(name: str, content: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tip_adapter(folder)
        torch.save(content, folder / name)
        return folder

    return make


def pickled(folder: Path) -> Path:
    tip_adapter(folder)
    (folder / "test_f.pt").write_bytes(pickle.dumps(Trap()))
    return folder


def objects(folder: Path) -> Path:
    folder.mkdir()
    return archive(folder, classnames=np.array([Trap()], dtype=object))


def in_npz(**changes: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        folder.mkdir()
        return archive(folder, **changes)

    return make


def without(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tip_adapter(folder)
        (folder / name).unlink()
        return folder

    return make


ONES = np.ones((TEST, 32), np.float32)


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (pickled, 2, "test_f.pt: refused: reading it would run"),
        (objects, 2, "mine.npz: cannot be read as .npz of plain arrays (Object arrays cannot be loaded"),
        (broken("test_f.pt", {"a": torch.ones(2, 2)}), 2, "test_f.pt: holds a dict, not a tensor"),
        (broken("test_f.pt", torch.ones(4)), 2, "test_f.pt: its tensor is [4] torch.float32; numbers in 2"),
        (broken("test_f.pt", torch.full((TEST, 32), torch.nan)), 2, "its tensor is empty, or holds values that are not"),
        (broken("test_f.pt", torch.ones(5, 32)), 2, "do not fit (5 features, labels [48] torch.int64)"),
        (broken("test_f.pt", torch.ones(TEST, 31)), 2, "are not of one encoder: features of width 3"),
        (broken("values_16shots.pt", torch.ones(96, 6)), 2, "values_16shots.pt: its rows are not one-hot"),
        (broken("test_l.pt", torch.ones(TEST)), 2, "labels [48] torch.float32); one class, from 0, a feature"),
        (broken("values_1shots.pt", torch.eye(6)[[0, 0, 1, 2, 3, 4]].half()), 2, "6 images are not 1 of each of 6 classes"),
        (without("values_1shots.pt"), 3, "keys_1shots.pt: its labels are missing, values_1shots.pt"),
        (without("test_f.pt"), 3, "there are no test features of CLIP, which every method reads"),
        (in_npz(test_labels=None), 2, "mine.npz: has test_clip and no test_labels"),
        (in_npz(text=ONES[:7]), 2, "the text classifier is 7 x 32, 6 classes x 32 features are needed"),
        (in_npz(classnames=np.array(["one"])), 2, "1 class names for 6 classes"),
        (in_npz(text=None), 3, "there is no text classifier of RN50: give one with --text FILE"),
        (lambda folder: folder, 2, "no such file or folder"),
        (lambda folder: folder.mkdir() or folder, 3, "no features that are known"),
    ],
)  # fmt: skip
def test_a_misfit_is_one_line(make: Callable[[Path], Path], code: int, words: str, tmp_path: Path) -> None:
    found, out, err = take_in(make(tmp_path / "caches"), "--dataset", "dtd")
    assert (found, out) == (code, "")
    assert words in err.splitlines()[-1]
    assert not Path("sprung").exists()
    assert not Path("imported").exists()


def test_labels_of_two_encoders_have_to_agree(tmp_path: Path) -> None:
    tip, amu = tip_adapter(tmp_path / "tip"), amu_tuning(tmp_path / "amu")
    torch.save(test_labels().flip(0), amu / "aux_test_l.pt")
    with pytest.raises(
        BenchError, match=r"aux_test_f\.pt and .*test_f\.pt are not of the same images: their labels differ"
    ):
        released_caches.read([tip, amu])


@pytest.mark.parametrize("name", ["mini", "../up", "a b"])
def test_a_name_that_would_be_another_suites_or_folders_is_refused(name: str, tmp_path: Path) -> None:
    code, _, err = take_in(archive(tmp_path), "--dataset", name)
    assert (code, "records are kept by this name" in err) == (2, True)


def same_import(found: Given, wanted: Given) -> bool:
    """Whether an import has the labels, names and scale of another and its features, as closely as eight bits tell."""
    parts = [(found.parts[place], part) for place, part in wanted.parts.items()]
    features = [(one.features, other.features) for one, other in parts]
    if found.text is not None and wanted.text is not None:
        features.append((found.text, wanted.text))
    return (
        found.parts.keys() == wanted.parts.keys()
        and all(torch.equal(one.labels, other.labels) for one, other in parts)
        and all(torch.nn.functional.cosine_similarity(a.float(), b.float(), -1).min() > 0.9 for a, b in features)
        and (found.classnames, found.logit_scale) == (wanted.classnames, wanted.logit_scale)
    )


def right_or_refused(source: Path, wanted: Given, changed: str) -> str:
    """The line with which an import is refused; "" for a right one. A wrong one, and any other exception, is a failure."""
    try:
        found = released_caches.read([source])
    except BenchError as error:
        return str(error)
    assert same_import(found, wanted), changed
    return ""


@pytest.mark.parametrize(
    "name", ["test_clip", "test_labels", "support4_mae", "support4_labels", "text", "logit_scale", "classnames"]
)
def test_an_archive_with_an_array_of_any_type_is_imported_rightly_or_refused_in_a_line(
    name: str, tmp_path: Path
) -> None:
    wanted, lines = released_caches.read([archive(tmp_path)]), {}
    for kind in NUMPY:
        changed = {name: in_numpy(np.asarray(arrays()[name]), kind)}
        lines[str(kind)] = right_or_refused(archive(tmp_path, **changed), wanted, f"{name} as {kind}")
    assert all("\n" not in line and "mine.npz" in line for line in lines.values() if line)
    assert "" in lines.values()


@pytest.mark.parametrize("name", ["test_f.pt", "test_l.pt", "keys_16shots.pt", "values_16shots.pt"])
def test_a_cache_with_a_tensor_of_any_type_is_imported_rightly_or_refused_in_a_line(name: str, tmp_path: Path) -> None:
    folder = tip_adapter(tmp_path / "tip", (16,))
    wanted, lines = released_caches.read([tip_adapter(tmp_path / "as it was", (16,))]), {}
    before = torch.load(folder / name)
    whole = (before.float() if before.is_floating_point() else before).numpy().copy()
    for kind in TORCH:
        tensor = None if kind == torch.float8_e8m0fnu else in_torch(whole, kind)  # which has no sign
        if tensor is not None:
            torch.save(tensor, folder / name)
            lines[str(kind)] = right_or_refused(folder, wanted, f"{name} as {kind}")
    assert all("\n" not in line and name in line for line in lines.values() if line)
    assert lines["torch.float32" if "_l" not in name else "torch.uint16"] == ""


def test_only_arrays_of_known_names_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    before = np.lib.npyio.NpzFile.__getitem__

    def noted(self: Any, name: str) -> Any:
        loaded.append(name)
        return before(self, name)

    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", noted)
    found = released_caches.read([archive(tmp_path, pictures=np.zeros((2, 2)), paths=np.array(["a", "b"]))])
    assert sorted(loaded) == sorted(arrays())
    assert f"{tmp_path / 'mine.npz'}: arrays of no known name: pictures, paths" in found.left_out


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (
            np.float32(4.6052),
            r"is this the logarithm\? exp of it is 100; say which with --logit-scale 100 or .* 4\.6052",
        ),
        (np.array([1.0]), "is this the logarithm"),
        (2000.0, r"CLIP's is 100; say that it is meant with --logit-scale 2000"),
        (-3.0, "logit_scale is -3; it has to be finite and above zero"),
        (0, "logit_scale is 0; it has to be finite and above zero"),
        (np.nan, "logit_scale is nan; it has to be finite"),
        (np.ones(3), r"logit_scale is \[3\] float64; one number is needed"),
        (np.array("100"), "logit_scale is .*; numbers are needed"),
        (np.array(True), "logit_scale is .* bool; one number is needed"),
    ],
)
def test_a_logit_scale_that_can_hardly_be_meant_is_refused_until_it_is_said(
    scale: Any, said: str, tmp_path: Path
) -> None:
    code, out, err = take_in(archive(tmp_path, logit_scale=np.asarray(scale)), "--dataset", "birds")
    assert (code, out, err.count("mine.npz: logit_scale is")) == (2, "", 1)
    assert re.search(said, err)


@pytest.mark.parametrize("scale", [100, [100.0], [[100]], np.float16(100), np.array([100], ">f4")])
def test_a_logit_scale_is_one_number_of_any_shape_and_is_said(scale: Any, tmp_path: Path) -> None:
    file = archive(tmp_path, logit_scale=np.asarray(scale))
    code, out, err = take_in(file, "--dataset", "birds")
    assert code == 0, err
    assert f"logit scale: 100 ({file})" in out


def test_the_answer_on_the_scale_is_taken_even_where_the_file_has_another(tmp_path: Path) -> None:
    file = archive(tmp_path, logit_scale=np.float32(4.6052))
    for answer in ("4.6052", "100"):
        code, out, err = take_in(file, "--dataset", "birds", "--logit-scale", answer)
        assert code == 0, err
        assert f"logit scale: {answer} (--logit-scale)" in out
    assert here(suite.load("imported/birds.toml")).encoder("RN50").text.logit_scale == 100.0  # type: ignore[union-attr]
    for answer in ("-1", "nan", "0", "1e39"):
        code, _, err = take_in(file, "--dataset", "birds", "--logit-scale", answer)
        assert (code, "--logit-scale is" in err) == (2, True)


def test_without_a_logit_scale_clips_is_taken_and_said(tmp_path: Path, text: Path) -> None:
    code, out, err = take_in(archive(tmp_path, logit_scale=None), "--dataset", "birds")
    assert (code, "logit scale: 100 (CLIP)" in out) == (0, True)
    assert "note: no file has a logit scale, and CLIP's is taken, 100" in err
    np.savez(tmp_path / "text.npz", text=TEXT.numpy(), logit_scale=40.0)
    code, out, err = take_in(archive(tmp_path), "--dataset", "birds", "--text", tmp_path / "text.npz")
    assert f"logit scale: 40 ({tmp_path / 'text.npz'})" in out
    assert f"left out: {tmp_path / 'mine.npz'}: text, as --text is given" in err


def test_a_scale_without_a_classifier_of_its_own_is_left_out_or_refused(tmp_path: Path) -> None:
    fake_weights.make(tmp_path / "weights", ["clip_rn50"])
    file = archive(tmp_path, text=None)
    code, out, err = take_in(file)
    assert (code, "logit scale" in out) == (0, False)
    assert f"left out: {file}: logit_scale is of a text classifier, and there is none" in err
    code, _, err = take_in(file, "--logit-scale", "100")
    assert (code, "--logit-scale is of an imported text classifier" in err) == (2, True)


def test_two_archives_may_not_say_different_things(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", logit_scale=100.0)
    with pytest.raises(BenchError, match=r"mine\.npz and .*other\.npz: their arrays logit_scale differ"):
        released_caches.read([archive(tmp_path), tmp_path / "other.npz"])
    np.savez(tmp_path / "other.npz", logit_scale=50.0, text=TEXT.numpy())
    assert released_caches.read([archive(tmp_path), tmp_path / "other.npz"]).logit_scale == 50.0


def test_folders_below_are_named_where_the_caches_lie_there(tmp_path: Path) -> None:
    for name in ("imagenet", "dtd"):
        tip_adapter(tmp_path / "caches" / name)
    (tmp_path / "caches" / "empty").mkdir()
    code, _, err = take_in(tmp_path / "caches")
    folders = f"{tmp_path / 'caches' / 'dtd'}, {tmp_path / 'caches' / 'imagenet'};"
    assert (code, f"but its folders have such files: name one of {folders}" in err) == (3, True)


BOOLEAN = {"test_labels": np.arange(TEST) % CLASSES == 0}
BEYOND = {"test_labels": np.arange(TEST) % (CLASSES + 1)}
FROM_ONE = {"support4_labels": support_labels(4).numpy() + 1}
FEW = {"test_labels": np.arange(TEST) % 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (BOOLEAN, r"labels \[48\] torch\.bool\); one class, from 0"),
        (
            BEYOND,
            r"mine\.npz: test features of clip have labels of 7 classes, the support set in .*mine\.npz of 6; class",
        ),
        (FROM_ONE, "are not 4 of each of 7 classes"),
        ({"test_labels": np.array([2**40] * TEST)}, "test features of clip have labels of 1099511627777 classes"),
        ({"test_labels": np.array([-1] * TEST)}, r"int64 below 0\)"),
        ({"test_labels": np.arange(TEST - 1) % CLASSES}, r"48 features, labels \[47\]"),
        ({"support4_mae": np.ones((1, 24, 64), np.float32)}, "have 1 and 3 views: give as many of each"),
        ({"text": np.zeros((6, 32), np.float32)}, r"mine\.npz: text: row 0 has the length 0, so it has no direction"),
    ],
)
def test_labels_and_side_inputs_that_do_not_fit_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=said):
        released_caches.read([archive(tmp_path, **changes)])


def test_classes_of_which_no_image_is_tested_are_noted(tmp_path: Path) -> None:
    notes = released_caches.read([archive(tmp_path, **FEW)]).notes
    assert "test images are of 2 of 6 classes, none of 2, 3, 4, 5" in notes
    assert not any("none of" in note for note in released_caches.read([archive(tmp_path)]).notes)


def test_labels_of_more_classes_than_the_support_set_has_are_named(tmp_path: Path) -> None:
    folder = tip_adapter(tmp_path / "tip", (1,))
    torch.save(torch.arange(TEST) % (CLASSES + 1), folder / "test_l.pt")
    said = (
        r"test_f\.pt: test features of clip have labels of 7 classes, the support set in .*keys_1shots\.pt of 6; class"
    )
    with pytest.raises(BenchError, match=said):
        released_caches.read([folder])


def test_objects_beside_tensors_have_the_remedy_to_save_the_tensors_alone(tmp_path: Path) -> None:
    folder = tip_adapter(tmp_path / "tip", (1,))
    for content in (np.ones((TEST, 32)), np.float64(3), {"best": np.float32(1), "at": folder}):
        torch.save(content, folder / "test_f.pt")
        with pytest.raises(BenchError, match=r"test_f\.pt: refused: .* save its state_dict or tensor alone"):
            released_caches.read([folder])


def test_equal_features_make_an_equal_file_whatever_process_writes_it(tmp_path: Path) -> None:
    hashes = set()
    for number in range(8):
        released = released_caches.read([archive(tmp_path)])
        told = write_suite.Told("birds", {}, 1, [f"kind {c}" for c in range(CLASSES)], ())
        _, file = write_suite.write(released, told, tmp_path / f"out{number}", settings.read())
        hashes.add(file.read_bytes())
    assert len(hashes) == 1


def test_features_that_are_gone_say_how_to_get_them(tmp_path: Path) -> None:
    take_in(archive(tmp_path), "--dataset", "birds")
    (tmp_path / "imported" / "birds.safetensors").unlink()
    world = suite.load("imported/birds.toml")
    with pytest.raises(Incomplete, match="no such file; bench features import makes it"):
        here(world).dataset("birds")
    (tmp_path / "imported" / "birds.safetensors").write_bytes(b"{}")
    with pytest.raises(BenchError, match="no features imported by bench"):
        here(world).dataset("birds")
