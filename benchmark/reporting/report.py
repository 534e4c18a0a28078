"""The report of a suite: files of each exhibit, the leakage of selection on test images, and the HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.analysis import claims, leakage
from benchmark.analysis.other_questions import NO_OTHERS, Others
from benchmark.analysis.results import Measured
from benchmark.core.files import writing, written_whole
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.reporting import exhibit_files, page
from benchmark.reporting.figures import draw


def write(
    exhibits: Sequence[Measured],
    records: Mapping[str, Record],
    store: Store,
    folder: Path,
    others: Others = NO_OTHERS,
) -> Iterator[Path]:
    """Write the report; exhibits with too few measured cells are left out.

    Args:
        exhibits: the exhibits of one suite.
        records: usable records by key, for the verdicts of the claims.
        store: the store of the records.
        folder: folder of the files, created if missing.
        others: records of other questions, whose exhibits are all written.

    Yields:
        Each path after it is written; the HTML page is the last.
    """
    ready = [*(measured for measured in exhibits if measured.ready), *others.shown]
    with writing("reports", folder, "--reports"):
        folder.mkdir(parents=True, exist_ok=True)
        draw.draw_all((measured, folder / f"{measured.exhibit.id}.png") for measured in ready)
    for measured in ready:
        yield from exhibit_files.write(measured, folder)
    leaks = leakage.leaks(exhibits)
    if leaks:
        path = folder / "leakage.csv"
        with written_whole("reports", path, "--reports") as file:
            file.write(leakage.csv(leaks, exhibits[0].suite).encode())
        yield path
    verdicts = claims.all_verdicts(exhibits[0].suite, records, store, exhibits) if records else []
    yield page.write(exhibits, store.problems, folder, verdicts, leaks, others)
