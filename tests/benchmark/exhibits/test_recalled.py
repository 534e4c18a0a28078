"""What a run was asked is remembered, and asked for again without data and weights."""

import json

import pytest
from toy_house import house

from benchmark.core.errors import Incomplete
from benchmark.core.settings import Settings
from benchmark.exhibits import exhibit
from benchmark.exhibits.recalled import Note, recalled
from benchmark.exhibits.substitution import Instead
from benchmark.suites.world import World

BIRDS, OWN = "folder:birds-1a2b3c4d", "timm:resnet18@own-1a2b3c4d"


def test_a_note_has_the_arguments_of_roles_that_the_suite_has_not_and_survives_its_json() -> None:
    folder = {"reader": "anything:Folder", "path": "/data/birds", "template": ["a {}."]}
    encoder = {"loader": "anything:model", "name": "resnet18", "file": "/w/own.pt"}
    suite = house(datasets={**house().datasets, BIRDS: folder}, encoders={**house().encoders, OWN: encoder})
    note = Note.of(exhibit.load("table4"), suite, Instead(BIRDS, OWN, "RN101"))
    assert note.given == {
        "dataset": {"path": "/data/birds", "template": ["a {}."]},
        "aux": {"name": "resnet18", "file": "/w/own.pt"},
    }
    assert Note.from_json(json.loads(json.dumps(note.to_json()))) == note


def test_recalled_roles_are_in_the_suite_and_cannot_be_opened() -> None:
    suite = recalled(house(), Instead("mushrooms", OWN, "open_clip:ViT-B-32@own-1"))
    world = World(suite, Settings())
    for role, opened in (
        ("mushrooms", world.dataset),
        (OWN, world.encoder),
        ("open_clip:ViT-B-32@own-1", world.encoder),
    ):
        with pytest.raises(Incomplete, match=f"^{role}: only its records are known here$"):
            opened(role)


def test_roles_of_the_suite_stay_and_an_encoder_s_name_tells_its_loader() -> None:
    assert recalled(house(), Instead("dtd", "mae", "RN101")) == house()
    suite = recalled(house(pixels=0), Instead(aux="timm:resnet18", backbone="open_clip:ViT-B-32/openai"))
    loaders = [suite.encoders[role]["loader"] for role in ("timm:resnet18", "open_clip:ViT-B-32/openai")]
    assert loaders == [f"benchmark.encoders.published:{name}" for name in ("timm_model", "open_clip_pair")]
