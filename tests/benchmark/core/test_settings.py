"""Where published data and weights are looked for: option, environment, bench.toml, default, in this order."""

from pathlib import Path

import pytest
from toy_world import bench

from benchmark.core import settings
from benchmark.core.errors import BenchError

VARIABLES = ("DATA", "WEIGHTS", "DEVICE", "PRECISION", "DOWNLOAD", "CONFIG")


@pytest.fixture(autouse=True)
def _nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.setenv(f"BENCH_{name}", "")  # so that what configure() puts there is taken back
        monkeypatch.delenv(f"BENCH_{name}")


def say(text: str) -> None:
    Path("bench.toml").write_text(text)


def test_without_a_word_there_is_no_data_and_everything_runs_on_the_cpu_in_fp32() -> None:
    assert settings.data_root() is None
    assert (settings.device(), settings.precision(), settings.download()) == ("cpu", "fp32", False)
    assert settings.weights_dirs()[0] == Path("weights")


def test_the_file_is_read_the_environment_wins_over_it_and_an_option_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    say('[data]\nroot = "/file"\n[weights]\ndir = "/w"\n[run]\ndevice = "cuda"\ndownload = true\n')
    assert (settings.data_root(), settings.weights_dirs()[0]) == (Path("/file"), Path("/w"))
    assert (settings.device(), settings.download()) == ("cuda", True)
    monkeypatch.setenv("BENCH_DATA", "/environment")
    monkeypatch.setenv("BENCH_DOWNLOAD", "0")
    assert (settings.data_root(), settings.download()) == (Path("/environment"), False)
    settings.configure(data_root="/option", device="cuda:1")
    assert (settings.data_root(), settings.device(), settings.weights_dirs()[0]) == (
        Path("/option"),
        "cuda:1",
        Path("/w"),
    )


def test_one_data_set_or_slot_may_lie_elsewhere() -> None:
    say('[data.paths]\nimagenet = "~/in1k"\n[weights.paths]\nmocov3_rn50 = "/m.tar"\n')
    assert settings.dataset_override("imagenet") == Path("~/in1k").expanduser()
    assert settings.weights_override("mocov3_rn50") == Path("/m.tar")
    assert settings.dataset_override("dtd") is None
    assert settings.weights_override("dino_rn50") is None


def test_the_caches_of_other_tools_come_behind_the_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/t")
    monkeypatch.setenv("HF_HUB_CACHE", "/hf")
    found = settings.weights_dirs()
    assert found[1:] == [Path("~/.cache/clip").expanduser(), Path("/t/hub/checkpoints"), Path("/hf")]


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
        settings.data_root()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_named_and_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CONFIG", "/nowhere.toml")
    with pytest.raises(BenchError, match=r"BENCH_CONFIG=/nowhere\.toml: no such file"):
        settings.data_root()


def test_a_file_that_changes_is_read_again() -> None:
    say('[data]\nroot = "/a"\n')
    assert settings.data_root() == Path("/a")
    say('[data]\nroot = "/bb"\n')
    assert settings.data_root() == Path("/bb")


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_every_command_that_opens_data_or_weights_takes_them_as_options(command: str) -> None:
    options = ["--data-root", "/d", "--weights-dir", "/w", "--device", "cuda:1", "--precision", "bf16", "--download"]
    code, _, err = bench(command, "--suite", "no such suite", *options)
    assert code == 2, err
    assert (settings.data_root(), settings.weights_dirs()[0]) == (Path("/d"), Path("/w"))
    assert (settings.device(), settings.precision(), settings.download()) == ("cuda:1", "bf16", True)
