"""What a guest leaves changed is put back and named."""

import builtins
import decimal
import gc
import locale
import logging
import os
import random
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.core import warned
from benchmark.methods import Predictor, Samples
from benchmark.methods.contract.toy import toy_clip
from benchmark.methods.guest.visit import AT_IMPORT, FACTS, Left, guest, visit

kept: list[Any] = []


class Function(TorchFunctionMode):
    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        return function(*given, **(named or {}))


class Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        return function(*given, **(named or {}))


def entered(context: Any) -> None:
    kept.append(context)
    context.__enter__()


def lowered(limit: int) -> tuple[int, int]:
    soft, hard = resource.getrlimit(limit)
    return (1024 if soft == 0 and hard else 0), hard


def set_to(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


LEFT: dict[str, Callable[[], Any]] = {
    "torch.set_grad_enabled(False)": lambda: torch.set_grad_enabled(False),
    "torch.inference_mode(True)": lambda: entered(torch.inference_mode()),
    "torch.set_default_dtype(torch.float64)": lambda: torch.set_default_dtype(torch.float64),
    "torch.set_default_device(meta)": lambda: torch.set_default_device("meta"),
    "torch.set_default_device(cpu)": lambda: torch.set_default_device("cpu"),
    "torch.set_num_threads(3)": lambda: torch.set_num_threads(3),
    "the modes of torch's functions": lambda: entered(Function()),
    "the modes of torch's operations": lambda: entered(Dispatch()),
    "torch.use_deterministic_algorithms()": lambda: torch.use_deterministic_algorithms(True),
    "torch.utils.deterministic.fill_uninitialized_memory (False)": set_to(
        torch.utils.deterministic, "fill_uninitialized_memory", False
    ),
    "torch.backends.cudnn.benchmark (True)": set_to(torch.backends.cudnn, "benchmark", True),
    "torch.backends.cudnn.deterministic (True)": set_to(torch.backends.cudnn, "deterministic", True),
    "torch.backends.cudnn.allow_tf32 (False)": set_to(torch.backends.cudnn, "allow_tf32", False),
    "torch.backends.cuda.matmul.allow_tf32 (True)": set_to(torch.backends.cuda.matmul, "allow_tf32", True),
    "torch.set_float32_matmul_precision()": lambda: torch.set_float32_matmul_precision("high"),
    "torch.backends.fp32_precision": set_to(torch.backends, "fp32_precision", "tf32"),
    "torch.backends.mkldnn.matmul.fp32_precision": set_to(torch.backends.mkldnn.matmul, "fp32_precision", "bf16"),
    "torch.backends.mkldnn.enabled (False)": set_to(torch.backends.mkldnn, "enabled", False),
    "torch.backends.cuda.enable_flash_sdp(False)": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "torch.set_flush_denormal(True)": lambda: torch.set_flush_denormal(True),
    "torch.set_anomaly_enabled()": lambda: torch.set_anomaly_enabled(True),
    "torch.autocast of cpu (True)": lambda: torch.set_autocast_enabled("cpu", True),
    "torch's global forward hooks": lambda: torch.nn.modules.module.register_module_forward_hook(lambda *_: None),
    "torch.set_printoptions.precision (2)": lambda: torch.set_printoptions(precision=2),
    "the random state of torch": lambda: torch.rand(1),
    "the random state of NumPy": lambda: np.random.random(),
    "the random state of Python": lambda: random.random(),
    "np.seterr()": lambda: np.seterr(all="raise"),
    "np.set_printoptions()": lambda: np.set_printoptions(precision=2),
    "the working folder": lambda: os.chdir("/"),
    "the environment variable BENCH_GUEST": lambda: os.environ.update(BENCH_GUEST="secret"),
    "the environment variable PATH": lambda: os.environ.pop("PATH"),
    "os.umask(63)": lambda: os.umask(0o77),
    "the handler of SIGTERM": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "the handler of SIGINT": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    "signal.alarm(True)": lambda: signal.alarm(1000),
    "the limit RLIMIT_CORE": lambda: resource.setrlimit(resource.RLIMIT_CORE, lowered(resource.RLIMIT_CORE)),
    "sys.stdout": set_to(sys, "stdout", sys.stderr),
    "sys.path": lambda: sys.path.append("/nowhere"),
    "sys.excepthook": set_to(sys, "excepthook", print),
    "the filters of warnings": lambda: warnings.simplefilter("ignore"),
    "warnings.showwarning": set_to(warnings, "showwarning", print),
    "logging.disable (50)": lambda: logging.disable(logging.CRITICAL),
    "the level of logger root": lambda: logging.getLogger().setLevel(logging.DEBUG),
    "the handlers of logger root": lambda: logging.getLogger().addHandler(logging.NullHandler()),
    "sys.setrecursionlimit(5000)": lambda: sys.setrecursionlimit(5000),
    "gc.enable(False)": lambda: gc.disable(),
    "the context of decimal": lambda: setattr(decimal.getcontext(), "prec", 3),
    "torch.nn.functional.cross_entropy": set_to(F, "cross_entropy", F.nll_loss),
    "benchmark.methods.predictor.Predictor.loss": set_to(Predictor, "loss", lambda *_: None),
    "benchmark.methods.samples.Samples.view": set_to(Samples, "view", lambda *_: None),
    "builtins.print": set_to(builtins, "print", None),
}


def values() -> list[Any]:
    return [fact.read() for fact in FACTS]


@pytest.mark.parametrize("words", LEFT)
def test_what_is_left_changed_is_named_and_put_back(words: str) -> None:
    with visit("it"):  # from the first visit on the functions that end the process are guarded
        pass
    before = values()
    with visit("it") as left:
        LEFT[words]()
    assert [fact for fact, old, new in zip(FACTS, before, values(), strict=True) if fact.changed(old, new)] == []
    assert any(thing == words or thing.startswith(f"{words} (") for thing in left.changed)
    assert left.line.endswith(", put back")
    assert "secret" not in left.line


def test_computing_goes_on_as_before_after_everything_at_once() -> None:
    layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    before = layer(x).sum()
    with visit("it") as left:
        for leave in LEFT.values():
            leave()
    after = layer(x).sum()
    after.backward()
    assert (after.dtype, after.device) == (before.dtype, before.device)
    assert torch.equal(after, before)
    assert len(left.changed) >= len(LEFT) - 1  # the default device is left twice
    assert len(left.line) < 400


def test_nothing_is_said_of_a_guest_that_leaves_nothing() -> None:
    with warned.heard() as heard, guest("it") as left:
        torch.nn.Linear(3, 2, device="meta")
    assert (left, left.line, heard.lines) == (Left(), "", [])


def test_a_line_names_the_guest_to_whoever_hears_warnings() -> None:
    with warned.heard() as heard, guest("pkg.mod:Method"):
        torch.set_grad_enabled(False)
        warnings.simplefilter("ignore")
    assert heard.lines == ["pkg.mod:Method left torch.set_grad_enabled(False), the filters of warnings, put back"]


def test_things_are_put_back_also_where_the_guest_fails() -> None:
    def leave_and_fail() -> None:
        torch.set_default_dtype(torch.float64)
        raise ZeroDivisionError

    with warned.heard() as heard, pytest.raises(ZeroDivisionError), guest("it"):
        leave_and_fail()
    assert torch.get_default_dtype() == torch.float32
    assert heard.lines == ["it left torch.set_default_dtype(torch.float64), put back"]


def test_many_things_are_counted() -> None:
    with visit("it") as left:
        for number in range(7):
            os.environ[f"BENCH_GUEST_{number}"] = ""
    assert left.line.endswith("the environment variable BENCH_GUEST_3 and 3 more, put back")


def test_a_thread_that_runs_on_is_named() -> None:
    end = threading.Event()
    with visit("it") as left:
        threading.Thread(target=end.wait, name="reader", daemon=True).start()
    end.set()
    assert left.line == "left thread reader running"


def test_what_libraries_set_at_their_import_is_theirs() -> None:
    with visit("it", facts=AT_IMPORT) as left:
        os.environ["BENCH_GUEST"] = "1"
        torch.set_default_dtype(torch.float64)
    assert os.environ.pop("BENCH_GUEST") == "1"
    assert left.changed == ["torch.set_default_dtype(torch.float64)"]


def model_of(change: Callable[[Any], object]) -> list[str]:
    clip = toy_clip()
    with visit("it", clip) as left:
        change(clip)
    return left.clip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda clip: clip.model.train(), "CLIP's training mode of the model"),
        (lambda clip: clip.model.visual.requires_grad_(True), "CLIP's gradient of visual.class_embedding"),
        (lambda clip: clip.model.text_projection.data.mul_(1.1), "CLIP's text_projection"),
        (
            lambda clip: clip.model.text_projection.data.copy_(clip.model.text_projection.data.flip(0)),
            "CLIP's text_projection",
        ),
        (lambda clip: clip.model.visual.register_forward_hook(print), "CLIP's hooks (forward hooks) of visual"),
        (lambda clip: setattr(clip.model, "encode_text", None), "CLIP's attribute encode_text of the model"),
        (lambda clip: setattr(clip, "tokenizer", len), "CLIP's attribute tokenizer"),
        (lambda clip: setattr(clip.tokenizer, "longest", 5), "CLIP's attribute longest of the tokenizer"),
    ],
)
def test_a_change_of_clip_is_named(change: Callable[[Any], object], words: str) -> None:
    try:
        assert words in model_of(change)
    finally:
        vars(toy_clip().tokenizer).pop("longest", None)


def test_clip_is_as_it_was_after_its_use() -> None:
    assert model_of(lambda clip: clip.classifier(["a", "b"], ["a photo of a {}."])) == []


def test_the_locale_and_the_time_zone_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = time.localtime(0).tm_hour
    with visit("it") as left:
        locale.setlocale(locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8")
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
    assert time.localtime(0).tm_hour == hour
    assert {"locale.setlocale()", "the environment variable TZ"} == set(left.changed)


def test_constants_and_modules_of_this_package_are_put_back() -> None:
    import benchmark.methods.scoring as scoring
    from benchmark.running import observer

    whole = dict(observer.CHOICES)
    with visit("it") as left:
        scoring.PART = 7
        observer.CHOICES.clear()  # type: ignore[attr-defined]
        sys.modules["benchmark.methods.scoring"] = observer
    assert (scoring.PART, dict(observer.CHOICES)) == (1000, whole)
    assert sys.modules["benchmark.methods.scoring"] is scoring
    assert left.changed == [
        "the module benchmark.methods.scoring",
        "benchmark.methods.scoring.PART",
        "benchmark.running.observer.CHOICES",
    ]
