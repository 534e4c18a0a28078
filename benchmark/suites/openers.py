"""Readers and loaders of a suite: only what makes a data set or an encoder by its type is called, with what it takes.

A reader is a class with the methods of `benchmark.data.dataset.Dataset`, or a function whose annotation says that it returns
one; a loader likewise, of `benchmark.encoders.encoder.Encoder`.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.core.digest import Json
from benchmark.core.errors import BenchError, line_of, reason
from benchmark.core.names import choose, resolve
from benchmark.core.settings import Settings
from benchmark.suites import plain_values


@dataclass(frozen=True)
class Kind:
    """Kind of object that a role of a suite names: a data set or an encoder; known by its attributes.

    Attributes:
        name: For people: "data set".
        table: Table of the suite's file.
        key: Key that names the reader or loader.
        product: Name of the type in annotations.
        methods: Methods that every class of this kind has.
        values: Further attributes that every object has.
    """

    name: str
    table: str
    key: str
    product: str
    methods: Sequence[str]
    values: Sequence[str]

    def made_by(self, opener: object) -> bool:
        """Whether a reader or loader makes such a thing by its type: as a class, or by its annotation."""
        kind = opener if isinstance(opener, type) else _returned(opener)
        return isinstance(kind, type) and all(callable(getattr(kind, name, None)) for name in self.methods)

    def lacks(self, made: object) -> list[str]:
        """Attributes that an opened object would have to have and has not; no property is computed."""
        return [name for name in (*self.methods, *self.values) if not _has(made, name)]

    @property
    def opened_by(self) -> str:
        """In words, what is a reader or loader."""
        return (
            f"a {self.key} is a class with the methods {', '.join(self.methods)}, or a function that is annotated to"
            f" return such a thing, -> {self.product}"
        )


DATASET = Kind(
    "data set",
    "datasets",
    "reader",
    "Dataset",
    methods=("ids", "labels", "images", "draw"),
    values=("classnames", "templates", "fingerprint"),
)
"""Attributes of `benchmark.data.dataset.Dataset` that are not optional."""
ENCODER = Kind(
    "encoder", "encoders", "loader", "Encoder", methods=("forward", "encode"), values=("role", "fingerprint", "loaded")
)
"""Attributes of `benchmark.encoders.encoder.Encoder`."""


class Opener:
    """A reader or loader of a suite's role, imported and known to be one; BenchError for anything else.

    Attributes:
        function: The reader or loader.
        words: For messages: "[datasets.imagenet] reader mine:Reader of suite toy".
        given: Arguments that the suite's file gives.
        settings: Folders, device and precision, for a reader or loader that has a parameter `settings`.
    """

    def __init__(self, kind: Kind, suite: str, role: str, spec: Json, given: Json, settings: Settings) -> None:
        name = spec[kind.key]
        self.function = resolve(name, kind.name)
        self.name = name.partition(":")[2]
        self.words = f"[{kind.table}.{role}] {kind.key} {name} of suite {suite}"
        self.given = given
        self.settings = settings
        self._kind = kind
        if not kind.made_by(self.function):
            raise BenchError(f"{self.words}: {name} is none: {kind.opened_by}; see CONTRIBUTING.md")

    @property
    def look(self) -> Callable[..., Any] | None:
        """The function `look` of its module, which inspects its files without opening them; None if there is none."""
        return getattr(sys.modules.get(getattr(self.function, "__module__", "")), "look", None)

    def open(self, *arguments: str) -> Any:
        """Call the reader or loader.

        Args:
            arguments: Arguments before those of the suite's file: the role, for a loader.

        Returns:
            The data set or the encoder.

        Raises:
            BenchError: The file gives wrong arguments, the call fails, or it returns something else.
        """
        takes = self._checked(arguments)
        made = self._called(
            self.function, arguments, {**self.given, **settings_for(self.function, self.settings)}, takes
        )
        if lacks := self._kind.lacks(made):
            raise BenchError(
                f"{self.words}: returned {type(made).__name__}, which is no {self._kind.name} (it lacks {', '.join(lacks)})"
            )
        return made

    def inspect(self, look: Callable[..., Any], arguments: Sequence[str], more: Json, deep: bool) -> Any:
        """Call `look` with the name of the reader or loader, the arguments of the suite's file and `more`."""
        given = {**self.given, **more, **settings_for(look, self.settings)}
        return self._called(look, (self.name, *arguments), {**given, "deep": deep}, "")

    def _checked(self, arguments: Sequence[str]) -> str:
        """The arguments that the suite's file may give, in words; BenchError where it gives wrong ones."""
        signature = _signature(self.function)
        names = {name: p for name, p in signature.parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        own = {
            name: p for place, (name, p) in enumerate(names.items()) if place >= len(arguments) and name != "settings"
        }
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            for name in self.given:
                choose(name, own, f"argument of {self.words}")
        takes = f"it takes {', '.join(map(_in_words, own.values())) or 'no arguments'}"
        for name, value in self.given.items():
            if name in own and not plain_values.fits(value, own[name].annotation):
                raise BenchError(f"{self.words}: {name} is {value!r}; {takes}")
        try:
            signature.bind(*arguments, **self.given, **settings_for(self.function, self.settings))
        except TypeError as error:
            raise BenchError(f"{self.words}: {error}; {takes}") from error
        return takes

    def _called(self, function: Callable[..., Any], arguments: Sequence[str], given: Json, takes: str) -> Any:
        """Call code that may be anybody's: what it raises becomes a line, unless the user is looking for its fault."""
        try:
            return function(*arguments, **given)
        except BenchError:
            raise
        except (Exception, SystemExit) as error:
            if self.settings.debug:
                raise
            known = line_of(error) if isinstance(error, Exception) else None
            made = BenchError if known is None else type(known)  # of the exit code that fits
            raise made(f"{self.words} failed: {'; '.join(filter(None, (reason(error), takes)))}") from error


def settings_for(called: Callable[..., object], settings: Settings) -> Mapping[str, Settings]:
    """The settings as a keyword argument, if a reader, loader or `look` has a parameter `settings`."""
    return {"settings": settings} if "settings" in inspect.signature(called).parameters else {}


def _signature(called: Any) -> inspect.Signature:
    """The signature of a callable, with annotations that are texts evaluated where that is possible."""
    try:
        return inspect.signature(called, eval_str=True)
    except (NameError, SyntaxError, AttributeError, TypeError):
        return inspect.signature(called)


def _returned(function: object) -> object:
    """The annotation of what a function returns; None for what is no function or says nothing."""
    try:
        return _signature(function).return_annotation
    except (TypeError, ValueError):
        return None


def _in_words(parameter: inspect.Parameter) -> str:
    """A parameter with its annotation, without its default, which may be long."""
    return str(parameter.replace(default=parameter.empty))


def _has(thing: object, name: str) -> bool:
    try:
        inspect.getattr_static(thing, name)
    except AttributeError:
        return "__getattr__" in dir(type(thing)) and hasattr(thing, name)
    return True
