"""Work of `bench check`: verdicts on measured values, and updates of the reference run."""

from collections.abc import Mapping, Sequence

from benchmark.analysis import claims, other_questions
from benchmark.analysis.gate import reference_run
from benchmark.analysis.gate.formats import FORMATS
from benchmark.analysis.gate.verdicts import Gate, Place, Verdict, against_golden, against_paper, judge, outside
from benchmark.analysis.results import Measured, gather
from benchmark.commands.actions.choosing import chosen_exhibits, first_command, planned_cells
from benchmark.commands.actions.opening import open_suite, say_others, skipped
from benchmark.core import pace
from benchmark.core.errors import BenchError, Damaged, ExitCode, Incomplete
from benchmark.core.names import meant
from benchmark.core.settings import Settings
from benchmark.core.streams import answer, say, say_next
from benchmark.core.text import counted
from benchmark.exhibits import exhibit
from benchmark.exhibits.exhibit import Exhibit
from benchmark.features import costs
from benchmark.records.record import Record
from benchmark.records.store import Store
from benchmark.suites.suite import Suite
from benchmark.suites.world import World


def check(
    table: Sequence[str],
    figure: Sequence[str],
    suite: str,
    settings: Settings,
    against: str,
    form: str,
    fail_on: Sequence[str],
    quick: bool,
    allow_missing: bool,
    update: bool,
) -> ExitCode:
    """Compare what is measured with our own reference run, or with the printed numbers; exit 1 where it is worse."""
    fail_on = [meant(name, ["all", *claims.names()], "claim") for name in fail_on]
    world, store, records = open_suite(suite, settings)
    names = chosen_exhibits(table, figure) if table or figure else None
    others = other_questions.find(world, store, records, settings)
    say_others(others.records, world, "are not in the reference", err=False)
    if update:
        return _update(names or list(exhibit.names()), World(world, settings), records, store)
    if not records and not store.problems:
        raise Incomplete(f"{store.root}: there are no records; measure some with {first_command(world)}")
    found = _verdicts(names, world, records, store, against, quick)
    new = {record.key for record in others.records}
    found += [v for measured in others.shown if _is_of(measured.exhibit, names) for v in outside(measured, new)]
    gate = judge(found)
    answer(FORMATS[form](gate))
    code = _code(gate, allow_missing)
    if code != ExitCode.REGRESSION:
        code = skipped(store) or code
    if code == ExitCode.OK and fail_on:
        code = _claims(world, records, store, fail_on)
    if form == "text" and code in (ExitCode.OK, ExitCode.REGRESSION):
        say_next(f"bench report{world.option} draws these records, cell by cell and seed by seed")
    return code


def _code(gate: Gate, allow_missing: bool) -> ExitCode:
    """Exit code of a comparison; prints the reason for one that neither passes nor fails."""
    if not gate.questions:
        say("nothing that was chosen is both measured and in the reference", err=True)
        return ExitCode.NOTHING_COMPARED
    if gate.red:
        return ExitCode.REGRESSION
    if gate.lost and not allow_missing:
        say(
            f"{_lost(gate)}; measure them, choose fewer (--table, --figure, --quick), or allow it with --allow-missing",
            err=True,
        )
        return ExitCode.MISSING
    if gate.lost:
        say(f"{_lost(gate)}; allowed by --allow-missing", err=True)
    if gate.undecided:
        say("more than half of the questions are inconclusive: measure more seeds", err=True)
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK


def _lost(gate: Gate) -> str:
    """The cells that the reference has and the records lack, in words."""
    first = gate.lost[0]
    return (
        f"{counted(len(gate.lost), 'cell')} of the reference not measured, or at fewer seeds, the first {first.place}"
    )


def _is_of(other: Exhibit, names: Sequence[str] | None) -> bool:
    """Whether an exhibit in other roles was made of one of the named exhibits, or none is named."""
    return names is None or any(other.id.startswith(f"{name}-") for name in names)


def _verdicts(
    names: Sequence[str] | None,
    world: Suite,
    records: Mapping[str, Record],
    store: Store,
    against: str,
    quick: bool,
) -> list[Verdict]:
    """Verdicts on every cell of the named exhibits, or of all exhibits in the reference where `names` is None."""
    if against == "paper":
        if not world.comparable:
            raise BenchError(f"suite {world.name}: its values are not the paper's to compare; use --against golden")
        found = [gather(exhibit.load(name), world, records, own=False) for name in names or exhibit.names()]
        for line in filter(None, map(_not_compared, found)):
            say(line, err=True)
        return [v for m in found for v in against_paper(m)]
    ours = reference_run.Golden(world.name, world.option)
    found = [gather(exhibit.load(name), world, records, own=False) for name in names or ours.exhibits()]
    if ours.unlisted:
        say(ours.unlisted, err=True)
    places = {m.exhibit.id: _quick_places(m.exhibit, world) if quick else None for m in found}
    seeds = len(world.quick["seeds"] if quick else world.seeds)
    return [v for m in found for v in against_golden(m, ours, store, places[m.exhibit.id], seeds)]


def _quick_places(one: Exhibit, world: Suite) -> set[Place]:
    return {(cell.row, cell.column) for cell in planned_cells([one], world, (), (), quick=True)}


def _not_compared(measured: Measured) -> str:
    """The line on the cells of an exhibit that the printed numbers are not held against; empty if there are none."""
    if not measured.sizes:
        return ""
    cells = counted(len(measured.sizes), "cell")
    words = f"measured on another test set than the published one ({measured.other_sizes})"
    return f"{measured.exhibit.id}: {cells} not compared, {words}"


def _claims(world: Suite, records: Mapping[str, Record], store: Store, fail_on: Sequence[str]) -> ExitCode:
    """Exit code for the claims named by --fail-on; prints a line for each that is contradicted."""
    rows = claims.all_verdicts(world, records, store)
    for line in claims.contradictions(rows, fail_on):
        say(line, err=True)
    return claims.gate(rows, fail_on)


def _update(names: Sequence[str], world: World, records: Mapping[str, Record], store: Store) -> ExitCode:
    """Make the records of the named exhibits the reference run; Damaged where records were skipped."""
    if store.problems:
        raise Damaged(
            f"{store.root}: a reference run is made of whole records; bench run measures the skipped ones again"
        )
    found = [gather(exhibit.load(name), world.suite, records, own=False) for name in names]
    measured = [m for m in found if any(m.records.values())]
    if not measured:
        raise Incomplete(
            f"{store.root}: nothing is measured that could become the reference; {first_command(world.suite)} measures some"
        )
    written, changes = reference_run.update(measured, records, store, pace.seconds(), costs.noted(world))
    for line in [*changes, *(f"wrote {path}" for path in written)]:
        say(line)
    say_next(f"bench check{world.suite.option} compares records with this reference run")
    return ExitCode.OK
