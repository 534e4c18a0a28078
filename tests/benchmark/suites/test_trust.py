"""A suite file runs no code but this project's, whatever it names, until its code is trusted by name."""

import os
import re
from pathlib import Path

import pytest
import toy_world
from toy_world import bench

from benchmark.core import settings
from benchmark.core.errors import BenchError
from benchmark.suites import suite, trust

TOML = toy_world.FILE.read_text()
WITHOUT_EXECUTION = [
    ["list"],
    ["list", "--format", "json"],
    ["doctor"],
    ["doctor", "--deep", "--table", "4"],
    ["features"],
    ["features", "--table", "4"],
    ["run", "--table", "4", "--dry-run"],
    ["run", "--all", "--dry-run"],
    ["report"],
    ["check"],
    ["claims"],
    ["compare", "CoOp", "CaFo"],
]
EXECUTING = [["run", "--table", "4", "--jobs", "1"], ["features", "--make"], ["evaluate-adapter", "adapter.pt"]]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module that leaves a mark when it is imported, called or looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_TRUST_SUITE")
    mark = f'__import__("pathlib").Path({str(tmp_path / "OWNED")!r}).touch()'
    (tmp_path / "evil_of_others.py").write_text(f"{mark}\ndef Reader(**_): {mark}\ndef look(*_, **__): {mark}\n")
    return tmp_path


def written(folder: Path, reader: str = "toy_world:Squares", loader: str = "toy_world:clip", more: str = "") -> str:
    """The path of a suite file, the toy suite with another reader and loader."""
    text = TOML.replace('reader = "toy_world:Squares"', f'reader = "{reader}"\n{more}')
    (folder / "x.toml").write_text(text.replace('loader = "toy_world:clip"', f'loader = "{loader}"'))
    return str(folder / "x.toml")


def was_run(folder: Path) -> bool:
    return (folder / "OWNED").exists()


@pytest.mark.parametrize("command", [*WITHOUT_EXECUTION, *EXECUTING], ids=" ".join)
@pytest.mark.parametrize(
    "reader", ["os:system", "subprocess:call", "evil_of_others:Reader", "shutil:rmtree", "evil_of_others:no_such"]
)
def test_every_command_refuses_code_of_others_in_a_line_and_runs_nothing(
    command: list[str], reader: str, place: Path
) -> None:
    path = written(place, reader, more='command = "touch OWNED"')
    code, _, err = bench(*command, "--suite", path)
    module = reader.partition(":")[0]
    assert code == 2
    assert err.splitlines()[-1] == (
        f"bench: suite file {path}: [datasets.imagenet] reader = {reader!r} is code from outside this project, and nothing"
        f" of it was run; if you trust it, add --trust-suite {module} --trust-suite toy_world"
    )
    assert not was_run(place)


@pytest.mark.parametrize("command", WITHOUT_EXECUTION, ids=" ".join)
@pytest.mark.parametrize(
    "loader", ["os:system", "evil_of_others:Reader", "benchmark.core.files:os.system", "benchmark.core.files:os.mkdir"]
)
def test_a_loader_is_no_better_than_a_reader(command: list[str], loader: str, place: Path) -> None:
    path = written(place, loader=loader, more='command = "x"')
    options = ["--trust-suite", "toy_world"]
    assert "Traceback" not in bench(*command, "--suite", path, *options)[2]
    assert not was_run(place)
    assert not (place / "RN50").exists()


@pytest.mark.parametrize(
    "reader",
    [
        "os:system",
        "subprocess:call",
        "benchmark.core.files:os.system",
        "benchmark.core.files:read_text",
        "benchmark.mini.encoders:clip",
        "builtins:exec",
        "toy_world:bench",
    ],
)
def test_what_is_no_reader_by_its_type_is_not_called_even_where_everything_is_trusted(reader: str, place: Path) -> None:
    path = written(place, reader, more='command = "touch OWNED"')
    code, _, err = bench("list", "--suite", path, "--trust-suite", path)
    assert code == 2
    assert err.startswith(
        f"bench: [datasets.imagenet] reader {reader} of suite x: {reader} is none: a reader is a class"
    )
    assert not was_run(place)


@pytest.mark.parametrize(
    "options",
    [
        ["--trust-suite", "toy_world"],
        ["--trust-suite", "x.toml"],
        ["--trust-suite", "./x.toml"],
        ["--trust-suite", "other", "--trust-suite", "toy_world:Squares"],
    ],
)
def test_code_trusted_by_its_module_or_by_the_suite_file_is_called(options: list[str], place: Path) -> None:
    code, out, err = bench("list", "--suite", written(place), *options)
    assert (code, err) == (0, "")
    assert "16 classes, 160 test images" in out


def test_trust_may_be_given_in_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_TRUST_SUITE", os.pathsep.join(["other", "toy_world"]))
    assert settings.read(trust_suite=["more"]).trusted == ("more", "other", "toy_world")
    assert bench("list", "--suite", written(place))[0] == 0


@pytest.mark.parametrize("table", ["run", "suite", "data"])
def test_trust_cannot_be_given_by_a_settings_file_which_may_lie_beside_the_suite(table: str, place: Path) -> None:
    (place / "bench.toml").write_text(f'[{table}]\ntrust_suite = ["toy_world"]\n')
    code, out, _ = bench("list", "--suite", written(place))
    assert (code, out) == (2, "")


@pytest.mark.parametrize("other", ["toy_worl", "toy_world.deeper", "toy_world2", "TOY_WORLD", "y.toml", "", "."])
def test_trust_in_another_name_is_none(other: str, place: Path) -> None:
    (place / "y.toml").write_text(TOML)
    assert bench("list", "--suite", written(place), "--trust-suite", other)[0] == 2


@pytest.mark.parametrize(
    "name", ["benchmarks.x:Y", "benchmark2:Y", "ｂｅｎｃｈｍａｒｋ.data:Y", "Amu.heads:LP", "baselines_:Y"]
)
def test_a_name_like_one_of_this_project_s_packages_is_not_theirs(name: str) -> None:
    with pytest.raises(BenchError, match=re.escape(repr(name))):
        trust.check(Path("x.toml"), {"[datasets.imagenet] reader": name}, ())


def test_a_trusted_package_is_trusted_with_all_that_is_below_it() -> None:
    trust.check(Path("x.toml"), {"reader": "mine.readers.birds:Birds"}, ["mine"])
    trust.check(Path("x.toml"), {"reader": "mine.readers.birds:Birds"}, ["mine.readers"])


def test_a_file_that_names_this_project_s_own_readers_needs_no_trust(place: Path) -> None:
    path = written(place, "benchmark.mini.datasets:RenderedWorld", "benchmark.mini.encoders:clip")
    Path(path).write_text(Path(path).read_text().replace("toy_world:projection", "benchmark.mini.encoders:auxiliary"))
    assert suite.load(path).name == "x"
    assert bench("list", "--suite", path)[0] == 0


@pytest.mark.parametrize("name", ["pyarrow", "bottleneck", "ipywidgets", "sitecustomize", "defusedxml"])
def test_a_file_in_the_working_folder_is_not_taken_for_an_optional_library(name: str, place: Path) -> None:
    (place / "evil_of_others.py").rename(place / f"{name}.py")
    assert bench("list")[0] == 0
    assert str(place) not in __import__("sys").path
