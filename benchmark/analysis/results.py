"""Records -> the tidy rows of an exhibit: one row for each cell and selection. Starts at the store, never fits."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property

from benchmark.analysis import sizes
from benchmark.analysis.by_class import ByClass
from benchmark.analysis.drawn import few, unvalidated
from benchmark.analysis.own_methods import with_own
from benchmark.analysis.sizes import Size
from benchmark.analysis.weights import other_weights
from benchmark.core import tidy_csv
from benchmark.exhibits.exhibit import Cell, Exhibit
from benchmark.exhibits.naming import METHODS, column_named, shown_in
from benchmark.exhibits.needs import of_cell
from benchmark.numerics import stats
from benchmark.records import readings, reference
from benchmark.records.readings import Reading, searched
from benchmark.records.record import SELECTIONS, Record
from benchmark.suites.suite import Suite

UNREAD = "measured before this was recorded; --rerun measures it again"


@dataclass(frozen=True)
class Row:
    """A cell under one selection. mean and interval in per cent, where the metric counts images, else as a ratio.

    correct and n: summed over seeds (and over data sets, where the cell is their mean).  seeds = 0: not run.
    paper: the paper's printed value, in a suite whose values may be compared with it, else None. It is also None beside a
    value that was measured on another number of test images than published.
    n_published: images of the published test sets, summed as n is, in a suite whose values may be compared.
    """

    exhibit: str
    row: str
    column: str
    suite: str
    selection: str
    metric: str
    mean: float | None
    ci_low: float | None
    ci_high: float | None
    seeds: int
    correct: int | None
    n: int | None
    paper: float | None
    n_published: int | None = None


COLUMNS = [*(f.name for f in fields(Row)), "note"]
COMPARED = ("n_published",)
"""Columns that only suites have whose values may be compared with the paper's."""
ASKED = ("dataset", "method", "shots", "n_seeds")
"""Columns for people: data set of the test images as the suite names it, class of the method, shots, number of seeds."""
BALANCED = ("balanced", "balanced_low", "balanced_high")
"""Columns of a test set that is not balanced: the balanced accuracy under `val` with its interval."""


ENOUGH = 0.3  # two of five numbers of shots, as --quick has them, are enough; one backbone of four is not
"""The part of an exhibit that must be measured for it to be shown by itself."""


@dataclass(frozen=True)
class Measured:
    """An exhibit with what the store knows of it.

    records: (row, column) -> the records of its seeds.  missing: why a cell has no number.  texts: cells that only say
    what a method's class declares, which are no rows.  skipped: cells that runs went without, and what was missing.
    logged: what the method's repository logged for a cell that the paper prints nothing of, in a suite that may be compared.
    stale: what a cell was measured on and is another today (`benchmark.analysis.staleness`).
    sizes: test sets of another number of images than published that a cell was measured on, in a suite that may be compared.
    failed: why runs of a cell failed in the call that draws the exhibit.
    by_class: what cells predicted by class, where their test set is not balanced (`benchmark.analysis.by_class`).
    """

    exhibit: Exhibit
    suite: Suite
    rows: list[Row]
    records: dict[tuple[str, str], list[Record]]
    missing: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    logged: dict[tuple[str, str], float] = field(default_factory=dict)
    stale: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    skipped: dict[tuple[str, str], str] = field(default_factory=dict)
    sizes: dict[tuple[str, str], list[Size]] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    by_class: dict[tuple[str, str], ByClass] = field(default_factory=dict)

    @cached_property
    def other_sizes(self) -> str:
        """Test sets of the cells in `sizes`, each once, in words; empty if there are none."""
        every = dict.fromkeys(size for of_cell in self.sizes.values() for size in of_cell)
        return sizes.in_words(list(every), self.suite)

    @property
    def command(self) -> str:
        """Command that measures the exhibit in this suite."""
        return self.exhibit.command + self.suite.option

    def again(self, rows: Sequence[str]) -> str:
        """Command that measures rows again: of the exhibit, or these rows alone where one is no row of the exhibit's file."""
        named = [self.exhibit.added.get(row, row) for row in dict.fromkeys(rows)]
        only = named if any(row in self.exhibit.added for row in rows) else []
        return self.command + "".join(f" --method {shlex.quote(name)}" for name in only) + " --rerun"

    def columns(self, names: Collection[str] | None = None) -> list[str]:
        """Columns for people, in the order of the exhibit: those with these names, by default all."""
        chosen = (c for c in self.exhibit.columns if names is None or c["name"] in names)
        return [column_named(column, self.suite) for column in chosen]

    def column(self, name: str) -> str:
        """The column with a name, for people; "" for one that the exhibit has not."""
        return "".join(self.columns([name]))

    def prevented(self, places: Iterable[tuple[str, str]]) -> str:
        """Why none of these cells can be measured in this suite: "not run: …"; "" if one can."""
        reasons = [self.missing.get(place, "") for place in places]
        return reasons[0] if reasons and all(reason.startswith("not run: ") for reason in reasons) else ""

    def at(self, row: str, column: str, selection: str = "val") -> Row:
        """One row by its place."""
        return self._places[row, column, selection]

    @cached_property
    def fewer(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Cells of fewer seeds than another cell of their column -> their seeds, and the most of the column.

        A row without a support set draws nothing and has one run, which is not fewer.
        """
        seeds = {
            place: len({record.seed for record in found})
            for place, found in self.records.items()
            if any(record.shots for record in found)
        }
        most: dict[str, int] = {}
        for (_, column), number in seeds.items():
            most[column] = max(number, most.get(column, 0))
        return {(row, column): (n, most[column]) for (row, column), n in seeds.items() if n < most[column]}

    @cached_property
    def best(self) -> dict[str, list[str]]:
        """Column -> rows with its highest accuracy on test images under `val`, all in a tie; none of a number alone."""
        found: dict[str, dict[str, float]] = {}
        for row in self.rows:
            if row.selection == "val" and row.metric in readings.ON_TEST_IMAGES and row.mean is not None:
                found.setdefault(row.column, {})[row.row] = row.mean
        tops = {column: max(means.values()) for column, means in found.items() if len(means) > 1}
        return {column: [row for row, mean in found[column].items() if mean == top] for column, top in tops.items()}

    def part(self, asked: Collection[tuple[str, str]] | None = None) -> "Measured":
        """The rows and columns of the exhibit in which something is to be shown; all where nothing is.

        Args:
            asked: Cells, (row, column), that are shown whatever is known of them, while published numbers of others are no
                reason to show these; None for all that has a number.

        Returns:
            The exhibit with the rows and columns that have a number, ours or a published one, or the reason why a run was
            skipped or failed. A row that has one run for all columns brings none of them.
        """
        places = {(row.row, row.column) for row in self.rows if row.mean is not None} | {*self.skipped, *self.failed}
        if asked is None:
            places |= {(row.row, row.column) for row in self.rows if row.paper is not None} | {*self.logged}
        places |= {*(asked or ())}
        if not places:
            return self
        rows = [row for row in self.exhibit.rows if any(row["name"] == name for name, _ in places)]
        there = {row["name"] for row in rows}
        levels = {row["name"] for row in rows if "shots" in row}
        bringing = {place for place in places if place[0] not in levels} or asked or places
        columns = {column for _, column in bringing}
        columns |= {column for name, column in self.texts if name in there}
        kept = [column for column in self.exhibit.columns if column["name"] in columns]
        return replace(self, exhibit=replace(self.exhibit, rows=rows, columns=kept))

    def widest(self, places: Collection[tuple[str, str]], half: float) -> Row | None:
        """The accuracy with the widest interval over seeds of some cells, if half of it is at least `half` points."""
        found = {
            (row.ci_high - row.ci_low) / 2: row
            for row in self.rows
            if (row.row, row.column) in places and row.selection == "val" and readings.counted(row.metric)
            if row.seeds > 1 and row.ci_low is not None and row.ci_high is not None
        }
        return found[max(found)] if max(found, default=0.0) >= half else None

    @cached_property
    def share(self) -> float:
        """The part of the cells to be measured that is measured, 0 to 1."""
        places = [(cell.row, cell.column) for cell in self.exhibit.cells() if cell.method and not cell.recorded]
        wanted = [place for place in places if place not in self.texts]
        return sum(bool(self.records.get(place)) for place in wanted) / max(1, len(wanted))

    @cached_property
    def ready(self) -> bool:
        """Whether there is enough to show: a good part of the cells, and something in every panel; or an own method."""
        if self.exhibit.id == METHODS and any("recorded" in row for row in self.exhibit.rows):
            return True
        panels = self.exhibit.by_panel().values()
        filled = [
            any(self.records.get((row["name"], c["name"])) for row in self.exhibit.rows for c in p) for p in panels
        ]
        return self.share >= ENOUGH and all(filled)

    @cached_property
    def _places(self) -> dict[tuple[str, str, str], Row]:
        return {(r.row, r.column, r.selection): r for r in self.rows}

    def note(self, place: tuple[str, str]) -> str:
        """In few words: a cell that is stale, of fewer seeds than others, other weights, few or no validation images."""
        records = self.records.get(place, [])
        old = f"stale: other {', '.join(self.stale[place])}" if place in self.stale else ""
        seeds = "{} of the {} seeds of others".format(*self.fewer[place]) if place in self.fewer else ""
        unchosen = "no validation images" if unvalidated(records) else ""
        return "; ".join(filter(None, [old, seeds, *other_weights(records), few(records, self.suite), unchosen]))

    def tidy(self, named: bool = True) -> list[dict[str, object]]:
        """Plain dictionaries of the cells with a number, for a data frame; columns as the suite or the exhibit names them."""
        columns = {c["name"]: column_named(c, self.suite) if named else c["name"] for c in self.exhibit.columns}
        return [
            {
                **asdict(row),
                "column": columns[row.column],
                "note": self.note((row.row, row.column)),
                **self._asked[row.row, row.column],
                "n_seeds": row.seeds,
                **self._balanced(row),
            }
            for row in self.rows
            if row.mean is not None or row.paper is not None
        ]

    @cached_property
    def _asked(self) -> dict[tuple[str, str], dict[str, object]]:
        """Data set, method and shots of each cell."""
        roles = {(c.row, c.column): [part.target or part.dataset for part in c.parts()] for c in self.exhibit.cells()}
        return {
            (cell.row, cell.column): {
                "dataset": ", ".join(self.suite.named(role) for role in roles[cell.row, cell.column] if role),
                "method": cell.method,
                "shots": cell.question.shots,
            }
            for cell in self.exhibit.cells()
        }

    def _balanced(self, row: Row) -> dict[str, float | None]:
        found = self.by_class.get((row.row, row.column)) if row.selection == "val" else None
        return dict(zip(BALANCED, (None, None, None) if found is None else found.balanced, strict=True))


def gather(
    exhibit: Exhibit,
    suite: Suite,
    records: Mapping[str, Record],
    skipped: Mapping[str, str] | None = None,
    failed: Mapping[str, str] | None = None,
    own: bool = True,
) -> Measured:
    """Gather the records of an exhibit's cells; a cell is the mean over the seeds that have a record.

    Args:
        exhibit: Exhibit.
        suite: Suite of the records.
        records: Key -> record.
        skipped: Assets that were missing when runs were skipped, name -> state (`Store.skipped`).
        failed: Runs that failed in this call, `Run.cell_key` -> reason.
        own: Whether methods of other packages with records on the exhibit's grid have rows (`own_methods.with_own`).

    Returns:
        The exhibit, its columns as the suite names them, with the rows and records of its cells, and the reasons for cells
        without a number.
    """
    exhibit = shown_in(with_own(exhibit, suite, records.values()) if own else exhibit, suite)
    by_cell: dict[str, list[Record]] = {}
    for record in sorted(records.values(), key=lambda r: r.seed):
        by_cell.setdefault(record.cell_key, []).append(record)
    measured = Measured(exhibit, suite, [], {})
    for cell in exhibit.cells():
        _add(measured, cell, by_cell, skipped or {}, failed or {})
    return measured


def _add(
    measured: Measured,
    cell: Cell,
    by_cell: Mapping[str, list[Record]],
    skipped: Mapping[str, str],
    failed: Mapping[str, str],
) -> None:
    """One cell: its records, its rows, or why it has none."""
    place = cell.row, cell.column
    if cell.declared is not None:
        measured.texts[place] = cell.declared
        return
    lacking = cell.lacks(measured.suite)
    keys = [[runs[0].cell_key for runs in part] for part in cell.groups(measured.suite)]
    groups = [_searched([by_cell.get(key, []) for key in part]) for part in keys]
    reason = next((failed[key] for part in keys for key in part if key in failed), "")
    if reason:
        measured.failed[place] = reason
    found = [seed for seed in _complete(groups) if all(_answers(record, cell.question.target) for record in seed)]
    measured.records[place] = [record for seed in found for record in seed]
    if measured.suite.comparable and (others := sizes.others(sizes.of_cell(cell.question, measured.records[place]))):
        measured.sizes[place] = others
    rows = [_row(measured, cell, selection, found) for selection in SELECTIONS]
    open_to_log = measured.suite.comparable and place not in measured.sizes and rows[0].paper is None
    logged = reference.logged(cell.question.log or {}) if open_to_log else None
    if logged is not None:
        measured.logged[place] = logged
    measured.rows.extend(rows)
    if all(row.seeds for row in rows) or cell.empty:
        return
    gone = [need.words for need in of_cell(cell, measured.suite) if need.words in skipped]
    if gone:
        lacking = measured.skipped[place] = f"{gone[0]} {skipped[gone[0]]}"
    told = (UNREAD if found else "not yet run") if cell.question.missing is None else cell.question.missing
    told = f"failed: {reason}" if reason else told
    measured.missing[place] = f"not run: {lacking}" if lacking else told


def _answers(record: Record, target: str | None) -> bool:
    """Whether a record has answers to the images that a cell is about: the test images, or those of a shift."""
    return target is None or target in (record.shifts or {})


def _searched(alternatives: Sequence[list[Record]]) -> list[Record]:
    """Seed by seed what a search over several runs, the method's own first, gives; itself where there is but one."""
    if len(alternatives) == 1:
        return alternatives[0]
    return [searched(runs) for runs in _complete(alternatives)]


def _complete(groups: Sequence[list[Record]]) -> list[list[Record]]:
    """The records of each seed that every part has: what a mean over data sets may be taken of."""
    by_seed = [{record.seed: record for record in group} for group in groups]
    if not by_seed:
        return []
    return [[part[seed] for part in by_seed] for seed in by_seed[0] if all(seed in part for part in by_seed)]


def _row(measured: Measured, cell: Cell, selection: str, found: Sequence[Sequence[Record]]) -> Row:
    exhibit, suite, metric = measured.exhibit, measured.suite, cell.question.metric
    assert metric is not None
    place = (exhibit.id, cell.row, cell.column, suite.name, selection, metric)
    alike = suite.comparable and place[1:3] not in measured.sizes
    paper = reference.printed(exhibit.reference, cell.question.cite or {}) if alike else None
    read = [[readings.read(record, cell.question, selection) for record in seed] for seed in found]
    seeds = [[reading for reading in seed if reading is not None] for seed in read]
    if not seeds or any(len(seed) < len(all_of_it) for seed, all_of_it in zip(seeds, read, strict=True)):
        return Row(*place, None, None, None, 0, None, None, paper)
    mean, low, high = _interval(seeds, readings.counted(metric))
    counts = [(r.correct, r.n) for seed in seeds for r in seed if r.correct is not None and r.n is not None]
    correct, n = (sum(part) for part in zip(*counts, strict=True)) if counts else (None, None)
    return Row(*place, mean, low, high, len(seeds), correct, n, paper, _published(measured, cell, found))


def _published(measured: Measured, cell: Cell, found: Sequence[Sequence[Record]]) -> int | None:
    """Images of the published test sets of a cell, summed over seeds and data sets; None where they are not known."""
    if not measured.suite.comparable or cell.question.metric not in readings.ON_TEST_IMAGES:
        return None
    each = [sizes.of_cell(cell.question, [record]) for seed in found for record in seed]
    return sum(size[0].published for size in each) if all(each) else None


def _interval(seeds: Sequence[Sequence[Reading]], counted: bool) -> tuple[float, float | None, float | None]:
    """Mean and interval of a cell. One seed's counts have one over images, one seed's ratio has none."""
    values = [sum(r.value for r in seed) / len(seed) for seed in seeds]
    if len(seeds) > 1:
        return stats.over_seeds(values) if counted else stats.spread(values)
    if not counted:
        return values[0], None, None
    correct, n = [r.correct or 0 for r in seeds[0]], [r.n or 0 for r in seeds[0]]
    return stats.interval(correct, n) if len(n) == 1 else stats.of_means(correct, n)


def csv(measured: Measured, named: bool = True) -> str:
    """The tidy rows of the cells with a number, ours or the paper's; percentages to four decimals.

    Args:
        measured: Exhibit.
        named: Whether it is for people: data sets in names of columns are named by the suite and not by their roles, and
            there are the columns `ASKED` and `BALANCED`.

    Returns:
        CSV with a header.
    """
    columns = [name for name in COLUMNS if measured.suite.comparable or name not in COMPARED]
    columns += ASKED if named else ()
    columns += BALANCED if named and measured.by_class else ()
    return tidy_csv.text(columns, measured.tidy(named))
