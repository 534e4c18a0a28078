"""Work of `bench lint-paper`: disagreements among the paper's printed numbers."""

from collections import Counter
from dataclasses import asdict
from itertools import groupby

from benchmark.analysis.lint_paper import KINDS, LEADING, findings
from benchmark.core.errors import ExitCode
from benchmark.core.streams import answer_json, say, say_next, show
from benchmark.core.text import wrapped


def lint_paper(form: str) -> ExitCode:
    """List where the paper's printed numbers disagree, with themselves and with their sources."""
    found = findings()
    if form == "json":
        answer_json([asdict(finding) for finding in found])
        return ExitCode.OK
    counts = Counter(finding.kind for finding in found)
    leading = sum(counts[kind] for kind in LEADING)
    say(f"{len(found)} findings in the paper's printed numbers; the {leading} that matter first")
    for kind, same in groupby(found, key=lambda finding: finding.kind):
        show("\n".join(["", *wrapped(f"{kind} ({counts[kind]}): {KINDS[kind]}", hanging="  ")]))
        for finding in same:
            lines = [
                *wrapped(f"{finding.where}: {finding.says}", "  ", hanging="  "),
                *wrapped(f"[{'; '.join(finding.sources)}]", "      ", hanging="  "),
            ]
            show("\n".join(lines))
    say("")
    say_next("bench claims holds the conclusions that rest on these numbers against them")
    return ExitCode.OK
