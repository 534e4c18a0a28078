"""The gate's verdicts for people, programs and continuous integration: text, JSON, JUnit's XML, GitHub's annotations."""

import json
from collections.abc import Callable
from xml.etree import ElementTree

from benchmark.analysis.gate import power
from benchmark.analysis.gate.verdicts import AGREES, BETTER, MISSING, OPEN, OUTSIDE, WORSE, Gate, Verdict, counts
from benchmark.core.numbers import plain


def text(gate: Gate) -> str:
    """A line for each number that differs, and those that count."""
    return "\n".join([*(v.line for v in gate.all if v.says in (WORSE, BETTER)), summary(gate)])


def summary(gate: Gate) -> str:
    """How many cells and means have which verdict, and the losses that would have been found."""
    n, means = counts(gate.cells), counts(gate.means)
    compared = sum(v.compared for v in gate.cells)
    fewer = sum(v.lost > 0 for v in gate.cells)
    cells = (
        f"{compared} cells compared ({len(gate.questions)} different questions): {_decided(n)};"
        f" {n[MISSING]} not measured"
        + (f", {fewer} at fewer seeds than the reference" if fewer else "")
        + (f", {n[OUTSIDE]} {OUTSIDE}" if n[OUTSIDE] else "")
    )
    of_means = f"{len(gate.means)} means over cells: {_decided(means)}" if gate.means else ""
    return "\n".join(filter(None, [cells, of_means, power.summary(gate)]))


def _decided(n: dict[str, int]) -> str:
    return f"{n[AGREES]} agree, {n[WORSE]} worse, {n[BETTER]} better, {n[OPEN]} inconclusive"


def as_json(gate: Gate) -> str:
    """Every cell and every mean as plain data; what is not finite is null."""
    said = {
        "counts": counts(gate.cells),
        "cells": [_plain(v) for v in gate.cells],
        "means": [_plain(v) for v in gate.means],
        "detectable": [
            {"of": loss.of, **dict(zip(("at_80", "at_95"), loss.points, strict=True))} for loss in power.losses(gate)
        ],
    }
    return json.dumps(plain(said), indent=1)


def _plain(v: Verdict) -> dict[str, object]:
    low, high = v.interval
    how = v.difference.how
    place: dict[str, object] = {"exhibit": v.exhibit, "row": v.row, "column": v.column, "says": v.says, "how": how}
    numbers = {"expected": v.expected, "measured": v.measured, "effect": v.effect, "low": low, "high": high}
    return {**place, **numbers, "adjusted_p": v.adjusted, "margin": v.margin, "seeds_lost": v.lost}


def junit(gate: Gate) -> str:
    """A test case a number: worse is a failure, what is not compared is skipped, the rest pass and say how they stand."""
    n = counts(gate.all)
    numbers = {"tests": len(gate.all), "failures": n[WORSE], "skipped": n[MISSING] + n[OUTSIDE], "errors": 0}
    suite = ElementTree.Element("testsuite", {"name": "bench check", **{name: str(k) for name, k in numbers.items()}})
    for v in gate.all:
        case = ElementTree.SubElement(suite, "testcase", classname=v.exhibit, name=f"{v.row}, {v.heading or v.column}")
        if v.says == WORSE:
            ElementTree.SubElement(case, "failure", message=v.line).text = v.line
        elif not v.compared:
            ElementTree.SubElement(case, "skipped", message=v.line)
        else:
            ElementTree.SubElement(case, "system-out").text = v.line
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode")


def github(gate: Gate) -> str:
    """Workflow commands: an error for each number that is worse, a notice for each that is better, and the counts."""
    kinds = {WORSE: "error", BETTER: "notice"}
    lines = [f"::{kinds[v.says]} title=bench check::{_escaped(v.line)}" for v in gate.all if v.says in kinds]
    return "\n".join([*lines, summary(gate)])


def _escaped(message: str) -> str:
    """Escape the signs that end a workflow command."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


FORMATS: dict[str, Callable[[Gate], str]] = {
    "text": text,
    "json": as_json,
    "junit": junit,
    "github": github,
}
