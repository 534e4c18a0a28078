"""Other roles in which an exhibit can be asked of a suite that has not those it names, such as one of imported features.

`bench run --table 4` asks about "imagenet" in the CLIP "RN50". A suite with other roles answers with --dataset, --backbone
and --aux; the options that a command prints are found here.
"""

from collections.abc import Iterable

from benchmark.core.errors import BenchError
from benchmark.exhibits.exhibit import Exhibit
from benchmark.exhibits.needs import ENCODER, needed
from benchmark.exhibits.substitution import Instead, asked
from benchmark.suites.suite import Suite
from benchmark.suites.towers import text_tower


def fitted(exhibit: Exhibit, suite: Suite) -> Exhibit:
    """Ask an exhibit in roles that the suite has.

    Args:
        exhibit: Table or figure.
        suite: Suite.

    Returns:
        The exhibit with the roles of the suite; unchanged if it can be asked as it is, or in no roles can be run.
    """
    dataset = _other(exhibit, "dataset", suite.datasets.keys() - _shifts(suite), suite.datasets)
    backbone = _other(exhibit, "backbone", _clips(suite), suite.encoders)
    try:
        found = _turned(exhibit, suite, Instead(dataset, None, backbone))
        aux = _unread(found, suite)
        found = _turned(exhibit, suite, Instead(dataset, aux, backbone)) if aux else found
    except BenchError:
        return exhibit
    return found if needed(found.cells(), suite) else exhibit


def _turned(exhibit: Exhibit, suite: Suite, instead: Instead) -> Exhibit:
    return asked(exhibit, suite, instead)[0] if instead.roles else exhibit


def _other(exhibit: Exhibit, key: str, usable: Iterable[str], order: Iterable[str]) -> str | None:
    """The first usable role of the suite, if the exhibit names none of them; None if it does or there is none."""
    named = {getattr(part, key) for cell in exhibit.cells() if cell.method for part in cell.parts()}
    known = set(usable)
    return None if named & known else next((role for role in order if role in known), None)


def _shifts(suite: Suite) -> set[str]:
    return {shift for spec in suite.datasets.values() for shift in spec.get("shifts", ())}


def _clips(suite: Suite) -> list[str]:
    """Roles of the encoders that have a text tower; where that is not known, those whose loader is of a CLIP by its name."""
    known = {role: text_tower(suite, role) for role in suite.encoders}
    named = {role for role, spec in suite.encoders.items() if "clip" in spec["loader"].partition(":")[2]}
    return [role for role, has in known.items() if (role in named if has is None else has)]


def _unread(exhibit: Exhibit, suite: Suite) -> str | None:
    """The first auxiliary encoder, if no method that can be run reads any of them."""
    others = [role for role in suite.encoders if role not in _clips(suite)]
    read = {need.role for need in needed(exhibit.cells(), suite) if need.kind == ENCODER}
    return None if read & set(others) else next(iter(others), None)
