"""Arrays of any type become features, labels, a scale and names, or one line; never another exception."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from array_types import TORCH, of_every_type
from torch import Tensor

from benchmark.core.errors import BenchError
from benchmark.features.importing import arrays

CLASSES, IMAGES, WIDTH = 3, 6, 4
CLASS_OF = np.arange(IMAGES) % CLASSES
FEATURES = np.linspace(0.25, 2, IMAGES * WIDTH).reshape(IMAGES, WIDTH)
ONE_HOT = np.eye(CLASSES)[CLASS_OF]

LAYOUTS = [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.strided]


def read(reading: Callable[..., object], value: object, *more: object) -> object:
    """What a reader makes of a value; None where it refuses it in one line that names it. Any other exception passes."""
    try:
        return reading(value, "x.npz: array", *more)
    except BenchError as error:
        told = str(error)
    assert "x.npz: array" in told
    assert "\n" not in told
    return None


def kinds(values: np.ndarray, reading: Callable[..., object], *more: object) -> set[str]:
    """The types in which the values can be read, each checked by `reading`."""
    return {str(v.dtype) for v in of_every_type(values) if read(reading, v, *more) is not None}  # type: ignore[attr-defined]


NUMPY_FLOATS = {f"{order}f{size}" for order in "<>" for size in (2, 4, 8, 16)}


def test_features_of_every_floating_type_are_read_and_of_no_other() -> None:
    def checked(value: object, what: str, *dimensions: int) -> Tensor:
        found = arrays.features(value, what, *dimensions)
        assert found.dtype in (torch.float16, torch.bfloat16, torch.float32)
        wide = torch.as_tensor(FEATURES).float()
        assert torch.allclose(found.float(), wide, rtol=0.2) or "e8m0" in str(value.dtype)  # type: ignore[attr-defined]
        return found

    found = kinds(FEATURES, checked, 2)
    floats = {str(kind) for kind in TORCH if kind.is_floating_point and "x2" not in str(kind)}
    assert found == floats | {str(np.dtype(name)) for name in NUMPY_FLOATS}


def test_class_indices_of_every_integer_type_are_read_and_none_of_another_is_taken_for_them() -> None:
    def checked(value: object, what: str) -> bool | None:
        found = arrays.labels(value, what).indices
        if found.dtype != torch.int64:
            return None
        assert found.tolist() == CLASS_OF.tolist()
        return True

    found = kinds(CLASS_OF, checked)
    integers = {np.dtype(order + code) for code in "bhilqBHILQ" for order in "<>"}
    assert found == {str(kind) for kind in integers} | {f"torch.{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64)}


def test_one_hot_labels_of_every_type_of_numbers_are_read() -> None:
    def checked(value: object, what: str) -> Tensor:
        found, classes, _ = arrays.labels(value, what)
        assert (found.tolist(), classes) == (CLASS_OF.tolist(), CLASSES)
        return found

    found = kinds(ONE_HOT, checked)
    assert {"bool", "torch.bool", "uint8", ">f2", "torch.bfloat16", "torch.float8_e5m2", "torch.uint32"} <= found
    assert not any("complex" in kind or "M8" in kind or "S" in kind or "U" in kind for kind in found)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32], ids=str)
def test_sparse_one_hot_labels_are_read(layout: torch.layout, kind: torch.dtype) -> None:
    rows = torch.from_numpy(ONE_HOT).to(kind)
    found, *_ = arrays.labels(rows if layout == torch.strided else rows.to_sparse(layout=layout), "x")
    assert found.tolist() == CLASS_OF.tolist()


def test_a_scale_of_every_type_of_numbers_is_read_in_any_shape() -> None:
    for shape in ((), (1,), (1, 1)):
        found = kinds(np.full(shape, 64.0), lambda value, what: arrays.scale(value, what) == 64 or None)
        assert {"float64", ">f4", "uint8", ">i8", "torch.bfloat16", "torch.float8_e4m3fn", "torch.uint16"} <= found
        assert not any("bool" in kind or "complex" in kind or "S" in kind or "U" in kind for kind in found)


def test_names_are_texts_or_bytes_and_of_no_other_type() -> None:
    words = np.array(["robin", "naïve owl", "\ufeffcrow "])
    assert arrays.names(words, "x") == ["robin", "naïve owl", "crow"]
    assert arrays.names(np.array(["a\nrobin\t"]), "x") == ["a robin"]
    assert arrays.names(words.astype(">U9"), "x") == ["robin", "naïve owl", "crow"]
    assert arrays.names(np.array([word.encode() for word in words.tolist()]), "x") == ["robin", "naïve owl", "crow"]
    assert {kind[1] if kind[0] in "<>|" else kind for kind in kinds(CLASS_OF, arrays.names)} == {"S", "U"}


WRONG: dict[str, tuple[Callable[..., object], object]] = {
    "texts as labels": (arrays.labels, np.array(["cat", "dog"])),
    "one-hot with a row of none": (arrays.labels, np.array([[1, 0], [0, 0]])),
    "one-hot with a row of two": (arrays.labels, np.array([[1, 0], [1, 1]])),
    "one-hot with other values": (arrays.labels, np.array([[1, 0.5], [0, 1]])),
    "one-hot of nan": (arrays.labels, np.array([[1, np.nan], [0, 1]])),
    "two scales": (arrays.scale, np.ones(2)),
    "no scale": (arrays.scale, np.ones(0)),
    "a scale in text": (arrays.scale, np.array("100")),
    "a scale that is true": (arrays.scale, np.array(True)),
    "one name without a list": (arrays.names, np.array("ant")),
    "a table of names": (arrays.names, np.array([["ant"], ["bee"]])),
    "an empty name": (arrays.names, np.array(["ant", " "])),
    "names in another encoding": (arrays.names, np.array(["bée".encode("latin-1")])),
    "a file instead of an array": (arrays.names, b"ant\nbee"),
    "bytes instead of labels": (arrays.labels, b"01"),
    "a tensor without memory": (arrays.labels, torch.empty(2, device="meta")),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_tensor_is_one_line() -> None:
    assert read(arrays.labels, torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])) is None


@pytest.mark.parametrize(("reading", "value"), WRONG.values(), ids=WRONG)
def test_anything_else_is_one_line(reading: Callable[..., object], value: object) -> None:
    assert read(reading, value) is None


LENGTHLESS = {
    "infinite in single precision": np.full((2, 3), 1e39),
    "too large for a length": np.full((2, 3), 1e30),
    "too small for a length": np.full((2, 3), 1e-30),
    "zero": np.array([[1.0, 0.0], [0.0, 0.0]]),
    "not a number": np.array([[1.0, np.nan]]),
    "infinite beyond double precision": np.full((2, 3), np.longdouble("1e4000")),
    "of no images": np.ones((0, 3)),
    "of no width": np.ones((3, 0)),
}


@pytest.mark.parametrize("value", LENGTHLESS.values(), ids=LENGTHLESS)
def test_features_without_a_direction_are_refused(value: np.ndarray) -> None:
    assert read(arrays.features, value, 2) is None


def test_labels_in_a_column_are_class_indices() -> None:
    assert arrays.labels(CLASS_OF[:, None], "x")[0].tolist() == CLASS_OF.tolist()


def test_unsigned_labels_beyond_every_index_become_negative_and_are_no_classes() -> None:
    assert int(arrays.labels(np.array([2**64 - 1, 0], np.uint64), "x")[0].min()) < 0


@pytest.mark.parametrize("number", [0.0, -3.0, float("nan"), float("inf"), 1e39, 1e-50])
def test_a_number_that_scales_nothing_is_no_logit_scale(number: float) -> None:
    with pytest.raises(BenchError, match="has to be finite and above zero"):
        arrays.checked_scale(number, "x")


def test_what_is_no_array_is_told_by_its_type() -> None:
    with pytest.raises(BenchError, match="x is dict; numbers are needed"):
        arrays.numbers({}, "x")
