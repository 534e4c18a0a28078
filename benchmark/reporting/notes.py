"""Notes under a table: missing and marked cells, deviations from the published settings, licences."""

from collections.abc import Sequence

from benchmark.analysis import remarks
from benchmark.analysis.results import Measured
from benchmark.core.text import and_counted, markdown
from benchmark.exhibits.exhibit import Cell
from benchmark.exhibits.naming import method_named
from benchmark.exhibits.run import Run
from benchmark.methods.choice import Choice
from benchmark.methods.construct import predictor_class
from benchmark.methods.crops import listed
from benchmark.suites.suite import Suite

NAMED = 6
"""Largest number of columns that a note names; of more columns, the note gives the number."""
LOGGED = (
    "log: what the method's own repository logged, where the paper prints nothing; test-selected where its released code is"
    " (results/reference/paper/README.md)."
)
REASONS = 2
"""Largest number of reasons that a note gives for a row's missing cells; of more reasons, the note gives the first."""


def selection_words(measured: Measured) -> str:
    """The sentence on the selection of epoch and settings and on the number of seeds."""
    counts = and_counted({row.seeds for row in measured.rows if row.seeds}, "seed") or "no seeds"
    marked = ", fewer than others in the column where it says so" if measured.fewer else ""
    return f"{remarks.chosen(measured)}; {counts} a cell{marked}."


def notes(measured: Measured) -> list[str]:
    """The section of notes in Markdown, as a heading and a list; empty if there are none."""
    notes = [f"- {markdown(f'{names}: {reason}.')}" for names, reason in missing(measured).items()]
    notes += [f"- {markdown(text)}." for text in remarks.sentences(measured)]
    notes += [f"- {markdown(line)}" for line in deviations(measured)]
    return ["## Notes", "\n".join(notes)] if notes else []


def missing(measured: Measured) -> dict[str, str]:
    """Reasons for missing cells, rows with one reason together: "CoOp, VT-CLIP" -> "not yet run at 2-shot"."""
    rows: dict[str, list[str]] = {}
    for name, reason in missing_rows(measured).items():
        rows.setdefault(reason, []).append(name)
    return {", ".join(names): reason for reason, names in rows.items()}


def missing_rows(measured: Measured) -> dict[str, str]:
    """Reason for the missing cells of each row, with the columns if not all cells of the row are missing."""
    found: dict[str, str] = {}
    for row in measured.exhibit.rows:
        by_reason: dict[str, list[str]] = {}
        for column in measured.exhibit.columns:
            if (row["name"], column["name"]) in measured.missing:
                by_reason.setdefault(measured.missing[row["name"], column["name"]], []).append(column["name"])
        words = [_why(measured, reason, gone) for reason, gone in by_reason.items()]
        if len(words) > REASONS:
            words = [words[0], f"and {len(words) - 1} times more for a reason of its kind"]
        if words:
            found[row["name"]] = "; ".join(words)
    return found


def _why(measured: Measured, reason: str, gone: list[str]) -> str:
    """A reason with the columns that it holds for, unless it holds for all: "not yet run at 1-shot, 2-shot"."""
    told = reason.startswith(("not run: ", "failed: "))
    head, _, tail = reason.partition(": ") if told else ("not yet run", "", reason)
    tail = "" if tail == "not yet run" else f"{': ' if told else '; '}{tail}"
    asked = [c["name"] for c in measured.exhibit.columns if "declares" not in c]
    if len(gone) >= len(asked):
        return head + tail
    where = ", ".join(measured.columns(gone)) if len(gone) <= NAMED else f"{len(gone)} of {len(asked)} columns"
    return f"{head} at {where}{tail}"


def deviations(measured: Measured) -> list[str]:
    """Sentences on deviations: of methods from their publications, of the suite from published settings; and licences."""
    cells = [cell for cell in measured.exhibit.cells() if not cell.recorded]
    methods: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.method:
            methods.setdefault(cell.method, {})[cell.row] = None
    notes = {", ".join(rows): predictor_class(method).note for method, rows in methods.items()}
    lines = [f"{names}: {note}." for names, note in notes.items() if note]
    lines += [f"{row}: {text}." for row, text in _stand_ins(cells, measured.suite).items()]
    for method, settings in measured.suite.methods.items():
        if method in methods:
            said = ", ".join(_plain(name, value) for name, value in settings.items())
            lines.append(f"{method_named(method)} runs with {said} in this suite.")
    lines += released(cells, measured.suite) + ([LOGGED] if measured.logged else [])
    return [*lines, *_licences(measured), *crops(measured), cached_views(measured.suite)]


def released(cells: Sequence[Cell], suite: Suite) -> list[str]:
    """The sentences on what the selection `released` chooses for each row with a training; empty without such a row."""
    found: dict[str, dict[str, list[str]]] = {}  # row -> the words of a choice -> the data sets that it is made on
    runs = [(cell.row, run) for cell in cells for part in cell.groups(suite, [0]) for run in part[0] if run.shots]
    for row, run in runs:
        datasets = found.setdefault(row, {}).setdefault(_chosen(run), [])
        datasets += [run.dataset] if run.dataset not in datasets else []
    rows: dict[str, list[str]] = {}
    for row, by_words in found.items():
        for words, datasets in by_words.items():
            where = suite.named(datasets[0]) if len(datasets) == 1 else f"{len(datasets)} data sets"
            rows.setdefault(words, []).append(row if len(by_words) == 1 else f"{row} on {where}")
    said = "; ".join(f"{', '.join(names)}: {words}" for words, names in rows.items())
    split = " Where the released code has a whole validation split, the few-shot validation images serve here."
    return (
        [f"`released` chooses as the released code does. {said}.{split if ' on val' in said else ''}"] if rows else []
    )


def _chosen(run: Run) -> str:
    """The words of what `released` chooses for a run."""
    known = predictor_class(run.method).released.source
    return Choice(**run.released).words + ("" if known else ", no released code being known")


def crops(measured: Measured) -> list[str]:
    """The sentence on the random crops that the methods of each measured row were trained on; empty without such a row."""
    said = listed((r.crops, row) for (row, _), found in measured.records.items() for r in found if r.shots and r.crops)
    return [f"Random crops of the support images, by share of the area: {said}."] if said else []


def cached_views(suite: Suite) -> str:
    """The sentence on the cached views of a suite, where released code crops anew in every step."""
    few = f" ({suite.large_views} where it reads whole images or their places)" if suite.large_views else ""
    return (
        f"Every method trains on {suite.views} cached views of each image{few} (view 0 as tested, the others randomly cropped"
        " and flipped), epoch e on view e modulo that; released code crops anew in every step."
    )


def _licences(measured: Measured) -> list[str]:
    """The sentence on the licences of data and weights, by the records; empty if the records name none."""
    records = [record for found in measured.records.values() for record in found]
    terms = {name: text for record in records for name, text in (record.licences or {}).items()}
    if not terms:
        return []
    kind = "Non-commercial" if any(record.noncommercial for record in records) else "No non-commercial"
    return [f"{kind} assets took part; licences: " + "; ".join(f"{name}: {text}" for name, text in terms.items()) + "."]


def _stand_ins(cells: Sequence[Cell], suite: Suite) -> dict[str, str]:
    """The suite's `stand_ins` text for each row with a method that needs generated images or sentences."""
    first: dict[str, Run] = {}
    for cell in cells:
        if cell.row not in first and (made := cell.runs(suite, [0])):
            first[cell.row] = made[0]
    said = {row: suite.datasets[run.dataset].get("stand_ins") for row, run in first.items() if run.wants()}
    return {row: str(text) for row, text in said.items() if text}


def _plain(name: str, value: object) -> str:
    """A setting as text, "n_ctx = 4"; for a recipe its parts, "epochs = 20"."""
    parts = value if isinstance(value, dict) else {name: value}
    return ", ".join(f"{part} = {said}" for part, said in parts.items())
