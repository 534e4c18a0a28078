"""Work of `bench report`: exhibits and the HTML page of all exhibits, from the records."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.analysis import moves
from benchmark.analysis.moves import Moves
from benchmark.analysis.results import Measured
from benchmark.commands.actions.opening import check_measured, find_others, gather_marked, open_suite, say_skipped
from benchmark.core.cores import cores
from benchmark.core.errors import ExitCode, Incomplete
from benchmark.core.settings import Settings
from benchmark.core.streams import say, say_next
from benchmark.exhibits import exhibit
from benchmark.records.store import Store
from benchmark.reporting import next_step
from benchmark.reporting.figures.draw import Pictures
from benchmark.reporting.report import write as write_report


def report(suite: str, settings: Settings, formats: Sequence[str], no_title: bool, against: str | None) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and pictures, from what is measured."""
    opened, store, records = open_suite(suite, settings)
    check_measured(opened, store, records)
    shown = gather_marked([exhibit.load(name) for name in exhibit.names()], opened, store, records, settings)
    others = find_others(opened, store, records, settings)
    pictures = Pictures(formats, titled=not no_title)
    moved = None if against is None else _moves([*shown, *others.shown], store, Path(against))
    for path in write_report(shown, records, store, settings.reports / opened.name, others, pictures, moved):
        say(f"wrote {path}")
    if moved is not None:
        say(f"against {moved.folder}: {moved.words}")
    step = next_step.find(shown, records, cores())
    say_next(f"{step.command} {step.why} ({step.time})" if step else f"bench claims{opened.option} says what holds")
    return ExitCode.OK


def _moves(shown: Sequence[Measured], store: Store, folder: Path) -> Moves:
    """What moved since the results in `folder`; Incomplete where it has no record of the suite."""
    old = Store(folder / store.root.name)
    earlier = old.records()
    if not earlier:
        raise Incomplete(
            f"--against {folder}: no records in {old.root}; name a folder as --results takes it, such as results"
        )
    say_skipped(old)
    return moves.since(shown, store, folder, earlier, old)
