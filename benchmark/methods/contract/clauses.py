"""The predictor contract: checks of all properties of a predictor on which the harness relies.

`check(cls)` checks every clause on a toy task; `bench test-method` prints the results, and the tests run it on every method
of this repository. A clause is a function that returns if the predictor satisfies it and raises otherwise. What no clause can
see is in `UNSEEN`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmark.core.code import import_libraries, place_of_others
from benchmark.core.errors import reason
from benchmark.methods.contract.breach import Breach
from benchmark.methods.contract.of_inputs import (
    clip_untouched,
    inputs_untouched,
    reads_what_it_says,
    validation_not_learnt,
    wants_what_it_says,
)
from benchmark.methods.contract.of_parts import (
    among_some_classes,
    beta_multiplies,
    matched_before_tuning,
    prepared_alike,
    prepared_before_training,
    tunes_its_own,
)
from benchmark.methods.contract.of_process import (
    begin_elsewhere,
    moves_with_its_task,
    process_untouched,
    random_state_untouched,
    same_in_another_process,
)
from benchmark.methods.contract.of_scores import (
    alone,
    fused_is_a_sum,
    in_large_batches,
    keeps_no_images,
    scored_again,
    scores_are_logits,
    tasks_of_any_size,
    zero_shot_is_clip,
)
from benchmark.methods.contract.of_settings import declared_as_used, numbers_alone, recipe_is_followed
from benchmark.methods.contract.of_state import copied_whole, independent, state_is_whole
from benchmark.methods.contract.of_training import (
    deterministic,
    eval_after_fit,
    fitted_anew,
    labels_not_asked_for,
    milestones,
    no_graph_kept,
    parameters_are_trained,
    seed_is_followed,
)
from benchmark.methods.contract.subject import Subject, scored
from benchmark.methods.guest.replaced import FUNCTIONS
from benchmark.methods.guest.visit import FACTS, visit
from benchmark.methods.predictor import Predictor

Clause = Callable[[Subject], None]

BETWEEN = [fact for fact in FACTS if fact is not FUNCTIONS]
"""State that is put back between clauses. Functions are compared once, at the end: that takes as long as a clause."""


@dataclass(frozen=True)
class Result:
    """Result of checking one clause.

    Attributes:
        clause: Name of the clause.
        says: Requirement of the clause.
        reason: Why the clause is violated; empty if it is satisfied.
    """

    clause: str
    says: str
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the clause is satisfied."""
        return not self.reason


CLAUSES: Sequence[Clause] = (
    numbers_alone,
    declared_as_used,
    recipe_is_followed,
    clip_untouched,
    parameters_are_trained,
    scores_are_logits,
    zero_shot_is_clip,
    prepared_alike,
    prepared_before_training,
    matched_before_tuning,
    fused_is_a_sum,
    alone,
    in_large_batches,
    scored_again,
    keeps_no_images,
    deterministic,
    seed_is_followed,
    moves_with_its_task,
    random_state_untouched,
    process_untouched,
    same_in_another_process,
    independent,
    fitted_anew,
    copied_whole,
    state_is_whole,
    reads_what_it_says,
    wants_what_it_says,
    validation_not_learnt,
    inputs_untouched,
    tasks_of_any_size,
    eval_after_fit,
    no_graph_kept,
    milestones,
    labels_not_asked_for,
    beta_multiplies,
    tunes_its_own,
    among_some_classes,
)

UNSEEN: Mapping[str, str] = {
    "formula": "whether the formula is that of the paper: only a slow twin in a test can say",
    "size": "what shows only beyond its tasks: more than 11 classes trained, 3 shots, 3 views, 1,000 images at a time",
    "rarity": "what shows only sometimes: by a rare chance, after many calls, on a day that it did not ask about",
    "machine": "what is of the machine: its name and processor, a real accelerator's kernels, time and memory",
    "disguise": "code that knows that it is checked, or hides what it does from Python",
}
"""Things that no clause can see, by a word, as `bench test-method` prints them."""


def contract() -> list[tuple[str, Clause]]:
    """All clauses with their names, in a sensible order for reading."""
    return [(clause.__name__.replace("_", " "), clause) for clause in CLAUSES]


def scores_at_all(subject: Subject) -> None:
    """The method is fitted to a toy task, and scores images."""
    scored(subject.fitted, subject.images)


def check(cls: type[Predictor], **settings: Any) -> list[Result]:
    """Check a predictor class, constructed with `settings`, against every clause; one that scores nothing, against that."""
    clauses, subject = contract(), Subject(cls, settings)
    with visit(cls.__name__):
        torch.set_num_threads(1)  # the toy tasks are too small for more
        import_libraries(cls)
        begin_elsewhere(subject)
        if fault := _reason(scores_at_all, subject):
            return [Result("scores at all", scores_at_all.__doc__ or "", fault)]
        return [Result(name, clause.__doc__ or "", _reason(clause, subject)) for name, clause in clauses]


def violation(clause: str, cls: type[Predictor], **settings: Any) -> str:
    """Why a predictor class violates one clause, in one line; empty if it satisfies it."""
    with visit(cls.__name__):
        torch.set_num_threads(1)
        import_libraries(cls)
        return _reason(dict(contract())[clause], Subject(cls, settings))


def _reason(clause: Clause, subject: Subject) -> str:
    """Why a clause is violated, in one line; empty if it is satisfied."""
    try:
        with visit(subject.cls.__name__, facts=BETWEEN):
            clause(subject)
    except Breach as breach:
        return " ".join(str(breach).split()) or "Breach"
    except Exception as error:  # a third-party method may raise any exception, which is a result too
        place = place_of_others(error)
        return reason(error) + f" ({place})" * bool(place)
    return ""
