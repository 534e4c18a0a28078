"""Heads run where encoders do: a run on another device leaves nothing behind on the CPU, and is the same run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_house import FILE, house
from toy_world import WORLDS, bench, here

from benchmark.commands.actions import doctor
from benchmark.core import devices
from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.exhibits import exhibit
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.features import costs
from benchmark.methods.contract.fake_device import ELSEWHERE, elsewhere
from benchmark.records.store import Store
from benchmark.running import measure, task
from benchmark.suites import suite


def every_method() -> list[Run]:
    """One run of every method, at one shot; of its settings the contract sees all."""
    found: dict[str, Run] = {}
    for name in exhibit.names():
        for run in (run for cell in exhibit.load(name).cells() for run in cell.runs(house(), [1])):
            if run.method not in found and run.dataset == "imagenet":
                found[run.method] = replace(run, shots=min(run.shots, 1))
    return list(found.values())


RUNS = every_method()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DEVICE", "cpu")
    WORLDS.clear()


def record(run: Run, where: Path) -> dict[str, Any]:
    found = measure.measure(run, here(house()), Store(where))
    return {
        name: value for name, value in found.to_json().items() if name not in ("seconds", "measured", "peak_memory_mib")
    }


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.method)
def test_a_run_on_another_device_is_the_same_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = record(run, tmp_path / "here")
    WORLDS.clear()
    monkeypatch.setattr(devices, "usable", lambda _: ELSEWHERE)
    with elsewhere():
        build, test = task.build(Opened(run, here(house())))
        tensors = [build.text, build.support.labels, *build.support.spaces.values(), *test.spaces.values(), test.labels]
        assert {tensor.device for tensor in tensors} == {ELSEWHERE}
        there = record(run, tmp_path / "there")
    assert there["selections"] == expected["selections"]
    assert there["curves"] == expected["curves"]
    assert there["shifts"] == expected["shifts"]
    for name, numbers in expected["metrics"].items():
        assert there["metrics"][name] == pytest.approx(numbers, abs=1e-4)


LARGE = [run for run in RUNS if {"pixels", "clip_spatial"} & run.roles().keys()]


@pytest.mark.parametrize("run", LARGE, ids=lambda run: run.method)
def test_large_spaces_stay_in_host_memory_where_they_do_not_fit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = record(run, tmp_path / "here")
    WORLDS.clear()
    monkeypatch.setattr(devices, "usable", lambda _: ELSEWHERE)
    monkeypatch.setattr(devices, "free_memory", lambda _: 0)
    monkeypatch.setattr(costs, "in_memory", lambda _: 1)
    with elsewhere():
        build, test = task.build(Opened(run, here(house())))
        for samples in (build.support, test):
            held = {space: value.device for space, value in samples.spaces.items()}
            assert held.pop("pixels", held.pop("clip_spatial", None)) == devices.CPU
            assert {*held.values(), samples.device} == {ELSEWHERE}
        there = record(run, tmp_path / "there")
    assert (there["selections"], there["curves"], there["shifts"]) == tuple(
        expected[name] for name in ("selections", "curves", "shifts")
    )


def test_on_the_cpu_nothing_is_moved() -> None:
    assert devices.free_memory(devices.CPU) is None


def test_every_method_of_the_exhibits_is_among_them() -> None:
    rows = [row for name in exhibit.names() for row in exhibit.load(name).rows if "method" in row]
    assert {row["method"] for row in rows} <= {run.method for run in RUNS}


@pytest.mark.parametrize("role", ["RN50", "ViT-B/32", "dino", "mae"])
def test_the_mini_encoders_run_elsewhere_too(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (3, 3, 48, 48), generator=torch.Generator().manual_seed(0)).byte()
    expected = here(suite.load("mini")).encoder(role).encode(images, 2)
    WORLDS.clear()
    monkeypatch.setattr(devices, "usable", lambda _: ELSEWHERE)
    with elsewhere():
        there = here(suite.load("mini")).encoder(role)
        assert there.loaded.device == ELSEWHERE
        assert there.clip is None or there.clip.encode_text(["a dog"]).device == ELSEWHERE
        torch.testing.assert_close(there.encode(images, 2), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "why"), [("gpu", "Expected one of"), ("meta", "there are cpu and cuda"), ("mps", "there are cpu and cuda")]
)
def test_another_kind_of_device_is_refused_in_one_line(name: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DEVICE", name)
    with pytest.raises(BenchError, match=rf"device '{name}' cannot be used \(.*{why}.*\); --device cpu always can"):
        assert read().torch_device


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_run_on_a_device_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    arguments = ["--suite", FILE, "--results", tmp_path / "results", "--table", "4", "--shots", "1"]
    assert bench("run", *arguments, "--device", "cuda:0", "--jobs", "4", "--dry-run")[0] == 2
    code, out, err = bench("run", *arguments, "--device", "cuda")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("bench: device 'cuda' cannot be used (")
    assert not (tmp_path / "results").exists()


def test_an_accelerator_is_driven_by_one_process() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert devices.workers(None, cpu) >= 1
    assert (devices.workers(3, cpu), devices.encoding_workers(3, cpu)) == (3, 3)
    assert (devices.workers(None, cuda), devices.workers(3, cuda), devices.encoding_workers(3, cuda)) == (1, 3, 1)


def test_the_doctor_says_what_runs_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._device(read()).startswith("runs use cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "NVIDIA A100")
    assert doctor._device(read()) == "runs use cpu; NVIDIA A100 is here too: --device cuda"
    monkeypatch.setattr(devices, "usable", lambda _: torch.device("cuda"))
    assert doctor._device(read()) == "runs use cuda (NVIDIA A100)"
