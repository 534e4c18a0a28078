"""Conversion of published checkpoints to one safetensors file a slot, with the provenance in its header."""

import os
import shlex
from pathlib import Path

import safetensors.torch
import torch

from benchmark import __version__
from benchmark.core.errors import BenchError
from benchmark.core.file_facts import file_hash
from benchmark.core.files import written_whole
from benchmark.encoders.published import containers, converted, slots


def slot_of(file: Path) -> str:
    """The slot that a file fills, by its content and, among slots with equal networks, by its name.

    Args:
        file: a published checkpoint; BenchError is also raised if it cannot be read.

    Returns:
        The name of the slot.

    Raises:
        BenchError: if no slot, or several slots, fit.
    """
    container = containers.read(file)
    same = [slot for slot in slots.SLOTS.values() if slot.architecture == container.architecture]
    fits = [slot.name for slot in same if slot.kind == container.kind]
    alike = [slot.name for slot in same if slot.alike == container.kind]
    found = fits or [name for name in alike if slots.called(slots.get(name), file)]
    if len(found) == 1:
        return found[0]
    what = f"{file}: holds {slots.words(container.kind, container.architecture)}"
    if not alike:
        raise BenchError(f"{what}, which no slot takes; slots are {', '.join(slots.SLOTS)}")
    command = f"bench weights import --slot {alike[0]} {shlex.quote(str(file))}"
    raise BenchError(f"{what}, which could be {' or '.join(alike)}; say which: {command}")


def convert(file: Path, slot: str, folder: Path) -> Path:
    """Write <folder>/<slot>.safetensors with the unchanged tensors of the encoder, without training state.

    The header names the source file with its hashes, kind, architecture, normalisation and licence. A converted file that is
    converted again keeps the source that it names.

    Args:
        file: a published checkpoint.
        slot: name of the slot.
        folder: folder of the new file, created if missing.

    Returns:
        The path of the new file.

    Raises:
        BenchError: if the file holds another kind of network than the slot, or was converted before and is damaged.
    """
    container, known = containers.read(file), slots.get(slot)
    if container.kind not in (known.kind, known.alike) or container.architecture != known.architecture:
        holds = slots.words(container.kind, container.architecture)
        raise BenchError(f"{file}: holds {holds}; {slot} wants {slots.words(known.kind, known.architecture)}")
    weights = containers.digest(container.tensors)
    if wrong := converted.damaged(file, weights) or converted.of_another(file, slot):
        raise BenchError(wrong)
    header = {
        converted.SLOT: slot,
        "architecture": container.architecture,
        "normalisation": known.normalisation,
        **_provenance(file, container),
        "page": known.page,
        "licence": known.licence or "none stated",
        converted.WEIGHTS: weights,
        "written_by": f"amu-bench {__version__}",
    }
    alone = {name: t.clone(memory_format=torch.contiguous_format) for name, t in container.tensors.items()}
    content = safetensors.torch.save(alone, header)
    where = folder / f"{slot}.safetensors"
    with written_whole("weights", where, "--weights-dir") as stream:
        stream.write(content)
    return where


def _provenance(file: Path, container: containers.Container) -> dict[str, str]:
    """Notes on the published file: name, kind, hashes and, where it says them, epochs."""
    known, epochs = converted.source(file), container.epochs or converted.epochs(file)
    if known is None:
        name = os.fsencode(file.name).decode(errors="replace")
        known = converted.Source(name, container.kind, {a: file_hash(file, a) for a in converted.HASHES})
    hashes = {f"{converted.SOURCE}_{algorithm}": value for algorithm, value in known.hashes.items()}
    said = {converted.SOURCE: known.name, converted.KIND: known.kind, **hashes}
    return {**said, **({converted.EPOCHS: str(epochs)} if epochs else {})}
