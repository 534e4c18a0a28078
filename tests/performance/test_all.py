"""docs/performance.md is what the scripts printed, and no script is left out."""

from pathlib import Path

import pytest

from performance import all as every


def test_the_page_is_assembled_from_what_the_scripts_printed() -> None:
    assert (every.DOCS / "performance.md").read_text() == every.page(every.DOCS / "performance")


def test_every_script_of_the_folder_is_run_but_the_one_for_a_gpu() -> None:
    scripts = {path.stem for path in (every.DOCS.parent / "performance").glob("*.py")}
    assert scripts - {"all", "gpu", "__init__"} == {*every.SCRIPTS}


def test_the_sections_are_the_machines_and_their_parts_the_scripts_in_order(tmp_path: Path) -> None:
    for slug, machine in (("b-9", "B 9"), ("a-1", "A 1")):
        (tmp_path / slug).mkdir()
        (tmp_path / slug / "machine.txt").write_text(machine + "\n")
    (tmp_path / "a-1" / "growth.txt").write_text("2026-01-02\nn^1.00\n")
    (tmp_path / "a-1" / "growth.png").touch()
    (tmp_path / "a-1" / "table4.txt").write_text("2026-01-03\nCoOp 6.8\n")
    page = every.page(tmp_path)
    places = [
        page.index(words) for words in ("## A 1", "CoOp 6.8", "n^1.00", f"({tmp_path.name}/a-1/growth.png)", "## B 9")
    ]
    assert places == sorted(places)
    assert "`python -m performance.table4`, 2026-01-03" in page


def test_limited_kernels_are_those_of_all_three_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    limited = every.limited("avx2")
    assert (limited["ATEN_CPU_CAPABILITY"], limited["ONEDNN_MAX_CPU_ISA"], limited["MKL_ENABLE_INSTRUCTIONS"]) == (
        "avx2",
        "AVX2",
        "AVX2",
    )
    assert "ONEDNN_MAX_CPU_ISA" not in every.limited(None)


def test_the_folder_of_a_machine_is_its_name_in_plain_letters() -> None:
    assert every.folder_of("AMD EPYC, 2 cores, limited to AVX2").name == "amd-epyc-2-cores-limited-to-avx2"
