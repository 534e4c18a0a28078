"""What a worker is given next, and how much of it it does before it answers."""

from collections import deque
from pathlib import Path

from toy_methods import work
from toy_world import here, some_run, toy

from benchmark.running.cluster import inspection, session
from benchmark.running.cluster.pool import Given, _taken


def names(taken: list[Given]) -> list[str]:
    return [one.item for one in taken]


def test_a_worker_gets_one_item_or_as_many_short_ones_as_it_may() -> None:
    queue = deque(map(Given, "abcd"))
    assert names(_taken("w", queue, {"w", "v"}, 0)) == ["a"]
    assert names(_taken("w", queue, {"w", "v"}, 2)) == ["b", "c"]
    assert names(list(queue)) == ["d"]


def test_an_item_whose_worker_was_killed_is_tried_elsewhere_and_alone() -> None:
    queue = deque([Given("a", ("w",)), Given("b"), Given("c")])
    assert names(_taken("w", queue, {"w", "v"}, 1)) == ["b"]
    assert names(_taken("v", queue, {"w", "v"}, 5)) == ["a"]
    assert names(list(queue)) == ["c"]
    assert names(_taken("w", deque([Given("b"), Given("a", ("v",)), Given("c")]), {"w", "v"}, 5)) == ["b"]


def test_an_item_that_all_workers_have_tried_is_tried_once_more_and_else_nothing_is_given() -> None:
    assert names(_taken("w", deque([Given("a", ("w", "v"))]), {"w", "v"}, 1)) == ["a"]
    assert _taken("w", deque([Given("a", ("w",))]), {"w", "v"}, 1) == []
    assert _taken("w", deque(), {"w"}, 1) == []


def test_the_first_item_is_done_in_any_case_and_the_others_while_there_is_time() -> None:
    assert [done.result for done, _ in session.answers(work, ["a", "b"], False, False, 0)] == ["A"]
    assert [done.result for done, _ in session.answers(work, ["a", "b"], False, False, 60)] == ["A", "B"]


def test_a_folder_is_seen_where_the_client_s_file_has_its_content(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"1")
    assert [session._holds(tmp_path / name, b"1") for name in ("there", "gone")] == [True, False]
    assert not session._holds(tmp_path / "there", b"2")


def test_runs_rest_on_their_data_encoders_and_methods_each_once() -> None:
    world = here(toy())
    found = inspection.of_runs([some_run(), some_run(seed=2)], world)
    assert found == inspection.Inputs(("imagenet",), ("RN50",), ("baselines.tip_adapter:TipAdapter",))
    told = inspection.inspected(world, found)["inputs"]
    assert [name for name in told if told[name].startswith(inspection.ABSENT)] == []
    assert len(told) == 3
    gone = inspection.inspected(world, inspection.Inputs(("nowhere",)))["inputs"]
    assert gone["data of nowhere"].startswith(inspection.ABSENT)
