"""The report of a suite: files of each exhibit, the leakage of selection on test images, the leaderboards, the HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark.analysis import claims, leaderboard, leakage
from benchmark.analysis.moves import Moves
from benchmark.analysis.other_questions import NO_OTHERS, Others
from benchmark.analysis.results import Measured
from benchmark.core.cores import cores
from benchmark.core.files import writing, written_whole
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.reporting import exhibit_files, next_step, page
from benchmark.reporting.figures import draw
from benchmark.reporting.figures.draw import PNG, Pictures


def write(
    exhibits: Sequence[Measured],
    records: Mapping[str, Record],
    store: Store,
    folder: Path,
    others: Others = NO_OTHERS,
    pictures: Pictures = PNG,
    moves: Moves | None = None,
) -> Iterator[Path]:
    """Write the report; exhibits with too few measured cells are left out.

    Args:
        exhibits: the exhibits of one suite.
        records: usable records by key, for the verdicts of the claims.
        store: the store of the records.
        folder: folder of the files, created if missing.
        others: records of other questions, whose exhibits are all written.
        pictures: files of each figure.
        moves: what moved since an earlier measurement.

    Yields:
        Each path after it is written; the HTML page is the last.
    """
    ready = [*(measured for measured in exhibits if measured.ready), *others.shown]
    with writing("reports", folder, "--reports"):
        folder.mkdir(parents=True, exist_ok=True)
        draw.draw_all(((one, path) for one in ready for path in pictures.paths(one, folder)), pictures.titled)
    for measured in ready:
        yield from exhibit_files.write(measured, folder, pictures)
    leaks, boards = leakage.leaks(exhibits), leaderboard.boards(exhibits, store)
    tidy = {
        "leakage.csv": leakage.csv(leaks, exhibits[0].suite) if leaks else "",
        "leaderboard.csv": leaderboard.csv(boards) if boards else "",
    }
    for name, text in tidy.items():
        if text:
            with written_whole("reports", folder / name, "--reports") as file:
                file.write(text.encode())
            yield folder / name
    verdicts = claims.all_verdicts(exhibits[0].suite, records, store, exhibits) if records else []
    step = next_step.find(exhibits, records, cores())
    yield page.write(exhibits, store.problems, folder, verdicts, leaks, others, moves, step, boards)
