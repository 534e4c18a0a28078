"""Methods that leave the process otherwise than they found it."""

import gc
import logging
import multiprocessing
import os
import random
import signal
import sys
import warnings
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from benchmark.methods import Features, Predictor, Scores, Task, training
from tests.benchmark.methods.contract.zoo.sound import Good, breaks

LEFT = "process untouched"
kept: list[Any] = []


class Leaves(Good):
    """Something is left after fit."""

    def leave(self, task: Task) -> None:
        raise NotImplementedError

    def fit(self, task: Task) -> None:
        super().fit(task)
        self.leave(task)


@breaks(LEFT)
class LeavesGradientsOff(Leaves):
    """Gradients are switched off for good."""

    def leave(self, task: Task) -> None:
        torch.set_grad_enabled(False)


@breaks(LEFT)
class LeavesInferenceMode(Leaves):
    """Inference mode is entered and not left."""

    def leave(self, task: Task) -> None:
        kept.append(torch.inference_mode())
        kept[-1].__enter__()


@breaks(LEFT)
class LeavesDoublePrecision(Leaves):
    """The default type of numbers is left at double precision."""

    def leave(self, task: Task) -> None:
        torch.set_default_dtype(torch.float64)


@breaks(LEFT)
class LeavesADefaultDevice(Leaves):
    """A default device is left."""

    def leave(self, task: Task) -> None:
        torch.set_default_device("meta")


@breaks(LEFT)
class LeavesOtherThreads(Leaves):
    """The number of threads is left changed."""

    def leave(self, task: Task) -> None:
        torch.set_num_threads(torch.get_num_threads() + 1)


@breaks(LEFT)
class LeavesDeterministicAlgorithms(Leaves):
    """Deterministic algorithms are asked for, of all that follow."""

    def leave(self, task: Task) -> None:
        torch.use_deterministic_algorithms(True)


@breaks(LEFT)
class LeavesABenchmark(Leaves):
    """cuDNN chooses its algorithms by time from here on."""

    def leave(self, task: Task) -> None:
        torch.backends.cudnn.benchmark = True


@breaks(LEFT)
class LeavesLowPrecision(Leaves):
    """Products are of lower precision from here on."""

    def leave(self, task: Task) -> None:
        torch.set_float32_matmul_precision("high")


@breaks(LEFT)
class LeavesAutocast(Leaves):
    """Automatic mixed precision is left on."""

    def leave(self, task: Task) -> None:
        torch.set_autocast_enabled("cpu", True)


class Doubled(TorchFunctionMode):
    """Passes all functions of torch on."""

    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        return function(*given, **(named or {}))


@breaks(LEFT)
class LeavesAMode(Leaves):
    """A mode of torch's functions is entered and not left."""

    def leave(self, task: Task) -> None:
        Doubled().__enter__()


@breaks(LEFT)
class LeavesAGlobalHook(Leaves):
    """A hook is left on all modules of torch."""

    def leave(self, task: Task) -> None:
        torch.nn.modules.module.register_module_forward_hook(lambda *_: None)


@breaks(LEFT)
class LeavesAnotherFolder(Leaves):
    """The working folder is left changed."""

    def leave(self, task: Task) -> None:
        os.chdir("/")


@breaks(LEFT)
class LeavesAVariable(Leaves):
    """A variable of the environment is left."""

    def leave(self, task: Task) -> None:
        os.environ["BENCH_ZOO"] = "1"


@breaks(LEFT)
class LeavesAFilter(Leaves):
    """Warnings are silenced for all that follow."""

    def leave(self, task: Task) -> None:
        warnings.simplefilter("ignore")


@breaks(LEFT)
class LeavesErrorsOfNumPy(Leaves):
    """NumPy raises where it warned before."""

    def leave(self, task: Task) -> None:
        np.seterr(all="raise")


@breaks(LEFT)
class LeavesASignal(Leaves):
    """A signal is ignored from here on."""

    def leave(self, task: Task) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@breaks(LEFT)
class LeavesNoOutput(Leaves):
    """The standard output is sent to a file."""

    def leave(self, task: Task) -> None:
        kept.append(sys.stdout)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


@breaks(LEFT)
class LeavesLogsOff(Leaves):
    """Loggers are silenced for all that follow."""

    def leave(self, task: Task) -> None:
        logging.disable(logging.CRITICAL)


@breaks(LEFT)
class LeavesNoGarbageCollection(Leaves):
    """Nothing is collected from here on."""

    def leave(self, task: Task) -> None:
        gc.disable()


@breaks(LEFT)
class LeavesAPath(Leaves):
    """A folder is put before all others that modules are imported from."""

    def leave(self, task: Task) -> None:
        sys.path.insert(0, "/nowhere")


@breaks(LEFT)
class ReplacesAFunction(Leaves):
    """A function of torch is replaced by one that is scaled."""

    def leave(self, task: Task) -> None:
        plain = F.cross_entropy
        F.cross_entropy = lambda *given, **named: 2 * plain(*given, **named)


@breaks(LEFT)
class ReplacesTheTraining(Leaves):
    """The training of all methods is replaced."""

    def leave(self, task: Task) -> None:
        training.milestone = lambda predictor: None


@breaks(LEFT)
class ReplacesAMethod(Leaves):
    """The loss of all methods is replaced."""

    def leave(self, task: Task) -> None:
        Predictor.loss = lambda self, batch: self(batch.x).sum()  # type: ignore[method-assign]


@breaks(LEFT)
class LeavesAProcess(Leaves):
    """A process runs on after fit."""

    def leave(self, task: Task) -> None:
        process = multiprocessing.get_context("fork").Process(target=signal.pause, daemon=True)
        process.start()
        kept.append(process)


@breaks(LEFT)
class LeavesItWhenScoring(Good):
    """Gradients are switched off by scoring."""

    def scores(self, x: Features) -> Scores:
        torch.backends.cudnn.deterministic = True
        return super().scores(x)


@breaks("random state untouched")
class SeedsEverything(Leaves):
    """All random states are set, so that what follows draws the same numbers."""

    def leave(self, task: Task) -> None:
        random.seed(task.seed)
        np.random.seed(task.seed)
        torch.manual_seed(task.seed)


@breaks("clip untouched")
class LeavesAHookOnCLIP(Leaves):
    """A hook is left on CLIP's image tower."""

    wants = ("clip",)

    def leave(self, task: Task) -> None:
        assert task.clip
        task.clip.model.visual.register_forward_hook(lambda *_: None)


@breaks("clip untouched")
class ChangesTheTokenizer(Leaves):
    """CLIP's tokenizer is replaced by one that knows no capitals."""

    wants = ("clip",)

    def leave(self, task: Task) -> None:
        assert task.clip
        plain = task.clip.tokenizer
        task.clip.tokenizer = lambda texts: plain([text.lower() for text in texts])


@breaks("clip untouched")
class ReordersCLIP(Leaves):
    """Two columns of CLIP's projection are exchanged behind the back of torch."""

    wants = ("clip",)

    def leave(self, task: Task) -> None:
        assert task.clip
        projection = task.clip.model.text_projection.data
        projection.copy_(projection.flip(1))
