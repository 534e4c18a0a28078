"""Consistency of imported features: what does not fit together is refused, what cannot be used is left out and said."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from benchmark.core.errors import BenchError, Incomplete
from benchmark.features.importing import arrays, draws
from benchmark.features.importing.given import Given, Part, Place

UNIT = 1e-2
"""Tolerance of the norm of L2-normalised features; half precision rounds by about a thousandth."""

PLAUSIBLE = (10.0, 1000.0)
"""Range of logit scales taken without a question: CLIP's is 100, its logarithm, which checkpoints hold, 4.6."""

SHOWN = 5
"""Largest number of classes that a note names."""


def settle(given: Given, logit_scale: float | None) -> None:
    """Check all that was read, leave out what cannot be used, and bring features of a space to one length.

    Args:
        given: Everything that was read; changed in place.
        logit_scale: The user's answer to what the logit scale is; None for the files' own.
    """
    _check_agreement(given)
    _settle_scale(given, logit_scale)
    _leave_out_unusable(given)
    draws.note(given)
    _note_classes_without_images(given)
    _normalise_alike(given)


# --- agreement


def _check_agreement(given: Given) -> None:
    """Check that a part has equal labels in every feature space, and a feature space equal width in every part."""
    for place, part in given.parts.items():
        alike = [given.parts[p] for p in given.parts if (p.part, p.shots) == (place.part, place.shots)]
        draws.check_labels(alike[0], part)
        draws.check_width(next(given.parts[p] for p in given.parts if p.space == place.space), part)
        if len(part.features) != len(alike[0].features):
            views = f"{len(part.features)} and {len(alike[0].features)} views"
            raise BenchError(f"{part.file} and {alike[0].file} have {views}: give as many of each, or their mean")
        if place.part == "support":
            _check_support(part, place, given)
    if given.text is not None:
        given.text = _with_class_rows(given.text, given)


def _check_support(part: Part, place: Place, given: Given) -> None:
    """Check that a support set has as many images of each class as shots; BenchError blames labels of more classes."""
    held, counts = part.labels.unique(return_counts=True)
    whole = torch.equal(held, torch.arange(len(held))) and bool((counts == place.shots).all())
    if whole and len(held) == given.classes:
        return
    most = max(given.parts, key=lambda other: given.parts[other].classes)
    if whole and most != place:
        raise BenchError(
            f"{given.parts[most].file}: {most.words} have labels of {given.classes} classes, the support set in {part.file}"
            f" of {len(held)}; class indices count from 0 in every file"
        )
    raise BenchError(f"{part.file}: {len(part.labels)} images are not {place.shots} of each of {given.classes} classes")


def _with_class_rows(text: Tensor, given: Given) -> Tensor:
    """The classifier, L2-normalised, with classes as rows; released code has them as columns."""
    width = next((p.features.shape[2] for place, p in given.parts.items() if place.space == "clip"), 0)
    wanted = (given.classes, width)
    both = text.shape == wanted and text.shape == wanted[::-1]
    columns = both and bool(((text.float().norm(dim=0) - 1).abs() < UNIT).all())
    if tuple(text.shape) == wanted[::-1] and (not both or columns):
        text = text.T
    if tuple(text.shape) != wanted:
        shapes = " x ".join(map(str, text.shape))
        raise BenchError(f"the text classifier is {shapes}, {wanted[0]} classes x {wanted[1]} features are needed")
    arrays.check_directions(text, f"{given.origin.get('text', 'text')}: the text classifier")
    return torch.nn.functional.normalize(text.float(), dim=-1)


def _settle_scale(given: Given, asked: float | None) -> None:
    """Take the logit scale of the option, the files or CLIP, in this order; BenchError for one that must be asked about."""
    where = given.origin.get("logit_scale")
    if given.text is None:
        if asked is not None:
            raise BenchError(
                "--logit-scale is of an imported text classifier, and there is none; CLIP's weights have theirs"
            )
        if where:
            given.left_out.append(f"{where}: logit_scale is of a text classifier, and there is none")
        return
    if asked is not None:
        given.logit_scale, given.origin["logit_scale"] = arrays.checked_scale(asked, "--logit-scale"), "--logit-scale"
    elif where is None:
        given.notes.append(f"no file has a logit scale, and CLIP's is taken, {given.logit_scale:g}")
    elif not PLAUSIBLE[0] <= arrays.checked_scale(given.logit_scale, f"{where}: logit_scale") <= PLAUSIBLE[1]:
        raise BenchError(f"{where}: logit_scale is {given.logit_scale:g}, {_question(given.logit_scale)}")


def _question(number: float) -> str:
    """The question whether a logit scale is meant, with both answers."""
    if number > PLAUSIBLE[1]:
        return f"CLIP's is 100; say that it is meant with --logit-scale {number:g}, or another"
    exp = float(torch.tensor(number).exp())
    return (
        f"CLIP's is 100: is this the logarithm? exp of it is {exp:.5g}; say which with --logit-scale {exp:.5g}"
        f" or --logit-scale {number:g}"
    )


# --- what cannot be used


def _leave_out_unusable(given: Given) -> None:
    """Leave out features that cannot be used because a method reads every one of its spaces in every part."""
    if Place("test", 0, "clip") not in given.parts:
        files = "test_f.pt, test_clip_f.pt, clip_test_f.pt or an array test_clip"
        raise Incomplete(f"there are no test features of CLIP, which every method reads: {files}")
    for space in given.spaces:
        if Place("test", 0, space) not in given.parts:
            _leave_out(given, f"there are no test features of {space}", lambda place, gone=space: place.space == gone)
    if not any(place.part == "support" and place.space == "clip" for place in given.parts):
        gone = "there is no support set of CLIP features, without which nothing but zero-shot CLIP is run"
        _leave_out(given, gone, lambda place: place.part == "support" or place.space != "clip")
    for space in given.spaces:
        if given.shots and not any(place.part == "support" and place.space == space for place in given.parts):
            _leave_out(
                given, f"there is no support set of {space} features", lambda place, gone=space: place.space == gone
            )
    clips = given.shots_of("clip")
    if more := [shots for shots in given.shots if shots not in clips]:
        words = f"of {', '.join(map(str, more))} shots there are no features of CLIP"
        _leave_out(given, words, lambda place: place.part == "support" and place.shots in more)
    lacking = [space for space in given.spaces if Place("val", 0, space) not in given.parts]
    if lacking:
        _leave_out(given, f"there are no validation features of {lacking[0]}", lambda place: place.part == "val")
        given.notes.append("without validation features `val` is the last epoch at a method's own settings")


def _leave_out(given: Given, why: str, gone: Callable[..., bool]) -> None:
    given.parts = {place: part for place, part in given.parts.items() if not gone(place)}
    given.left_out.append(why)


def _note_classes_without_images(given: Given) -> None:
    """Note classes of which no test or validation image is given: labels of another kind than class indices look like it."""
    for name in sorted({place.part for place in given.parts} - {"support"}):
        held = set(given.parts[Place(name, 0, "clip")].labels.tolist())
        if gone := given.classes - len(held):
            first = itertools.islice((c for c in range(given.classes) if c not in held), SHOWN)
            which = ", ".join(map(str, first)) + (", …" if gone > SHOWN else "")
            of = f"{len(held)} of {given.classes} classes"
            given.notes.append(f"{name} images are of {of}, none of {which}")


def _normalise_alike(given: Given) -> None:
    """L2-normalise every part of a feature space if one part is normalised, as methods train and test on different parts."""
    for space in given.spaces:
        parts = [part for place, part in given.parts.items() if place.space == space]
        unit = [bool(((part.features.float().norm(dim=-1) - 1).abs() < UNIT).all()) for part in parts]
        if not any(unit):
            continue
        if space == "clip":
            given.notes.append(
                "CLIP's features have length one, and what it was is lost, which LP-CLIP and CLIP-Adapter look at"
            )
        for part, is_unit in zip(parts, unit, strict=True):
            if not is_unit:
                part.features = torch.nn.functional.normalize(part.features.float(), dim=-1)
