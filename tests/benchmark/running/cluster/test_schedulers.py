"""What --cluster may say, and the jobs of a batch system, by dask's own configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from toy_cluster import environment
from toy_world import FILE, bench

from benchmark.core.errors import BenchError, ClusterError, Incomplete
from benchmark.running.cluster import schedulers
from benchmark.running.cluster.schedulers import parsed

SLURM = {
    "cores": 2,
    "processes": 1,
    "memory": "4GB",
    "queue": "gpu",
    "walltime": "01:00:00",
    "interface": "lo",
    "job-extra-directives": ["--gres=gpu:1"],
    "scheduler-options": {"dashboard_address": "127.0.0.1:0"},
}


def test_a_scheduler_is_an_address_this_machine_or_a_batch_system() -> None:
    assert [parsed(said).kind for said in ("tcp://h:8786", "tls://10.0.0.1:1", "local", "slurm")] == [
        "tcp",
        "tls",
        "local",
        "slurm",
    ]
    assert parsed("local:3").workers == 3


@pytest.mark.parametrize(
    "said", ["nowhere", "tcp://host", "tcp://:80", "tls://h:99999", "local:0", "local:x", "sge", "tcp:h:1"]
)
def test_anything_else_is_refused_in_a_line_with_what_to_write(said: str) -> None:
    with pytest.raises(BenchError, match=r"^--cluster .*(tcp|tls)://HOST:PORT"):
        parsed(said)


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = bench("run", "--table", "4", "--suite", FILE, "--cluster", "local")
    assert (code, err) == (
        2,
        "bench: --cluster needs distributed, which is not here; pip install 'amu-bench[cluster]'\n",
    )


@pytest.mark.parametrize(
    ("said", "warned"),
    [("tcp://10.0.0.1:8786", True), ("tcp://127.0.0.1:8786", False), ("tls://10.0.0.1:8786", False), ("local", False)],
)
def test_a_scheduler_that_others_reach_without_tls_is_pointed_out(said: str, warned: bool) -> None:
    assert bool(schedulers.warning(parsed(said))) is warned


def test_a_scheduler_with_tls_asks_for_a_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import dask

    scheduler = parsed("tls://127.0.0.1:8786")
    with pytest.raises(
        ClusterError, match=r"^scheduler tls://127\.0\.0\.1:8786: dask's configuration has no certificate"
    ):
        schedulers.number_of_workers(scheduler, None, 1)
    (tmp_path / "ca.pem").touch()
    names = {"ca-file": "ca.pem", "client.cert": "gone.pem", "client.key": "gone.pem"}
    told = {f"distributed.comm.tls.{name}": str(tmp_path / file) for name, file in names.items()}
    with dask.config.set(told), pytest.raises(ClusterError, match=r": a certificate cannot be read \("):
        schedulers.number_of_workers(scheduler, None, 1)


def test_the_number_of_workers_is_as_named_as_asked_or_as_suits_the_machine() -> None:
    assert schedulers.number_of_workers(parsed("local:3"), None, 8) == 3
    assert schedulers.number_of_workers(parsed("local"), None, 8) == 8
    assert schedulers.number_of_workers(parsed("local"), 2, 8) == 2
    assert schedulers.number_of_workers(parsed("slurm"), 5, 8) == 5
    assert schedulers.number_of_workers(parsed("slurm"), None, 8) == 1


def test_a_batch_system_without_its_configuration_says_where_it_is_written() -> None:
    with pytest.raises(Incomplete, match=r"^--cluster pbs: .*cores.*~/\.config/dask/jobqueue\.yaml"):
        schedulers.batch("pbs")


def test_a_slurm_job_is_what_dask_s_configuration_says() -> None:
    import dask

    told = {f"jobqueue.slurm.{name}": value for name, value in SLURM.items()}
    with dask.config.set(told), schedulers.batch("slurm") as cluster:
        script = cluster.job_script()
    directives = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    assert directives == [
        "#SBATCH -J dask-worker",
        "#SBATCH -p gpu",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --mem=4G",
        "#SBATCH -t 01:00:00",
        "#SBATCH --gres=gpu:1",
    ]
    assert " -m distributed.cli.dask_worker tcp://127.0.0.1:" in script
    assert "--nthreads 2" in script


SBATCH = """#!/bin/sh
cp "$1" {folder}/job.sh # as Slurm does, because the script is removed when this one ends
setsid sh {folder}/job.sh > {folder}/job.log 2>&1 < /dev/null &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -TERM -- -"$1"
echo "$1" >> {folder}/ended
"""
TIMEOUT = 300


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="setsid is Linux's")
def test_jobs_of_slurm_measure_and_are_cancelled_at_the_end(tmp_path: Path) -> None:
    """Stand-ins for sbatch and scancel start the job script as a local process, and end it."""
    jobs, ended = tmp_path / "jobs", tmp_path / "ended"
    for name, script in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(script.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    (tmp_path / "dask").mkdir()
    (tmp_path / "dask" / "jobqueue.yaml").write_text(yaml.safe_dump({"jobqueue": {"slurm": SLURM}}))
    variables = environment(
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        DASK_CONFIG=str(tmp_path / "dask"),
        BENCH_CACHE=str(tmp_path / "cache"),
    )
    command = [sys.executable, "-c", "from benchmark.cli import main; main()", "run", "--table", "4", "--suite", FILE]
    command += ["--method", "Zero-shot CLIP", "--cluster", "slurm", "--jobs", "1"]
    try:
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=TIMEOUT)
    finally:
        for job in jobs.read_text().split() if jobs.exists() else ():
            subprocess.run(["kill", "-KILL", "--", f"-{job}"], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "slurm: 1 worker asked for\n" in done.stderr
    assert ended.read_text() == jobs.read_text()
    assert len(list((tmp_path / "results").rglob("*.json"))) == 1
