"""Roles that only records tell of: a data set or an encoder of which a report has the name and nothing else."""

from typing import NoReturn

from benchmark.core.errors import Incomplete


def dataset(role: str, **_: object) -> NoReturn:
    """Raise Incomplete where the data set would be opened, whatever arguments its own reader was given."""
    raise Incomplete(f"{role}: only its records are known here")


def encoder(role: str, **_: object) -> NoReturn:
    """Raise Incomplete where the encoder would be opened, whatever arguments its own loader was given."""
    raise Incomplete(f"{role}: only its records are known here")
