"""The question of an exhibit's cell as a frozen dataclass: what to run, which metric to read, how to show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from benchmark.core.digest import Json
from benchmark.core.json_part import Part


@dataclass(frozen=True)
class Question(Part):
    """The merged keys of a cell (`benchmark.exhibits.exhibit.KEYS`); None for a key that no part of the exhibit gives.

    Attributes:
        method: The method's class, "package.module:Class"; None if the cell only cites a published number.
        arguments: Arguments of the method; the key `with` of the TOML file.
        search: Argument -> values to search, with a training each.
        dataset: Role of the data set.
        backbone: Role of the CLIP model.
        shots: Shots of the support set.
        seeds: Seeds, instead of the suite's.
        metric: Metric to read from the records (`benchmark.records.readings`).
        target: Role of the shift on which the metric is read.
        declares: Attribute of the method's class that fills the cell, or "sees".
        mean_over: Key -> values, for a cell that is the mean over these runs.
        cite: Column -> value, the row of the reference file with the paper's number.
        log: Column -> value and `file`, the row of a reference file with the number logged by the method's repository.
        missing: Reason to print for a cell without a number.
        only: Columns in which the row has cells.
        name: Name of the row, or of the column where no row is merged.
        panel: Name of the panel.
        short: The column's name within the panel.
        recorded: Questions of records (`Run.asked`), for a row that records alone tell of; its method is not imported.
        more: Other keys.
    """

    keys: ClassVar[Mapping[str, str]] = {"arguments": "with"}

    method: str | None = None
    arguments: Json | None = None
    search: Mapping[str, Sequence[Any]] | None = None
    dataset: str | None = None
    backbone: str | None = None
    shots: int | None = None
    seeds: Sequence[int] | None = None
    metric: str | None = None
    target: str | None = None
    declares: str | None = None
    mean_over: Mapping[str, Sequence[Any]] | None = None
    cite: Json | None = None
    log: Json | None = None
    missing: str | None = None
    only: Sequence[str] | None = None
    name: str | None = None
    panel: str | None = None
    short: str | None = None
    recorded: Sequence[Json] | None = None
    more: Json = field(default_factory=dict)

    @property
    def tested_on(self) -> str:
        """Role of the data set on whose test images the metric is read: the shift `target`, or else `dataset`."""
        role = self.dataset if self.target is None else self.target
        assert role is not None
        return role

    def changed(self, keys: Json) -> Self:
        """The question with the values of some keys of the TOML file replaced."""
        return self.from_json({**self.to_json(), **keys})
