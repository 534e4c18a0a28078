"""Records as lines for other programs: one for each run and selection, as a JSON Schema says, results-1.json.

A field is a text, a number, a boolean or null; what has parts is JSON in a text. So every line has the same columns of the
same types, and any reader of JSON Lines or CSV makes the same table of them.
"""

import json
import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from benchmark.core import files
from benchmark.core.digest import Json, JsonDict
from benchmark.exhibits import exhibit
from benchmark.exhibits.naming import METHODS, method_named
from benchmark.records.record import SELECTIONS, Record

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

FILE = "results-1.json"
SCHEMA: Json = json.loads(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
"""The JSON Schema of a line; a field that is added, taken away or means something else is a new file with a new `$id`."""
WHOLE = ("record", "answers", "draw", "tested")
"""Fields of which a record is made again. A CSV file has none of them, and of a run's lines only that of `val` fills them."""
COLUMNS = tuple(name for name in SCHEMA["properties"] if name not in WHOLE)
"""The other fields, in the order of the schema."""
FOR_PEOPLE = ("method", "dataset", "shifts")
"""Fields with names that a suite or an exhibit chooses, which another version may choose otherwise."""
CLOSE = 1e-6
"""Relative difference up to which two numbers are one that was rounded as text."""

_SAID = {
    "type": "is not of type",
    "const": "is not",
    "enum": "is none of",
    "minimum": "is less than",
    "maximum": "is more than",
    "pattern": "does not match",
    "required": "lacks a field of",
    "additionalProperties": "has another field than the schema",
}
"""Keyword of JSON Schema -> what a value does that breaks it."""


def ordered(records: Iterable[Record], named: Callable[[str], str]) -> list[Record]:
    """Records by data set, method in the order of Table 4, shots and seed."""
    table = {row["name"]: place for place, row in enumerate(exhibit.load(METHODS).rows)}

    def place(record: Record) -> tuple[str, int, str, int, int, str]:
        method = method_named(record.method)
        where = table.get(method, len(table))
        return named(record.dataset), where, method, record.shots, record.seed, record.key

    return sorted(records, key=place)


def of(record: Record, named: Callable[[str], str]) -> Iterator[JsonDict]:
    """The lines of a run, one for each selection, with the fields of `COLUMNS`.

    Args:
        record: The run's record.
        named: Role of a data set -> its name for people.

    Yields:
        Field -> value.
    """
    asked, settings, conditions = record.asked, record.settings, record.conditions
    for name in SELECTIONS:
        if name not in record.selections:
            continue
        chosen = record.selections[name]
        shifts = {
            named(role): {"n": found.n, "correct": found.selections[name].correct}
            for role, found in (record.shifts or {}).items()
            if name in found.selections
        }
        said = {
            "schema": SCHEMA["$id"],
            "suite": _text(asked.get("suite")),
            "method": method_named(record.method),
            "cls": record.method,
            "dataset": _text(named(record.dataset)),
            "backbone": _text(asked.get("backbone")),
            "aux": _text(settings.get("aux")) if isinstance(settings, Mapping) else None,
            "shots": record.shots,
            "seed": record.seed,
            "selection": name,
            "accuracy": 100 * chosen.correct / record.n,
            "correct": chosen.correct,
            "n": record.n,
            "epoch": chosen.epoch,
            "tuned": _json(chosen.tuned or None),
            "shifts": _json(shifts or None),
            "settings": _json(settings),
            "seconds": record.seconds["total"],
            "measured": record.measured,
            "version": _text(conditions.get("amu_bench")),
            "versions": _json({package: str(found) for package, found in conditions["versions"].items()}),
            "fingerprints": _json(record.fingerprints),
            "licences": _json(record.licences),
            "noncommercial": record.noncommercial if isinstance(record.noncommercial, bool) else None,
            "key": record.key,
        }
        yield {column: said[column] for column in COLUMNS}


def complaint(said: object) -> str:
    """How a line breaks the schema, or its own counts disagree, in a few words; "" for a valid line.

    Args:
        said: The parsed line.

    Returns:
        The first fault, with the field.
    """
    if not isinstance(said, dict):
        return "no JSON object"
    if said.get("schema") != SCHEMA["$id"]:
        return f"of schema {short(said.get('schema'))}; this version of bench reads {SCHEMA['$id']}"
    if unknown := sorted(said.keys() - SCHEMA["properties"].keys()):
        return f"has a field that the schema does not have: {short(unknown[0])}"
    if lacking := [name for name in SCHEMA["required"] if name not in said]:
        return f"has no field {lacking[0]!r}"
    if broken := _broken(_validator(), said) or next(filter(None, map(_inside, said, said.values())), ""):
        return broken
    if not math.isclose(said["accuracy"], 100 * said["correct"] / said["n"], rel_tol=CLOSE):
        return f"accuracy: {short(said['accuracy'])} is not {said['correct']} of {said['n']} in per cent"
    return ""


def unlike(said: Json, record: Record) -> str:
    """How a valid line disagrees with the record of its run, in a few words; "" if it agrees."""
    lines = {line["selection"]: line for line in of(record, str)}
    if said["selection"] not in lines:
        return f"selection: its record has no {said['selection']!r}"
    expected = lines[said["selection"]]
    for name in COLUMNS:
        if name not in FOR_PEOPLE and not _same(said[name], expected[name]):
            return f"{name}: is {short(said[name])}, its record says {short(expected[name])}"
    same = _counts(said["shifts"]) == _counts(expected["shifts"])
    return "" if same else "shifts: has counts that are not those of its record"


def short(value: object) -> str:
    """A value of others in a few words, however large it is."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


@cache
def _validator(field: str = "") -> "Validator":
    """Validator of a line, or of what the text of a field holds."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(SCHEMA["properties"][field]["contentSchema"] if field else SCHEMA)


def _broken(validator: "Validator", said: object, field: str = "") -> str:
    """The first error of a validator, with the field; "" for none. Its own message would hold the whole value."""
    for error in validator.iter_errors(said):
        place = ".".join(filter(None, [field, *(short(part).strip("'") for part in error.absolute_path)]))
        how, rule = _SAID.get(str(error.validator), f"breaks {error.validator}"), short(error.validator_value)
        words = how if error.validator == "additionalProperties" else f"{how} {rule}"
        return f"{place}: {short(error.instance)} {words}"
    return ""


def _inside(field: str, value: object) -> str:
    """How the JSON in the text of a field breaks the schema; "" if it does not, or the field holds none."""
    if not isinstance(value, str) or "contentSchema" not in SCHEMA["properties"][field]:
        return ""
    try:
        return _broken(_validator(field), files.parsed_finite(value), field)
    except ValueError as error:
        return f"{field}: no JSON ({error})"


def _same(one: object, other: object) -> bool:
    """Whether two values are equal, numbers as far as text keeps them."""
    numbers = [value for value in (one, other) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == 2:
        return math.isclose(*numbers, rel_tol=CLOSE)
    return one == other


def _counts(shifts: str | None) -> list[tuple[int, int]]:
    """The counts on shifts, (n, correct), whatever the shifts are called."""
    return sorted((found["n"], found["correct"]) for found in json.loads(shifts or "{}").values())


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, allow_nan=False)


def _text(value: object) -> str | None:
    """A value of a question or of conditions as text; None for none and for an empty one."""
    return None if value in (None, "") else str(value)
