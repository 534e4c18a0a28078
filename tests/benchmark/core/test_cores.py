"""A process on a shared machine uses the cores that it was given, by affinity, cgroup or SLURM, not all that are there."""

import os
from pathlib import Path

import pytest
import torch
from toy_world import bench

from benchmark.core import cores as module
from benchmark.core import devices
from benchmark.core.cores import cores
from benchmark.running.workers import Crew


@pytest.fixture(autouse=True)
def _large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(128))


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_a_limit_all_cores_are_used(tmp_path: Path) -> None:
    assert cores({}, tmp_path) == 128


def test_affinity_limits_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    assert cores({}, tmp_path) == 2


GROUPS = {
    "a container of version 2": {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "750000 100000\n"},
    "a job of version 2 below a limited one": {
        "proc/self/cgroup": "0::/slurm/job_7/step_0\n",
        "sys/fs/cgroup/slurm/job_7/cpu.max": "800000 100000\n",
        "sys/fs/cgroup/slurm/job_7/step_0/cpu.max": "max 100000\n",
    },
    "version 1": {
        "proc/self/cgroup": "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us": "800000\n",
        "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000\n",
    },
}


@pytest.mark.parametrize("kind", GROUPS)
def test_the_quota_of_a_cgroup_limits_them(kind: str, tmp_path: Path) -> None:
    assert cores({}, written(tmp_path, GROUPS[kind])) == 8


def test_no_quota_is_no_limit(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "4:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"}
    assert cores({}, written(tmp_path, {**files, "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"})) == 128
    assert cores({}, written(tmp_path, {"proc/self/cgroup": "broken", "sys/fs/cgroup/cpu.max": "x"})) == 128


@pytest.mark.parametrize(
    ("said", "n"),
    [
        ({"SLURM_CPUS_PER_TASK": "8", "SLURM_CPUS_ON_NODE": "64"}, 8),
        ({"SLURM_CPUS_ON_NODE": "64"}, 64),
        ({module.SLURM[0]: ""}, 128),
    ],
)
def test_a_job_of_slurm_has_the_cores_that_it_is_told(said: dict[str, str], n: int, tmp_path: Path) -> None:
    assert cores(said, tmp_path) == n


def test_workers_their_threads_and_the_doctor_use_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_quotas", lambda _: iter(()))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    assert devices.workers(None, torch.device("cpu")) == 6
    assert Crew(2).threads == 3
    assert " of 6 cores" in bench("doctor", "--suite", "mini", "--table", "6")[1]


def test_nothing_else_counts_the_cores() -> None:
    package = Path(module.__file__).parent.parent
    counting = [file for file in package.rglob("*.py") if "cpu_count(" in file.read_text("utf-8")]
    assert [file.name for file in sorted(counting)] == ["cores.py", "machine.py"]  # the latter names the processor
