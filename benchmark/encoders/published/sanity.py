"""Plausibility checks of the values of weights, which a strict load does not cover (`bench doctor --deep`)."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from benchmark.encoders.published import containers, converted

LOGIT_SCALE = 100.0
"""exp(logit_scale) of OpenAI's CLIPs, clipped at 100 in training; a constant 100 in the code of few-shot methods."""


def amiss(path: Path) -> str:
    """The first implausible value in the weights of a file, in a few words; "" if there is none."""
    tensors = containers.read(path).tensors
    if converted.damaged(path, containers.digest(tensors)):
        return "its weights are not those that were converted; convert the published file again: bench weights import"
    return next(filter(None, (_not_finite(tensors), _variance(tensors), _logit_scale(tensors))), "")


def _not_finite(tensors: Mapping[str, Tensor]) -> str:
    names = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    return f"{names[0]} holds values that are not finite" if names else ""


def _variance(tensors: Mapping[str, Tensor]) -> str:
    names = [name for name, t in tensors.items() if name.endswith("running_var") and not (t > 0).all()]
    return f"{names[0]} is not positive, so batch norm was not trained" if names else ""


def _logit_scale(tensors: Mapping[str, Tensor]) -> str:
    if "logit_scale" not in tensors:
        return ""
    scale = float(tensors["logit_scale"].float().exp())
    untrained = abs(scale / LOGIT_SCALE - 1) > 0.01
    return f"exp(logit_scale) is {scale:.2f}, OpenAI's CLIPs have {LOGIT_SCALE:.0f}" if untrained else ""
