"""The documentation site is built without a warning, has a page for everything in the package, and asks no other host."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.analysis.claims import model as claims
from benchmark.cli import cli
from benchmark.core.errors import ExitCode
from benchmark.core.paths import REPOSITORY
from benchmark.exhibits import exhibit, naming
from benchmark.methods import Predictor

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocstrings_handlers.python")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def read(site: Path, page: str) -> str:
    return (site / page).read_text("utf-8")


def test_every_method_has_a_page_with_its_settings(site: Path) -> None:
    for method in naming.methods():
        text = read(site, f"methods/{method.partition(':')[2].lower()}.html")
        assert method in text
        module, _, name = method.partition(":")
        for argument in inspect.signature(getattr(importlib.import_module(module), name)).parameters:
            assert re.search(rf"<code>{argument}(\.\w+)?</code>", text), (method, argument)


def test_every_method_of_the_packages_stands_in_an_exhibit() -> None:
    rooms = [importlib.import_module(room) for room in ("amu", "baselines")]
    modules = [m.name for room in rooms for m in pkgutil.iter_modules(room.__path__, f"{room.__name__}.")]
    found = {f"{m}:{n}" for m in modules for n, c in vars(importlib.import_module(m)).items() if _is_method(c, m)}
    assert found - naming.methods() == set()


def _is_method(value: object, module: str) -> bool:
    """Whether a value is a predictor of a module that nothing else there extends."""
    if not (isinstance(value, type) and issubclass(value, Predictor) and value.__module__ == module):
        return False
    return not value.__subclasses__() or f"{module}:{value.__name__}" in naming.methods()


def test_every_exhibit_and_claim_has_its_place(site: Path) -> None:
    said = read(site, "exhibits/claims.html")
    for name in exhibit.names():
        text = read(site, f"exhibits/{name}.html")
        assert exhibit.load(name).command in text
        assert "\\n" not in text
    for name in claims.names():
        assert f'id="{name}"' in said


def test_every_command_and_exit_code_has_its_place(site: Path) -> None:
    options, files = read(site, "options.html"), read(site, "files.html")
    for name in cli.commands:
        assert f'id="bench-{name}"' in options
    for code in ExitCode:
        assert f"ExitCode.{code.name}" in files


def test_no_page_asks_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        asked = re.findall(
            r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"?(https?:[^\s\">]+)", page.read_text("utf-8")
        )
        assert asked == [], page
