"""The choice of epoch and tunable settings, as data: on which images each is chosen, and what a released code does."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from benchmark.core.digest import Json

IMAGES = ("val", "test")
"""Sets of images that something may be chosen on: few-shot validation images, and the test images."""

NOTHING = "nothing (last epoch, own settings)"
"""Words for no choice."""


@dataclass(frozen=True)
class Choice:
    """Images on which the epoch and the tunable settings of a training are chosen: "val", "test", or None for no choice.

    Attributes:
        epoch: Images on which the best epoch is chosen; None for the last epoch.
        settings: Images on which the settings are searched after training; None for the method's own.
        tunes: Names of the settings that are searched; None for all that the method tunes.
        better: Images on which the settings found must be better than the method's own to be taken; None for those of
            `settings`.
    """

    epoch: str | None = None
    settings: str | None = None
    tunes: Sequence[str] | None = None
    better: str | None = None

    def __post_init__(self) -> None:
        """Check the names of the images.

        Raises:
            ValueError: Unknown images, or details of a search that is not made.
        """
        for name in (self.epoch, self.settings, self.better):
            if name is not None and name not in IMAGES:
                raise ValueError(f"chosen on {name!r}: there are {' and '.join(IMAGES)}, and None for no choice")
        if self.settings is None and (self.tunes, self.better) != (None, None):
            raise ValueError("tunes and better are of a search; name the images that settings are searched on")

    @property
    def plain(self) -> Json:
        """Plain data of what is chosen; empty for the last epoch at the method's own settings."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return {**said, "tunes": list(self.tunes)} if self.tunes is not None else said

    @property
    def words(self) -> str:
        """The choice for people: "epoch on test, settings on val (if better on test than its own)"."""
        what = "settings" if self.tunes is None else " and ".join(self.tunes)
        judged = f" (if better on {self.better} than its own)" if self.better not in (None, self.settings) else ""
        said = (("epoch", self.epoch, ""), (what, self.settings, judged))
        return ", ".join(f"{name} on {images}{rest}" for name, images, rest in said if images is not None) or NOTHING


@dataclass(frozen=True)
class Released:
    """Choices of the released code of a method, which the selection `released` repeats.

    Attributes:
        source: Repository and file of the released code; "" where nothing is released or known.
        choice: Choice on every data set that `on` does not name.
        on: Role of a data set -> its own choice.
    """

    source: str = ""
    choice: Choice = Choice()
    on: Mapping[str, Choice] = field(default_factory=dict)

    def of(self, dataset: str) -> Choice:
        """The choice on a data set, given by its role in a suite."""
        return self.on.get(dataset, self.choice)
