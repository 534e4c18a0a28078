"""Weights whose hash is not the published one, as the records of a cell say."""

from collections.abc import Iterable

from benchmark.records import readings
from benchmark.records.record import Record


def other_weights(records: Iterable[Record]) -> list[str]:
    """A line for each encoder of other weights than published, each once: "hash differs of RN50: sha256 is …"."""
    found = (run.differs or {} for record in records for run in readings.runs(record))
    return list(dict.fromkeys(f"hash differs of {role}: {why}" for said in found for role, why in said.items()))
