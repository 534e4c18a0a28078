"""What a release is made of: its version everywhere, the wheel with all that it needs, `make demo` with the right PyTorch."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile

import pytest
import yaml

import benchmark
from benchmark.core.paths import REPOSITORY

INDEX = "https://download.pytorch.org/whl/cpu"


def loaded(name):
    return yaml.safe_load((REPOSITORY / name).read_text())


def test_the_citation_is_of_this_version():
    citation = loaded("CITATION.cff")
    assert str(citation["version"]) == benchmark.__version__
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["title"] == json.loads((REPOSITORY / ".zenodo.json").read_text())["title"]


def test_the_changelog_begins_with_this_version():
    headings = [line for line in (REPOSITORY / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == benchmark.__version__


def test_forms_for_issues_ask_for_what_they_need():
    forms = sorted((REPOSITORY / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    asked = {form.stem: yaml.safe_load(form.read_text()) for form in forms if form.stem != "config"}
    assert asked.keys() == {"dataset", "method", "number"}
    for form in asked.values():
        assert {"name", "description", "body"} <= form.keys()
        assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_hooks_before_a_commit_run_what_make_lint_runs():
    (repo,) = loaded(".pre-commit-config.yaml")["repos"]
    commands = {" ".join(word for word in hook["entry"].split() if word != "--force-exclude") for hook in repo["hooks"]}
    lint = (REPOSITORY / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    assert commands == {line.split("$(BIN)/")[1].removesuffix(" .") for line in lint.splitlines() if "$(BIN)/" in line}


def test_a_release_is_published_without_a_stored_token_and_from_a_tag_alone():
    release = loaded(".github/workflows/release.yml")
    assert release[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as a truth
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write", "attestations": "write", "contents": "read"}
    assert "secrets." not in (REPOSITORY / ".github/workflows/release.yml").read_text()
    assert set(publish["needs"]) <= release["jobs"].keys()


def made(tmp_path, *programs, answers=True):
    """What `make -n demo` would run where only these programs are found; `answers`: whether the CPU index does."""
    for name, code in (("curl", 0 if answers else 22), *((program, 0) for program in programs)):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
    for name in ("make", "sh", "uname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    return subprocess.run(
        ["make", "--dry-run", "VENV=none/.venv", f"PYTHON={sys.executable}", "demo"],
        cwd=REPOSITORY,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="pip takes CUDA on Linux alone")
def test_the_demo_fetches_no_cuda_where_there_is_no_driver(tmp_path):
    assert f"--extra-index-url {INDEX}" in made(tmp_path)


def test_the_demo_leaves_the_build_to_pip_where_there_is_a_driver(tmp_path):
    assert INDEX not in made(tmp_path, "nvidia-smi")


def test_the_demo_asks_no_index_that_does_not_answer(tmp_path):
    assert INDEX not in made(tmp_path, answers=False)


def test_the_demo_lets_uv_choose_the_build(tmp_path):
    said = made(tmp_path, "uv")
    assert "uv pip install" in said
    assert "--torch-backend=auto" in said
    assert "-m pip install" not in said


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the source distribution of a copy without what git ignores."""
    folder = tmp_path_factory.mktemp("release")
    source = folder / "source"
    shutil.copytree(
        REPOSITORY, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "reports")
    )
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=source, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", folder, sdist], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def tracked(*folders):
    """The files of folders that git keeps."""
    listed = subprocess.run(["git", "ls-files", *folders], cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no checkout of git")
    return set(listed.stdout.split())


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages_and_of_the_reference(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    assert tracked("benchmark", "baselines", "amu") <= held
    data = next(name.split("/")[0] for name in held if ".data/" in name)
    reference = {name.replace("results/", f"{data}/data/share/amu-bench/") for name in tracked("results/reference")}
    assert reference <= held


@pytest.fixture
def installed(wheel, tmp_path):
    """The program `bench` of an environment with the wheel and the libraries of the tests, without the checkout."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    (site,) = environment.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin/python", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    libraries = (path for path in sys.path if path.endswith("site-packages"))
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n")
    return environment / "bin/bench"


@pytest.mark.slow
def test_the_installed_wheel_measures_checks_and_draws_from_another_folder(installed, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    foreign = ("BENCH_", "PYTHON", "COV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}

    def bench(*words):
        environment = clean | {"BENCH_CACHE": str(tmp_path / "cache")}
        run = subprocess.run([installed, *words], cwd=folder, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert bench("--version").split()[-1] == benchmark.__version__
    bench("run", "--table", "4", "--method", "Zero-shot CLIP", "--shots", "1", "--seeds", "1")
    assert "5 agree, 0 worse" in bench("check", "--table", "4", "--allow-missing")
    bench("report")
    assert (folder / "reports/mini/index.html").is_file()
