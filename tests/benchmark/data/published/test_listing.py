"""Images are listed without opening one, in torchvision's order; what was listed is remembered until a folder changes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.data.published import listing


def tree(root: Path, names: list[str], age: float = 60) -> Path:
    """Empty files; the folders are `age` seconds old."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    for folder in root.iterdir():
        aged(folder, age)
    return root


def aged(folder: Path, age: float = 60) -> None:
    os.utime(folder, (time.time() - age,) * 2)


NAMES = ["b/10.jpg", "b/9.JPEG", "a/x.png", "b/notes.txt", "a/.hidden.jpg", "a/Y.webp", "c/z.bmp"]


def test_the_order_is_torchvisions(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    from benchmark.core.libraries import torchvision_transforms  # noqa: F401  (mends torchvision first)

    tree(tmp_path / "t", [name for name in NAMES if ".hidden" not in name])
    found = listing.folders(tmp_path / "t", {"a": 0, "b": 1, "c": 2}, read().cache)
    expected = ImageFolder(str(tmp_path / "t")).samples
    assert [(str(found.stored(i)), int(found.labels[i])) for i in range(len(found))] == expected


def test_labels_are_those_that_are_given(tmp_path: Path) -> None:
    found = listing.folders(tree(tmp_path / "t", NAMES), {"b": 70, "a": 3}, read().cache)
    assert [found.name(i) for i in range(len(found))] == ["b/10.jpg", "b/9.JPEG", "a/Y.webp", "a/x.png"]
    assert found.labels.tolist() == [70, 70, 3, 3]


def test_an_empty_folder_counts_nothing(tmp_path: Path) -> None:
    (tree(tmp_path / "t", NAMES) / "empty").mkdir()
    assert listing.folders(tmp_path / "t", {"a": 0, "empty": 1, "c": 2}, read().cache).labels.tolist() == [0, 0, 2]
    (tmp_path / "e/x").mkdir(parents=True)
    assert len(listing.folders(tmp_path / "e", {"x": 0}, read().cache)) == 0


def test_names_may_hold_anything_that_a_file_system_allows(tmp_path: Path) -> None:
    names = ["a/é ü.jpg", "a/日本.jpg", "a/with 'quotes'.jpg", os.fsdecode(b"a/\xff.jpg")]
    found = listing.folders(tree(tmp_path / "t", names), {"a": 0}, read().cache)
    assert sorted(found.name(i) for i in range(4)) == sorted(names)
    assert all(found.stored(i).is_file() for i in range(4))


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every folder whose files are listed."""
    scanned: list[Path] = []
    monkeypatch.setattr(listing, "files", lambda folder, files=listing.files: scanned.append(folder) or files(folder))
    return scanned


def test_what_was_listed_is_remembered(tmp_path: Path, scans: list[Path]) -> None:
    root = tree(tmp_path / "t", NAMES)
    first = listing.folders(root, {"a": 0, "b": 1}, read().cache)
    again = listing.folders(root, {"a": 0, "b": 1}, read().cache)
    assert len(scans) == 2
    assert (first.digest(), len(first)) == (again.digest(), 4)


CHANGES: list[Callable[[Path], object]] = [
    lambda root: (root / "a/new.jpg").write_bytes(b""),
    lambda root: (root / "b/10.jpg").unlink(),
    lambda root: (root / "b/10.jpg").rename(root / "b/11.jpg"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_a_folder_is_noticed(change: Callable[[Path], object], tmp_path: Path) -> None:
    root = tree(tmp_path / "t", NAMES)
    before = listing.folders(root, {"a": 0, "b": 1}, read().cache).digest()
    change(root)
    assert listing.folders(root, {"a": 0, "b": 1}, read().cache).digest() != before


def test_a_folder_that_changes_as_it_is_listed_is_not_remembered(tmp_path: Path, scans: list[Path]) -> None:
    """File systems tell times coarsely: two changes within a moment can leave the same time."""
    root = tree(tmp_path / "t", NAMES, age=0)
    for _ in range(2):
        listing.folders(root, {"a": 0, "b": 1}, read().cache)
    assert len(scans) == 4


def test_only_the_newest_listing_of_a_folder_is_kept(tmp_path: Path) -> None:
    root = tree(tmp_path / "t", NAMES)
    for age in (60, 50, 40):
        aged(root / "a", age)
        listing.folders(root, {"a": 0, "b": 1}, read().cache)
    assert len(list((read().cache / "listings").iterdir())) == 1


def saved(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], object]:
    """A listing that numpy reads, and that is not the one that was written."""
    return lambda file: np.save(file, change(np.load(file)))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "something else": lambda file: file.write_bytes(b"garbage"),
    "a header alone": lambda file: file.write_bytes(b"\x93NUMPY\x01\x00"),
    "nested deep": lambda file: file.write_bytes(b"\x93NUMPY\x01\x00\x00\x20" + b"(" * 0x2000),
    "zeros from the middle on": lambda file: file.write_bytes(file.read_bytes()[:-20] + bytes(20)),
    "one image": saved(lambda names: names[:1]),
    "no image": saved(lambda names: names[:0]),
    "one image too many": saved(lambda names: np.append(names, names[-1:])),
    "another order": saved(lambda names: names[::-1]),
    "numbers": saved(lambda names: np.arange(len(names), dtype=np.float64)),
    "one number": saved(lambda names: np.array(1.5)),
    "a named pipe": lambda file: (file.unlink(), os.mkfifo(file)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_memory_is_named_and_made_again(
    damage: Callable[[Path], object], tmp_path: Path, scans: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree(tmp_path / "t", NAMES)
    before = listing.folders(root, {"a": 0, "b": 1}, read().cache).digest()
    (file,) = (read().cache / "listings").iterdir()
    damage(file)
    assert listing.folders(root, {"a": 0, "b": 1}, read().cache).digest() == before
    assert capsys.readouterr().err == f"bench: {file}: damaged, made again: it is not the list that was written\n"
    scans.clear()
    assert listing.folders(root, {"a": 0, "b": 1}, read().cache).digest() == before
    assert (scans, capsys.readouterr().err) == ([], "")


def test_a_memory_of_another_folder_under_the_name_is_made_again(tmp_path: Path) -> None:
    roots = [tree(tmp_path / name, names) for name, names in (("t", NAMES), ("u", ["a/1.jpg", "b/2.jpg"]))]
    before = [listing.folders(root, {"a": 0, "b": 1}, read().cache).digest() for root in roots]
    one, other = (read().cache / "listings").iterdir()
    one.write_bytes(other.read_bytes())
    assert [listing.folders(root, {"a": 0, "b": 1}, read().cache).digest() for root in roots] == before


def test_a_digest_knows_names_labels_and_order() -> None:
    digests = [
        listing.of(Path("/d"), names, labels).digest()
        for names, labels in (
            (["a", "b"], [0, 1]),
            (["a", "c"], [0, 1]),
            (["a", "b"], [0, 0]),
            (["b", "a"], [1, 0]),
            ([], []),
        )
    ]
    assert len(set(digests)) == 5
    assert listing.of(Path("/elsewhere"), ["a", "b"], [0, 1]).digest() == digests[0]


OUTSIDE = ["/etc/passwd", "../x.jpg", "a/../../x.jpg", "C:\\x.jpg", "\\\\host\\x.jpg", "a\\..\\x.jpg", "", "a\0b"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(BenchError, match="in a split file is no path below /data"):
        listing.of(Path("/data"), ["fine.jpg", name], [0, 0])


def test_one_long_path_among_many_does_not_fill_the_memory() -> None:
    """Names are kept in one array, in which each takes the bytes of the longest."""
    with pytest.raises(BenchError, match="has a path of 4,000 letters among 100,001; take the published split file"):
        listing.of(Path("/data"), ["a"] * 100_000 + ["a" * 4000], [0] * 100_001)


@pytest.mark.parametrize("name", ["a..b/c.jpg", "...jpg", "a/.b.jpg"])
def test_dots_in_names_are_allowed(name: str) -> None:
    assert listing.of(Path("/data"), [name], [0]).name(0) == name


def test_from_memory_no_folder_is_listed_however_many_images_there_are(tmp_path: Path, scans: list[Path]) -> None:
    """The memory of a tenth of ImageNet's training images, without the images: only their folders are there."""
    root = tmp_path / "train"
    folders = [f"n{i:08}" for i in range(100)]
    for name in folders:
        (root / name).mkdir(parents=True)
        aged(root / name)
    times = [(name, (root / name).stat().st_mtime_ns) for name in folders]
    names = np.array([f"{f}/{f}_{i}.JPEG".encode() for f in folders for i in range(1281)])
    listing._remember(listing._memory(root, times, read().cache), names)
    found = listing.folders(root, {name: label for label, name in enumerate(folders)}, read().cache)
    assert (len(found), found.labels[1280], found.labels[1281]) == (128_100, 0, 1)
    assert found.name(1281) == "n00000001/n00000001_0.JPEG"
    assert not scans


# --- the bytes of the files


def test_the_content_is_that_of_all_files_of_a_list_and_of_a_sample_of_a_long_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listing.folders(tree(tmp_path / "t", [f"a/{i}.jpg" for i in range(10)]), {"a": 0}, read().cache)
    assert found.sample() is None
    whole = found.content(read().cache)
    (tmp_path / "t/a/4.jpg").write_bytes(b"other")
    assert found.content(read().cache) != whole
    monkeypatch.setattr(listing, "WHOLE", 9)
    monkeypatch.setattr(listing, "SAMPLE", 4)
    assert found.sample() == pytest.approx([0, 3, 6, 9])
    sampled = found.content(read().cache)
    (tmp_path / "t/a/4.jpg").write_bytes(b"again")
    assert found.content(read().cache) == sampled
    (tmp_path / "t/a/6.jpg").write_bytes(b"other")
    assert found.content(read().cache) != sampled


def test_other_files_are_counted_by_ending(tmp_path: Path) -> None:
    tree(tmp_path / "t", ["a/1.jpg", "a/2.GIF", "a/b/3.gif", "a/README", "a/.hidden.gif"])
    assert listing.walk(tmp_path / "t/a") == (["1.jpg"], {".gif": 2, "no ending": 1})


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gone: cannot be read \(No such file or directory\)"):
        listing.walk(tmp_path / "gone")
    with pytest.raises(BenchError, match=r"gone: cannot be read"):
        listing.subfolders(tmp_path / "gone", bool)


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(BenchError, match=r"loop\.jpg: cannot be read \(Too many levels of symbolic links\)"):
        listing.files(tmp_path)
