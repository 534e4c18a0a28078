"""The gate's verdicts for people, programs and continuous integration: text, JSON, JUnit's XML, GitHub's annotations."""

import json
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from benchmark.analysis.gate.verdicts import AGREES, BETTER, MISSING, OPEN, OUTSIDE, WORSE, Verdict, counts
from benchmark.core.numbers import plain


def text(verdicts: Sequence[Verdict]) -> str:
    """A line for each cell that differs, and one that counts."""
    return "\n".join([*(v.line for v in verdicts if v.says in (WORSE, BETTER)), summary(verdicts)])


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many cells have which verdict."""
    n = counts(verdicts)
    compared = sum(v.compared for v in verdicts)
    return (
        f"{compared} cells compared: {n[AGREES]} agree, {n[WORSE]} worse, {n[BETTER]} better, {n[OPEN]} inconclusive;"
        f" {n[MISSING]} not measured" + (f", {n[OUTSIDE]} {OUTSIDE}" if n[OUTSIDE] else "")
    )


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Every cell as plain data; what is not finite is null."""
    return json.dumps(plain({"counts": counts(verdicts), "cells": [_plain(v) for v in verdicts]}), indent=1)


def _plain(v: Verdict) -> dict[str, object]:
    low, high = v.interval
    place: dict[str, object] = {"exhibit": v.exhibit, "row": v.row, "column": v.column, "says": v.says, "how": v.how}
    numbers = {"expected": v.expected, "measured": v.measured, "effect": v.effect, "low": low, "high": high}
    return {**place, **numbers, "adjusted_p": v.adjusted, "margin": v.margin}


def junit(verdicts: Sequence[Verdict]) -> str:
    """A test case a cell: worse is a failure, what is not compared is skipped, the rest pass and say how they stand."""
    n = counts(verdicts)
    numbers = {"tests": len(verdicts), "failures": n[WORSE], "skipped": n[MISSING] + n[OUTSIDE], "errors": 0}
    suite = ElementTree.Element("testsuite", {"name": "bench check", **{name: str(k) for name, k in numbers.items()}})
    for v in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=v.exhibit, name=f"{v.row}, {v.column}")
        if v.says == WORSE:
            ElementTree.SubElement(case, "failure", message=v.line).text = v.line
        elif not v.compared:
            ElementTree.SubElement(case, "skipped", message=v.line)
        else:
            ElementTree.SubElement(case, "system-out").text = v.line
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode")


def github(verdicts: Sequence[Verdict]) -> str:
    """Workflow commands: an error for each cell that is worse, a notice for each that is better, and the count."""
    kinds = {WORSE: "error", BETTER: "notice"}
    lines = [f"::{kinds[v.says]} title=bench check::{_escaped(v.line)}" for v in verdicts if v.says in kinds]
    return "\n".join([*lines, summary(verdicts)])


def _escaped(message: str) -> str:
    """What a workflow command takes for its own end is written otherwise."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


FORMATS: dict[str, Callable[[Sequence[Verdict]], str]] = {
    "text": text,
    "json": as_json,
    "junit": junit,
    "github": github,
}
