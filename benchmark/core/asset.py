"""In which state a published asset, a data set or a file of weights, was found: the words of doctor, weights and refusals."""

import re
from dataclasses import dataclass
from pathlib import Path

OK, ALIAS, DIFFERS = "ok", "ok (alias)", "hash differs"
MISSING, WRONG, INCOMPLETE = "missing", "wrong kind", "incomplete"
USABLE = (OK, ALIAS, DIFFERS)
"""States in which there is something to read. `DIFFERS`: it is not what is published, or not what was used before."""


@dataclass(frozen=True)
class Asset:
    """What there is of something that a suite needs and this repository does not hold.

    name: "data set imagenet", "weights clip_rn50".  state: in a word, as benchmark.encoders.published.slots has them.
    path: what was looked at.  says: one line on what is amiss and what to do, or worth knowing; empty where nothing is.
    page, licence: where it is published, on which terms ("" where none are stated).  usable: whether it can be opened.
    """

    name: str
    state: str
    path: Path | None
    says: str
    page: str
    licence: str
    noncommercial: bool
    usable: bool

    @property
    def line(self) -> str:
        """All of it for people."""
        terms = f"{self.page} ({self.licence or 'no licence stated'})"
        says = re.sub(rf"^{re.escape(self.name)}(:| is missing:| are missing:) ", "", self.says)
        return f"{self.name}: {self.state}: " + (says or f"{self.path}; {terms}")
