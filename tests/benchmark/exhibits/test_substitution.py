"""An exhibit may be asked of other data and encoders than it names, and is then a question of its own."""

import hashlib
import json
import pickle
import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import fake_trees
import fake_weights
import huggingface_hub
import pytest
import safetensors.torch
import torch
import toy_house
from toy_house import house
from toy_world import bench, undrawn

from benchmark.analysis.results import gather
from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.core.settings import read
from benchmark.exhibits import exhibit, substitution
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.substitution import Instead
from benchmark.features import extraction
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite

BIRDS = ["blue_tit", "great tit", "robin"]


def asked(name: str, suite: Suite | None = None, **instead: str) -> Exhibit:
    return substitution.asked(exhibit.load(name), suite or house(), Instead(**instead))[0]


def cell(shown: Exhibit, row: str, column: str) -> Cell:
    return next(c for c in shown.cells() if (c.row, c.column) == (row, column))


def test_its_title_and_files_say_so_and_the_papers_numbers_are_not_beside_it() -> None:
    shown = asked("table4", dataset="dtd", aux="mae", backbone="ViT-B/16")
    assert shown.id == "table4-dtd-mae-vit-b-16"
    assert shown.title == "Table 4: methods over shots, on dtd, aux mae, backbone ViT-B/16"
    assert (shown.reference, "CVPR" in shown.paper) == ("", False)
    assert "on dtd, mean over seeds" in shown.caption
    assert gather(shown, house(comparable=True), {}).logged == {}


def test_every_run_is_on_the_data_and_through_the_backbone_that_are_asked_for() -> None:
    runs = [run for c in asked("table4", dataset="dtd", backbone="RN101").cells() for run in c.runs(house(), [1])]
    assert {(run.dataset, run.backbone) for run in runs} == {("dtd", "RN101")}
    before = [run for c in exhibit.load("table4").cells() for run in c.runs(house(), [1])]
    assert not {run.key for run in runs} & {run.key for run in before}


def test_another_auxiliary_encoder_is_for_the_rows_that_take_one_and_name_none() -> None:
    four, six = asked("table4", aux="mae"), asked("table6", aux="mae")
    assert cell(four, "AMU-Tuning", "1-shot").runs(house())[0].settings["aux"] == "mae"
    assert cell(four, "CaFo*", "1-shot").runs(house())[0].settings["aux"] == "mae"
    assert "aux" not in cell(four, "CoOp", "1-shot").runs(house())[0].settings
    assert cell(six, "AUX", "1-shot").runs(house())[0].settings["aux"] == "mae"
    assert cell(six, "baseline", "1-shot").runs(house())[0].settings["aux"] == "clip"


def test_an_encoder_that_was_asked_for_sees_the_shifts_where_they_are_read() -> None:
    blind = {**house().datasets["imagenet"], "shift_encoders": ["RN50"]}
    suite = house(datasets={**house().datasets, "imagenet": blind})
    for name, seen in (("table5", ["RN50", "mae"]), ("table4", ["RN50"])):
        _, found = substitution.asked(exhibit.load(name), suite, Instead(aux="mae"))
        assert found.datasets["imagenet"]["shift_encoders"] == seen


@pytest.mark.parametrize(
    ("name", "instead", "said"),
    [
        ("table7", {"backbone": "RN50"}, r"table7 compares RN50, RN101, ViT-B/32, ViT-B/16, so --backbone RN50 cannot"),
        ("figure5", {"dataset": "dtd"}, r"figure5 compares caltech101, .*, so --dataset dtd cannot"),
        ("figure6", {"dataset": "dtd"}, r"figure6 compares imagenet, caltech101, .*, so --dataset dtd cannot"),
        ("table2", {"aux": "mae"}, r"table2 has no row that takes another auxiliary encoder than the one it names"),
        ("figure4b", {"aux": "mae"}, r"figure4b has no row that takes another auxiliary encoder"),
    ],
)
def test_what_an_exhibit_compares_is_not_replaced(name: str, instead: dict[str, str], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        asked(name, **instead)


# --- roles besides those of the suite


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of birds and the weights of one CLIP and MoCo v3; nothing else of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(draw, "draw", undrawn)
    for name in ("CONFIG", "RESULTS", "REPORTS", "DATA", "DEVICE", "PRECISION", "DOWNLOAD"):
        monkeypatch.delenv(f"BENCH_{name}", raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path))
    birds(tmp_path / "birds")
    return tmp_path


def birds(folder: Path, images: int = 6) -> None:
    for label, name in enumerate(BIRDS):
        for number in range(images):
            fake_trees.write(folder / name / f"{number}.jpg", 50 * label + number + 4, label)


def with_roles(
    suite: str = "paper", dataset: str | None = None, template: Sequence[str] = (), **roles: str
) -> tuple[Suite, Instead]:
    others = (roles.get("aux"), roles.get("backbone"))
    return substitution.with_roles(suites.load(suite), dataset, template, None, *others, read())


def test_a_folder_is_named_by_what_it_holds_and_not_by_where_it_lies(place: Path) -> None:
    role = with_roles(dataset="folder:birds")[1].dataset
    assert role is not None
    assert role.startswith("folder:birds-")
    birds(place / "elsewhere" / "birds")
    assert with_roles(dataset=f"folder:{place}/elsewhere/birds")[1].dataset == role
    others = [with_roles(dataset="folder:birds", template=["a bird, {}."])[1].dataset]
    birds(place / "more" / "birds", images=7)
    others.append(with_roles(dataset="folder:more/birds")[1].dataset)
    assert len({role, *others}) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"dataset": "folder:"}, "--dataset folder: names no folder; write folder:PATH"),
        ({"dataset": "folder:nowhere"}, r"image folder .*nowhere: no such folder"),
        (
            {"dataset": "imagenett"},
            r"unknown data set of suite paper \(or folder:PATH\) 'imagenett': did you mean 'imag",
        ),
        ({"dataset": "folder:birds", "template": ["x"]}, r"template 'x' needs {} once"),
        ({"template": ["a {}."]}, "--template is of --dataset folder:PATH"),
        ({"dataset": "dtd", "template": ["a {}."]}, "--template is of --dataset folder:PATH"),
        ({"aux": "moco"}, r"unknown encoder of suite paper \(or timm:NAME\) 'moco': did you mean 'mocov3'"),
        ({"aux": "open_clip:"}, "write open_clip:ARCHITECTURE/TAG"),
        ({"backbone": "timm:resnet18"}, r"unknown backbone of suite paper \(or open_clip:ARCH/TAG\) 'timm:resnet18'"),
        ({"backbone": "open_clip:RN50"}, r"open_clip:RN50: write open_clip:ARCHITECTURE/TAG, such as "),
        ({"suite": "mini", "dataset": "folder:birds"}, "folder:birds goes with images of 224 .* 48; add --suite paper"),
        ({"suite": "mini", "aux": "timm:resnet18"}, "timm:resnet18 goes with images of 224 .* 48; add --suite paper"),
    ],
)
def test_a_role_that_there_is_not_is_said(place: Path, arguments: dict, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        with_roles(**arguments)


@pytest.mark.parametrize("space", ["clip", "clip_spatial", "pixels"])
def test_an_encoder_called_as_a_space_of_the_backbone_is_no_auxiliary_one(space: str) -> None:
    named = house(encoders={**house().encoders, space: house().encoders["dino"]})
    with pytest.raises(BenchError, match=f"^--aux {space}: is the name of a space of the backbone's features"):
        substitution.with_roles(named, None, [], None, space, None, read())


def test_a_backbone_whose_loader_says_nothing_of_text_is_tried_before_anything_is_encoded(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "extract", lambda *_, **__: pytest.fail("something was encoded"))
    arguments = ["run", "--suite", toy_house.FILE, "--table", "4", "--backbone", "mae", "--shots", "1", "--jobs", "1"]
    code, out, err = bench(*arguments, "--method", "Zero-shot CLIP")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "bench: mae has no text tower, so it cannot be a backbone; name a CLIP"


def run(*arguments: str) -> tuple[int, str, str]:
    methods = ["--method", "Zero-shot CLIP", "--method", "AMU-Tuning"]
    return bench(
        "run", "--table", "4", "--suite", "paper", "--shots", "1", "--seeds", "1", "--jobs", "1", *methods, *arguments
    )


def test_any_folder_works_with_every_method_and_overwrites_nothing(place: Path) -> None:
    fake_weights.make(place / "weights", ["clip_rn50", "mocov3_rn50"])
    code, out, err = run("--dataset", "folder:birds", "--template", "a photo of a {}, a bird.")
    assert code == 0, err
    written = sorted(path.name for path in (place / "reports" / "paper").iterdir())
    assert [name.partition("-")[0] for name in written] == ["table4"] * 3
    assert written[0].startswith("table4-folder-birds-")
    assert "paper " not in out.partition("wrote")[0]
    records = Store(place / "results" / "paper").records().values()
    assert {record.dataset.partition("-")[0] for record in records} == {"folder:birds"}
    (place / "birds").rename(place / "moved")
    (place / "moved").rename(place / "birds")
    assert "2 runs: 2 done" in run("--dataset", "folder:birds", "--template", "a photo of a {}, a bird.")[2]
    assert not any(str(place) in str(record.asked) for record in records)


def test_weights_that_are_not_here_are_a_line_and_a_wrong_name_a_mistake(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_weights.make(place / "weights", ["clip_rn50", "mocov3_rn50"])
    folder = ["--dataset", "folder:birds"]
    code, _, err = run(*folder, "--aux", "timm:resnet18")
    assert (code, err.count("\n")) == (3, 1)
    assert "bench: timm:resnet18: missing: its weights are not here; with --download they are fetched" in err
    code, _, err = run(*folder, "--aux", "timm:resnet5O")
    assert (code, err.count("\n")) == (2, 1)
    assert "timm:resnet5O: timm " in err
    code, out, _ = run(*folder, "--aux", "timm:resnet18", "--skip-missing")
    assert code == 0
    assert "| AMU-Tuning | not run: timm:resnet18 missing |" in out


TINY = {"embed_dim": 16, "vision_cfg": {"image_size": 224, "patch_size": 32, "layers": 1, "width": 64}}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}


def test_any_timm_model_is_an_auxiliary_feature_and_any_open_clip_pair_a_backbone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = place / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(hub))
    model = timm.create_model("resnet10t.c3_in1k", pretrained=False)
    fake_weights.in_hub(hub, "timm/resnet10t.c3_in1k", "model.safetensors", model.state_dict())
    (place / "tiny-clip.json").write_text(json.dumps({**TINY, "text_cfg": TEXT}))
    open_clip.add_model_config(place / "tiny-clip.json")
    clip = open_clip.CLIP(**open_clip.get_model_config("tiny-clip"))
    fake_weights.in_hub(hub, "lab/tiny", "open_clip_model.safetensors", clip.state_dict())
    settings = {"hf_hub": "lab/tiny/", "mean": (0.4,) * 3, "std": (0.3,) * 3, "quick_gelu": False}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: settings)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["own"])
    roles = ["--aux", "timm:resnet10t.c3_in1k", "--backbone", "open_clip:tiny-clip/own"]
    code, _, err = run("--dataset", "folder:birds", *roles)
    assert code == 0, err
    (amu,) = [r for r in Store(place / "results" / "paper").records().values() if r.shots]
    assert (amu.asked["backbone"], amu.settings["aux"]) == (roles[3], roles[1])
    assert set(amu.fingerprints) == {"data", "draw", "prompts", "method", roles[1], roles[3]}
    (table,) = (place / "reports" / "paper").glob("*.md")
    assert table.stem.endswith("-timm-resnet10t-c3-in1k-open-clip-tiny-clip-own")
    assert table.read_text().splitlines()[0].endswith(f", aux {roles[1]}, backbone {roles[3]}")


def test_a_backbone_of_another_size_is_prompted_by_no_method(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(place / "hub"))
    sizes = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "image_size": 64}, "text_cfg": TEXT}  # type: ignore[dict-item]
    (place / "small-clip.json").write_text(json.dumps(sizes))
    open_clip.add_model_config(place / "small-clip.json")
    clip = open_clip.CLIP(**open_clip.get_model_config("small-clip"))
    fake_weights.in_hub(place / "hub", "lab/small", "open_clip_model.safetensors", clip.state_dict())
    settings = {"hf_hub": "lab/small/", "mean": (0.4,) * 3, "std": (0.3,) * 3}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: settings)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["own"])
    fake_weights.make(place / "weights", ["mocov3_rn50"])
    roles = ["--dataset", "folder:birds", "--backbone", "open_clip:small-clip/own"]
    code, _, err = run(*roles)
    assert code == 0, err
    code, _, err = bench(
        "run", "--suite", "paper", "--table", "4", *roles, "--method", "CoOp", "--dry-run", "--seeds", "1"
    )
    assert code == 2
    assert "it prompts CLIP's towers, and of open_clip:small-clip/own it takes images of 64 pixels" in err


def test_the_command_of_a_changed_exhibit_asks_the_same_question(place: Path) -> None:
    birds(place / "it's birds")
    (place / "names.txt").write_text("\n".join(BIRDS))
    templates = ["a photo of a {}, a bird.", "a {}."]
    said = {"dataset": f"folder:{place}/it's birds", "classnames": f"{place}/names.txt"}
    others = {"aux": "timm:resnet18", "backbone": "open_clip:RN50/own"}
    suite, instead = substitution.with_roles(
        suites.load("paper"), templates=templates, settings=read(), **said, **others
    )
    turned, _ = substitution.asked(exhibit.load("table4"), suite, instead)
    _, *words = shlex.split(turned.command)
    assert words[:3] == ["run", "--table", "4"]
    typed = {name: [b for a, b in pairwise(words) if a == f"--{name}"] for name in (*said, *others, "template")}
    assert typed == {**{name: [text] for name, text in (said | others).items()}, "template": templates}


def test_a_row_that_a_folder_lacks_images_for_is_said(place: Path) -> None:
    fake_weights.make(place / "weights", ["clip_rn50", "dino_rn50"])
    arguments = ["--suite", "paper", "--table", "4", "--dataset", "folder:birds", "--method", "CaFo", "--shots", "1"]
    code, _, err = bench("run", *arguments, "--jobs", "1", "--dry-run")
    assert (code, "10 runs: 0 done, 10 missing, 0 stale" in err) == (0, True), "of CaFo* there are features"
    assert re.search(
        r"^not run: CaFo: generated images for folder:birds-\w+ are missing in this suite$", err, flags=re.M
    )


@pytest.fixture
def tiny(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of the user's own: birds.pt for timm's resnet10t with three classes, clip.safetensors for a tiny CLIP."""
    model = timm.create_model("resnet10t", pretrained=False, num_classes=3)
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": t for n, t in model.state_dict().items()}}, "birds.pt")
    (place / "tiny-clip.json").write_text(json.dumps({**TINY, "text_cfg": TEXT}))
    open_clip.add_model_config(place / "tiny-clip.json")
    clip = open_clip.CLIP(**open_clip.get_model_config("tiny-clip"))
    safetensors.torch.save_file(clip.state_dict(), "clip.safetensors")
    settings = {"hf_hub": "lab/tiny/", "mean": (0.4,) * 3, "std": (0.3,) * 3, "quick_gelu": False}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: settings)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["own"])
    return place


def test_weights_in_a_file_are_used_and_known_by_their_content(tiny: Path) -> None:
    roles = ["--aux", "timm:resnet10t@birds.pt", "--backbone", "open_clip:tiny-clip/own@clip.safetensors"]
    code, _, err = run("--dataset", "folder:birds", *roles)
    assert code == 0, err
    (amu,) = [r for r in Store(tiny / "results" / "paper").records().values() if r.shots]
    aux, backbone = amu.settings["aux"], amu.asked["backbone"]
    hashes = [hashlib.sha256((tiny / name).read_bytes()).hexdigest()[:8] for name in ("birds.pt", "clip.safetensors")]
    assert (aux, backbone) == (f"timm:resnet10t@birds-{hashes[0]}", f"open_clip:tiny-clip/own@clip-{hashes[1]}")
    assert str(tiny) not in str(amu.asked)
    turned, _ = substitution.asked(exhibit.load("table4"), *with_roles(aux=roles[1], backbone=roles[3]))
    files = [f"timm:resnet10t@{tiny}/birds.pt", f"open_clip:tiny-clip/own@{tiny}/clip.safetensors"]
    assert shlex.split(turned.command)[-4:] == ["--aux", files[0], "--backbone", files[1]], "as it is typed"

    (tiny / "elsewhere").mkdir()
    moved = (tiny / "birds.pt").rename(tiny / "elsewhere" / "birds.pt")
    assert "2 done" in run("--dataset", "folder:birds", "--aux", f"timm:resnet10t@{moved}", *roles[2:])[2]
    other = torch.load(moved)
    other["state_dict"]["module.conv1.0.weight"] *= 2
    torch.save(other, moved)
    assert "1 done, 1 missing" in run("--dataset", "folder:birds", "--aux", f"timm:resnet10t@{moved}", *roles[2:])[2]


def test_a_file_behind_the_architecture_alone_is_the_same(tiny: Path) -> None:
    named = [f"open_clip:tiny-clip{sign}{tiny}/clip.safetensors" for sign in ("@", "/")]
    roles = [with_roles(backbone=name)[1].backbone for name in named]
    assert roles[0] == roles[1] != with_roles(backbone="open_clip:tiny-clip/own@clip.safetensors")[1].backbone


@pytest.mark.parametrize(
    ("roles", "code", "said"),
    [
        (["--aux", "timm:resnet10t@"], 2, "timm:resnet10t@: names no file; write timm:resnet10t@FILE"),
        (["--aux", "timm:resnet10t@no.pt"], 3, "timm:resnet10t@no.pt: no.pt: no such file"),
        (["--aux", "timm:resnet10t@birds.pt/x"], 3, "birds.pt/x: no such file"),
        (["--aux", f"timm:resnet10t@{'x' * 300}"], 2, "cannot be read (File name too long)"),
        (["--aux", "timm:resnet10t@birds"], 2, "timm:resnet10t@birds: birds is a folder; name the file"),
        (["--aux", "timm:resnet18@birds.pt"], 2, "birds.pt: does not fit its network, and is not used in part ("),
        (["--aux", "timm:resnet10t@page.pt"], 2, "page.pt: not weights but a page"),
        (["--aux", "timm:resnet10t@list.pt"], 2, "list.pt: holds a list, not a state dict"),
        (["--aux", "timm:resnet10t@code.pt"], 2, "code.pt: refused: reading it would run"),
        (
            ["--aux", "timm:resnet18.foo"],
            2,
            "timm:resnet18.foo: timm has no weights of this name; there are: resnet18.",
        ),
        (["--aux", "timm:resnet18.foo@birds.pt"], 2, "timm has no weights of this name"),
        (["--aux", "timm:"], 2, "has no model of this name"),
        (
            ["--backbone", "open_clip:tiny-clip@birds.pt"],
            2,
            "birds.pt: holds network with a classifier, not a CLIP in",
        ),
        (["--backbone", "open_clip:tiny-clip/own@no.pt"], 3, "open_clip:tiny-clip/own@no.pt: no.pt: no such file"),
        (["--backbone", "open_clip:tiny-clip@"], 2, "names no file; write open_clip:tiny-clip@FILE"),
        (["--backbone", "open_clip:tiny-klip@clip.safetensors"], 2, "unknown open_clip architecture 'tiny-klip'"),
    ],
)
def test_a_file_that_is_missing_or_does_not_fit_is_one_line_before_anything_is_encoded(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, roles: list[str], code: int, said: str
) -> None:
    Path("page.pt").write_text("<html>404</html>")
    torch.save([1], "list.pt")
    Path("code.pt").write_bytes(pickle.dumps(print))
    fake_weights.make(tiny / "weights", ["clip_rn50", "mocov3_rn50"])
    monkeypatch.setattr(extraction, "extract", lambda *_, **__: pytest.fail("something was encoded"))
    found, out, err = run("--dataset", "folder:birds", *roles)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err


def test_all_goes_with_no_other_roles(place: Path) -> None:
    code, _, err = bench("run", "--all", "--suite", "paper", "--aux", "dino")
    assert (code, "--all draws the paper's exhibits" in err) == (2, True)


def test_what_was_measured_on_a_folder_is_compared_there_and_drawn_after_it_is_gone(place: Path) -> None:
    fake_weights.make(place / "weights", ["clip_rn50", "mocov3_rn50"])
    folder = ["--dataset", "folder:birds", "--template", "a bird, {}."]
    assert run(*folder)[0] == 0
    compared = ["compare", "AMU-Tuning", "Zero-shot CLIP", "--suite", "paper"]
    code, out, err = bench(*compared, *folder)
    assert code == 0, err
    assert "table4-folder-birds-" in out
    code, _, err = bench(*compared, *folder[:2])  # by another template it is another question
    assert code == 3
    assert re.search(r"nothing is measured on folder:birds-\w+; measured is folder:birds-\w+: name it", err)
    (place / "birds").rename(place / "gone")
    assert bench("report", "--suite", "paper")[0] == 0
    (drawn,) = (place / "reports" / "paper").glob("table4-folder-birds-*.md")
    assert f"was in {place / 'birds'}, which is not here today" in drawn.read_text("utf-8")
    role = re.search(r"measured is (\S+): name", err).group(1)  # type: ignore[union-attr]
    assert bench(*compared, "--dataset", role)[1] == out
