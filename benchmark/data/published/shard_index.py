"""The samples of a shard of images with labels: a tar archive in WebDataset's form, or a parquet file in Hugging Face's.

Of a parquet file the labels and the names of the images are read, of a tar archive the headers and the labels. A sample of
WebDataset is members that are alike up to the first dot behind the last "/": an image, and its label as `cls`, as the field
"label" of `json`, or as `txt`.
"""

import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from benchmark.core import regular
from benchmark.core.errors import BenchError
from benchmark.core.files import parsed
from benchmark.data.published import row_groups
from benchmark.data.published.listing import ENDINGS
from benchmark.data.published.stored import PARQUET, Inside

AGAIN = "copy it again from where it came"
COLUMNS = "a column image of {bytes, path} and a column label of whole numbers"

LABELS = ("cls", "json", "txt")
"""Endings of members that hold a label; the first of them that a sample has counts."""

LARGEST = 1 << 20
"""Bytes of the largest member that is read for a label."""

BLOCK = tarfile.BLOCKSIZE


class Sample(NamedTuple):
    """An image in a shard: its place, its label, and the name of the file that it was, without ending ("" if unknown)."""

    place: Inside
    label: int
    name: str


def read(shard: Path) -> list[Sample]:
    """Images of a shard in their order.

    Args:
        shard: The file; its ending says which form it has.

    Returns:
        The images. No bytes of an image are read.

    Raises:
        BenchError: The shard cannot be read, is cut off, or has another form; an image has no label.
    """
    try:
        return _of_parquet(shard) if shard.suffix == PARQUET else _of_tar(shard)
    except BenchError:
        raise
    except Exception as error:  # a damaged file may raise any exception
        reason = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:200]
        raise BenchError(f"{shard}: cannot be read as a shard ({reason}); {AGAIN}") from error


def _of_parquet(shard: Path) -> list[Sample]:
    with row_groups.opened(shard) as file:
        _check_columns(shard, file.schema_arrow)
        named = file.schema_arrow.field("image").type.get_field_index("path") >= 0
        table = file.read(columns=["label", *(["image.path"] if named else [])], use_threads=False)
        labels = table["label"].to_pylist()
        images = table["image"].to_pylist() if named else [None] * len(labels)
        about = file.metadata
        groups = [group for group in range(about.num_row_groups) for _ in range(about.row_group(group).num_rows)]
    found = []
    for row, (label, image, group) in enumerate(zip(labels, images, groups, strict=True)):
        place = Inside(shard, "", row, group)
        if label is None:
            raise BenchError(f"{place}: has no label; {AGAIN}")
        found.append(Sample(place, label, PurePosixPath((image and image["path"]) or "").stem))
    return found


def _check_columns(shard: Path, schema: Any) -> None:
    from pyarrow import types

    has = {field.name: field.type for field in schema}
    image, label = has.get("image"), has.get("label")
    fields = {field.name: field.type for field in image} if image is not None and types.is_struct(image) else {}
    content = fields.get("bytes")
    binary = content is not None and (types.is_binary(content) or types.is_large_binary(content))
    if not binary or label is None or not types.is_integer(label):
        names = ", ".join(sorted(has))[:100] or "none"
        raise BenchError(
            f"{shard}: has not {COLUMNS}, but {names}; take the shards of imagenet-1k on Hugging Face's hub"
        )


def _of_tar(shard: Path) -> list[Sample]:
    images: dict[str, tarfile.TarInfo] = {}
    texts: dict[str, dict[str, bytes]] = {}
    with regular.opened(shard) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in _members(shard, archive, stream):
            key, ending = _key(member.name)
            if f".{ending}" in ENDINGS:
                if key in images:
                    raise BenchError(f"{_place(shard, member)}: is the second image of its sample; {AGAIN}")
                images[key] = member
            elif ending in LABELS and member.size <= LARGEST:
                texts.setdefault(key, {})[ending] = _text(archive, member)
    alone = next((key for key in texts if key not in images and "cls" in texts[key]), None)
    if alone is not None:
        raise BenchError(f"{Inside(shard, alone, 0, 0)}: has a label and no image; {AGAIN}")
    return [_sample(_place(shard, member), texts.get(key, {})) for key, member in images.items()]


def _members(shard: Path, archive: tarfile.TarFile, stream: IO[bytes]) -> Iterator[tarfile.TarInfo]:
    """Files in an archive; BenchError if it is cut off, which tarfile takes for its end where a header should stand."""
    end = 0
    for member in archive:
        end = member.offset_data + (-(-member.size // BLOCK) * BLOCK if member.isreg() else 0)
        if member.isreg() and not member.issparse():
            yield member
    stream.seek(end)
    if stream.read(BLOCK) != bytes(BLOCK):
        raise BenchError(f"{shard}: is cut off or damaged at byte {end:,}; {AGAIN}")


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None  # a regular file
    return stream.read()


def _key(name: str) -> tuple[str, str]:
    """Name of a sample and ending of its member: "a/7.seg.png" -> "a/7", "seg.png"."""
    folder, slash, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    return folder + slash + stem, ending.lower()


def _place(shard: Path, member: tarfile.TarInfo) -> Inside:
    return Inside(shard, member.name, member.offset_data, member.size)


def _sample(place: Inside, texts: Mapping[str, bytes]) -> Sample:
    with _about(place):
        notes = parsed(texts["json"]) if "json" in texts else None
        notes = notes if isinstance(notes, dict) else {}
        said = next((texts[ending] for ending in LABELS if ending in texts), None)
        if said is None:
            raise ValueError(f"has no label beside it ({', '.join(f'.{ending}' for ending in LABELS)})")
        label = notes.get("label") if "cls" not in texts and "json" in texts else _number(said)
        if not isinstance(label, int) or isinstance(label, bool):
            raise ValueError("its label is no whole number")
    key = PurePosixPath(_key(place.member)[0]).name
    other = notes.get("filename")
    return Sample(
        place, label, key if re.search(r"\D", key) or not isinstance(other, str) else PurePosixPath(other).stem
    )


@contextmanager
def _about(place: Inside) -> Iterator[None]:
    """Name the image in a ValueError."""
    try:
        yield
    except ValueError as error:
        raise BenchError(f"{place}: {' '.join(str(error).split())[:200]}; {AGAIN}") from error


def _number(text: bytes) -> int:
    said = text.decode("ascii", "replace").strip()
    if not re.fullmatch(r"-?[0-9]{1,9}", said):
        raise ValueError(f"its label is no whole number but {said[:20]!r}")
    return int(said)
