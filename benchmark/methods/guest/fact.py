"""A fact of the process: what can be read before a method's code runs, and put back after it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[Any, Any]
"""Name of a thing -> its value. Names stand in messages: "the working folder", or "torch.set_grad_enabled()" of a function
that sets the value. What holds thousands of names stands for them all, with all their values."""

ABSENT = object()
"""Value of what is not there, such as an environment variable that is not set."""


@dataclass(frozen=True)
class Fact:
    """Things of the process that are read and put back together.

    Attributes:
        read: Reads the values of all things.
        put_back: Restores the given values, those of the things that changed; `ABSENT` for what was not there.
        closed: Whether a thing that was not there before is a change too.
    """

    read: Callable[[], Values]
    put_back: Callable[[Values], None]
    closed: bool = True

    def changed(self, before: Values, after: Values) -> dict[str, Any]:
        """Values before, of the things that have changed, come or gone since."""
        return changed(before, after if self.closed else {name: after[name] for name in before if name in after})


def changed(before: Values, after: Values) -> dict[str, Any]:
    """Values before, of the things that have changed, come or gone since."""
    pairs = {name: (before.get(name, ABSENT), after.get(name, ABSENT)) for name in {**before, **after}}
    return {name: old for name, (old, new) in pairs.items() if not same(old, new)}


def one(name: str, read: Callable[[], Any], put_back: Callable[[Any], object]) -> Fact:
    """A fact of one thing."""

    def restore(before: Values) -> None:
        put_back(before[name])

    return Fact(lambda: {name: read()}, restore)


def attributes(owner: object, of: str, names: Iterable[str]) -> Fact:
    """A fact of attributes of an object that is called `of`, as far as it has them; lists are compared by their contents."""
    known = {f"{of}.{name}": name for name in names if hasattr(owner, name)}

    def read() -> Values:
        return {words: _copied(getattr(owner, name)) for words, name in known.items()}

    def put_back(before: Values) -> None:
        for words, value in before.items():
            setattr(owner, known[words], value)

    return Fact(read, put_back)


def _copied(value: Any) -> Any:
    """A copy of a list, which may be changed in place; everything else itself."""
    return value.copy() if type(value) is list else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are one object or equal; values that cannot be compared are neither."""
    try:
        return one is other or bool(one == other)
    except Exception:  # the comparison of a foreign object may raise anything
        return False
