"""A method's code that ends the process is a failure with a line, and never exit code 0."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_world import FILE, bench, undrawn

from benchmark.core.errors import ExitCode
from benchmark.methods.contract.clauses import CLAUSES, UNSEEN
from benchmark.reporting.figures import draw

TOYS = Path(__file__).parents[2] / "toys"
RUN = ["run", "--table", "4", "--suite", FILE, "--shots", "1", "--seeds", "1", "--jobs", "1", "--method"]
FAILED = ("LeavesWithSuccess", "LeavesAtOnce", "Interrupts")


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(draw, "draw", undrawn)
        yield


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, from which modules can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    for name in ("BENCH_RESULTS", "BENCH_REPORTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


SCRIPTS = {
    "leaves": "import sys\nsys.exit(0)",
    "leaves_at_once": "import os\nos._exit(0)",
    "leaves_by_name": "from os import _exit\n_exit(0)",
    "interrupts": "raise KeyboardInterrupt",
    "closes": "raise GeneratorExit",
    "executes": "import os\nos.execvp('true', ['true'])",
}


@pytest.mark.parametrize("command", ["test-method", "run"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_ends_at_its_import_is_a_line(command: str, script: str, place: Path) -> None:
    name = f"{script}_in_{command.replace('-', '_')}"
    (place / f"{name}.py").write_text(SCRIPTS[script])
    code, out, err = bench(*([command] if command == "test-method" else RUN), f"{name}:M")
    assert (code, out) == (ExitCode.USAGE, "")
    assert f"{name}:M" in err.splitlines()[-1]


@pytest.mark.parametrize("name", FAILED)
def test_a_method_that_ends_the_process_when_it_is_fitted_fails_alone(name: str) -> None:
    code, out, err = bench(*RUN, f"toy_guests:{name}", "--method", "Zero-shot CLIP")
    assert code == ExitCode.RUNS_FAILED
    assert [line for line in err.splitlines() if line.startswith(f"FAILED {name}")]
    assert "Zero-shot CLIP" in out


def test_what_a_method_left_is_said_with_its_run() -> None:
    code, _, err = bench(*RUN, "toy_guests:LeavesMuch")
    assert code == ExitCode.OK
    assert "toy_guests:LeavesMuch left torch.set_grad_enabled(False)" in err
    assert (Path("results") / "toy").is_dir()


@pytest.mark.parametrize("name", FAILED)
def test_a_contract_whose_clauses_were_not_all_asked_is_broken(name: str) -> None:
    code, out, _ = bench("test-method", f"toy_guests:{name}")
    assert code == ExitCode.REGRESSION
    (broken,) = (line for line in out.splitlines() if line.startswith("BROKEN"))
    assert f"{name} ended with" in broken
    assert out.splitlines()[-1] == f"0 of {len(CLAUSES)} clauses kept; mend what is BROKEN, then ask again"


def test_a_module_that_takes_the_clauses_away_is_broken(place: Path) -> None:
    (place / "thief.py").write_text(
        "from benchmark.methods.contract import clauses\nfrom toy_methods import Flat as M\nclauses.CLAUSES = ()\n"
    )
    before = CLAUSES
    try:
        assert bench("test-method", "thief:M")[0] == ExitCode.REGRESSION
    finally:
        from benchmark.methods.contract import clauses

        clauses.CLAUSES = before


def test_what_the_contract_cannot_see_is_said() -> None:
    _, out, _ = bench("test-method", "baselines.zero_shot:ZeroShotCLIP")
    assert [line.removeprefix("cannot see: ") for line in out.splitlines()[-len(UNSEEN) - 1 : -1]] == [*UNSEEN.values()]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_end_of_a_worker_is_a_failed_run(jobs: str, place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{TOYS}{os.pathsep}{TOYS.parents[1]}"}
    arguments = [*map(str, RUN), "toy_guests:LeavesAtOnce", "--seeds", "1,2", "--jobs", jobs]
    command = [sys.executable, "-c", "from benchmark.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.RUNS_FAILED
    assert done.stderr.count("FAILED LeavesAtOnce") == 2
