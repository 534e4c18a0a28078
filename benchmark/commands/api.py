"""AMU-Bench from Python: what a command measures, and records as pandas data frames.

    import benchmark as ab

    ab.run(table=4, shots=[1, 16], seeds=3)                         # a Table, which a notebook shows with its intervals
    ab.measure("head.py:Head", dataset="folder:birds", shots=16)    # your own method on your own images
    ab.results().groupby(["method", "shots"], observed=True)["accuracy"].mean()

Nothing is printed unless `verbose` is set; a notebook shows a progress bar while runs are measured. The line in which a
command refuses something is the message of a BenchError.
"""

import io
import multiprocessing
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from html import escape
from typing import Any, TextIO

import pandas as pd

from benchmark.analysis import compare as comparing
from benchmark.analysis.claims import all_verdicts
from benchmark.analysis.remarks import sentences
from benchmark.analysis.results import Measured
from benchmark.commands.actions.choosing import chosen_exhibits, measured_roles
from benchmark.commands.actions.opening import gather_marked, open_suite
from benchmark.commands.actions.run import run as measure_exhibit
from benchmark.core import settings as settings_module
from benchmark.core.errors import BenchError, ExitCode
from benchmark.core.names import of_file
from benchmark.exhibits import exhibit, substitution
from benchmark.exhibits.naming import METHODS
from benchmark.exhibits.substitution import Instead
from benchmark.records import lines
from benchmark.records.record import SELECTIONS
from benchmark.reporting.tables import HTML, frames, main_table, shown

Numbers = int | Iterable[int] | None
"""One number, several, or None for those of the exhibit or the suite."""


@dataclass(frozen=True, repr=False)
class Table:
    """An exhibit with what is measured of it.

    Attributes:
        measured: The exhibit, and the rows and records of its cells.
    """

    measured: Measured

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each measured cell and selection: mean, ci_low, ci_high (in per cent, ratios as such), seeds, n, note."""
        names = [row["name"] for row in self.measured.exhibit.rows]
        found = pd.DataFrame([row for row in self.measured.tidy() if row["seeds"]])
        return _ordered(found, row=names, selection=SELECTIONS) if len(found) else found

    def pivot(self, value: str = "mean", selection: str = "val") -> pd.DataFrame:
        """Rows by columns of the exhibit, in its order.

        Args:
            value: Column of `frame` that fills the cells.
            selection: "last", "val", "released" or "test".

        Returns:
            One value for each measured cell.
        """
        part = self.frame[self.frame["selection"] == selection]
        wide = part.pivot(index="row", columns="column", values=value)
        return wide[list(dict.fromkeys(part["column"]))]

    def __repr__(self) -> str:
        """The table in Markdown."""
        return main_table(self.measured)

    def _repr_html_(self) -> str:
        """The table for a notebook: title, means with their 95 % intervals under `val`, and the sentences on marked cells."""
        part = self.measured.part()
        panels = frames(part, partial(shown, part), part.best, HTML)
        drawn = "".join(
            (f"<p>{escape(panel)}</p>" if panel else "")
            + f"{frame.set_index(frame.columns[0]).to_html(escape=False, index_names=False)}"
            for panel, frame in panels.items()
        )
        said = "".join(f"<p>{escape(sentence)}.</p>" for sentence in sentences(part))
        return f"<p><b>{escape(part.exhibit.title)}</b></p>{drawn}{said}"


def run(
    table: int | str | None = None,
    figure: int | str | None = None,
    *,
    method: str | Iterable[str] = (),
    shots: Numbers = None,
    seeds: Numbers = None,
    dataset: str | None = None,
    aux: str | None = None,
    backbone: str | None = None,
    template: str | Iterable[str] = (),
    classnames: str | None = None,
    quick: bool = False,
    rerun: bool = False,
    skip_missing: bool = False,
    jobs: int | None = None,
    suite: str = "mini",
    verbose: bool = False,
    **places: Any,
) -> Table:
    """Measure an exhibit, as `bench run`. What is measured already is not measured again.

    Args:
        table: A table of the paper, by number.
        figure: A figure of the paper, by number; one of the two is named.
        method: Rows, by name or class, or your own "package.module:Class" or "file.py:Class"; all by default.
        shots: Numbers of shots; all by default.
        seeds: Seeds of the support sets; a number n stands for 1 to n. By default the suite's.
        dataset: Another data set of the suite, or "folder:PATH" with your own images.
        aux: Another auxiliary encoder, or "timm:NAME".
        backbone: Another CLIP, or "open_clip:ARCH/TAG".
        template: Templates of a folder of your own.
        classnames: File with the class names of such a folder.
        quick: The suite's smaller grid.
        rerun: Measure again what is measured already.
        skip_missing: Run what can be run without data or weights that are not here.
        jobs: Worker processes; by default one a core, but one in a script, which workers would import.
        suite: Name of a suite, or a suite's file.
        verbose: Whether the lines of the command are printed.
        places: results, reports, data_root, weights_dir, device, precision, download, trust_suite, as the options.

    Returns:
        The exhibit with all that is measured of it.

    Raises:
        BenchError: What the command refuses, or a line on the runs that failed.
    """
    templates = _several(template)
    with _heard(verbose) as heard:
        code = measure_exhibit(
            table=_several(table),
            figure=_several(figure),
            everything=False,
            quick=quick,
            suite=suite,
            method=_several(method),
            shots=_numbers(shots),
            seeds=list(range(1, seeds + 1)) if isinstance(seeds, int) else _numbers(seeds),
            jobs=jobs or (1 if _is_script() else None),
            dry_run=False,
            scale=None,
            rerun=rerun,
            skip_missing=skip_missing,
            dataset=dataset,
            template=templates,
            classnames=classnames,
            aux=aux,
            backbone=backbone,
            settings=settings_module.read(**places),
        )
    if code != ExitCode.OK:
        failed = [line for line in heard() if line.startswith("FAILED")]
        raise BenchError(
            f"{len(failed)} failed, the first: {failed[0].removeprefix('FAILED ')}" if failed else str(code)
        )
    roles = {"dataset": dataset, "aux": aux, "backbone": backbone}
    return read(table, figure, **roles, template=templates, classnames=classnames, suite=suite, **places)


def measure(method: str, *, shots: Numbers = 16, **options: Any) -> pd.DataFrame:
    """Measure one method on the grid of Table 4.

    Args:
        method: A row's name or class, or your own "package.module:Class" or "file.py:Class".
        shots: Numbers of shots.
        options: As in `run`: seeds, dataset, aux, backbone, suite, ...

    Returns:
        The rows of its cells in `Table.frame`.
    """
    found = run(table=4, method=method, shots=shots, **options)
    names = {row["name"] for row in found.measured.exhibit.rows if _is(row, method)}
    return found.frame[found.frame["row"].isin(names)].reset_index(drop=True)


def read(
    table: int | str | None = None,
    figure: int | str | None = None,
    *,
    dataset: str | None = None,
    aux: str | None = None,
    backbone: str | None = None,
    template: str | Iterable[str] = (),
    classnames: str | None = None,
    suite: str = "mini",
    **places: Any,
) -> Table:
    """Read what is measured of an exhibit, without measuring anything; arguments as in `run`."""
    settings = settings_module.read(**places)
    with _heard(verbose=False):
        world, store, records = open_suite(suite, settings)
        (name,) = chosen_exhibits(_several(table), _several(figure))
        wanted = Instead(dataset, aux, backbone)
        world, instead = measured_roles(world, records, wanted, _several(template), classnames, settings)
        asked = exhibit.load(name)
        if instead.roles:
            asked, world = substitution.asked(asked, world, instead)
        (measured,) = gather_marked([asked], world, store, records, settings)
    return Table(measured)


def results(suite: str = "mini", **places: Any) -> pd.DataFrame:
    """Every record of a suite, a row for each run and selection.

    Args:
        suite: Name of a suite, or a suite's file.
        places: As in `run`.

    Returns:
        The columns of results.csv (`bench results export`): method (categorical, in the paper's order), cls, dataset,
        backbone, shots, seed, selection (categorical), accuracy in per cent, correct, n, epoch, tuned and settings (as JSON),
        seconds, measured, key, the record's name, and more. The settings tell rows of one method apart, such as CaFo and
        CaFo*.
    """
    with _heard(verbose=False):
        world, _, records = open_suite(suite, settings_module.read(**places))
    rows = [line for record in lines.ordered(records.values(), world.named) for line in lines.of(record, world.named)]
    table = [row["name"] for row in exhibit.load(METHODS).rows]
    others = sorted({row["method"] for row in rows} - {*table})
    found = pd.DataFrame(rows, columns=list(lines.COLUMNS))
    return _ordered(found, method=[*table, *others], selection=SELECTIONS)


def compare(
    left: str, right: str, table: int | str = 4, *, selection: str = "val", margin: float = 0.0, **options: Any
) -> pd.DataFrame:
    """Compare two rows of a table on the same seeds and images, as `bench compare`.

    Args:
        left: A row.
        right: Another one.
        table: The table, by number.
        selection: "last", "val", "released" or "test".
        margin: Points within which two rows count as alike.
        options: As in `read`: dataset, aux, backbone, suite, ...

    Returns:
        For each column: effect (left less right, in points), low, high, p, adjusted (by Holm's method), seeds, says.
    """
    measured = read(table, **options).measured
    with _heard(verbose=False):
        _, store, _ = open_suite(options.get("suite", "mini"), settings_module.read(**_places(options)))
    rows = comparing.row_named(measured.exhibit, left), comparing.row_named(measured.exhibit, right)
    columns = [column["name"] for column in measured.exhibit.columns]
    found = comparing.compare(measured, *rows, store, selection, margin, columns)
    shown = ["column", "effect", "low", "high", "p", "adjusted", "seeds", "over"]
    return pd.DataFrame([{**asdict(one), "says": one.says} for one in found])[[*shown, "says"]]


def claims(*names: str, suite: str = "mini", **places: Any) -> pd.DataFrame:
    """The paper's conclusions and their verdicts, as `bench claims`.

    Args:
        names: Ids of claims, or sentences such as "Mine is better than Tip-Adapter-F"; all claims by default.
        suite: Name of a suite, or a suite's file.
        places: As in `run`.

    Returns:
        For each claim and source ("paper" for its printed numbers, "val", ...): says, effect, low,
        high, unit, at, seeds, why.
    """
    with _heard(verbose=False):
        world, store, records = open_suite(suite, settings_module.read(**places))
    found = all_verdicts(world, records, store, names=names)
    fields = ("says", "effect", "low", "high", "unit", "at", "seeds", "reason")
    return pd.DataFrame(
        [
            {"claim": one.id, "reading": one.reading, "source": source, **{f: getattr(verdict, f) for f in fields}}
            for one in found
            for source, verdict in one.verdicts.items()
        ]
    ).rename(columns={"reason": "why"})


def _ordered(frame: pd.DataFrame, **orders: Iterable[str]) -> pd.DataFrame:
    """The frame with columns whose values have an order of their own."""
    kinds = {name: pd.CategoricalDtype(list(order), ordered=True) for name, order in orders.items()}
    return frame.astype(kinds)


def _is(row: Any, method: str) -> bool:
    """Whether a row is that of a method as it was typed."""
    return method in (row["name"], row.get("method")) or of_file(method, "method") == row.get("method")


def _several(said: int | str | Iterable[str] | None) -> list[str]:
    """A list of texts of one thing, several, or none."""
    if said is None:
        return []
    return [str(said)] if isinstance(said, int | str) else list(said)


def _numbers(said: Numbers) -> Sequence[int] | None:
    return [said] if isinstance(said, int) else None if said is None else list(said)


def _places(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in PLACES}


PLACES = ("results", "reports", "data_root", "weights_dir", "device", "precision", "download", "trust_suite")
"""Names of `places`."""


def _is_script() -> bool:
    """Whether the main module is a file, which worker processes would import, and with it call `run` once more."""
    return multiprocessing.parent_process() is not None or hasattr(sys.modules["__main__"], "__file__")


@contextmanager
def _heard(verbose: bool) -> Iterator[Any]:
    """Within the context nothing is printed, unless `verbose`; yields a function for the lines on the standard error."""
    said = _BesideBar(sys.stderr) if _in_notebook() else io.StringIO()
    with ExitStack() as stack:
        if not verbose:
            stack.enter_context(redirect_stdout(io.StringIO()))
            stack.enter_context(redirect_stderr(said))
        yield lambda: said.getvalue().splitlines()


class _BesideBar(io.StringIO):
    """A standard error whose progress bars, which begin lines anew, are shown in a notebook, and whose lines are kept."""

    def __init__(self, shown: TextIO) -> None:
        super().__init__()
        self.shown = shown

    def isatty(self) -> bool:
        """Whether bars are drawn."""
        return True

    def write(self, text: str) -> int:
        """Show what begins a line anew, and keep the rest."""
        return self.shown.write(text) if "\r" in text else super().write(text)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
