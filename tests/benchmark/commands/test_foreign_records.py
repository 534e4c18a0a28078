"""A records folder of others is data: whatever it names, reading it imports and calls nothing."""

from pathlib import Path

import pytest
from toy_house import FILE, house, planted
from toy_others import kept
from toy_world import bench, record_of, undrawn

from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting.figures import draw

EVIL = "evil_of_records"
OTHERS = [
    {"method": f"{EVIL}:Method"},
    {"method": f"{EVIL}:Method", "dataset": "folder:x-1a2b3c4d"},
    {"method": f"{EVIL}:Method", "dataset": "caltech101", "settings": {"aux": f"timm:{EVIL}"}},
    {"method": "os:system", "suite": f"{EVIL}:Suite"},
]
NOTES = [
    {"instead": {"dataset": "folder:x-1a2b3c4d"}, "given": {"dataset": {"reader": f"{EVIL}:Reader", "path": "x"}}},
    {"instead": {"aux": "timm:x@y"}, "given": {"aux": {"loader": f"{EVIL}:loader", "file": "x"}}},
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with records that name a module in it, which leaves a mark when it is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(draw, "draw", undrawn)
    (tmp_path / f"{EVIL}.py").write_text("open('OWNED', 'w')")
    world = house()
    store = Store(tmp_path / "results" / world.name)
    records = planted(exhibit.load("table4"), world)
    some = next(record for record in records.values() if record.shots == 4)
    others = [record_of({**some.asked, **changes}) for changes in OTHERS]
    kept(store, {**records, **{record.key: record for record in others}})
    for note in NOTES:
        store.keep_asked({"exhibit": "table4", **note})
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["check"],
        ["claims"],
        ["compare", "CoOp", "CaFo", "--table", "4"],
        ["doctor", "--table", "4"],
        ["run", "--table", "4", "--dry-run"],
        ["features"],
        ["list"],
    ],
    ids=" ".join,
)
def test_nothing_that_a_record_names_is_imported(command: list[str], place: Path) -> None:
    _, out, err = bench(*command, "--suite", FILE)
    assert "Traceback" not in err
    assert EVIL in out + err or command[0] in ("compare", "run", "features", "list")
    assert not (place / "OWNED").exists()
