"""A run with everything it names opened: its data set, its encoders and its shifts."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property, partial

import torch

from benchmark.core import code
from benchmark.core.digest import digest
from benchmark.core.errors import BenchError
from benchmark.data.dataset import Dataset, fingerprint_of
from benchmark.encoders.encoder import Encoder
from benchmark.exhibits.run import PIXELS, SPATIAL, STAND_INS, Run
from benchmark.methods.construct import predictor_class
from benchmark.methods.scoring import STATISTICS
from benchmark.suites.suite import statistics_of
from benchmark.suites.world import World


class Opened:
    """A run with the data sets and encoders that it names, opened once and passed on together.

    Attributes:
        run: Run.
        world: Suite on this machine, which opens data sets and encoders.
    """

    def __init__(self, run: Run, world: World) -> None:
        self.run = run
        self.world = world

    @property
    def dataset(self) -> Dataset:
        """The run's data set; sealed.Breach at every access from a predictor's code."""
        return self.world.dataset(self.run.dataset)

    @cached_property
    def backbone(self) -> Encoder:
        """The run's CLIP encoder."""
        return self.world.encoder(self.run.backbone)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Feature space that the method reads -> role of its encoder (`Run.roles`)."""
        return self.run.roles()

    @cached_property
    def encoders(self) -> dict[str, Encoder]:
        """Role -> encoder, for the backbone and every feature space but the pixels."""
        roles = [role.removesuffix(SPATIAL) for role in self.roles.values() if role != PIXELS]
        return {role: self.world.encoder(role) for role in dict.fromkeys([self.run.backbone, *roles])}

    @property
    def shifts(self) -> dict[str, Dataset]:
        """Role -> data set of the shifts on which the run is also tested; sealed.Breach at access from a predictor's code."""
        return {role: self.world.dataset(role) for role in self.run.shifts(self.world.suite)}

    def statistics(self, shift: str) -> str:
        """Classes over which a method's statistics run on a shift: "all" of the source data set or those "held"."""
        return statistics_of(self.world.suite, shift)

    @property
    def device(self) -> torch.device:
        """Device of the method; BenchError if it cannot be used."""
        return self.world.settings.torch_device

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Present fingerprints of all that the run rests on; a record with other fingerprints is stale.

        Keys: "data"; "draw" (support set and validation images) unless the run has no shots; "prompts" (templates); "method"
        (code); "generated" and "sentences" if the method uses them; the roles of shifts and encoders.
        """
        world, run = self.world, self.run
        return {
            "data": world.data_fingerprint(run.dataset),
            **({"draw": world.draw_fingerprint(run.dataset, run.shots, run.seed)} if run.shots else {}),
            "prompts": digest({"templates": list(self.dataset.templates)}),
            "method": code.fingerprint(predictor_class(run.method)),
            **{part: found for part in run.wants() if (found := self._part_fingerprint(part))},
            **{role: self._shift_fingerprint(role) for role in self.shifts},
            **{role: world.encoder_fingerprint(role) for role in self.encoders},
        }

    def fingerprints_by_name(self, names: Iterable[str]) -> dict[str, str]:
        """The `fingerprints` of these names, as far as they can be known without importing the method."""
        known: dict[str, Callable[[], str]] = {
            "data": lambda: self.world.data_fingerprint(self.run.dataset),
            "draw": lambda: self.world.draw_fingerprint(self.run.dataset, self.run.shots, self.run.seed),
            "prompts": lambda: digest({"templates": list(self.dataset.templates)}),
            "method": lambda: code.by_source(self.run.method),
            **{part: partial(self._part_fingerprint, part) for part in STAND_INS},
            **{role: partial(self._shift_fingerprint, role) for role in self.world.suite.datasets},
            **{role: partial(self.world.encoder_fingerprint, role) for role in self.world.suite.encoders},
        }
        found: dict[str, str] = {}
        for name in names:
            with suppress(BenchError):
                found |= {name: known[name]()} if name in known else {}
        return {name: fingerprint for name, fingerprint in found.items() if fingerprint}

    def _part_fingerprint(self, part: str) -> str:
        """Fingerprint of generated images (with their number for each class) or sentences; "" if the data set's covers it."""
        found = fingerprint_of(self.dataset, part)
        number = self.world.suite.datasets[self.run.dataset].get(part)
        return f"{found} {number}" if found and part == "generated" else found

    def _shift_fingerprint(self, role: str) -> str:
        """Fingerprint of a shift, followed by its choice of statistics if that is not the default."""
        statistics = self.statistics(role)
        return self.world.data_fingerprint(role) + (f" {statistics}" if statistics != STATISTICS[0] else "")
