"""A shell completes what it is asked, by the script that it was given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy_world import bench

from benchmark.cli import COMMANDS
from benchmark.commands.completion import SHELLS


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_bench_in_the_words_of_its_shell(shell: str) -> None:
    code, out, err = bench("completion", shell)
    assert (code, err) == (0, "")
    assert f"_BENCH_COMPLETE={shell}_complete" in out


def test_another_shell_is_a_line() -> None:
    code, out, err = bench("completion", "csh")
    assert (code, out) == (2, "")
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("bench ", set(COMMANDS)),
        ("bench compl", {"completion"}),
        ("bench list --js", {"--json"}),
        ("bench results ", {"merge", "export", "import"}),
    ],
)
def test_commands_and_options_are_offered(typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1), "_BENCH_COMPLETE": "bash_complete"}
    asked = subprocess.run(
        [sys.executable, "-c", "from benchmark.cli import main; main()"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert {line.removeprefix("plain,") for line in asked.stdout.splitlines()} == offered, asked.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_takes_the_script(tmp_path: Path) -> None:
    script = tmp_path / "bench.bash"
    script.write_text(bench("completion", "bash")[1])
    done = subprocess.run(
        ["bash", "-c", f"source '{script}' && complete -p bench"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith("bench")
