"""What a run's data, shifts and weights are today."""

from benchmark.data.dataset import fingerprint_of
from benchmark.exhibits.run import PIXELS, SPATIAL, Run
from benchmark.methods.scoring import STATISTICS
from benchmark.suites import assets
from benchmark.suites.suite import Suite, statistics_of


def fingerprints(run: Run, suite: Suite) -> dict[str, str]:
    """What the run's data, shifts and weights are today. A record with others is stale."""
    roles = [role.removesuffix(SPATIAL) for role in run.roles().values() if role != PIXELS]
    dataset = assets.dataset(suite, run.dataset)
    beside = {part: found for part in run.wants() if (found := fingerprint_of(dataset, part))}
    return {
        "data": dataset.fingerprint,
        **beside,
        **{shift: _shift_fingerprint(suite, shift) for shift in run.shifts(suite)},
        **{role: assets.encoder(suite, role).fingerprint for role in [run.backbone, *roles]},
    }


def _shift_fingerprint(suite: Suite, role: str) -> str:
    """That of its images; and of the statistics over their classes, where these are not the usual ones."""
    asked = statistics_of(suite, role)
    return assets.dataset(suite, role).fingerprint + (f" {asked}" if asked != STATISTICS[0] else "")
