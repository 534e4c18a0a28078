"""Records of questions that no exhibit asks are found, shown as the exhibit that was asked, or named."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import toy_outside
from toy_house import house, planted
from toy_others import BIRDS, asked, noted
from toy_world import record_of

from benchmark.analysis.other_questions import NOT_DRAWN, Others, find, strangers, told
from benchmark.core.settings import Settings
from benchmark.exhibits import exhibit
from benchmark.exhibits.recalled import Note
from benchmark.exhibits.run import PROTOCOL
from benchmark.exhibits.substitution import Instead
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites import suite as suites
from benchmark.suites.suite import Suite

ROWS = ("LP-CLIP", "Tip-Adapter-F")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results" / "house")


def found(store: Store, *many: Mapping[str, Record], suite: Suite | None = None) -> Others:
    records = {key: record for records in many for key, record in records.items()}
    return find(suite or house(), store, records, Settings())


def ids(others: Others) -> list[str]:
    return [measured.exhibit.id for measured in others.shown]


def changed(record: Record, **question: object) -> dict[str, Record]:
    other = record_of({**record.asked, **question})
    return {other.key: other}


def test_records_of_the_exhibits_own_questions_are_no_strangers(store: Store) -> None:
    own = planted(exhibit.load("table4"), house())
    searched = planted(exhibit.load("tablelam"), house())
    assert strangers(house(), {**own, **searched}) == []
    assert found(store, own, searched) == Others()
    assert found(store) == Others()


@pytest.mark.parametrize(
    ("instead", "name"),
    [
        ({"dataset": "mushrooms"}, "table4-mushrooms"),
        ({"dataset": BIRDS}, "table4-folder-birds-1a2b3c4d"),
        ({"backbone": "ViT-B/16"}, "table4-vit-b-16"),
        ({"backbone": "open_clip:ViT-B-32/own"}, "table4-open-clip-vit-b-32-own"),
        ({"dataset": "mushrooms", "backbone": "RN101"}, "table4-mushrooms-rn101"),
    ],
)
def test_an_exhibit_in_other_roles_is_rebuilt_from_the_records_alone(
    store: Store, instead: dict[str, str], name: str
) -> None:
    records = asked(house(), "table4", ROWS, 8, **instead)
    others = found(store, records, planted(exhibit.load("table1"), house()))
    assert (ids(others), others.left) == ([name], [])
    (shown,) = others.shown
    held = {place: found for place, found in shown.records.items() if found}
    assert set(held) == {(row, "8-shot") for row in ROWS}
    assert {record.key for found in held.values() for record in found} == set(records)
    assert shown.at("LP-CLIP", "8-shot").seeds == 1
    assert {record.key for record in others.records} == set(records)


def test_another_auxiliary_encoder_is_told_from_the_exhibit_s_own(store: Store) -> None:
    amu = asked(house(), "table4", ["AMU-Tuning"], 16, aux="timm:resnet18")
    assert ids(found(store, amu)) == ["table4-timm-resnet18"]
    both = asked(house(), "table4", ["AMU-Tuning", "LP-CLIP"], 16, dataset="mushrooms", aux="mae")
    assert ids(found(store, both)) == ["table4-mushrooms-mae"]


def test_two_data_sets_are_two_exhibits(store: Store) -> None:
    others = found(store, *(asked(house(), "table4", ROWS, 8, dataset=role) for role in (BIRDS, "mushrooms")))
    assert ids(others) == ["table4-folder-birds-1a2b3c4d", "table4-mushrooms"]


def test_the_fewest_exhibits_hold_all_records(store: Store) -> None:
    """The 16-shot runs of Table 4 are those of Table 1, which by itself would not hold the others."""
    four = asked(house(), "table4", ["CoOp", "AMU-Tuning"], 16, dataset="mushrooms")
    eight = asked(house(), "table4", ["CoOp"], 8, dataset="mushrooms")
    assert ids(found(store, four, eight)) == ["table4-mushrooms"]
    three = asked(house(), "figure3", ["MLP"], 16, dataset="mushrooms")
    assert ids(found(store, four, eight, three)) == ["figure3-mushrooms", "table4-mushrooms"]


def test_records_that_several_exhibits_could_hold_are_shown_in_the_table_of_methods(store: Store) -> None:
    zero_shot = asked(house(), "table4", ["Zero-shot CLIP"], 8, dataset="mushrooms")  # all of Figure 4b
    assert ids(found(store, zero_shot)) == ["table4-mushrooms"]


def test_what_was_asked_is_shown_whatever_else_would_hold_its_records(store: Store) -> None:
    records = asked(house(), "table4", ["CoOp", "AMU-Tuning"], 16, dataset="mushrooms")
    noted(store, "table1", dataset="mushrooms")
    noted(store, "table4", dataset="mushrooms")
    noted(store, "table7", dataset="food101")  # of which nothing is measured
    assert ids(found(store, records)) == ["table1-mushrooms", "table4-mushrooms"]


def test_what_was_asked_is_shown_although_an_exhibit_of_the_suite_holds_its_records_too(store: Store) -> None:
    """Figure 5 has the methods on dtd; asked in its own roles, a table is no other question."""
    records = {**asked(house(), "table4", ROWS, 8, dataset="dtd"), **planted(exhibit.load("table1"), house())}
    assert found(store, records) == Others()
    noted(store, "table4", dataset="dtd")
    noted(store, "table4", dataset="imagenet", aux="mocov3")
    others = found(store, records)
    assert (ids(others), others.left, others.records) == (["table4-dtd"], [], [])


@pytest.mark.parametrize(
    "text",
    [
        "torn",
        "[]",
        '{"exhibit": "table1"}',
        '{"exhibit": 1, "instead": {"dataset": "dtd"}, "given": {}}',
        '{"exhibit": "table1", "instead": {"dataset": 1}, "given": {}}',
        '{"exhibit": "table1", "instead": {"rows": "dtd"}, "given": {}}',
        '{"exhibit": "table1", "instead": ["dtd"], "given": {}}',
        '{"exhibit": "table1", "instead": {"dataset": "dtd"}, "given": {"dataset": {"path": 3}}}',
        '{"exhibit": "table1", "instead": {"dataset": "mushrooms"}, "given": {"dataset": {"template": 3}}}',
        '{"exhibit": "table1", "instead": {"dataset": "mushrooms"}, "given": {"dataset": {"template": ["a {}.", 3]}}}',
        '{"exhibit": "table1", "instead": {"dataset": "mushrooms"}, "given": {"dataset": {"classnames": {}}}}',
        '{"exhibit": "table1", "instead": {"dataset": "mushrooms"}, "given": {"dataset": "path"}}',
        '{"exhibit": "table1", "instead": {"dataset": "mushrooms"}, "given": {"aux": {}}}',
        '{"exhibit": "table44", "instead": {"dataset": "dtd"}, "given": {}}',
    ],
)
def test_a_note_that_somebody_damaged_is_as_none(store: Store, text: str) -> None:
    (store.root / "asked").mkdir(parents=True)
    (store.root / "asked" / "x.json").write_text(text)
    assert ids(found(store, asked(house(), "table4", ["CoOp", "AMU-Tuning"], 8, dataset="mushrooms"))) == [
        "table4-mushrooms"
    ]


def test_a_note_names_no_code_that_is_called(store: Store) -> None:
    noted(store, "table4", {"path": "x", "reader": "toy_methods:Failing"}, dataset=BIRDS)
    (shown,) = found(store, asked(house(), "table4", ROWS, 8, dataset=BIRDS)).shown
    assert shown.suite.datasets[BIRDS]["reader"] == "benchmark.suites.absent:dataset"


def test_the_caption_says_where_the_images_were_if_they_are_not_here(store: Store, tmp_path: Path) -> None:
    records = asked(house(), "table4", ROWS, 8, dataset=BIRDS)

    def caption() -> str:
        return found(store, records).shown[0].exhibit.caption

    assert caption().endswith(f"Where {BIRDS} lies is not noted here.")
    noted(store, "table4", {"path": str(tmp_path / "birds")}, dataset=BIRDS)
    assert caption().endswith(f"{BIRDS} was in {tmp_path / 'birds'}, which is not here today.")
    (tmp_path / "birds").mkdir()
    assert "not here" not in caption()


@pytest.mark.parametrize("path", ["x" * 300, "a\0b"])
def test_a_path_that_cannot_be_one_is_not_here(store: Store, path: str) -> None:
    noted(store, "table4", {"path": path}, dataset=BIRDS)
    (shown,) = found(store, asked(house(), "table4", ROWS, 8, dataset=BIRDS)).shown
    assert shown.exhibit.caption.endswith("which is not here today.")


def test_what_no_exhibit_could_ask_is_left_and_named(store: Store) -> None:
    (record,) = asked(house(), "table4", ["LP-CLIP"], 8, dataset=BIRDS).values()
    own_method = {**changed(record, method="mine:Mine"), **changed(record, method="mine:Mine", shots=3)}
    older = changed(record, protocol=PROTOCOL - 1)
    elsewhere = changed(record, suite="mini", dataset="imagenet", shots=1)
    others = found(store, own_method, older, elsewhere, {record.key: record})
    assert ids(others) == ["table4-folder-birds-1a2b3c4d"]
    assert {record.shots for record in others.shown[0].records["Mine", "8-shot"]} == {8}
    assert len(others.left) == 3
    assert told(others.left, house(), NOT_DRAWN) == (
        f"3 records belong to questions that are not drawn: {BIRDS} (mine:Mine; 3 shots),"
        f" {BIRDS} by protocol {PROTOCOL - 1} (today's is {PROTOCOL}) (LP-CLIP; 8 shots),"
        " imagenet of suite mini (LP-CLIP; 1 shot)"
    )


@pytest.mark.parametrize(
    "question",
    [{}, {"dataset": 5, "backbone": [], "settings": []}, {"dataset": "", "settings": {"aux": {}}}, {"dataset": "dtd"}],
)
def test_a_question_of_any_shape_is_named(store: Store, question: dict[str, object]) -> None:
    record = record_of({"method": "m:M", "shots": 1, "seed": 1, **question})
    others = found(store, {record.key: record})
    assert (others.shown, others.left) == ([], [record])
    assert told(others.left, house(), NOT_DRAWN).startswith("1 record belongs to questions that are not drawn: ")


def test_many_data_sets_are_counted_and_not_all_named() -> None:
    records = [record_of({"method": "m:M", "shots": 1, "seed": 1, "dataset": f"set{i}"}) for i in range(9)]
    line = told(records, house(), NOT_DRAWN)
    assert line.startswith("9 records belong")
    assert line.endswith("set5 (m:M; 1 shot), and 3 more")
    assert told([], house(), NOT_DRAWN) == ""


def test_a_data_set_of_the_suite_that_is_not_here_is_said(store: Store, tmp_path: Path) -> None:
    world = replace(suites.load(str(toy_outside.write_suite(tmp_path)), ["toy_outside"]), name="house")
    settings = replace(Settings(), data_root=tmp_path)
    records = asked(world, "table4", ROWS, 8, dataset="dtd")
    noted(store, "table4", dataset="dtd")

    def caption() -> str:
        return find(world, store, records, settings).shown[0].exhibit.caption

    assert caption().endswith("dtd is not here today.")
    (tmp_path / "dtd").write_text("good")
    assert "not here" not in caption()


def test_the_note_survives_its_json(store: Store) -> None:
    noted(store, "table4", {"path": "/data/büro", "template": ["a {}."]}, dataset="folder:büro-1", aux="timm:x")
    (said,) = store.asked()
    assert json.loads(json.dumps(said)) == {
        "exhibit": "table4",
        "instead": {"dataset": "folder:büro-1", "aux": "timm:x"},
        "given": {"dataset": {"path": "/data/büro", "template": ["a {}."]}},
    }


ENCODER = "timm:resnet18@own-1a2b3c4d"


def test_an_encoder_of_a_file_is_recalled_with_its_file(store: Store, tmp_path: Path) -> None:
    records = asked(house(), "table4", ["AMU-Tuning"], 16, aux=ENCODER)
    (shown,) = found(store, records).shown
    assert shown.exhibit.caption.endswith(f"Where {ENCODER} lies is not noted here.")
    given = {"aux": {"name": "resnet18", "file": str(tmp_path / "own.pt")}}
    store.keep_asked(Note("table4", Instead(aux=ENCODER), given).to_json())
    (shown,) = found(store, records).shown
    assert shown.exhibit.caption.endswith(f"{ENCODER} was in {tmp_path / 'own.pt'}, which is not here today.")
    assert f"--aux timm:resnet18@{tmp_path / 'own.pt'}" in shown.command
    (tmp_path / "own.pt").touch()
    assert "not here" not in found(store, records).shown[0].exhibit.caption


def test_the_command_of_an_exhibit_on_own_images_names_their_folder_and_templates(store: Store) -> None:
    records = asked(house(), "table4", ROWS, 8, dataset=BIRDS)
    assert "--dataset folder:PATH" in found(store, records).shown[0].command
    noted(store, "table4", {"path": "/data/my birds", "template": ["a {}."]}, dataset=BIRDS)
    assert "--dataset 'folder:/data/my birds' --template 'a {}.'" in found(store, records).shown[0].command


def test_of_two_notes_that_which_is_true_today_counts(store: Store, tmp_path: Path) -> None:
    records = asked(house(), "table4", ROWS, 8, dataset=BIRDS)
    for path in ("aaa", tmp_path, "zzz"):
        noted(store, "table4", {"path": str(path)}, dataset=BIRDS)
    (shown,) = found(store, records).shown
    assert "not here" not in shown.exhibit.caption
    assert f"folder:{tmp_path}" in shown.command
