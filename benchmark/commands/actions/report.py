"""Work of `bench report`: exhibits and the HTML page of all exhibits, from the records."""

from collections.abc import Sequence

from benchmark.commands.actions.opening import find_others, gather_marked, open_suite
from benchmark.core.errors import ExitCode
from benchmark.core.settings import Settings
from benchmark.core.streams import say
from benchmark.exhibits import exhibit
from benchmark.reporting.figures.draw import Pictures
from benchmark.reporting.report import write as write_report


def report(suite: str, settings: Settings, formats: Sequence[str], no_title: bool) -> ExitCode:
    """Write the HTML page, and every exhibit's Markdown, CSV and pictures, from what is measured."""
    opened, store, records = open_suite(suite, settings)
    shown = gather_marked([exhibit.load(name) for name in exhibit.names()], opened, store, records, settings)
    others = find_others(opened, store, records, settings)
    pictures = Pictures(formats, titled=not no_title)
    for path in write_report(shown, records, store, settings.reports / opened.name, others, pictures):
        say(f"wrote {path}")
    return ExitCode.OK
