"""The walk in docs/add-a-method.md is short, keeps the contract, and ends at the method of the repository."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from baselines.gda import GDA
from benchmark.core.paths import REPOSITORY
from benchmark.exhibits.exhibit import load
from benchmark.methods.contract.clauses import check
from benchmark.methods.contract.toy import toy_task

PAGE = (REPOSITORY / "docs" / "add-a-method.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The only block of a language on the page."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.S)
    return str(found)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The method of the page as a file of its own, imported."""
    folder: Path = tmp_path_factory.mktemp("own")
    (folder / "gaussian_of_the_page.py").write_text(block("python"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        spec = importlib.util.find_spec("gaussian_of_the_page")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


def test_it_has_fewer_than_sixty_lines() -> None:
    assert len(block("python").splitlines()) < 60


def test_it_keeps_the_contract(written: ModuleType) -> None:
    assert [(result.clause, result.reason) for result in check(written.Gaussian) if not result.passed] == []


def test_it_is_the_repository_s_gda(written: ModuleType) -> None:
    task = toy_task(shots=3, views=3)
    found = []
    for predictor in (written.Gaussian(), GDA()):
        predictor.fit(task)
        found.append(predictor.scores(task.support.view()))
    assert torch.allclose(found[0].bias, found[1].bias, rtol=1e-3, atol=1e-3)
    assert (written.Gaussian.released, dict(written.Gaussian().tunes)) == (GDA.released, dict(GDA.tunes))


def test_the_row_of_the_page_is_the_exhibit_s() -> None:
    (row,) = (row for row in load("tablelater").rows if row["name"] == "GDA")
    assert all(f'{key} = "{row[key]}"' in block("toml") for key in ("name", "method"))
