"""The paper suite's roles are the published sets of their names, looked at without being opened."""

from pathlib import Path

import fake_trees
import pytest
from toy_world import here

from benchmark.data.published import sets
from benchmark.suites import suite


@pytest.mark.usefixtures("small_is_published")
@pytest.mark.parametrize("role", sets.SETS)
def test_a_role_of_the_paper_suite_is_the_published_set_of_its_name(
    role: str, whole_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA", str(whole_root))
    found = here(suite.load("paper")).inspect_dataset(role)
    assert found is not None
    known = sets.get(role)
    assert (found.name, found.state, found.usable) == (f"data set {role}", "ok", True)
    assert (found.page, found.licence, found.noncommercial) == (known.page, known.licence, known.noncommercial)
    assert found.path == whole_root / known.places[0]


def test_what_cafo_publishes_is_looked_at_besides(root: Path) -> None:
    paper = suite.load("paper")

    def seen(part: str, deep: bool = False) -> tuple[str, str]:
        found = here(paper).inspect_dataset("eurosat", part, deep)
        assert found is not None
        return found.state, found.line

    assert seen("generated")[1].startswith(f"generated images of eurosat: missing: {root}/dalle_eurosat/2750: no such")
    assert seen("sentences")[1].startswith(f"sentences for eurosat: missing: {root}/gpt_file/eurosat_prompt.json: no ")
    fake_trees.make(root, ["eurosat"])
    names = list(fake_trees.EUROSAT.values())
    fake_trees.make_generated(root, "eurosat", names, per_class=7)
    fake_trees.make_prompts(root, "eurosat", names[1:])
    state, line = seen("generated")
    assert (state, "class 0 has 7 generated images, the suite wants 8" in line) == ("incomplete", True)
    state, line = seen("sentences")
    assert (state, "has no sentences for class 'Annual Crop Land'" in line) == ("wrong kind", True)
    fake_trees.make_generated(root, "eurosat", names, per_class=8)
    fake_trees.make_prompts(root, "eurosat", names)
    assert (seen("generated")[0], seen("sentences")[0]) == ("ok", "ok")
    fake_trees.truncate(root / "dalle_eurosat" / "2750" / "0" / "5.jpg")
    assert (seen("generated")[0], seen("generated", deep=True)[0]) == ("ok", "incomplete")
