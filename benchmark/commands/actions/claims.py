"""Work of `bench claims`: each conclusion of the paper with its verdicts on the printed numbers and on ours."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmark.analysis.claims import SOURCES, ClaimRow, Comparison, Verdict, all_verdicts, gate, words
from benchmark.analysis.claims import load as load_claim
from benchmark.analysis.other_questions import strangers
from benchmark.commands.actions.choosing import without_runs
from benchmark.commands.actions.opening import open_suite, say_others, skipped
from benchmark.core.errors import ExitCode
from benchmark.core.numbers import plain
from benchmark.core.settings import Settings
from benchmark.core.streams import show
from benchmark.exhibits import exhibit
from benchmark.suites.suite import Suite


def claims(names: Sequence[str], suite: str, settings: Settings, form: str, fail_on: Sequence[str]) -> ExitCode:
    """Print the verdicts on the claims: in full for the named claims, else as a table of all."""
    world, store, records = open_suite(suite, settings)
    asked = [] if "all" in fail_on or not names else [*names, *fail_on]
    rows = all_verdicts(world, records, store, names=asked)
    code = gate(rows, fail_on) or (skipped(store) if fail_on else ExitCode.OK)
    read = {key for row in rows for verdict in row.verdicts.values() for key in verdict.rests_on}
    say_others([r for r in strangers(world, records) if r.key not in read], world, "no claim reads")
    wanted = [row for row in rows if not names or row.id in names]
    if form == "json":
        show(json.dumps(plain([asdict(row) for row in wanted]), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        show("\n\n".join(_full(row, world) for row in wanted) if names else _table(wanted))
    return code


def _table(rows: Sequence[ClaimRow]) -> str:
    """One line a claim: its verdicts, and the effect that decides under `val`, else on the printed numbers."""
    width = max(len(row.id) for row in rows)
    lines = [f"{'claim':{width}}  " + "  ".join(f"{name:12}" for name in SOURCES) + "  effect"]
    for row in rows:
        says = "  ".join(f"{row.verdicts[name].says:12}" for name in SOURCES)
        told = [f"{name}: {_line(row.verdicts[name])}" for name in ("val", "paper") if row.verdicts[name].comparisons]
        lines.append(f"{row.id:{width}}  {says}  {told[0] if told else ''}".rstrip())
    return "\n".join([*lines, "", "bench claims CLAIM shows what a claim says, and every comparison that it rests on."])


def _line(verdict: Verdict) -> str:
    """The effect that decides a verdict, where it was found, and how many comparisons are measured if not all are."""
    decided = f"{words(verdict)}, {verdict.at}" if verdict.at else ""
    part = f"{verdict.compared} of {verdict.asked} measured" if verdict.compared < verdict.asked else ""
    return "; ".join(filter(None, (decided, part)))


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
    seeds = load_claim(row.id).seeds if row.quote else 0
    ask = f" --seeds 1-{seeds}" if seeds else ""
    commands = [f"  {_measured_by(name, world, ask)}" for name in row.exhibits] if row.quote else []
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
