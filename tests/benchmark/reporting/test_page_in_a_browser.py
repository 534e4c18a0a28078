"""The page in headless Chromium: what the first screen shows, sorting, opening, reading, and no request."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from toy_house import house, planted
from toy_world import change

from benchmark.analysis import claims, leakage
from benchmark.analysis.results import gather
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting import next_step, page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; apt-get install chromium"),
    pytest.mark.slow,
]
HANG = 600
"""Seconds after which a browser that does not end is given up; no outcome depends on it."""
HEIGHT = 800
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
]

LOOK = f"<script>{Path(__file__).with_name('look_at_page.js').read_text()}</script>"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it, and a hostile name in a record's conditions."""
    folder = tmp_path_factory.mktemp("page")
    suite = house()
    shown = {name: exhibit.load(name) for name in ("table2", "table4", "figure4a", "table6")}
    records = {key: record for one in shown.values() for key, record in planted(one, suite).items()}
    for record in records.values():
        change(record, conditions={"cpu": "<script>window.hostile = true</script>", "versions": {}})
    found = [gather(one, suite, records) for one in shown.values()]
    verdicts = claims.all_verdicts(suite, records, Store(folder), found)
    step = next_step.find(found, records, 2)
    page.write(found, {}, folder, verdicts, leakage.leaks(found), step=step)
    path = folder / "index.html"
    path.write_text(path.read_text("utf-8").replace("</body>", LOOK + "</body>"), "utf-8")
    return path


def looked(file: Path, tmp_path: Path, width: int, *more: str) -> tuple[Mapping[str, Any], str]:
    command = [str(CHROMIUM), *SWITCHES, f"--user-data-dir={tmp_path}", f"--window-size={width},{HEIGHT}", *more]
    done = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert '<pre id="looked">' in done.stdout, done.stderr[-2000:]
    text = done.stdout.partition('<pre id="looked">')[2].partition("</pre>")[0]
    return json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), done.stderr


def test_in_the_light_it_sorts_asks_for_nothing_and_can_be_read(file: Path, tmp_path: Path) -> None:
    seen, log = looked(file, tmp_path, 1280)
    assert "CONSOLE" not in log
    assert seen["requests"] == []
    assert seen["hostile"] is False
    assert len(seen["down"]) > 5
    assert seen["down"] == sorted(seen["down"], reverse=True)
    assert (seen["up"], seen["sorted"]) == (sorted(seen["up"]), "ascending")
    assert seen["follows"] is True  # what a cell opens to stays beneath its row
    assert seen["least"] >= 4.5, seen["where"]
    assert seen["mute"] == 0
    assert all(picture == {"whole": True, "filter": "none"} for picture in seen["pictures"])


def test_the_first_screen_holds_the_answer_the_picture_and_the_next_command(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 1280)
    assert max(seen["first"]) <= HEIGHT
    assert seen["after"][:2] == ["table4", "claims"]
    assert seen["letters"] >= 9


def test_a_cell_opens_by_the_keyboard_over_the_whole_width_and_moves_no_column(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 1280)
    shut, open_, again = seen["states"]
    assert shut == {"told": "false", "seen": False}
    assert open_ == {"told": "true", "seen": True}
    assert again == {"told": "false", "seen": False, "focus": True}
    opened = seen["opened"]
    assert opened["detail"]["top"] >= opened["row"]["bottom"]
    assert opened["inside"]["width"] == pytest.approx(opened["main"]["width"], abs=2)
    assert opened["now"] == opened["before"]
    assert opened["wide"] <= seen["window"]


def test_the_first_column_stays_while_a_table_scrolls(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 1280)
    assert seen["moved"] == {"by": 150, "name": 0}


def test_in_the_dark_it_can_be_read_too_and_pictures_are_dark(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 1280, "--blink-settings=preferredColorScheme=0")
    assert seen["dark"] is True
    assert seen["least"] >= 4.5, seen["where"]
    assert all("invert" in picture["filter"] for picture in seen["pictures"])


def test_on_a_telephone_nothing_is_wider_than_the_screen(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 390)
    assert seen["window"] <= 500
    assert seen["wide"] <= seen["window"]
    assert seen["opened"]["wide"] <= seen["window"]
    assert seen["opened"]["inside"]["right"] <= seen["window"]
