"""An image of 16 bits is the image of 8 bits; values without a range are refused, and nothing is clipped."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.core.errors import BenchError
from benchmark.core.warned import heard
from benchmark.data.published import decoding, depth

EIGHT = np.random.default_rng(3).integers(0, 256, (40, 50), dtype=np.uint8)
EIGHT[0, :2] = 0, 255
SIXTEEN = EIGHT.astype(np.uint16) * 257


def png(path: Path, values: np.ndarray, colour: int) -> None:
    """A PNG file of 16 bits a value, by hand: PIL writes no coloured ones. colour: 0 grey, 2 RGB, 4 grey and alpha."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def grey_png(path: Path) -> None:
    png(path, SIXTEEN, 0)


def rgb_png(path: Path) -> None:
    png(path, np.stack([SIXTEEN] * 3, -1), 2)


def grey_png_with_alpha(path: Path) -> None:
    png(path, np.stack([SIXTEEN, np.full_like(SIXTEEN, 65535)], -1), 4)


def tif(path: Path) -> None:
    Image.fromarray(SIXTEEN).save(path, "TIFF")


def compressed_tif(path: Path) -> None:
    Image.fromarray(SIXTEEN).save(path, "TIFF", compression="tiff_lzw")


def big_endian_tif(path: Path) -> None:
    Image.fromarray(SIXTEEN.astype(">u2")).save(path, "TIFF")


def tif_with_white_as_zero(path: Path) -> None:
    Image.fromarray(65535 - SIXTEEN).save(path, "TIFF", tiffinfo={262: 0})
    content = bytearray(path.read_bytes())
    place = content.find(struct.pack("<HHI", 262, 3, 1))  # PIL writes black as zero, whatever is asked for
    content[place + 8 : place + 10] = b"\0\0"
    path.write_bytes(content)


def pgm(path: Path) -> None:
    path.write_bytes(b"P5 50 40 65535\n" + SIXTEEN.astype(">u2").tobytes())


def pgm_of_12_bits(path: Path) -> None:
    path.write_bytes(b"P5 50 40 4080\n" + (EIGHT.astype(int) * 16).astype(">u2").tobytes())


def pgm_in_letters(path: Path) -> None:
    path.write_text("P2 50 40 65535\n" + "\n".join(map(str, SIXTEEN.ravel().tolist())) + "\n")


def ppm(path: Path) -> None:
    path.write_bytes(b"P6 50 40 65535\n" + np.stack([SIXTEEN] * 3, -1).astype(">u2").tobytes())


WRITERS = [
    grey_png, rgb_png, grey_png_with_alpha, tif, compressed_tif, big_endian_tif, tif_with_white_as_zero, pgm,
    pgm_of_12_bits, pgm_in_letters, ppm,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_of_16_bits_is_the_file_of_8_bits_tested_and_cropped(write: object, tmp_path: Path) -> None:
    path, eight = tmp_path / "image.png", tmp_path / "eight.png"
    write(path)  # type: ignore[operator]
    Image.fromarray(EIGHT).save(eight)
    np.testing.assert_array_equal(*(decoding.stacked([file], [5], 3, seed=1) for file in (path, eight)))
    decoding.check(path)


def test_a_value_goes_to_the_nearest_of_its_range() -> None:
    image = Image.fromarray(np.array([[0, 128, 129, 32767, 65406, 65407, 65535]], dtype=np.uint16))
    image.format = "PNG"
    assert np.asarray(depth.rgb(image))[0, :, 0].tolist() == [0, 0, 1, 127, 254, 255, 255]


def test_a_tiff_file_of_12_bits_is_scaled_by_its_4095(tmp_path: Path) -> None:
    values = np.array([[0, 4095], [819, 3276]], dtype=np.uint16)  # fifths of the range
    packed = b"".join(((int(a) << 12) | int(b)).to_bytes(3, "big") for a, b in values)
    entries = [(256, 2), (257, 2), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, len(packed))]
    table = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in entries)
    whole = b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(entries)) + table + b"\0" * 4
    (tmp_path / "twelve.tif").write_bytes(whole)
    assert np.asarray(decoding.read(tmp_path / "twelve.tif"))[..., 0].tolist() == [[0, 255], [51, 204]]


def test_16_bits_read_as_32_by_an_older_pil_are_scaled_where_the_format_says_so() -> None:
    image = Image.fromarray(np.array([[0, 65535, 257]], dtype=np.int32))
    image.format = "PNG"
    assert np.asarray(depth.rgb(image))[0, :, 0].tolist() == [0, 255, 1]
    image.format = "TIFF"
    with pytest.raises(depth.Unfit, match="32-bit integer values in a TIFF file"):
        depth.rgb(image)


def test_a_value_beyond_the_range_of_its_format_is_refused() -> None:
    image = Image.fromarray(np.array([[0, 65536]], dtype=np.int32))
    image.format = "PNG"
    with pytest.raises(depth.Unfit, match="values beyond the range 0 to 65535 of its PNG file"):
        depth.rgb(image)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (EIGHT.astype(np.float32) / 255, "32-bit float values"),
        (np.full((40, 50), np.nan, dtype=np.float32), "32-bit float values"),
        (SIXTEEN.astype(np.int32), "signed 32-bit values"),
    ],
)
@pytest.mark.parametrize("look", [decoding.read, decoding.check])
def test_values_without_a_range_are_refused_by_name(
    look: object, values: np.ndarray, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "image.tif"
    Image.fromarray(values).save(path)
    with pytest.raises(BenchError, match=says) as caught:
        look(path)  # type: ignore[operator]
    assert str(caught.value) == f"{path}: cannot be read as an image ({says}); save it as an 8-bit PNG or JPEG"


def test_signed_values_of_8_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    Image.fromarray(EIGHT).save(path, tiffinfo={339: 2})
    with pytest.raises(BenchError, match=r"signed 8-bit values\); save it as an 8-bit PNG"):
        decoding.read(path)


def test_a_mode_that_pil_cannot_convert_is_refused_and_not_called_damaged() -> None:
    image = Image.merge("LA", [Image.fromarray(EIGHT)] * 2).convert("La")
    with pytest.raises(depth.Unfit, match="conversion from La to L not supported") as caught:
        depth.rgb(image)
    assert caught.value.remedy == "save it as an 8-bit PNG or JPEG"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"])
def test_every_mode_of_8_bits_is_pils_own_conversion(mode: str) -> None:
    grey = Image.fromarray(EIGHT)
    image = grey if mode == "L" else grey.convert("RGB").convert(mode) if mode != "PA" else grey.convert("PA")
    np.testing.assert_array_equal(np.asarray(depth.rgb(image)), np.asarray(image.convert("RGB")))


def test_the_scale_that_was_used_is_said(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        grey_png(tmp_path / name)
    with heard() as notes:
        decoding.stacked([tmp_path / "a.png", tmp_path / "b.png"], [0, 1], 2, 1)
    assert notes.lines == [f"its values of 0 to 65535 became 0 to 255 (2 times, the first at {tmp_path / 'a.png'})"]
