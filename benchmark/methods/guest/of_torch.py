"""Facts of torch and NumPy: how they compute, differentiate, place, round and draw."""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch.nn.modules import module as torch_module
from torch.overrides import _get_current_function_mode_stack, _pop_mode, _push_mode
from torch.utils import _python_dispatch as dispatch

from benchmark.core import float32
from benchmark.core.machine import flushes_denormals
from benchmark.methods.guest.fact import Fact, Values, attributes, one

CUDNN, CUDA, MKLDNN = torch.backends.cudnn, torch.backends.cuda, torch.backends.mkldnn

DEVICE, MODES = "torch.set_default_device()", "the modes of torch's functions"
CUDA_STATE = "the random state of accelerator "
ATTENTION = ("flash_sdp", "mem_efficient_sdp", "math_sdp", "cudnn_sdp")
REDUCED = (
    "allow_fp16_reduced_precision_reduction",
    "allow_bf16_reduced_precision_reduction",
    "allow_fp16_accumulation",
)

_guards: list[torch.inference_mode] = []
"""Contexts entered in order to leave inference mode; the end of one would enter it again, so that they are kept."""


def _set_inference_mode(before: bool) -> None:
    grad = torch.is_grad_enabled()
    _guards.append(torch.inference_mode(before))
    _guards[-1].__enter__()
    torch.set_grad_enabled(grad)


def _default_device() -> torch.device | None:
    """The default device; None where none was set, and no mode has to look at every call."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def _modes() -> list[Any]:
    """Modes of torch's functions, apart from the one of the default device."""
    default = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return [mode for mode in _get_current_function_mode_stack() if mode is not default]


def _set_functions(before: Values) -> None:
    device, modes = before.get(DEVICE, _default_device()), before.get(MODES, _modes())
    while _get_current_function_mode_stack():
        _pop_mode()
    torch._GLOBAL_DEVICE_CONTEXT.device_context = None  # its end would take another mode off
    torch.utils._device.CURRENT_DEVICE = None
    for mode in modes:
        _push_mode(mode)
    if device is not None:
        torch.set_default_device(device)


def _dispatch_modes() -> list[Any]:
    return list(dispatch._get_current_dispatch_mode_stack())


def _set_dispatch_modes(before: list[Any]) -> None:
    while dispatch._get_current_dispatch_mode_stack():
        dispatch._pop_mode()
    for mode in before:
        dispatch._push_mode(mode)


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(before: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _autocast() -> Values:
    kinds = ("cpu", "cuda")
    found: dict[str, Any] = {f"torch.autocast of {kind}": torch.is_autocast_enabled(kind) for kind in kinds}
    found |= {f"the type of torch.autocast on {kind}": torch.get_autocast_dtype(kind) for kind in kinds}
    return {**found, "the cache of torch.autocast": torch.is_autocast_cache_enabled()}


def _set_autocast(before: Values) -> None:
    for words, value in before.items():
        kind = words.rpartition(" ")[2]
        if words.startswith("the cache"):
            torch.set_autocast_cache_enabled(value)
        elif words.startswith("the type"):
            torch.set_autocast_dtype(kind, value)
        else:
            torch.set_autocast_enabled(kind, value)


def _attention(kind: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """Whether a kernel of attention may be used, and the function that sets it."""
    return getattr(CUDA, f"{kind}_enabled"), getattr(CUDA, f"enable_{kind}")


def _blas() -> dict[str, Any]:
    """Libraries of linear algebra other than torch's own, by words."""
    return _blas_of(len(sys.modules))


@lru_cache(maxsize=1)
def _blas_of(modules: int) -> dict[str, Any]:
    """The libraries, found again when the number of imported modules has changed; a search takes milliseconds."""
    found = [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
    return {f"the threads of {library.internal_api} ({library.filepath})": library for library in found}


def _threads() -> Values:
    return {words: library.num_threads for words, library in _blas().items()}


def _set_threads(before: Values) -> None:
    for words, library in _blas().items():
        if words in before:
            library.set_num_threads(before[words])


def _state_of_torch() -> bytes:
    return bytes(torch.get_rng_state().numpy())


def _set_state_of_torch(before: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(before), dtype=torch.uint8))


def _states_of_cuda() -> Values:
    """Random states of the accelerators; none where no program has used one, because asking starts them."""
    if not torch.cuda.is_initialized():
        return {}
    count = range(torch.cuda.device_count())
    return {f"{CUDA_STATE}{number}": bytes(torch.cuda.get_rng_state(number).numpy()) for number in count}


def _set_states_of_cuda(before: Values) -> None:
    for words, state in before.items():
        tensor = torch.frombuffer(bytearray(state), dtype=torch.uint8)
        torch.cuda.set_rng_state(tensor, int(words.removeprefix(CUDA_STATE)))


def _state_of_numpy() -> tuple[Any, ...]:
    name, key, *rest = np.random.get_state(legacy=True)
    return name, bytes(key), *rest  # type: ignore[arg-type]  # typeshed: a str


def _set_state_of_numpy(before: tuple[Any, ...]) -> None:
    name, key, *rest = before
    np.random.set_state((name, np.frombuffer(key, np.uint32), *rest))


def _hooks() -> Values:
    """Hooks that all modules of torch call."""
    return {f"torch's {name}": tuple(hooks.items()) for name, hooks in _hook_tables().items()}


def _set_hooks(before: Values) -> None:
    for name, hooks in _hook_tables().items():
        if (words := f"torch's {name}") in before:
            hooks.clear()
            hooks.update(before[words])


def _hook_tables() -> dict[str, dict[int, Any]]:
    return {
        name.strip("_").replace("_", " "): value
        for name, value in vars(torch_module).items()
        if name.startswith("_global") and isinstance(value, dict)
    }


def _set_anomaly(before: tuple[bool, bool]) -> None:
    torch.set_anomaly_enabled(*before)


def _set_numpy_errors(before: Mapping[str, Any]) -> None:
    np.seterr(**before)


def _numpy_print() -> dict[str, Any]:
    return dict(np.get_printoptions())


def _set_numpy_print(before: dict[str, Any]) -> None:
    np.set_printoptions(**before)


DRAWN = [
    one("the random state of torch", _state_of_torch, _set_state_of_torch),
    one("the random state of NumPy", _state_of_numpy, _set_state_of_numpy),
    Fact(_states_of_cuda, _set_states_of_cuda, closed=False),
]

OF_TORCH = [
    # Inference mode before gradients, which it switches too.
    one("torch.inference_mode()", torch.is_inference_mode_enabled, _set_inference_mode),
    one("torch.set_grad_enabled()", torch.is_grad_enabled, torch.set_grad_enabled),
    Fact(lambda: {DEVICE: _default_device(), MODES: _modes()}, _set_functions),
    one("the modes of torch's operations", _dispatch_modes, _set_dispatch_modes),
    one("torch.set_default_dtype()", torch.get_default_dtype, torch.set_default_dtype),
    one("torch.set_num_threads()", torch.get_num_threads, torch.set_num_threads),
    Fact(_threads, _set_threads, closed=False),
    one("torch.use_deterministic_algorithms()", _deterministic, _set_deterministic),
    attributes(torch.utils.deterministic, "torch.utils.deterministic", ("fill_uninitialized_memory",)),
    attributes(CUDNN, "torch.backends.cudnn", ("enabled", "benchmark", "benchmark_limit", "deterministic")),
    attributes(MKLDNN, "torch.backends.mkldnn", ("enabled", "deterministic")),
    attributes(torch.backends.opt_einsum, "torch.backends.opt_einsum", ("enabled", "strategy")),
    attributes(CUDA.matmul, "torch.backends.cuda.matmul", REDUCED),
    *(one(f"torch.backends.cuda.enable_{kind}()", *_attention(kind)) for kind in ATTENTION),
    Fact(float32.switches, float32.switch),
    one("torch.set_warn_always()", torch.is_warn_always_enabled, torch.set_warn_always),
    one("torch.set_flush_denormal()", flushes_denormals, torch.set_flush_denormal),
    one("torch.set_anomaly_enabled()", _anomaly, _set_anomaly),
    Fact(_autocast, _set_autocast),
    Fact(_hooks, _set_hooks),
    attributes(torch, "torch", ("default_generator",)),
    attributes(torch._tensor_str.PRINT_OPTS, "torch.set_printoptions", vars(torch._tensor_str.PRINT_OPTS)),
    *DRAWN,
    one("np.seterr()", np.geterr, _set_numpy_errors),
    one("np.seterrcall()", np.geterrcall, np.seterrcall),
    one("np.set_printoptions()", _numpy_print, _set_numpy_print),
]
