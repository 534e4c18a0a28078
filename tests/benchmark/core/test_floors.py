"""Files of others are opened by no library with a known hole: setup.cfg asks for newer ones, and older ones are refused."""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from toy_world import bench

from benchmark.core import floors
from benchmark.core.errors import BenchError
from benchmark.core.paths import REPOSITORY
from benchmark.data.published import decoding
from benchmark.encoders.published import containers


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    floors.below.cache_clear()
    yield
    floors.below.cache_clear()


@pytest.fixture
def older(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries of the parameter, as if they were so old."""
    versions: dict[str, str] = request.param
    monkeypatch.setattr(floors, "installed", lambda name: versions.get(name, "99"))


def required() -> dict[str, str]:
    """Library -> the oldest version that setup.cfg asks for."""
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", "utf-8")
    lines = f"{parser['options']['install_requires']} {parser['options.extras_require']['parquet']}".split()
    return dict(line.split(">=") for line in lines)


@pytest.mark.parametrize("library", floors.FLOORS)
def test_what_is_installed_is_asked_to_be_at_least_as_new_as_the_floor(library: str) -> None:
    assert floors.number(required()[library]) >= floors.number(floors.FLOORS[library].version)


@pytest.mark.parametrize(("library", "least"), [("torch", (2, 10)), ("pillow", (10, 3))])
def test_the_floors_lie_above_the_holes_of_reading_checkpoints_and_photographs(
    library: str, least: tuple[int, ...]
) -> None:
    assert floors.number(floors.FLOORS[library].version) >= least


@pytest.mark.parametrize("library", floors.FLOORS)
def test_every_floor_names_a_hole(library: str) -> None:
    assert re.match(r"(CVE-\d{4}-\d{4,}|GHSA-[\w-]{14,})(, |$)", floors.FLOORS[library].holes)


@pytest.mark.parametrize("library", floors.FLOORS)
def test_the_exact_versions_of_the_repository_are_above_the_floors(library: str) -> None:
    exact = dict(
        line.lower().split("==") for line in (REPOSITORY / "constraints.txt").read_text().split() if "==" in line
    )
    assert floors.number(exact[library]) >= floors.number(floors.FLOORS[library].version)


@pytest.mark.parametrize(
    ("version", "said"),
    [("2.10.0+cpu", (2, 10, 0)), ("2.9.1", (2, 9, 1)), ("2.11.0a0+git1", (2, 11, 0)), ("13", (13,)), ("unknown", ())],
)
def test_versions_are_compared_by_their_numbers(version: str, said: tuple[int, ...]) -> None:
    assert floors.number(version) == said


@pytest.mark.parametrize(
    ("older", "refused"),
    [
        ({"torch": "2.5.1"}, True),
        ({"torch": "2.9.1+cu128"}, True),
        ({"torch": "2.10.0"}, False),
        ({"torch": "2.10"}, False),
        ({"torch": "3.0"}, False),
    ],
    indirect=["older"],
)
def test_a_checkpoint_is_opened_by_no_torch_below_its_floor(older: None, refused: bool, tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "x.pt")
    if refused:
        with pytest.raises(
            BenchError, match=r"x\.pt: not opened, because torch 2\..* \(CVE-2025-32434, CVE-2026-24747\)"
        ):
            containers.load(tmp_path / "x.pt")
    else:
        containers.load(tmp_path / "x.pt")


@pytest.mark.parametrize("older", [{"pillow": "12.2.0"}], indirect=True)
@pytest.mark.usefixtures("older")
def test_a_photograph_is_decoded_by_no_pillow_below_its_floor(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    with pytest.raises(BenchError, match=r"x\.png: not opened, because pillow 12\.2\.0 lets a file write outside"):
        decoding.check(tmp_path / "x.png")


@pytest.mark.parametrize("older", [{"pillow": "9.0", "torch": "2.5"}], indirect=True)
@pytest.mark.usefixtures("older")
def test_the_doctor_names_every_library_below_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    code, out, _ = bench("doctor", "--table", "4")
    assert code == 3
    bad = [line for line in out.splitlines() if line.startswith("BAD") and "pip install" in line]
    assert [line.split()[:4] for line in bad] == [
        ["BAD", "library:", "torch", "2.5"],
        ["BAD", "library:", "pillow", "9.0"],
    ]


def test_the_formats_that_are_decoded_are_those_of_photographs(tmp_path: Path) -> None:
    for form in ("ICO", "TGA", "PCX", "DDS", "SGI"):
        Image.new("RGB", (32, 32)).save(tmp_path / "x.jpg", form)
        Image.open(tmp_path / "x.jpg").close()  # PIL itself would decode it
        with pytest.raises(BenchError, match=r"x\.jpg: cannot be read as an image"):
            decoding.check(tmp_path / "x.jpg")
    for form in decoding.FORMATS:
        Image.new("RGB", (32, 32)).save(tmp_path / "x.jpg", form)
        decoding.check(tmp_path / "x.jpg")
