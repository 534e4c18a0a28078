"""States of a published asset (a data set or weights) on this machine, as `bench doctor` and `bench weights` print them."""

import re
from dataclasses import dataclass
from pathlib import Path

OK, ALIAS, DIFFERS = "ok", "ok (alias)", "hash differs"
MISSING, WRONG, INCOMPLETE, LARGER = "missing", "wrong kind", "incomplete", "larger than published"
USABLE = (OK, ALIAS, DIFFERS)
"""States of an asset that can be read. `DIFFERS`: its hash is neither the published one nor that of the first use.

An `INCOMPLETE` or `LARGER` data set can be read where its lists can: it has another number of images than published.
"""


@dataclass(frozen=True)
class Asset:
    """A data set or a file of weights that a suite needs and this repository does not contain, as found on this machine.

    Attributes:
        name: Kind and name: "data set imagenet", "weights clip_rn50".
        state: One of the states above, `OK` to `LARGER`.
        path: File or folder that was inspected; None if none was found.
        says: One line that states a problem with its solution, or a remark; "" if there is none.
        page: Web page where the asset is published.
        licence: Licence of the asset; "" if its publisher states none.
        noncommercial: Whether the licence forbids commercial use.
        usable: Whether the asset can be opened.
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
        """One line for printing: name, state, and the remark or the path and the licence."""
        terms = f"{self.page} ({self.licence or 'no licence stated'})"
        says = re.sub(rf"^{re.escape(self.name)}(:| is missing:| are missing:) ", "", self.says)
        return f"{self.name}: {self.state}: " + (says or f"{self.path}; {terms}")
