"""Pixels are those that CLIP is tested on, bit for bit; a view is a crop of the file's own pixels; broken files are named."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_trees import picture, truncate
from PIL import Image

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.libraries import open_clip
from benchmark.core.libraries import torchvision_transforms as transforms
from benchmark.core.resizing import Resizing
from benchmark.core.warned import heard
from benchmark.data import views
from benchmark.data.published import decoding

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
SHAPES = [(500, 375), (375, 500), (224, 224), (224, 300), (640, 225), (1, 1), (223, 600), (301, 299), (32, 2000)]


def saved(folder: Path, mode: str, size: tuple[int, int]) -> Path:
    """A file of a mode, as such files are found: JPEG where it can be, else PNG."""
    noise = np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(size))
    elif mode == "P":
        image = image.quantize(64)
    else:
        image = image.convert(mode)
    path = folder / f"{mode}.{'jpg' if mode in ('RGB', 'L', 'CMYK') else 'png'}"
    image.save(path)
    return path


def of_open_clip(image: Image.Image) -> torch.Tensor:
    return open_clip.image_transform(224, is_train=False, mean=MEAN, std=STD)(image)


def of_ours(path: Path) -> torch.Tensor:
    """ToTensor and Normalize, which encoders do, behind our pixels."""
    pixels = decoding.stacked([path], [0], 1, 0)[0, 0].transpose(1, 2, 0)
    return transforms.Normalize(MEAN, STD)(transforms.ToTensor()(pixels))


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_open_clips_bit_for_bit(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = saved(tmp_path, mode, size)
    assert torch.equal(of_ours(path), of_open_clip(Image.open(path)))


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "LA", "1"])
def test_other_files_become_rgb_first_as_torchvisions_loader_has_it(mode: str, tmp_path: Path) -> None:
    path = saved(tmp_path, mode, (300, 260))
    assert torch.equal(of_ours(path), of_open_clip(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_the_order_of_converting_matters_for_them(mode: str, tmp_path: Path) -> None:
    path = saved(tmp_path, mode, (300, 260))
    assert not torch.equal(of_ours(path), of_open_clip(Image.open(path)))


def test_how_the_camera_was_held_is_not_followed(tmp_path: Path) -> None:
    image, turned = picture(7, 3), Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter
    image.save(tmp_path / "plain.jpg")
    image.save(tmp_path / "turned.jpg", exif=turned)
    with heard() as notes:
        assert torch.equal(of_ours(tmp_path / "plain.jpg"), of_ours(tmp_path / "turned.jpg"))
    (line,) = notes.lines
    assert line.startswith("the EXIF orientation is not followed, as in released code")
    assert line.endswith(f"({tmp_path / 'turned.jpg'})")


def test_a_tiff_file_is_turned_by_pil_itself_and_not_spoken_of(tmp_path: Path) -> None:
    image, turned = picture(7, 3), Image.Exif()
    turned[0x0112] = 6
    image.save(tmp_path / "turned.tif", exif=turned)
    with heard() as notes:
        found = decoding.read(tmp_path / "turned.tif")
    np.testing.assert_array_equal(np.asarray(found), np.asarray(image.transpose(Image.Transpose.ROTATE_270)))
    assert notes.lines == []


def test_of_several_images_in_a_file_the_first_is_read_and_the_others_are_spoken_of(tmp_path: Path) -> None:
    first, second = picture(1, 1), picture(2, 2)
    first.save(tmp_path / "stack.tif", save_all=True, append_images=[second, second])
    with heard() as notes:
        found = decoding.read(tmp_path / "stack.tif")
    np.testing.assert_array_equal(np.asarray(found), np.asarray(first))
    assert notes.lines == [f"only the first of 3 images in the file is read ({tmp_path / 'stack.tif'})"]


def test_the_preview_in_a_cameras_file_is_not_spoken_of(tmp_path: Path) -> None:
    picture(1, 1).save(tmp_path / "camera.jpg", "MPO", save_all=True, append_images=[picture(2, 2)])
    with heard() as notes:
        decoding.read(tmp_path / "camera.jpg")
    assert notes.lines == []


@pytest.mark.parametrize("view", [1, 2, 3])
def test_a_view_is_torchvisions_crop_of_the_files_own_pixels(view: int, tmp_path: Path) -> None:
    path = saved(tmp_path, "RGB", (500, 333))
    made = decoding.stacked([path] * 8, list(range(8)), 4, seed=5)
    for image_id in range(8):
        crop = views.crop(333, 500, 5, image_id, view)
        expected = transforms.functional.resized_crop(
            Image.open(path), crop.top, crop.left, crop.height, crop.width, [224, 224],
            transforms.InterpolationMode.BICUBIC,
        )  # fmt: skip
        expected = transforms.functional.hflip(expected) if crop.flip else expected
        np.testing.assert_array_equal(made[view, image_id].transpose(1, 2, 0), np.asarray(expected))


def test_threads_make_what_one_makes(tmp_path: Path) -> None:
    path = saved(tmp_path, "RGB", (200, 150))
    alone = [decoding.stacked([path], [i], 3, 1) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: decoding.stacked([path], [i], 3, 1), range(40)))
    np.testing.assert_array_equal(alone, together)


def test_every_file_is_opened_once_for_all_its_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = saved(tmp_path, "RGB", (200, 150)), []
    monkeypatch.setattr(decoding, "read", lambda p, read=decoding.read: opened.append(p) or read(p))
    made = decoding.stacked([path, path], [0, 1], 5, 1, [(0.5, 1.0), (0.08, 1.0)])
    assert opened == [path, path]
    assert made.shape[0] == 1 + 2 * 4


def test_views_at_several_scales_are_those_at_each(tmp_path: Path) -> None:
    path, scales = saved(tmp_path, "RGB", (200, 150)), [(0.5, 1.0), (0.08, 1.0)]
    together = decoding.stacked([path], [0], 3, 1, scales)
    usual, wider = (decoding.stacked([path], [0], 3, 1, [scale]) for scale in scales)
    np.testing.assert_array_equal(together, np.concatenate([usual, wider[1:]]))
    np.testing.assert_array_equal(usual, decoding.stacked([path], [0], 3, 1))


# --- files that are no images


@pytest.mark.parametrize("look", [decoding.read, decoding.check])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "RGBA"])
def test_a_truncated_file_is_named(mode: str, look: object, tmp_path: Path) -> None:
    path = saved(tmp_path, mode, (200, 150))
    truncate(path)
    with pytest.raises(BenchError, match=r"cannot be read as an image \(.+\); copy it again") as caught:
        look(path)  # type: ignore[operator]
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"image\.jpg: cannot be read as an image") as caught:
        decoding.read(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match=r"gone\.jpg: no such file, but it is listed"):
        decoding.read(tmp_path / "gone.jpg")


def test_a_folder_called_like_an_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(BenchError, match=r"folder\.jpg: cannot be read"):
        decoding.read(tmp_path / "folder.jpg")


def test_a_pipe_called_like_an_image_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for look in (decoding.read, decoding.check):
        with pytest.raises(
            BenchError, match=r"pipe\.jpg: .*\(a named pipe, not a regular file\); take it out of the folder"
        ):
            look(tmp_path / "pipe.jpg")


def test_an_image_beyond_all_bounds_is_refused_and_a_large_one_is_not_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, "L", (200, 150))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoding.mute()
        decoding.read(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(
        BenchError, match=r"L\.jpg: cannot be read as an image \(.*30000 pixels.*\); scale it down to at"
    ):
        decoding.read(path)


def test_a_strip_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "L", (1, 60_000))
    for look in (decoding.read, decoding.check):
        with pytest.raises(BenchError, match=r"1 x 60000 pixels are too thin a strip\); crop or pad it"):
            look(path)


def test_a_palette_with_transparency_is_not_warned_of(tmp_path: Path) -> None:
    image = picture(1, 1).quantize(16)
    image.save(tmp_path / "p.png", transparency=bytes(range(16)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoding.mute()
        decoding.read(tmp_path / "p.png")


def test_a_quick_check_reads_to_the_end(tmp_path: Path) -> None:
    """Cut off one byte in a hundred: the last rows are lost."""
    path = saved(tmp_path, "RGB", (400, 300))
    content = path.read_bytes()
    decoding.check(path)
    path.write_bytes(content[: -len(content) // 100])
    with pytest.raises(BenchError, match="truncated"):
        decoding.check(path)


@pytest.mark.parametrize("to", [Resizing(64, "bilinear"), Resizing(300, "bicubic")])
def test_another_size_and_interpolation_are_those_of_torchvisions_transforms(to: Resizing, tmp_path: Path) -> None:
    image = picture(3, 7).resize((130, 90))
    image.save(tmp_path / "a.png")
    kernel = transforms.InterpolationMode(to.kernel)
    theirs = transforms.CenterCrop(to.side)(transforms.Resize(to.side, kernel)(image))
    made = decoding.stacked([tmp_path / "a.png"], [5], 2, 1, to=to)
    np.testing.assert_array_equal(made[0, 0].transpose(1, 2, 0), np.asarray(theirs))
    box = views.crop(90, 130, 1, 5, 1)
    part = transforms.functional.resized_crop(image, box.top, box.left, box.height, box.width, [to.side] * 2, kernel)
    np.testing.assert_array_equal(made[1, 0].transpose(1, 2, 0), np.asarray(part)[:, :: -1 if box.flip else 1])
