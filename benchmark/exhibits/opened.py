"""A run with everything it names opened: its data set, its encoders space by space, its shifts."""

from functools import cached_property

import torch

from benchmark.data.dataset import Dataset, fingerprint_of
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.run import PIXELS, SPATIAL, Run
from benchmark.suites.suite import STATISTICS, statistics_of
from benchmark.suites.world import World


class Opened:
    """A run whose names are resolved once, and handed down.

    Attributes:
        run: The question.
        world: The suite on this machine.
    """

    def __init__(self, run: Run, world: World) -> None:
        self.run = run
        self.world = world

    @property
    def dataset(self) -> Dataset:
        """The run's data set, asked of the world each time: Breach where a predictor asks."""
        return self.world.dataset(self.run.dataset)

    @cached_property
    def backbone(self) -> Encoder:
        """The run's CLIP."""
        return self.world.encoder(self.run.backbone)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Feature space that the method reads -> the role that fills it (`Run.roles`)."""
        return self.run.roles()

    @cached_property
    def encoders(self) -> dict[str, Encoder]:
        """Role -> encoder, of the backbone and of every space that an encoder fills."""
        roles = [role.removesuffix(SPATIAL) for role in self.roles.values() if role != PIXELS]
        return {role: self.world.encoder(role) for role in dict.fromkeys([self.run.backbone, *roles])}

    @property
    def shifts(self) -> dict[str, Dataset]:
        """Role -> data set, of the shifts that the run is tested on besides. Breach where a predictor asks."""
        return {role: self.world.dataset(role) for role in self.run.shifts(self.world.suite)}

    def statistics(self, shift: str) -> str:
        """Over which classes a method's statistics run on a shift: "all" of the source's or those "held"."""
        return statistics_of(self.world.suite, shift)

    @property
    def device(self) -> torch.device:
        """Where the method runs. BenchError where it cannot be used."""
        return self.world.settings.torch_device

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the run's data, shifts and weights today; a record with others is stale.

        Keys: "data"; "generated" and "sentences" where the method wants them; the roles of shifts and encoders.
        """
        parts = {part: found for part in self.run.wants() if (found := fingerprint_of(self.dataset, part))}
        return {
            "data": self.dataset.fingerprint,
            **parts,
            **{role: self._shift_fingerprint(role) for role in self.shifts},
            **{role: encoder.fingerprint for role, encoder in self.encoders.items()},
        }

    def _shift_fingerprint(self, role: str) -> str:
        """The shift's own, and behind it the statistics over its classes where these are not the usual ones."""
        statistics = self.statistics(role)
        return self.shifts[role].fingerprint + (f" {statistics}" if statistics != STATISTICS[0] else "")
