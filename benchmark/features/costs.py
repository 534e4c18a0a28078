"""Seconds that an image takes in extraction, from the notes that features keep on how they were made."""

from collections.abc import Iterable, Mapping
from statistics import median

from benchmark.features import shard_files
from benchmark.features.requests import Shard, folder
from benchmark.suites.world import World

ANY = ""
"""The place of a group of encoders that stands for the median over all groups."""


def group(roles: Iterable[str]) -> str:
    """Name of the encoders that encode the same images together: their roles, each once."""
    return " ".join(sorted(set(roles)))


def expected(shard: Shard, costs: Mapping[str, float]) -> float | None:
    """Expected seconds of a shard on one worker: of its group of encoders, else of any; None where nothing was timed."""
    found = costs.get(group(request.role for request in shard.wave.requests), costs.get(ANY))
    return None if found is None else shard.size * found


def noted(world: World) -> dict[str, float]:
    """Group of encoders -> seconds of an image, made and encoded, in the extractions of this suite on disk, and `ANY`."""
    files = sorted(folder(world).glob("*.safetensors"))
    return of_notes(shard_files.about(file) for file in files if shard_files.readable(file))


def of_notes(notes: Iterable[Mapping[str, str]]) -> dict[str, float]:
    """Group of encoders -> median seconds of an image on one worker.

    Args:
        notes: Notes of files; those that one look at some images made have the same and count once.

    Returns:
        The seconds by group, and over all groups (`ANY`); empty without notes on times.
    """
    looks = {
        (group(note["together"].split(" ")), note.get("crops", ""), float(note["pictures"]), float(note["seconds"]))
        for note in notes
        if {"together", "pictures", "seconds"} <= note.keys() and float(note["pictures"]) > 0
    }
    found: dict[str, list[float]] = {}
    for together, _, pictures, seconds in looks:
        for name in {together, ANY}:
            found.setdefault(name, []).append(seconds / pictures)
    return {name: median(seconds) for name, seconds in found.items()}
