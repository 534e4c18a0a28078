"""Features that are not what was written are never used: they are named, and made again."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from toy_world import FILE, bench, here, some_run, toy

from benchmark.commands.actions import doctor
from benchmark.core import contents
from benchmark.features import checked, filling, hashes, requests, shard_files, status, text_classifiers
from benchmark.features.requests import Request
from benchmark.features.text_classifiers import Text

TEST = Request("imagenet", "mocov3", "test", 0)
POOL = Request("imagenet", "mocov3", "pool", 1)
TEXT = Text("imagenet", "RN50")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file(request: Request) -> Path:
    return requests.path(request, here(toy()))


def changed(where: Path, change: Callable[[bytes], bytes]) -> None:
    """Other bytes in the same file, with the same times as far as a program can set them."""
    before = where.stat()
    where.write_bytes(change(where.read_bytes()))
    os.utime(where, ns=(before.st_atime_ns, before.st_mtime_ns))


def zeroed(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def old(where: Path) -> None:
    """Give a file the form of earlier versions: no hash, and no name."""
    features, notes = safetensors.torch.load_file(where), shard_files.about(where)
    said = {name: text for name, text in notes.items() if name not in (hashes.HASH, hashes.OF)}
    where.write_bytes(safetensors.torch.save({name: t.clone() for name, t in features.items()}, said))


def copied(other: Request) -> Callable[[bytes], bytes]:
    def change(_: bytes) -> bytes:
        filling.fill(other, here(toy()))
        return file(other).read_bytes()

    return change


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "the second half is zero": zeroed,
    "one bit of a feature is another": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "one letter of a note is another": lambda content: content.replace(b'"precision": "fp32"', b'"precision": "fp31"'),
    "the type is another of equal width": lambda content: content.replace(b'"F32"', b'"I32"'),
    "the shape is another of equal size": lambda content: content.replace(b"[1, 160, 12]", b"[1, 12, 160]"),
    "the hash has lost its name": lambda content: content.replace(b'"sha256"', b'"sha255"'),
    "the file's name has lost its name": lambda content: content.replace(b'"of"', b'"if"'),
    "the end is missing": lambda content: content[:-100],
    "the header alone is there": lambda content: content[:200],
    "nothing is there": lambda content: b"",
    "it is of another encoder": copied(replace(TEST, role="dino")),
    "it is of other images": copied(replace(POOL, part="val")),
    "it is something else": lambda content: b"\xff" * len(content),
    "its header is nested deep": lambda content: (100_000).to_bytes(8, "little") + b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_features_are_named_and_made_again(
    damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    expected, before = filling.load(TEST, here(toy())).clone(), file(TEST).read_bytes()
    changed(file(TEST), damage)
    assert file(TEST).read_bytes() != before, "the damage is one"
    (entry,) = [status.look(entry, here(toy())) for entry in status.of([TEST])]
    assert (entry.state, entry.whole, entry.damaged) == (status.DAMAGED, 0, 1)
    assert not shard_files.readable(file(TEST))
    assert capsys.readouterr().err == "", "who only looks makes nothing"
    assert torch.equal(filling.load(TEST, here(toy())), expected)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {file(TEST)}: damaged, made again: ")
    assert torch.equal(filling.load(TEST, here(toy())), expected)
    assert capsys.readouterr().err == ""


def test_features_of_another_seed_under_the_name_are_made_again() -> None:
    expected, other = filling.load(POOL, here(toy())).clone(), replace(POOL, seed=2)
    assert not torch.equal(filling.load(other, here(toy())), expected)
    file(POOL).write_bytes(file(other).read_bytes())
    assert torch.equal(filling.load(POOL, here(toy())), expected)


def test_features_of_another_suite_of_other_data_under_the_name_are_made_again() -> None:
    expected = filling.load(TEST, here(toy())).clone()
    suite = toy(name="other", encoders={"mocov3": {"loader": "toy_world:projection", "fingerprint": "other"}})
    filling.fill(TEST, here(suite))
    file(TEST).write_bytes(requests.path(TEST, here(suite)).read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "_extract", lambda *_: [expected + 1])
        assert torch.equal(filling.load(TEST, here(toy())), expected + 1), "it is made again"


def test_a_run_on_damaged_features_has_the_right_number_and_says_so(tmp_path: Path) -> None:
    run = ["run", "--table", "4", "--suite", FILE, "--method", "Tip-Adapter", "--shots", "1", "--jobs", "1"]

    def accuracies(results: str) -> tuple[dict[str, int], str]:
        code, _, err = bench(*run, "--results", tmp_path / results, "--reports", tmp_path / "reports")
        assert code == 0, err
        records = [json.loads(record.read_text()) for record in (tmp_path / results / "toy").glob("*.json")]
        return {record["key"]: record["selections"]["val"]["correct"] for record in records}, err

    first, err = accuracies("first")
    assert "damaged" not in err
    assert first
    named = [*(tmp_path / "cache").rglob("*.safetensors")]
    for where in named:
        changed(where, zeroed)
    again, err = accuracies("again")
    assert again == first
    assert sorted(line.split(": ")[1] for line in err.splitlines() if ": damaged, made again: " in line) == sorted(
        map(str, named)
    )
    assert "damaged" not in accuracies("once more")[1]


def test_a_damaged_classifier_is_named_and_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    expected, scale = text_classifiers.load(TEXT, here(toy()))
    where = text_classifiers.path(TEXT, here(toy()))
    for damage in (zeroed, lambda content: content.replace(b'"logit_scale"', b'"logit_skale"')):
        changed(where, damage)
        assert text_classifiers.needed([some_run()], here(toy())) == [TEXT]
        assert capsys.readouterr().err == ""
        found = text_classifiers.load(TEXT, here(toy()))
        assert torch.equal(found[0], expected)
        assert found[1] == scale
        assert capsys.readouterr().err.startswith(f"bench: {where}: damaged, made again: ")


@pytest.mark.parametrize("notes", [{}, {"logit_scale": "a lot"}, {"logit_scale": "nan"}])
def test_a_classifier_of_an_earlier_version_without_its_scale_is_made_again(notes: dict[str, str]) -> None:
    expected, scale = text_classifiers.load(TEXT, here(toy()))
    where = text_classifiers.path(TEXT, here(toy()))
    where.write_bytes(safetensors.torch.save({hashes.NAME: expected.clone()}, notes))
    assert text_classifiers.load(TEXT, here(toy()))[1] == scale


# --- files of earlier versions


def test_a_file_without_a_hash_is_trusted_at_the_first_look_and_held_to_it_from_then_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = filling.load(TEST, here(toy())).clone()
    old(file(TEST))
    assert checked.without_hash(requests.folder(here(toy()))) == 1
    assert filling.missing([TEST], here(toy())) == []
    assert checked.without_hash(requests.folder(here(toy()))) == 0
    assert torch.equal(filling.load(TEST, here(toy())), expected)
    assert capsys.readouterr().err == ""
    changed(file(TEST), zeroed)
    assert torch.equal(filling.load(TEST, here(toy())), expected)
    assert "damaged, made again" in capsys.readouterr().err


def test_a_file_without_a_hash_and_with_other_images_is_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    expected = filling.load(TEST, here(toy())).clone()
    file(TEST).write_bytes(safetensors.torch.save({hashes.NAME: expected[:, :5].clone()}, {"seconds": "1"}))
    assert torch.equal(filling.load(TEST, here(toy())), expected)
    said = "damaged, made again: it has the shape (1, 5, 12), which begins with (1, 160) here"
    assert capsys.readouterr().err.strip().endswith(said)


# --- what a look costs


def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose content is read from now on."""
    found: list[str] = []
    own = hashes.digest
    monkeypatch.setattr(hashes, "digest", lambda where: found.append(where.name) or own(where))
    return found


def settle(where: Path) -> None:
    """Let a file be so old that its stamp is trusted."""
    os.utime(where, (1_000_000_000, 1_000_000_000))


def test_a_process_reads_a_file_once_and_the_next_one_only_looks_at_its_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    filling.fill(TEST, here(toy()))
    settle(file(TEST))
    seen = read(monkeypatch)
    for _ in range(2):
        filling.load(TEST, here(toy()))
    assert seen == [file(TEST).name]
    shard_files.forget()  # as a new process
    filling.load(TEST, here(toy()))
    assert seen == [file(TEST).name]
    settle(file(TEST))  # another ctime
    filling.load(TEST, here(toy()))
    assert seen == 2 * [file(TEST).name]


def test_a_cache_that_is_only_read_is_read_again_by_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    filling.fill(TEST, here(toy()))
    settle(file(TEST))
    blocked = here(toy()).settings.cache / "contents"
    blocked.write_text("no folder")
    seen = read(monkeypatch)
    assert [status.look(entry, here(toy())).state for entry in status.of([TEST])] == [status.THERE]
    assert seen == 2 * [file(TEST).name]


# --- what the doctor says


def features_in_doctor(deep: bool = True) -> list[doctor.Finding]:
    return [found for found in doctor.examine(here(toy()), ["table4"], deep) if found.what in ("features", "texts")]


def test_the_doctor_reads_every_file_even_where_its_stamp_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    filling.fill(TEST, here(toy()))
    text_classifiers.load(TEXT, here(toy()))
    for module in (shard_files, contents):
        monkeypatch.setattr(module, "stamp", lambda where: (1, 1, 1, os.stat(where).st_ino))
    assert [found.ok for found in features_in_doctor()] == [True, True]
    where = text_classifiers.path(TEXT, here(toy()))
    changed(where, zeroed)
    assert text_classifiers.needed([some_run()], here(toy())) == []
    assert features_in_doctor(deep=False) == []
    features, texts = features_in_doctor()
    assert features.ok
    assert (texts.ok, texts.says) == (
        False,
        f"{where}: damaged: its content is not what was written; a run that needs it makes it again",
    )
    assert text_classifiers.needed([some_run()], here(toy())) == [TEXT]


def test_the_doctor_counts_files_without_a_hash() -> None:
    filling.fill(TEST, here(toy()))
    old(file(TEST))
    (found,) = features_in_doctor(deep=False)
    assert found.ok
    assert found.says == "1 of an earlier version have no hash; a run that needs one trusts it and gives it one"
