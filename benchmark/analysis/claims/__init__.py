"""The paper's conclusions, held against its printed numbers and against ours, and questions beyond it, which quote nothing:
each is a TOML file beside this one.

`all_verdicts` gives every claim a verdict on the "paper"'s numbers, and on ours under each selection of `SOURCES`.
"""

from benchmark.analysis.claims.model import Claim, load, names, parse
from benchmark.analysis.claims.verdicts import (
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
    verdict,
    words,
)

__all__ = [
    "CONTRADICTED",
    "INCONCLUSIVE",
    "NOT_RUN",
    "SOURCES",
    "SUPPORTED",
    "Claim",
    "ClaimRow",
    "Comparison",
    "Verdict",
    "all_verdicts",
    "contradictions",
    "gate",
    "load",
    "names",
    "parse",
    "verdict",
    "words",
]
