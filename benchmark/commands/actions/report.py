"""Work of `bench report`: exhibits and the HTML page of all exhibits, from the records."""

from benchmark.commands.actions.opening import check_measured, find_others, gather_marked, open_suite
from benchmark.core.errors import ExitCode
from benchmark.core.settings import Settings
from benchmark.core.streams import say
from benchmark.exhibits import exhibit
from benchmark.reporting.report import write as write_report


def report(suite: str, settings: Settings) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and PNG, from what is measured."""
    opened, store, records = open_suite(suite, settings)
    check_measured(opened, store, records)
    shown = gather_marked([exhibit.load(name) for name in exhibit.names()], opened, store, records, settings)
    others = find_others(opened, store, records, settings)
    for path in write_report(shown, records, store, settings.reports / opened.name, others):
        say(f"wrote {path}")
    return ExitCode.OK
