"""Records of another machine come in whole, once, and never in the place of one that is here."""

import json
from pathlib import Path

import numpy as np
import pytest
from toy_world import FILE, bench, bits_of, edited, numbered, put

from benchmark.core.errors import ExitCode
from benchmark.records.merging import merge, replace
from benchmark.records.store import DRAWS, TESTED, Store

SUITE = ["--suite", FILE]


def content(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_what_is_not_here_is_taken_letter_by_letter_with_its_lists(here: Store, there: Store) -> None:
    drawn = there.keep_draw({"a": ["é.png", "\udcff.png"]})
    labels = np.arange(10) % 2
    tested = there.keep_tested(["a", "b"], labels)
    record = edited(numbered(1), draw=drawn, tested=tested)
    predicted = np.where(bits_of(record)["val"], labels, 1 - labels)
    there.put(record, bits_of(record), predicted)
    assert merge(here, there, "toy").taken == [record.key]
    names = {str(path.relative_to(there.root)) for path in there.root.rglob("*") if path.is_file()}
    assert {f"{DRAWS}/{drawn}.json", f"{TESTED}/{tested}.json"} < names
    texts = [{name: text for name, text in content(store).items() if name.endswith(".json")} for store in (here, there)]
    assert texts[0] == texts[1]
    assert content(here).keys() == names
    read = here.records()[record.key]
    assert here.problems == {}
    assert here.tested(read) is not None


def test_the_same_answers_are_one_record_and_a_second_merge_takes_nothing(here: Store, there: Store) -> None:
    key = put(there, 1)
    merge(here, there, "toy")
    before = content(here)
    found = merge(here, there, "toy")
    assert (found.taken, found.same, found.different, found.left_out) == ([], [key], [], {})
    assert content(here) == before


def test_a_list_that_is_not_here_comes_with_a_record_that_is(here: Store, there: Store) -> None:
    drawn = there.keep_draw({"a": ["1.png"]})
    record = edited(numbered(1), draw=drawn)
    for store in (here, there):
        store.put(record, bits_of(record))
    assert merge(here, there, "toy").same == [record.key]
    assert here.listed(DRAWS, drawn) == {"a": ["1.png"]}


def test_other_answers_are_counted_image_by_image_and_the_own_record_stays(here: Store, there: Store) -> None:
    put(here, 1, (4, 5, 6))
    record = edited(numbered(1, (4, 5, 7)), fingerprints={"data": "squares-2", "RN50": "clip-RN50"})
    bits = bits_of(record)
    bits["val"] = bits["val"][::-1]  # as many right, all others
    there.put(record, bits)
    before = content(here)
    (found,) = merge(here, there, "toy").different
    assert found.differ == {"last": 0, "released": 1, "test": 1, "val": 10}
    assert (found.n, found.inputs) == (10, ["data"])
    assert content(here) == before


def test_damaged_and_foreign_files_are_left_out_and_named(here: Store, there: Store, tmp_path: Path) -> None:
    good, cut = put(there, 1), put(there, 2)
    (there.root / f"{cut}.json").write_text("{")
    escaping = edited(numbered(3), draw="../../secret")
    there.put(escaping, bits_of(escaping))
    (tmp_path / "secret.json").write_text('{"a": []}')
    (there.root / "device.json").symlink_to("/dev/zero")
    foreign = edited(numbered(4), asked={**numbered(4).asked, "suite": "paper"})
    (there.root / f"{foreign.key}.json").write_text(json.dumps(foreign.to_json()))
    found = merge(here, there, "toy")
    assert set(found.taken) == {good, escaping.key}
    assert found.left_out.keys() == {f"{cut}.json", "device.json", f"{foreign.key}.json"}
    assert not (here.root / DRAWS).exists()
    assert here.records().keys() == {good, escaping.key}


def test_the_command_prints_a_line_for_each_and_ends_with_7_where_one_is_left_out(here: Store, there: Store) -> None:
    put(here, 1, (4, 5, 6))
    different, _ = put(there, 1, (4, 5, 8)), put(there, 2)
    place = ["--results", here.root.parent]
    code, out, err = bench("results", "merge", there.root.parent, *SUITE, *place)
    assert (code, err) == (ExitCode.OK, "")
    lines = out.splitlines()
    assert lines[0] == (
        f"other answers: M, 1 shot, seed 1 [{different}]: of 10 images differ: last 0, released 2, test 2, val 0"
    )
    assert lines[1] == (
        f"{there.root}: 1 record taken, 0 here with the same answers, 1 here with other answers, which stay, 0 left out"
    )
    (there.root / "torn.json").write_text("{")
    code, out, err = bench("results", "merge", there.root, *SUITE, *place, "--json")
    assert code == ExitCode.DAMAGED
    assert err.startswith(f"left out {there.root / 'torn.json'}: not readable as JSON")
    (said,) = json.loads(out)
    assert said["left_out"].keys() == {"torn.json"}
    assert said["different"][0]["differ"]["test"] == 2


def test_a_folder_without_records_is_named_and_nothing_is_taken(here: Store, there: Store, tmp_path: Path) -> None:
    put(there, 1)
    code, out, err = bench("results", "merge", there.root, tmp_path / "none", *SUITE, "--results", here.root.parent)
    assert (code, out) == (ExitCode.MISSING, "")
    assert f"{tmp_path / 'none'}: there are no records of suite toy" in err
    assert not here.root.exists()


def test_a_record_that_is_damaged_here_is_taken_from_there(here: Store, there: Store) -> None:
    key = put(here, 1)
    put(there, 1)
    (here.root / f"{key}.json").write_text("{")
    assert merge(here, there, "toy").taken == [key]
    assert here.records().keys() == {key}


def test_a_record_that_a_worker_sent_back_takes_the_place_of_the_one_that_is_here(here: Store, there: Store) -> None:
    key = put(here, 1, (4, 5, 6))
    put(there, 1, (3, 5, 6))
    replace(here, there)
    assert content(here) == content(there)
    assert here.records()[key].selections["last"].correct == 3


def test_a_record_that_arrives_damaged_is_named(here: Store, there: Store) -> None:
    key = put(there, 1)
    (there.root / f"{key}.json").write_text("{}")
    with pytest.raises(ValueError, match=f"^{key}.json: "):
        replace(here, there)
    assert content(here) == {}
