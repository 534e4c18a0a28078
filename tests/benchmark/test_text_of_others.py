"""Names, messages and licences of others are printed and written as visible text, wherever a command shows them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from toy_house import FILE, house, planted
from toy_others import kept
from toy_world import bench, edited, record_of, toy, undrawn

from benchmark.analysis import claims
from benchmark.commands.actions import lint_paper
from benchmark.core.errors import BenchError
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from benchmark.suites import suite

HOSTILE = "\x1b]0;owned\x07\x9b2J\nbench: all is well\r\u202egpj.exe<script>alert(1)</script>|x|\udce9"
UTF_8 = HOSTILE.replace("\udce9", "")
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
SHOWN = r"\u001b]0;owned\u0007\u009b2J\nbench: all is well\r\u202egpj.exe"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("RESULTS", "REPORTS", "CACHE", "WEIGHTS"):
        monkeypatch.setenv(f"BENCH_{name}", str(tmp_path / name.lower()))
    monkeypatch.setattr(draw, "draw", undrawn)
    monkeypatch.setattr(exhibit, "names", lambda: ("table4",))
    monkeypatch.setattr(claims, "all_verdicts", lambda *_, **__: [])  # they read other exhibits too
    return tmp_path


def said(*command: object) -> str:
    """What a command prints: no sign that a terminal obeys, and no line of another's making."""
    _, out, err = bench(*command)
    assert not RAW.search(out + err)
    assert "\nbench: all is well" not in out + err
    assert "Traceback" not in err
    return out + err


def store(place: Path) -> Store:
    return Store(place / "results" / house().name)


def measured(place: Path, **changes: Any) -> None:
    """Records of Table 4, all with the changes."""
    world = house()
    records = planted(exhibit.load("table4"), world)
    kept(store(place), {key: edited(record, **changes) for key, record in records.items()})


@pytest.mark.parametrize(
    "command", [["report"], ["doctor", "--table", "4"], ["run", "--table", "4", "--dry-run"]], ids=" ".join
)
def test_a_record_s_file_name(command: list[str], place: Path) -> None:
    measured(place)
    name = HOSTILE.replace("/", "_") + ".json"
    (store(place).root / name).write_text("{}")
    assert SHOWN in said(*command, "--suite", FILE)


def test_licences_and_warnings_of_a_record_in_every_file_of_the_report(place: Path) -> None:
    measured(place, licences={UTF_8: f"MIT\n\n# Head\n{UTF_8}"}, noncommercial=False, warnings=[UTF_8])
    said("report", "--suite", FILE)
    text = (place / "reports" / house().name / "table4.md").read_text("utf-8")
    assert not RAW.search(text)
    assert "<script>" not in text
    assert not [line for line in text.splitlines() if line.startswith("# Head")]
    assert SHOWN in text
    page = (place / "reports" / house().name / "index.html").read_text("utf-8")
    assert not RAW.search(page)
    assert "<script>alert" not in page


def test_a_data_set_of_a_record_in_pages_and_lines(place: Path) -> None:
    measured(place)
    some = next(iter(store(place).records().values()))
    said_of = {**some.asked, "dataset": f"folder:{UTF_8}-1a2b3c4d", "method": f"m:{UTF_8}"}
    others = [record_of(said_of), record_of({**said_of, "shots": 3})]  # drawn as a row, and on no grid
    kept(store(place), {other.key: other for other in others})
    assert SHOWN in said("report", "--suite", FILE)
    for command in (["check"], ["compare", "CoOp", "CaFo", "--table", "4"], ["doctor", "--table", "4"]):
        said(*command, "--suite", FILE)
    for path in (place / "reports" / house().name).glob("*.[mhct]*"):
        assert not RAW.search(path.read_text("utf-8")), path


def test_titles_notes_and_roles_of_a_suite(place: Path) -> None:
    quoted = json.dumps(UTF_8)
    text = FILE.read_text().replace("[encoders.milan]", f"[encoders.{quoted}]")
    text = re.sub(r"(?m)^(title|note) = .*", lambda m: f"{m[1]} = {quoted}", text, count=2)
    (place / "mine.toml").write_text(text, "utf-8")
    assert SHOWN in said("list", "--suite", "mine.toml")
    assert SHOWN in said("list", "--suite", "mine.toml", "--format", "json").replace('\\"', "")
    world = suite.load("mine.toml", ["toy_house"])
    kept(Store(place / "results" / "mine"), planted(exhibit.load("table4"), world))
    said("report", "--suite", "mine.toml")
    for name in ("table4.md", "index.html", "table4.csv"):
        text = (place / "reports" / "mine" / name).read_text("utf-8")
        assert not RAW.search(text), name
        assert "<script>alert" not in text


def test_names_of_weights_and_image_folders_and_messages_of_the_command_line(place: Path) -> None:
    name = HOSTILE.replace("/", "_")
    (place / "weights").mkdir()
    (place / "weights" / f"{name}.pt").write_bytes(b"no weights")
    said("weights")
    for command in (
        ["weights", "import", f"weights/{name}.pt"],
        ["list", "--suite", name],
        ["list", "--suite", f"{name}.toml"],
        ["compare", name, "CoOp"],
        ["run", "--table", name],
        ["claims", name],
        ["doctor", "--dataset", f"folder:{name}"],
        ["doctor", f"--{name}"],
        [name],
        ["features", "import", name],
        ["report", "--results", name],
        ["test-method", name],
    ):
        assert said(*command)


class Loud(Exception):
    pass


def test_the_message_of_a_library_or_a_method(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> None:
        raise BenchError(HOSTILE)

    monkeypatch.setattr(lint_paper, "lint_paper", fails)
    assert said("lint-paper").startswith(f"bench: {SHOWN}")
    monkeypatch.setattr(lint_paper, "lint_paper", lambda **_: (_ for _ in ()).throw(Loud(HOSTILE)))
    assert "Loud: " in said("lint-paper")


@pytest.mark.parametrize(
    "name", ["...toml", "..toml", ".hidden.toml", "-x.toml", "a b.toml", "a\nb.toml", f"{'x' * 101}.toml"]
)
def test_a_suite_file_whose_name_is_no_name_of_folders_is_refused(name: str, place: Path) -> None:
    (place / name).write_text(Path(toy().file).read_text())
    before = sorted(place.rglob("*"))
    for command in (["report"], ["run", "--table", "4", "--dry-run"], ["features"], ["list"]):
        code, out, err = bench(*command, "--suite", place / name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "records are kept by this name" in err
    assert sorted(place.rglob("*")) == before


def test_a_suite_file_with_such_a_name_may_give_its_suite_another(place: Path) -> None:
    (place / "a b.toml").write_text(f'name = "ab"\n{Path(toy().file).read_text()}')
    assert bench("list", "--suite", place / "a b.toml")[0] == 0
