"""What a method's code may have replaced in this process: words for every function before and after a visit, against ours,
which finds words only for what has changed. Prints both and their ratio.

python -m performance.guest_speed
"""

import time
from typing import Any

import amu.tuning  # noqa: F401  # the modules of a run
import baselines.coop  # noqa: F401
import benchmark.running.measure  # noqa: F401
from benchmark.methods.guest import replaced
from benchmark.methods.guest.fact import Fact, Values
from benchmark.methods.guest.visit import FACTS, visit


def by_words() -> Values:
    """Words for every watched function -> its owner, its name there, and itself."""
    found: dict[str, Any] = {}
    for owner, names in replaced.FUNCTIONS.read().items():
        of = f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__
        watched = (name for name in names if replaced.FUNCTIONS.counts(owner, name, names[name]))
        found |= {f"{of}.{name}": (owner, name, names[name]) for name in watched}
    return found


EACH = Fact(by_words, replaced.FUNCTIONS.put_back, closed=False)
"""Functions with words for each."""


def seconds(facts: list[Fact]) -> float:
    """The fastest of ten visits of a guest that changes nothing."""
    times = []
    for _ in range(10):
        started = time.perf_counter()
        with visit("a method", facts=facts):
            pass
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Measure and print."""
    usual = seconds([EACH if fact is replaced.FUNCTIONS else fact for fact in FACTS])
    ours = seconds(list(FACTS))
    print(f"{len(by_words())} functions; a visit with words for each {1000 * usual:.1f} ms, ours {1000 * ours:.1f} ms")
    print(f"ours takes {ours / usual:.2f} of the time; a run has two visits")


if __name__ == "__main__":
    main()
