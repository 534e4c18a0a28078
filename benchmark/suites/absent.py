"""Roles that only records tell of: a data set or an encoder of which a report has the name and nothing else."""

from benchmark.core.errors import Incomplete
from benchmark.data.dataset import Dataset
from benchmark.encoders.encoder import Encoder


def dataset(role: str, **_: object) -> Dataset:
    """Raise Incomplete where the data set would be opened, whatever arguments its own reader was given."""
    raise Incomplete(f"{role}: only its records are known here")


def encoder(role: str, **_: object) -> Encoder:
    """Raise Incomplete where the encoder would be opened, whatever arguments its own loader was given."""
    raise Incomplete(f"{role}: only its records are known here")
