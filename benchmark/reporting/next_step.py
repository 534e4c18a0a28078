"""The command that a reader of a report types next: what is missing of the main exhibit, then of all, then more seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.results import Measured
from benchmark.exhibits.run import Run
from benchmark.records.record import Record
from benchmark.running import forecast
from benchmark.running.forecast import Forecast

MAIN = "table4"
"""The exhibit that answers the paper's question: methods over shots on the source task."""


@dataclass(frozen=True)
class Step:
    """A command, why it is the next, and the forecast of its runs."""

    command: str
    why: str
    expected: Forecast

    @property
    def time(self) -> str:
        """The time in words; features that are not there yet come on top of it."""
        return f"{self.expected.words}, without features"


def find(exhibits: Sequence[Measured], records: Mapping[str, Record], processes: int) -> Step | None:
    """Find the next step.

    Args:
        exhibits: The exhibits of one suite.
        records: Key -> record.
        processes: Number of worker processes.

    Returns:
        The step; None where the suite has no run.
    """
    main = [measured for measured in exhibits if measured.exhibit.id == MAIN] or exhibits[:1]
    suite = main[0].suite
    more = [*range(max(suite.seeds) + 1, max(suite.seeds) + 1 + len(suite.seeds))]
    again = f"{main[0].command} --seeds {','.join(map(str, more))}"
    choices = (
        (main[0].command, f"measures what is missing of {main[0].exhibit.title}", _missing(main, records)),
        (f"bench run --all{suite.option}", "measures what is not measured yet", _missing(exhibits, records)),
        (again, "measures other draws of the support set, which narrows the intervals", _missing(main, records, more)),
    )
    for command, why, runs in choices:
        if runs:
            return Step(command, why, forecast.of_runs(runs, records, processes))
    return None


def _missing(
    exhibits: Sequence[Measured], records: Mapping[str, Record], seeds: Sequence[int] | None = None
) -> list[Run]:
    """Runs of the cells of exhibits that have no record, each once."""
    asked = (run for one in exhibits for cell in one.exhibit.cells() for run in cell.runs(one.suite, seeds))
    return list({run.key: run for run in asked if run.key not in records}.values())
