"""A look says of each set what a run would meet, and never raises."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fake_trees import images, link, make, split_file, truncate
from toy_world import bench

from benchmark.core import contents
from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.data.published import inspection, readers, sets
from benchmark.data.published.inspection import Found

pytestmark = pytest.mark.usefixtures("small_is_published")
PUBLISHED = dict(sets.SETS)
FOLDERS = [key for key, known in sets.SETS.items() if known.kind in ("imagenet", "synsets", "numbers")]


def look(key: str, deep: bool = False, only_test: bool = False) -> Found:
    opened = partial(readers.read, settings=read())
    return inspection.look(key, read(), deep, read=opened, only_test=only_test)


@pytest.mark.parametrize("key", sets.SETS)
def test_every_set_of_the_fake_root_is_ok(key: str, whole_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATA", str(whole_root))
    found = look(key)
    assert (found.state, found.says) == (inspection.OK, "")
    assert found.path == whole_root / sets.SETS[key].places[0]


@pytest.mark.parametrize("key", sets.SETS)
def test_an_empty_root_lacks_every_set_and_says_where_to_put_it(key: str, root: Path) -> None:
    found = look(key)
    assert found.state == inspection.MISSING
    assert found.path is None
    assert str(root / sets.SETS[key].places[0]) in found.says
    assert sets.SETS[key].page in found.says


def test_without_a_root_the_options_are_named() -> None:
    found = look("dtd")
    assert found.state == inspection.MISSING
    assert "--data-root" in found.says
    assert "BENCH_DATA" in found.says


ALIASES = [(key, place) for key, known in sets.SETS.items() for place in known.places[1:]]


@pytest.mark.parametrize(("key", "place"), ALIASES)
def test_every_alias_is_found_and_named(key: str, place: str, whole_root: Path, root: Path) -> None:
    """Links to the real thing, as users make them."""
    real = whole_root / sets.SETS[key].places[0]
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).symlink_to(real)
    lists = real if sets.SETS[key].key == "stanford_cars" else real.parent
    for file in (path for path in lists.iterdir() if path.is_file()):
        shutil.copy(file, (root / place).parent)
    found = look(key)
    assert (found.state, found.path, found.says) == (inspection.ALIAS, root / place, "")


@pytest.mark.parametrize("key", sets.SETS)
def test_the_users_own_folder_for_a_set_wins(
    key: str, whole_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(whole_root / Path(sets.SETS[key].places[0]).parts[0])
    Path("bench.toml").write_text(f'[data]\npaths = {{ {key} = "{elsewhere}" }}\n')
    found = look(key)
    assert (found.state, found.says) == (inspection.OK, "")


def test_a_users_own_folder_that_is_not_there_is_named() -> None:
    Path("bench.toml").write_text('[data]\npaths = { dtd = "/no/such/folder" }\n')
    found = look("dtd")
    assert found.state == inspection.MISSING
    assert "/no/such/folder" in found.says


def broken(whole_root: Path, root: Path, key: str, what: str) -> Found:
    link(whole_root, root, key)
    BREAK[what](root, key)
    return look(key)


def _drop_the_split_file(root: Path, key: str) -> None:
    split_file(root, key).unlink()


def _garble_the_split_file(root: Path, key: str) -> None:
    file = split_file(root, key)
    file.unlink()
    file.write_text('{"train": [')


def _take_another_sets_split_file(root: Path, key: str) -> None:
    make(root, ["eurosat"])
    split_file(root, "eurosat").rename(split_file(root, key))


def _truncate_the_first_image(root: Path, key: str) -> None:
    truncate(images(root, key)[0])


def _drop_the_first_image(root: Path, key: str) -> None:
    images(root, key)[0].unlink()


def _drop_a_class_folder(root: Path, key: str) -> None:
    shutil.rmtree(images(root, key)[0].parent)


def _drop_train(root: Path, key: str) -> None:
    shutil.rmtree(root / sets.SETS[key].places[0] / "train")


def _add_a_foreign_class(root: Path, key: str) -> None:
    (root / sets.SETS[key].places[0] / "n99999999").mkdir()


def _replace_by_something_else(root: Path, key: str) -> None:
    folder = root / sets.SETS[key].places[0]
    shutil.rmtree(folder)
    (folder / "somebody elses").mkdir(parents=True)


BREAK = {f.__name__.strip("_"): f for f in (
    _drop_the_split_file, _garble_the_split_file, _take_another_sets_split_file, _truncate_the_first_image,
    _drop_the_first_image, _drop_a_class_folder, _drop_train, _add_a_foreign_class, _replace_by_something_else,
)}  # fmt: skip

CASES = [
    ("dtd", "drop_the_split_file", inspection.INCOMPLETE, "split_zhou_DescribableTextures.json: no such file"),
    ("dtd", "garble_the_split_file", inspection.WRONG, "cannot be read as JSON"),
    ("dtd", "take_another_sets_split_file", inspection.WRONG, "lists 10 classes, DTD has 47"),
    ("dtd", "truncate_the_first_image", inspection.INCOMPLETE, "texture_0_0000.jpg: cannot be read as an image"),
    ("dtd", "drop_the_first_image", inspection.INCOMPLETE, "texture_0_0000.jpg: no such file, but it is listed"),
    ("fgvc_aircraft", "drop_the_split_file", inspection.INCOMPLETE, "images_variant_train.txt: no such file"),
    ("imagenet", "drop_train", inspection.INCOMPLETE, "train: has no images"),
    ("imagenet", "drop_a_class_folder", inspection.INCOMPLETE, "1 of 1000 class folders are missing, the first n01440764"),
    ("imagenetv2", "drop_a_class_folder", inspection.INCOMPLETE, "1 of 1000 class folders are missing, the first 0"),
    ("imagenetv2", "truncate_the_first_image", inspection.INCOMPLETE, "cannot be read as an image"),
    ("imagenet_r", "drop_a_class_folder", inspection.INCOMPLETE, "1 of 200 class folders are missing"),
    ("imagenet_r", "add_a_foreign_class", inspection.WRONG, "n99999999 is none of the 200 classes"),
    ("imagenet_a", "replace_by_something_else", inspection.WRONG, "holds no folders named by synsets"),
    ("imagenetv2", "replace_by_something_else", inspection.WRONG, "holds no folders named 0 to 999"),
    ("imagenet", "replace_by_something_else", inspection.WRONG, "holds neither train/ nor val/"),
    ("stanford_cars", "replace_by_something_else", inspection.WRONG, "holds no cars_train/"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "what", "state", "says"), CASES)
def test_what_is_broken_is_said_in_one_line(
    key: str, what: str, state: str, says: str, whole_root: Path, root: Path
) -> None:
    found = broken(whole_root, root, key, what)
    assert found.state == state
    assert says in found.says
    assert "\n" not in found.says
    assert str(root) in found.says


def test_what_cannot_even_be_listed_is_no_traceback(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, ["dtd"])

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("benchmark.data.published.splits.read", refuse)
    found = look("dtd")
    assert found.state == inspection.INCOMPLETE
    assert "Permission denied" in found.says


# --- where images may lie


LAYOUTS = [
    ("oxford_pets", "oxford_pets", "oxford-iiit-pet"),
    ("flowers102", "oxford_flowers", "flowers-102"),
    ("caltech101", "caltech-101", "caltech101"),
    ("imagenet", "imagenet/images", "ILSVRC/Data/CLS-LOC"),
    ("imagenet", "imagenet/images", "imagenet-object-localization-challenge/ILSVRC/Data/CLS-LOC"),
    ("imagenet", "imagenet/images", "imagenet-1k"),
    ("imagenet", "imagenet/images", "ImageNet1k"),
    ("imagenet", "imagenet/images", "ILSVRC2012"),
    ("imagenet", "imagenet/images", "imagenet-1k/ILSVRC/Data/CLS-LOC"),
    ("imagenet", "imagenet", "IMAGENET"),
    ("eurosat", "eurosat/2750", "eurosat/EuroSAT_RGB"),
    ("dtd", "dtd/images", "DTD/Images"),
    ("eurosat", "eurosat", "EUROSAT"),
    ("stanford_cars", "stanford_cars", "Stanford_Cars"),
]


@pytest.mark.parametrize(("key", "ours", "theirs"), LAYOUTS)
def test_names_of_torchvision_of_kaggle_and_in_other_letters_are_found(
    key: str, ours: str, theirs: str, whole_root: Path, root: Path
) -> None:
    link(whole_root, root, key)
    (root / ours).rename(root / "set aside")
    (root / theirs).parent.mkdir(parents=True, exist_ok=True)
    (root / "set aside").rename(root / theirs)
    for file in Path(root / ours).parent.glob("*.json"):
        file.rename((root / theirs).parent / file.name)
    found = look(key)
    assert (found.state, found.says) == (inspection.ALIAS, "")
    assert found.path is not None
    assert found.path.is_relative_to(root / theirs)


@pytest.mark.parametrize(("train", "val"), [("Train", "Val"), ("TRAIN", "validation"), ("training", "valid")])
def test_imagenets_parts_are_found_by_other_names(train: str, val: str, whole_root: Path, root: Path) -> None:
    folder = link(whole_root, root, "imagenet") / "imagenet" / "images"
    (folder / "train").rename(folder / train)
    (folder / "val").rename(folder / val)
    assert (look("imagenet").state, look("imagenet").says) == (inspection.OK, "")
    (folder / "VALID").mkdir()
    assert look("imagenet").state == inspection.WRONG
    assert "call the one that is meant val/" in look("imagenet").says


def test_a_data_root_that_is_imagenet_itself_is_told_how_to_say_so(
    whole_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    itself = whole_root / "imagenet" / "images"
    monkeypatch.setenv("BENCH_DATA", str(itself))
    found = look("imagenet")
    assert found.state == inspection.MISSING
    assert (
        f"{itself} holds train/ or val/ itself; if that is ImageNet, say so in bench.toml, [data] paths" in found.says
    )
    Path("bench.toml").write_text(f'[data]\npaths = {{ imagenet = "{itself}" }}\n')
    assert look("imagenet").state == inspection.OK


def test_imagenetv2s_folders_may_have_leading_zeros(whole_root: Path, root: Path) -> None:
    link(whole_root, root, "imagenetv2")
    folder = root / sets.SETS["imagenetv2"].places[0]
    for name in range(1000):
        (folder / str(name)).rename(folder / f"{name:04}")
    assert look("imagenetv2").state == inspection.OK
    dataset = readers.shift("imagenetv2", settings=read())
    named = [int(path.parent.name) for path in dataset.stored("test", dataset.ids("test"))]
    assert dataset.test.labels.tolist() == named == sorted(named)
    (folder / "7").mkdir()
    assert "holds 0007/ and 7/ for one class" in look("imagenetv2").says
    (folder / "7").rmdir()
    (folder / "1000").mkdir()
    assert "holds 1000/, and classes are 0 to 999" in look("imagenetv2").says


@pytest.mark.parametrize("key", [key for key, known in sets.SETS.items() if known.split])
def test_a_set_whose_list_is_missing_is_told_its_own_folder(key: str, whole_root: Path, root: Path) -> None:
    link(whole_root, root, key)
    split_file(root, key).unlink()
    own = root / Path(sets.SETS[key].places[0]).parts[0]
    assert f"{own / sets.SETS[key].split}: no such file" in look(key).says


def test_doubled_folders_of_cars_are_read_as_the_same_data_set(whole_root: Path, root: Path) -> None:
    cars = link(whole_root, root, "stanford_cars") / "stanford_cars"
    before = readers.read("stanford_cars", read())
    fingerprint, names = before.fingerprint, before.listed(before.ids("train")[:3])
    for part in ("cars_train", "cars_test"):
        _double(cars / part)
    found = look("stanford_cars")
    assert (found.state, found.says) == (inspection.ALIAS, "")
    after = readers.read("stanford_cars", read())
    assert (after.fingerprint, after.listed(after.ids("train")[:3])) == (fingerprint, names)
    assert after.stored("train", after.ids("train")[:1])[0].parent == cars / "cars_train" / "cars_train"
    assert after.images("test", after.ids("test")[:2]).shape == (2, 224, 224, 3)
    assert look("stanford_cars", deep=True).usable


def test_doubled_folders_are_said_with_what_to_move(whole_root: Path, root: Path) -> None:
    cars = link(whole_root, root, "stanford_cars") / "stanford_cars"
    _double(cars / "cars_train")
    doubled = cars / "cars_train" / "cars_train"
    first = min(doubled.iterdir())
    first.rename(cars / "cars_train" / first.name)  # half of a move
    assert (
        f"{cars / 'cars_train'}: holds cars_train/ once more; move what is in {doubled} up"
        in look("stanford_cars").says
    )
    val = link(whole_root, root, "imagenet") / "imagenet" / "images" / "val"
    _double(val)
    assert "it holds val/ once more: move what is in that up" in look("imagenet").says


def _double(folder: Path) -> None:
    folder.rename(folder.with_name("set aside"))
    folder.mkdir()
    folder.with_name("set aside").rename(folder / folder.name)


def test_archives_of_classes_are_to_be_unpacked(whole_root: Path, root: Path) -> None:
    train = link(whole_root, root, "imagenet") / "imagenet" / "images" / "train"
    shutil.rmtree(train)
    train.mkdir()
    (train / "n01440764.tar").touch()
    assert "it holds n01440764.tar: unpack each of these archives into a folder of its name" in look("imagenet").says


def test_a_listed_file_in_other_letters_is_named(whole_root: Path, root: Path) -> None:
    link(whole_root, root, "dtd")
    first = images(root, "dtd")[0]
    first.rename(first.with_suffix(".JPG"))
    assert f"{first}: no such file, but it is listed; rename texture_0/{first.stem}.JPG" in look("dtd").says


# --- how many images there are


@pytest.mark.parametrize("key", FOLDERS)
def test_a_set_that_lost_its_files_but_not_its_folders_is_incomplete_and_can_be_read(
    key: str, whole_root: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sets.SETS, key, PUBLISHED[key])
    link(whole_root, root, key)
    tested = [image for image in images(root, key) if "train" not in image.parts]
    for image in tested[40:]:
        image.unlink()
    found, n = look(key, only_test=True), PUBLISHED[key].test
    assert (found.state, found.usable) == (inspection.INCOMPLETE, True)
    gone = PUBLISHED[key].classes - 40
    assert f"40 of {n:,} images, {gone} classes without one, the first " in found.says
    without = min((image.parent for image in tested[40:]), key=lambda folder: (len(folder.name), folder.name))
    assert f"the first {without.name}; published at" in found.says


def test_a_set_of_more_images_than_published_is_larger_and_can_be_read(root: Path) -> None:
    make(root, ["imagenet_a"])
    shutil.copy(images(root, "imagenet_a")[0], images(root, "imagenet_a")[0].with_name("again.jpg"))
    found = look("imagenet_a")
    assert (found.state, found.usable) == (inspection.LARGER, True)
    assert "test has 201 of 200 images, 1 more than published" in found.says


def test_an_image_in_another_classs_folder_is_said_where_all_classes_have_as_many(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(root, ["imagenetv2"], test=2)
    as_published(monkeypatch, "imagenetv2", test=2000)
    assert look("imagenetv2").state == inspection.OK
    strayed = images(root, "imagenetv2")[0]
    strayed.rename(strayed.parent.parent / "7" / strayed.name)
    found = look("imagenetv2")
    assert (found.state, found.usable) == (inspection.INCOMPLETE, True)
    assert "class 0 has 1 images, published are 2" in found.says


def test_a_split_file_that_lists_fewer_images_than_published_is_incomplete(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(root, ["eurosat"])
    as_published(monkeypatch, "eurosat", train=13_500)
    found = look("eurosat")
    assert (found.state, found.usable) == (inspection.INCOMPLETE, True)
    assert "train has 10 of 13,500 images" in found.says
    assert look("eurosat", only_test=True).state == inspection.OK


def as_published(monkeypatch: pytest.MonkeyPatch, key: str, **counts: int) -> None:
    """Let other numbers of images be published."""
    monkeypatch.setitem(sets.SETS, key, replace(sets.SETS[key], **counts))


def test_imagenets_validation_images_are_enough_to_test_on(
    whole_root: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(whole_root, root, "imagenet")
    _drop_train(root, "imagenet")
    assert look("imagenet", only_test=True).state == inspection.OK
    as_published(monkeypatch, "imagenet", test=50_000)
    found = look("imagenet")
    assert (found.state, found.usable) == (inspection.INCOMPLETE, False)
    assert "test has 1,000 of 50,000 images" in found.says
    assert "what trains nothing (zero-shot rows, bench evaluate-adapter) runs without" in found.says


# --- a deep look


def test_a_deep_look_decodes_every_image(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, ["eurosat"], train=3)
    as_published(monkeypatch, "eurosat", train=28, val=1, test=10)
    assert look("eurosat", deep=True).state == inspection.OK

    middle = images(root, "eurosat")
    truncate(middle[20])
    truncate(middle[21])
    assert look("eurosat").state == inspection.OK
    found = look("eurosat", deep=True)
    assert found.state == inspection.INCOMPLETE
    assert found.says.startswith("2 of 39 images cannot be read: ")
    assert all(f" {path} (" in found.says for path in middle[20:22])
    assert ": copy it again from where it came; published at" in found.says


def test_a_quick_look_misses_no_file(root: Path) -> None:
    make(root, ["eurosat"], train=3)
    images(root, "eurosat")[21].unlink()
    found = look("eurosat")
    assert found.state == inspection.INCOMPLETE
    assert "no such file, but it is listed" in found.says


def test_a_deep_look_names_files_that_changed_behind_their_stamp(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, ["eurosat"], train=3)
    as_published(monkeypatch, "eurosat", train=28, val=1, test=10)
    monkeypatch.setattr(contents, "stamp", lambda path: (1, 1, 1, 1))
    assert look("eurosat", deep=True).state == inspection.OK
    one, other = images(root, "eurosat")[20:22]
    one.write_bytes(other.read_bytes())
    assert look("eurosat").state == inspection.OK
    assert (
        f"1 files have other content than when they were first read, the first {one}" in look("eurosat", deep=True).says
    )


def test_a_deep_look_says_both_what_is_missing_and_what_is_broken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, ["eurosat"])
    as_published(monkeypatch, "eurosat", train=13_500)
    truncate(next(path for path in images(root, "eurosat") if path.name == "Forest_1.jpg"))
    says = look("eurosat", deep=True).says
    assert "10 of 13,500 images" in says
    assert "1 of 21 images cannot be read" in says


def test_a_folder_of_a_common_name_is_no_wrong_data_set(root: Path) -> None:
    (root / "images/holidays").mkdir(parents=True)
    assert look("imagenet").state == inspection.MISSING


def test_a_root_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "gone"))
    found = look("dtd")
    assert found.state == inspection.MISSING
    assert f"data root {tmp_path / 'gone'}: no such folder" in found.says


def test_a_configuration_that_cannot_be_read_is_one_line() -> None:
    Path("bench.toml").write_text("[data")
    code, _, err = bench("doctor", "--suite", "paper")
    assert code == 2
    assert err.startswith("bench: bench.toml: cannot be read (")
    assert len(err.splitlines()) == 1


def test_only_a_wrong_key_raises() -> None:
    with pytest.raises(BenchError, match="did you mean 'dtd'"):
        look("dtdd")
