"""Heads at ImageNet's size: 1,000 classes, 16 shots, 50,000 test images, CLIP's 1,024 features, two encoders' 2,048, random.

Each method is trained, watched and searched by `measure`, the four selections included, in a process of its own; its seconds
and the most memory that the process held are printed. Memory has to stay within 8 GiB. Epochs, of which a run of the paper
suite has 20 to 50, and L-BFGS iterations (1,000) are cut for time: they change no size.

python -m performance.heads_at_scale [method ...]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from benchmark.core.settings import read
from benchmark.data.imported import FORM
from benchmark.suites.world import World

EPOCHS, ITERATIONS = 2, 10
LIMIT = 8 * 2**10
"""MiB."""

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "Zero-shot CLIP": ("baselines.zero_shot:ZeroShotCLIP", {}),
    "Tip-Adapter": ("baselines.tip_adapter:TipAdapter", {}),
    "Tip-Adapter-F": ("baselines.tip_adapter:TipAdapterF", {"recipe": {"epochs": EPOCHS}}),
    "CaFo*": ("baselines.cafo:CaFo", {"recipe": {"epochs": EPOCHS}}),
    "CLIP-Adapter": ("baselines.clip_adapter:CLIPAdapter", {"recipe": {"epochs": EPOCHS}}),
    "LP-CLIP": ("baselines.lp_clip:LPCLIP", {}),
    "GDA": ("baselines.gda:GDA", {}),
    "ProKeR": ("baselines.proker:ProKeR", {"views": 1}),
    "LP++": ("baselines.lp_plus_plus:LPPlusPlus", {"epochs": EPOCHS}),
    "Cross-modal LP": ("baselines.cross_modal:CrossModalLP", {"recipe": {"epochs": EPOCHS}}),
    "APE": ("baselines.ape:APE", {}),
    "APE-T": ("baselines.ape:APET", {"recipe": {"epochs": EPOCHS}}),
    "RLA": ("baselines.rla:RLA", {"recipe": {"epochs": EPOCHS}}),
    "AMU-Tuning": ("amu.tuning:AMUTuning", {"recipe": {"epochs": EPOCHS}}),
}


@dataclass(frozen=True)
class Size:
    """Sizes of a data set of random features; by default ImageNet's.

    Attributes:
        classes: Classes.
        shots: Support images of a class.
        val: Validation images of a class.
        test: Test images.
        views: Views of a support image.
        clip: Width of CLIP's features.
        aux: Width of the features of two auxiliary encoders.
    """

    classes: int = 1000
    shots: int = 16
    val: int = 4
    test: int = 50_000
    views: int = 10
    clip: int = 1024
    aux: int = 2048

    @property
    def widths(self) -> dict[str, int]:
        """Role -> width of its features."""
        return {"RN50": self.clip, "mocov3": self.aux, "dino": self.aux}

    def __str__(self) -> str:
        """Sizes for printing."""
        return f"{self.classes} classes, {self.shots} shots, {self.views} views, {self.test} test images"


def world(folder: Path, size: Size) -> None:
    """A file of features and the suite that names it, as `bench features import` would write them."""
    generator = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {"text": torch.randn(size.classes, size.clip, generator=generator)}
    centres = {role: torch.randn(size.classes, width, generator=generator) for role, width in size.widths.items()}
    parts = (("test", 1, size.test // size.classes), (f"support.{size.shots}", size.views, size.shots))
    for name, views, of_class in (*parts, ("val", 1, size.val)):
        labels = torch.arange(size.classes).repeat_interleave(of_class)
        tensors[f"{name}.labels"] = labels
        for role, width in size.widths.items():
            noise = torch.randn(views, len(labels), width, generator=generator)
            tensors[f"{name}.{role}"] = noise.mul_(4).add_(centres[role][labels])
    tensors["text"] = torch.nn.functional.normalize(tensors["text"] + centres["RN50"], dim=-1)
    names = [f"class {c}" for c in range(size.classes)]
    notes = {"form": FORM, "classnames": json.dumps(names), "logit_scale": "100.0"}
    file = folder / "imagenet.safetensors"
    safetensors.torch.save_file(tensors, file, notes)
    encoders = [f'[encoders.{role}]\nloader = "benchmark.encoders.imported:features"\n' for role in ("mocov3", "dino")]
    (folder / "scale.toml").write_text(
        f'title = "random features"\ncomparable = false\nseeds = [1]\nviews = {size.views}\nbatch_size = 64\n'
        f'[datasets.imagenet]\nreader = "benchmark.data.imported:Imported"\nfile = {json.dumps(str(file))}\n'
        f'[encoders.RN50]\nloader = "benchmark.encoders.imported:clip"\nfile = {json.dumps(str(file))}\n'
        + "".join(encoders)
    )


def one(name: str, shots: int, folder: Path) -> None:
    """Measure a method in this process, and print what it took as JSON."""
    from baselines import lp_clip
    from benchmark.core import machine
    from benchmark.exhibits import run as runs
    from benchmark.exhibits.question import Question
    from benchmark.records.store import Store
    from benchmark.running.measure import measure
    from benchmark.suites import suite

    lp_clip.MAX_ITER = ITERATIONS
    method, arguments = METHODS[name]
    scale = suite.load(str(folder / "scale.toml"))
    question = Question(method, arguments, dataset="imagenet", backbone="RN50", shots=shots)
    run = runs.make(scale, question, seed=1)
    started, used = time.perf_counter(), time.process_time()
    record = measure(
        replace(run, shots=0) if name == "Zero-shot CLIP" else run, World(scale, read()), Store(folder / "results")
    )
    correct = {selection: found.correct for selection, found in record.selections.items()}
    took = {"seconds": time.perf_counter() - started, "fit": record.seconds["fit"], "cpu": time.process_time() - used}
    held = {"peak": machine.peak_memory_mib(), "peak_of_device": _peak_of_device()}
    print(json.dumps({**took, **held, "n": record.n, "correct": correct}))


def _peak_of_device() -> int:
    """The most memory that tensors of this process held on a GPU, in MiB; 0 without one."""
    return torch.cuda.max_memory_allocated() // 2**20 if torch.cuda.is_initialized() else 0


def measured(name: str, size: Size, folder: str, device: str = "cpu") -> dict[str, Any] | str:
    """What a method took in a process of its own, as `one` prints it, or the last line of its error."""
    command = [sys.executable, "-m", "performance.heads_at_scale", "--one", name, str(size.shots), folder]
    done = subprocess.run(command, env={**os.environ, "BENCH_DEVICE": device}, capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(names: Sequence[str]) -> None:
    """Measure each method in a process of its own, and print."""
    size = Size()
    print(f"{size}; {EPOCHS} epochs, {ITERATIONS} L-BFGS steps")
    with tempfile.TemporaryDirectory() as place:
        world(Path(place), size)
        for name in names or METHODS:
            found = measured(name, size, place)
            if isinstance(found, str):
                print(f"{name:<15} failed: {found}")
                continue
            accuracy = ", ".join(f"{s} {100 * c / found['n']:.1f} %" for s, c in found["correct"].items())
            words = "" if found["peak"] <= LIMIT else f"  OVER {LIMIT / 2**10:.0f} GiB"
            times = f"{found['seconds']:6.1f} s ({found['fit']:6.1f} s of training and watching)"
            print(f"{name:<15} {times}  peak {found['peak'] / 2**10:4.1f} GiB{words}  {accuracy}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(sys.argv[1:])
