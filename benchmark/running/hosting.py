"""The part of a run in which a method's code runs: labels are sealed, and what it leaves changed is put back and named."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.core.code import import_libraries
from benchmark.core.foreign import foreign
from benchmark.exhibits.opened import Opened
from benchmark.methods.construct import predictor_class
from benchmark.methods.guest.visit import Left, guest
from benchmark.methods.samples import Task
from benchmark.methods.sealed import sealing


@contextmanager
def hosting(opened: Opened, task: Task) -> Iterator[None]:
    """Within the context, run the code of a run's method.

    A line names the method and what it left, to whoever hears warnings. A CLIP that it changed is loaded again.

    Args:
        opened: Opened run.
        task: Task of the run.

    Yields:
        Nothing. Whatever ends the method's code is an error, as in `foreign`.
    """
    name = opened.run.method
    with foreign(name):
        import_libraries(predictor_class(name))
    left = Left()
    try:
        with guest(name, task.clip) as left, sealing():
            yield
    finally:
        if left.clip:
            opened.backbone.unload()
