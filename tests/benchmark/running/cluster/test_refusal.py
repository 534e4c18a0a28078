"""A worker that would measure something else is refused by name, before anything is given out."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from toy_cluster import TOYS, environment, scheduler, worker
from toy_world import FILE, bench

from benchmark.core.errors import ExitCode
from benchmark.running.cluster.inspection import ABSENT, differences

ROOT = TOYS.parents[1]
HERE = {"versions": {"code": "a", "torch": "2.13"}, "inputs": {"data of birds": "1", "weights of RN50": "2"}}


def test_a_worker_like_the_client_differs_in_nothing() -> None:
    assert differences(HERE, {**HERE, "place": {"device": "cpu"}}) == []


def test_every_difference_is_named_with_both_sides() -> None:
    there = {"versions": {"code": "b"}, "inputs": {"data of birds": "1", "weights of RN50": f"{ABSENT}RN50.pt"}}
    assert differences(HERE, {**there, "place": {"device": f"{ABSENT}no GPU"}}) == [
        "code is b, here a",
        "torch not there: nothing is known",
        "weights of RN50 not there: RN50.pt",
        "device not there: no GPU",
    ]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers, of which one has another line of code and another data set."""
    folder = tmp_path_factory.mktemp("dask")
    other = folder / "other"
    for package in ("benchmark", "baselines", "amu"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    shutil.copytree(TOYS, other / "toys", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "amu" / "tuning.py").open("a") as file:
        file.write("SOMETHING = 1\n")
    toys = other / "toys" / "toy_world.py"
    toys.write_text(toys.read_text().replace("squares-1", "squares-2"))
    with ExitStack() as stack:
        found, _ = stack.enter_context(scheduler(folder))
        stack.enter_context(worker(found, folder, "--name", "like-here"))
        changed = environment(other)["PYTHONPATH"].replace(str(TOYS), str(other / "toys"))
        stack.enter_context(worker(found, folder, PYTHONPATH=changed))
        yield found


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
def test_a_worker_with_other_code_and_data_is_named_by_check_and_refused_by_run(address: str, tmp_path: Path) -> None:
    code, out, err = bench("cluster", "check", "--suite", FILE, "--cluster", address)
    assert code == ExitCode.CLUSTER, err
    assert out.count("\n  as this machine\n") == 1
    (refused,) = [line for line in out.splitlines() if line.startswith("  refused: ")]
    assert refused.startswith("  refused: code is ")
    assert "; data of imagenet is squares-2" in refused
    assert ", here squares-1" in refused
    code, _, err = bench("run", "--table", "4", "--suite", FILE, "--method", "Tip-Adapter", "--cluster", address)
    assert code == ExitCode.CLUSTER
    (last,) = [line for line in err.splitlines() if line.startswith("bench: ")]
    assert last.startswith("bench: worker tcp://127.0.0.1:")
    assert " refused: code is " in last
    assert last.endswith("; nothing was given out")
    assert not list((tmp_path / "results").rglob("*.json"))
