"""Work of `bench claims`: each conclusion of the paper with its verdicts on the printed numbers and on ours."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from benchmark.analysis.claims import (
    CONTRADICTED,
    INCONCLUSIVE,
    NOT_RUN,
    SOURCES,
    SUPPORTED,
    ClaimRow,
    Comparison,
    Verdict,
    all_verdicts,
    contradictions,
    gate,
    words,
)
from benchmark.analysis.claims import load as load_claim
from benchmark.analysis.claims import names as claim_names
from benchmark.analysis.claims.verdicts import BOTH
from benchmark.analysis.other_questions import strangers
from benchmark.commands.actions.choosing import without_runs
from benchmark.commands.actions.opening import open_suite, say_others, skipped
from benchmark.core.errors import ExitCode
from benchmark.core.names import folded
from benchmark.core.settings import Settings
from benchmark.core.streams import answer_json, say, show
from benchmark.core.text import counted, wrapped
from benchmark.exhibits import exhibit
from benchmark.suites.suite import Suite

LEGEND = {
    SUPPORTED: "the whole 95 % interval lies on the claim's side",
    CONTRADICTED: "the whole interval lies on the other side",
    INCONCLUSIVE: "the interval holds both, or not all of it is measured",
    NOT_RUN: "nothing that decides it is measured",
}
"""Verdict -> what it means, decided ones first."""

SELECTED = (
    "paper: on the printed numbers; released: epoch and settings chosen as each method's released code chooses them;"
    " test: chosen on the test images. The effect is that of the comparison that decides."
)
NEXT = (
    "next: bench claims CLAIM shows its quotation and every comparison, bench run --all measures what is not measured"
)
FAMILIES = (
    "A claim of all takes each comparison by itself, and counts one against it that is sure after Holm over all of them."
    " A comparison of two rows (compare) is adjusted over the columns that it shows."
)


def claims(names: Sequence[str], suite: str, settings: Settings, form: str, fail_on: Sequence[str]) -> ExitCode:
    """Print the verdicts on the claims: in full for the named claims, else as a table of all."""
    world, store, records = open_suite(suite, settings)
    asked = [] if "all" in fail_on or not names else [*names, *fail_on]
    rows = all_verdicts(world, records, store, names=asked)
    code = gate(rows, fail_on) or (skipped(store) if fail_on else ExitCode.OK)
    read = {key for row in rows for verdict in row.verdicts.values() for key in verdict.rests_on}
    say_others([r for r in strangers(world, records) if r.key not in read], world, "no claim reads")
    for line in contradictions(rows, fail_on):
        say(line, err=True)
    wanted = [row for row in rows if not names or folded(row.id) in map(folded, names)]
    if form == "json":
        answer_json([asdict(row) for row in wanted])
    else:
        show("\n\n".join(_full(row, world) for row in wanted) if names else _listed(wanted))
        show("\n".join(["", *wrapped(FAMILIES if names else NEXT)]))
    return code


def _listed(rows: Sequence[ClaimRow]) -> str:
    """The paper's conclusions, and then the questions beyond it, each counted and listed."""
    heads = (
        ("conclusion", "of the paper", [row for row in rows if row.quote]),
        ("question", "beyond the paper", [row for row in rows if not row.quote]),
    )
    parts = ["\n".join(_by_verdict(f"{counted(len(part), what)} {rest}", part)) for what, rest, part in heads if part]
    return "\n\n".join([*parts, "\n".join(wrapped(SELECTED))])


def _by_verdict(what: str, rows: Sequence[ClaimRow]) -> list[str]:
    """How many claims have which verdict under `val`, and each claim as a sentence with its verdicts, decided ones first."""
    says = Counter(row.verdicts["val"].says for row in rows)
    counts = ", ".join(f"{says[word]} {word}" for word in LEGEND if says[word])
    lines = wrapped(f"{what}, epoch and settings chosen on validation images (val): {counts}")
    for word, means in LEGEND.items():
        if says[word]:
            lines += ["", *wrapped(f"{word}: {means}")]
        for row in (row for row in rows if row.verdicts["val"].says == word):
            lines += [*wrapped(row.reading, "  "), *wrapped(_line(row.verdicts["val"]), "      ")]
            others = (f"{name} {_printed(name, row.verdicts[name].says)}" for name in SOURCES if name != "val")
            lines += wrapped(f"{', '.join(others)} [{row.id}]", "      ")
    return lines


def _printed(source: str, says: str) -> str:
    """A verdict in a word; the paper's numbers are printed or not, and never run."""
    return "not printed" if source == "paper" and says == NOT_RUN else says


def _line(verdict: Verdict) -> str:
    """The effect that decides a verdict, where and over how many seeds; what it lacks, or how much of it is measured."""
    effect = words(verdict) if verdict.effect is not None else verdict.reason
    seeds = counted(verdict.seeds, "seed") if verdict.seeds else ""
    part = f"{verdict.compared} of {verdict.asked} comparisons measured" if verdict.compared < verdict.asked else ""
    why = verdict.reason.removeprefix(BOTH).removeprefix("; ") if verdict.effect is not None and not part else ""
    return "; ".join(filter(None, (", ".join(filter(None, (effect, verdict.at, seeds))), why, part)))


def _full(row: ClaimRow, world: Suite) -> str:
    """A claim in full: quotation, reading, every verdict with its comparisons, and the commands that measure it."""
    quote = [f"  the paper: “{row.quote}” ({row.place})"] if row.quote else []
    head = [row.id, *quote, f"  tested: {row.reading}"]
    lines = [*head, f"  kind: {row.kind}, of {row.quantifier}", *([f"  note: {row.note}"] if row.note else [])]
    for name, verdict in row.verdicts.items():
        why = f" ({verdict.reason})" if verdict.reason else ""
        lines.append(f"  {name}: {verdict.says}{why}; {verdict.compared} of {verdict.asked} comparisons")
        what = "printed numbers" if name == "paper" else "records"
        lines += [f"    {_comparison(c)}, from {len(c.rests_on)} {what}" for c in verdict.comparisons]
    shipped = row.id in claim_names()
    seeds = load_claim(row.id).seeds if shipped else 0
    ask = f" --seeds 1-{seeds}" if seeds else ""
    commands = [f"  {_measured_by(name, world, ask)}" for name in row.exhibits] if shipped else []
    return "\n".join([*lines, *commands])


def _measured_by(name: str, world: Suite, ask: str) -> str:
    """The command that measures an exhibit, or why none of it can be measured in the suite."""
    shown = exhibit.load(name)
    prevented = without_runs(list(shown.cells()), world, by_row=False).get(name)
    return f"not measured: {name}: {prevented}" if prevented else f"measured by: {shown.command}{world.option}{ask}"


def _comparison(comparison: Comparison) -> str:
    premise = "premise " if comparison.premise else ""
    margin = f", margin {comparison.margin:g}" if comparison.margin else ""
    effect = f"{words(comparison)} over {comparison.over}{margin}"
    return f"{premise}{comparison.says}: {comparison.name}: {effect}"
