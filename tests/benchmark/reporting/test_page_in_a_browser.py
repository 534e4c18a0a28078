"""The page in headless Chromium: no console error, no request, sorting works, it can be read, and it fits a telephone."""

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
from benchmark.reporting import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; apt-get install chromium"),
    pytest.mark.slow,
]
HANG = 600
"""Seconds after which a browser that does not end is given up; no outcome depends on it."""
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
    page.write(found, {}, folder, verdicts, leakage.leaks(found))
    path = folder / "index.html"
    path.write_text(path.read_text("utf-8").replace("</body>", LOOK + "</body>"), "utf-8")
    return path


def looked(file: Path, tmp_path: Path, width: int, *more: str) -> tuple[Mapping[str, Any], str]:
    command = [str(CHROMIUM), *SWITCHES, f"--user-data-dir={tmp_path}", f"--window-size={width},900", *more]
    done = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert '<pre id="looked">' in done.stdout, done.stderr[-2000:]
    text = done.stdout.partition('<pre id="looked">')[2].partition("</pre>")[0]
    return json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), done.stderr


def test_in_the_light_it_sorts_asks_for_nothing_and_can_be_read(file: Path, tmp_path: Path) -> None:
    seen, log = looked(file, tmp_path, 1200)
    assert "CONSOLE" not in log
    assert seen["requests"] == []
    assert seen["hostile"] is False
    assert len(seen["down"]) > 5
    assert seen["down"] == sorted(seen["down"], reverse=True)
    assert (seen["up"], seen["sorted"]) == (sorted(seen["up"]), "ascending")
    assert seen["least"] >= 4.5, seen["where"]


def test_in_the_dark_it_can_be_read_too(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 1200, "--blink-settings=preferredColorScheme=0")
    assert seen["dark"] is True
    assert seen["least"] >= 4.5, seen["where"]


def test_on_a_telephone_nothing_is_wider_than_the_screen(file: Path, tmp_path: Path) -> None:
    seen, _ = looked(file, tmp_path, 390)
    assert seen["window"] <= 500
    assert seen["wide"] <= seen["window"]
