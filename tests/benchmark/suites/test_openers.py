"""A slip in a suite file is a line that names the role and what its reader or loader takes; so is a failure of either."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
import toy_world
from toy_openers import Nothing
from toy_world import bench, toy

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.settings import Settings
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder
from benchmark.suites import openers, plain_values
from benchmark.suites.openers import DATASET, ENCODER
from benchmark.suites.world import World

HERE = __name__


class Typed(Nothing):
    """A data set whose arguments have types."""

    def __init__(
        self,
        kind: str,
        count: int = 1,
        share: float = 0.5,
        names: Sequence[str] = (),
        mode: Literal["a", "b"] = "a",
        table: Mapping[str, int] | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        self.kind = kind


def texts(kind: str) -> "Nothing":
    return Typed(kind)


def anything(kind: str) -> Any:
    return Typed(kind)


def says_nothing(kind: str):  # type: ignore[no-untyped-def]
    return Typed(kind)


def other() -> Dataset:
    return 3  # type: ignore[return-value]


def half() -> Dataset:
    half = Typed("x")
    half.__class__ = type("Half", (), {"ids": None, "labels": None, "images": None, "draw": None, "templates": ()})
    return half


def raising(how: str) -> Dataset:
    raise {"value": ValueError("no\nnumber"), "exit": SystemExit(0), "file": PermissionError(13, "denied", "a.csv")}[
        how
    ]


def absent() -> Dataset:
    raise Incomplete("put it there")


def loader(role: str, width: int) -> Encoder:
    return role  # type: ignore[return-value]


def roleless(*, width: int = 1) -> Encoder:
    raise AssertionError("was called")


def opened(name: str, **given: Any) -> object:
    return World(toy(datasets={"imagenet": {"reader": f"{HERE}:{name}", **given}}), Settings()).dataset("imagenet")


def encoder(name: str, **given: Any) -> object:
    return World(toy(encoders={"RN50": {"loader": f"{HERE}:{name}", **given}}), Settings()).encoder("RN50")


def refused(call: Callable[..., object], *arguments: Any, **given: Any) -> str:
    with pytest.raises(BenchError) as told:
        call(*arguments, **given)
    assert "\n" not in str(told.value)
    return str(told.value)


READER = f"[datasets.imagenet] reader {HERE}:Typed of suite toy"
TAKES = (
    "it takes kind: str, count: int, share: float, names: collections.abc.Sequence[str], mode: Literal['a', 'b'],"
    " table: collections.abc.Mapping[str, int] | None"
)


def test_an_argument_that_the_reader_does_not_take_gets_the_nearest_and_all_that_it_takes() -> None:
    said = refused(opened, "Typed", knid="x")
    assert said == (
        f"unknown argument of {READER} 'knid': did you mean 'kind'? there are kind, mode, count, names, share and 1 more"
    )


def test_an_argument_that_is_missing_is_named_with_all_that_the_reader_takes() -> None:
    assert refused(opened, "Typed") == f"{READER}: missing a required argument: 'kind'; {TAKES}"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("kind", 3),
        ("count", "3"),
        ("count", True),
        ("count", 3.5),
        ("share", "much"),
        ("names", "birds"),
        ("names", [1, 2]),
        ("mode", "c"),
        ("table", ["a"]),
    ],
)
def test_a_value_of_another_type_is_named_with_what_the_reader_takes(argument: str, value: object) -> None:
    said = refused(opened, "Typed", **{"kind": "x", argument: value})
    assert said == f"{READER}: {argument} is {value!r}; {TAKES}"


def test_values_of_the_annotated_types_are_taken() -> None:
    assert opened("Typed", kind="x", count=2, share=1, names=["a"], mode="b", table={"a": 1})


def test_the_settings_of_the_command_are_no_argument_of_the_file() -> None:
    assert "unknown argument of" in refused(opened, "Typed", kind="x", settings="mine")


@pytest.mark.parametrize("name", ["texts", "Typed"])
def test_a_class_and_an_annotated_function_are_readers(name: str) -> None:
    assert opened(name, kind="x")


@pytest.mark.parametrize(
    "name", ["anything", "says_nothing", "HERE", "re", "loader", "plain_values", "openers", "re.sub"]
)
def test_what_is_not_known_to_make_a_data_set_is_not_called(name: str) -> None:
    assert f"{HERE}:{name} is none: a reader is a class with the methods ids, labels, images, draw" in refused(
        opened, name
    )


@pytest.mark.parametrize("name", ["Typed", "texts", "says_nothing", "re"])
def test_what_is_not_known_to_make_an_encoder_is_not_called(name: str) -> None:
    assert f"{HERE}:{name} is none: a loader is a class with the methods forward, encode" in refused(encoder, name)


def test_a_partial_and_an_object_that_can_be_called_are_judged_by_what_they_return() -> None:
    class Object:
        def __call__(self, role: str) -> Encoder:
            raise AssertionError("was called")

    assert DATASET.made_by(partial(texts, kind="x"))
    assert ENCODER.made_by(Object())
    assert not DATASET.made_by(Object())
    assert not DATASET.made_by(len)


def test_a_reader_that_returns_something_else_is_told_what_that_is() -> None:
    assert refused(opened, "other") == (
        f"[datasets.imagenet] reader {HERE}:other of suite toy: returned int, which is no data set (it lacks ids, labels,"
        " images, draw, classnames, templates, fingerprint)"
    )
    assert refused(opened, "half").endswith("returned Half, which is no data set (it lacks classnames, fingerprint)")


def test_a_loader_that_returns_something_else_is_told_what_that_is() -> None:
    assert refused(encoder, "loader", width=3).endswith(
        "returned str, which is no encoder (it lacks forward, role, fingerprint, loaded)"
    )


@pytest.mark.parametrize(
    ("how", "said"),
    [("value", "ValueError: no number"), ("exit", "SystemExit: 0"), ("file", "a.csv: denied")],
)
def test_a_reader_that_raises_is_a_line_with_the_role_and_what_it_takes(how: str, said: str) -> None:
    assert refused(opened, "raising", how=how) == (
        f"[datasets.imagenet] reader {HERE}:raising of suite toy failed: {said}; it takes how: str"
    )


def test_a_reader_s_own_line_stays() -> None:
    with pytest.raises(Incomplete, match=r"^put it there$"):
        opened("absent")


def test_who_looks_for_the_fault_of_a_reader_gets_the_error_itself() -> None:
    suite = toy(datasets={"imagenet": {"reader": f"{HERE}:raising", "how": "value"}})
    with pytest.raises(ValueError, match="no\nnumber"):
        World(suite, Settings(debug=True)).dataset("imagenet")


def test_a_loader_that_takes_no_role_is_told_so_and_not_called() -> None:
    assert refused(encoder, "roleless").startswith(
        f"[encoders.RN50] loader {HERE}:roleless of suite toy: too many positional arguments"
    )


def test_the_role_is_no_argument_of_the_file() -> None:
    assert "there is width" in refused(encoder, "loader", role="x")


def look(opener: str, **_: Any) -> int:
    return 3 // 0


def test_a_look_that_raises_is_a_line() -> None:
    suite = toy(datasets={"imagenet": {"reader": f"{HERE}:Typed", "kind": "x"}})
    said = refused(World(suite, Settings()).inspect_dataset, "imagenet")
    assert said.startswith(f"{READER} failed: ZeroDivisionError")


def with_slip(slip: str, folder: Path) -> Path:
    """A suite file whose reader is given more."""
    reader = 'reader = "toy_world:Squares"'
    (folder / "x.toml").write_text(toy_world.FILE.read_text().replace(reader, f"{reader}\n{slip}"))
    return folder / "x.toml"


def test_a_list_of_features_says_a_slip_beside_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    _, out, err = bench("features", "--suite", with_slip("knid = 3", tmp_path))
    assert (out.splitlines()[0], err) == (
        "cannot be made here, of imagenet: unknown argument of [datasets.imagenet] reader toy_world:Squares of suite x"
        " 'knid': there are fingerprint, classnames, templates",
        "",
    )


@pytest.mark.parametrize("command", [["list"], ["run", "--table", "4", "--dry-run"]], ids=" ".join)
@pytest.mark.parametrize("slip", ["knid = 3", "size = [", "fingerprint = 3", "classnames = 7", 'classnames = "abc"'])
def test_each_command_says_a_slip_in_one_line_and_ends_with_2(
    command: list[str], slip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_RESULTS", str(tmp_path / "results"))
    code, out, err = bench(*command, "--suite", with_slip(slip, tmp_path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert slip.partition(" ")[0] in err or "x.toml: " in err


def test_a_missing_attribute_may_be_given_by_another_object() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> object:
            if name == "fingerprint":
                raise AttributeError(name)
            return getattr(Typed("x"), name)

    assert DATASET.lacks(Proxy()) == ["fingerprint"]


def test_no_property_is_computed_to_see_whether_it_is_there() -> None:
    class Slow(Nothing):
        @property
        def fingerprint(self) -> str:  # type: ignore[override]
            raise AssertionError("every file would be hashed")

    assert DATASET.lacks(Slow()) == []


def test_a_signature_that_cannot_be_read_says_nothing() -> None:
    assert openers._returned(3) is None
    assert re.match("", "") is not None


@pytest.mark.parametrize(
    ("value", "annotation", "said"),
    [
        ("a", Path, True),
        (1, Path, False),
        ([["a"], ["b"]], Sequence[Sequence[str]], True),
        ([["a"], "b"], Sequence[Sequence[str]], False),
        ([1, 2], tuple[int, ...], True),
        ([1, "a"], tuple[int, str], True),
        ("a", str | Sequence[str], True),
        (["a"], str | Sequence[str], True),
        (1, str | Sequence[str], False),
        (1, int | None, True),
        ({"a": 1}, dict, True),
        (1, Any, True),
        (1, "not evaluated", True),
        ([1], list, True),
        (1, list, False),
    ],
)
def test_a_value_fits_an_annotation_as_python_reads_it(value: object, annotation: object, said: bool) -> None:
    assert plain_values.fits(value, annotation) is said
