"""`bench list` knows everything that can be typed."""

import json

from toy_world import FILE, bench, here, toy

from benchmark.commands.actions.list import everything


def test_everything_is_listed() -> None:
    found = everything(here(toy()))
    assert found["tables"]["4"] == "Table 4: methods over shots"
    assert found["methods"]["CoOp"] == "baselines.coop:CoOp"
    assert found["methods"]["VT-CLIP"] == "baselines.vt_clip:VTCLIP"
    assert "MILAN" not in found["methods"]  # a feature, the argument of a method
    assert list(found["tables"])[:3] == ["1", "2", "3"]
    assert found["data sets"] == {"imagenet": "16 classes, 160 test images"}
    assert list(found["backbones"]) == ["RN50"]
    assert list(found["encoders"]) == ["mocov3", "dino"]
    assert "mini" in found["suites"]


def test_the_list_is_text_for_people_and_json_for_programs() -> None:
    code, text, _ = bench("list", "--suite", FILE)
    assert code == 0
    assert "  CoOp " in text
    code, text, _ = bench("list", "--suite", FILE, "--format", "json")
    assert code == 0
    assert json.loads(text) == everything(here(toy()))
