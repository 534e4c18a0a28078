"""`bench new-method NAME`: a file with a method that runs and keeps the contract, to be changed into one's own."""

import keyword
import re
from pathlib import Path
from string import Template

import click

from benchmark.core.errors import BenchError, ExitCode, Refused
from benchmark.core.streams import say

METHOD = Template('''"""$name: in a sentence what it is; authors, venue, link. How it differs from its neighbour."""

import torch
from torch import Tensor

from baselines.zero_shot import TextClassifier
from benchmark.methods import Features, Predictor, Scores, Task
from benchmark.numerics.logits import unit


class $name(Predictor):
    """s = s0 + beta * cos(f, m_c), with the class means m_c of the support set."""

    reads = ("clip", "mocov3")  # feature spaces: "clip", and roles of auxiliary encoders
    feature, predictor, fusion_kind = "Aux", "Prototype", "Manual Tuning"  # its line of Table 1
    tunes = {"beta": (0.1, 1.0, 10.0)}  # settings that are searched after training, each selection on its own images
    means: Tensor

    def __init__(self, *, beta: float = 5.0) -> None:  # a comment says where a default comes from
        super().__init__()
        self.beta = beta  # every argument is kept under its own name

    def build(self, task: Task) -> None:
        """Make parameters (what is trained) and buffers (what is not)."""
        self.classifier = TextClassifier(task)
        features = unit(task.support.view()["mocov3"])  # [N, D] of the images as tested
        means = [features[task.support.labels == c].mean(0) for c in range(task.classes)]
        self.register_buffer("means", unit(torch.stack(means)))  # [C, D]

    def scores(self, x: Features) -> Scores:
        """Logits [B, C]; an image is scored alone, no statistic runs over the batch."""
        zero_shot = self.classifier(x["clip"])
        bias = unit(x["mocov3"]) @ self.means.T
        return Scores(zero_shot=zero_shot, bias=bias, fused=zero_shot + self.beta * bias)
''')


@click.command(name="new-method")
@click.argument("name")
def new_method(name: str) -> ExitCode:
    """Write a file with a method that runs and keeps the contract, NAME its class, to be changed into your own."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise BenchError(f"NAME {name!r} is no name of a class; write it as in MyMethod")
    path = Path(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(METHOD.substitute(name=name))
    except FileExistsError as error:
        raise BenchError(f"{path}: is there already, and stays as it is; choose another NAME") from error
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; cd to a folder that can be written") from error
    say(f"wrote {path}; next:")
    say(f"  bench test-method {path}:{name}   whether it keeps the contract")
    say(f"  bench run --table 4 --method {path}:{name} --shots 1 --seeds 1   a row of Table 4")
    return ExitCode.OK
