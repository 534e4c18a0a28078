"""Where published data and weights are looked for: option, environment, bench.toml, default, in this order."""

import ast
import os
import pickle
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest
from toy_world import bench

from benchmark.core import settings
from benchmark.core.errors import BenchError
from benchmark.core.paths import REPOSITORY
from benchmark.core.settings import Settings, read

VARIABLES = ("DATA", "WEIGHTS", "DEVICE", "PRECISION", "DOWNLOAD", "CONFIG", "CACHE", "RESULTS", "REPORTS", "DEBUG")


@pytest.fixture(autouse=True)
def _nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(f"BENCH_{name}", raising=False)


def say(text: str) -> None:
    Path("bench.toml").write_text(text)


def test_without_a_word_there_is_no_data_and_everything_runs_on_the_cpu_in_fp32() -> None:
    said = read()
    assert said.data_root is None
    assert (said.device, said.precision, said.download) == ("cpu", "fp32", False)
    assert said.weights_dirs[0] == Path("weights")
    assert (said.results, said.reports, said.debug) == (Path("results"), Path("reports"), False)


def test_the_file_is_read_the_environment_wins_over_it_and_an_option_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    say('[data]\nroot = "/file"\n[weights]\ndir = "/w"\n[run]\ndevice = "cuda"\ndownload = true\n')
    said = read()
    assert (said.data_root, said.weights_dirs[0]) == (Path("/file"), Path("/w"))
    assert (said.device, said.download) == ("cuda", True)
    monkeypatch.setenv("BENCH_DATA", "/environment")
    monkeypatch.setenv("BENCH_DOWNLOAD", "0")
    assert (read().data_root, read().download) == (Path("/environment"), False)
    said = read(data_root="/option", device="cuda:1")
    assert (said.data_root, said.device, said.weights_dirs[0]) == (Path("/option"), "cuda:1", Path("/w"))


def test_one_data_set_or_slot_may_lie_elsewhere() -> None:
    say('[data.paths]\nimagenet = "~/in1k"\n[weights.paths]\nmocov3_rn50 = "/m.tar"\n')
    assert read().data_paths == {"imagenet": Path("~/in1k").expanduser()}
    assert read().weights_paths == {"mocov3_rn50": Path("/m.tar")}


def test_the_caches_of_other_tools_come_behind_the_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/t")
    monkeypatch.setenv("HF_HUB_CACHE", "/hf")
    found = read().weights_dirs
    assert found[1:] == (Path("~/.cache/clip").expanduser(), Path("/t/hub/checkpoints"), Path("/hf"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[date]\n", "table in bench.toml 'date'"),
        ("[data]\nrot = 1\n", "key of [data] in bench.toml 'rot'"),
        ("[data]\nroot = 1\n", "[data] root is 1, not a text"),
        ("[data.paths]\nimagenet = 1\n", "not a table of texts"),
        ("data = 3\n", "not a table; write [data]"),
        ("[data\n", "cannot be read"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_it(text: str, says: str) -> None:
    say(text)
    with pytest.raises(BenchError) as error:
        read()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_file_may_have_a_byte_order_mark() -> None:
    Path("bench.toml").write_bytes(BOM_UTF8 + b'[run]\ndevice = "cuda"\n')
    assert read().device == "cuda"


def test_a_file_that_is_named_and_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CONFIG", "/nowhere.toml")
    with pytest.raises(BenchError, match=r"BENCH_CONFIG=/nowhere\.toml: no such file"):
        read()


def test_settings_are_one_frozen_value_that_travels_to_a_worker() -> None:
    said = read(results="~/r", device="cuda:1")
    assert said.results == Path("~/r").expanduser()
    assert pickle.loads(pickle.dumps(said)) == said
    with pytest.raises(AttributeError):
        said.device = "cpu"  # type: ignore[misc]


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_every_command_that_opens_data_or_weights_takes_them_as_options(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Settings] = []

    def noting(**options: Any) -> Settings:
        told.append(read(**options))
        return told[-1]

    monkeypatch.setattr(settings, "read", noting)
    options = ["--data-root", "/d", "--weights-dir", "/w", "--device", "cuda:1", "--precision", "bf16", "--download"]
    code, _, err = bench(command, "--suite", "no such suite", *options)
    assert code == 2, err
    (said,) = told
    assert (said.data_root, said.weights_dirs[0]) == (Path("/d"), Path("/w"))
    assert (said.device, said.precision, said.download) == ("cuda:1", "bf16", True)


def mentions_of_the_environment(path: Path) -> list[int]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.alias) and node.name in names)
    ]


HOSTS = (
    "core/cores.py",
    "core/devices.py",
    "core/machine.py",
    "methods/contract/elsewhen.py",
    "methods/contract/other_processes.py",
    "methods/guest/of_system.py",
)
"""Modules that give a method or a library its environment, or put it back, and take nothing from it for themselves
but the cores that SLURM gives a job, and the GPUs that a command is shown."""


@pytest.mark.parametrize("package", ["benchmark", "baselines", "amu"])
def test_nothing_but_the_settings_reads_the_environment_and_nothing_writes_it(package: str) -> None:
    for path in sorted((REPOSITORY / package).rglob("*.py")):
        if path not in {REPOSITORY / "benchmark" / name for name in ("core/settings.py", *HOSTS)}:
            assert mentions_of_the_environment(path) == [], path


def test_reading_the_settings_leaves_the_environment_as_it_was() -> None:
    before = dict(os.environ)
    read(data_root="/d", device="cuda", download=True)
    assert dict(os.environ) == before


def test_on_another_machine_folders_that_are_there_count_and_else_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared").mkdir()
    told = settings.absolute(
        read(data_root="shared", weights_dir="gone", device="cuda", results="records"),
    )
    assert (told.data_root, told.results) == (tmp_path / "shared", tmp_path / "records")
    monkeypatch.setenv("BENCH_DATA", "/own/data")
    monkeypatch.setenv("BENCH_WEIGHTS", "/own/weights")
    monkeypatch.setenv("BENCH_CACHE", "/own/cache")
    there = settings.on_this_machine(told)
    assert there.data_root == tmp_path / "shared"
    assert there.weights_dirs[0] == Path("/own/weights")
    assert there.cache == (told.cache if told.cache.is_dir() else Path("/own/cache"))
    assert (there.device, there.results) == ("cuda", told.results)


@pytest.mark.parametrize(("said", "first"), [("cpu", "cpu"), ("cpu,cuda:1", "cpu")])
def test_the_device_of_this_process_is_the_first_of_several(said: str, first: str) -> None:
    assert str(read(device=said).torch_device) == first
