"""Work of `bench lint-paper`: disagreements among the paper's printed numbers."""

import json
from collections import Counter
from dataclasses import asdict

from benchmark.analysis.lint_paper import findings
from benchmark.core.errors import ExitCode
from benchmark.core.streams import say, show


def lint_paper(form: str) -> ExitCode:
    """List where the paper's printed numbers disagree, with themselves and with their sources."""
    found = findings()
    if form == "json":
        show(json.dumps([asdict(finding) for finding in found], indent=1, ensure_ascii=False))
        return ExitCode.OK
    for finding in found:
        show(f"{finding.kind}: {finding.where}: {finding.says}\n    [{'; '.join(finding.sources)}]")
    counts = Counter(finding.kind for finding in found)
    say(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    return ExitCode.OK
