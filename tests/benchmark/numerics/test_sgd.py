"""SGD against torch's own, bit for bit."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from benchmark.numerics.sgd import SGD

RATES = [0.1, 0.03, 0.0, 0.01, 0.2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.double])
@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.9, 5e-4), (0.9, 0.0), (0.0, 0.1), (0.0, 0.0)])
def test_it_is_torchs_own_step_by_step(dtype: torch.dtype, momentum: float, weight_decay: float) -> None:
    drawn = [torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1)) for shape in ((3, 5), (7,))]
    fast, slow = ([nn.Parameter(x.clone()) for x in drawn] for _ in range(2))
    ours = SGD(fast, momentum=momentum, weight_decay=weight_decay)
    theirs = torch.optim.SGD(slow, lr=1.0, momentum=momentum, weight_decay=weight_decay)
    for number, lr in enumerate(RATES):
        for parameters in (fast, slow):
            for parameter in parameters:
                parameter.grad = (parameter.detach() - number).sin()
            if number == 2:
                parameters[1].grad = None  # stays, and so does its velocity
        before = [p.detach().clone() for p in fast]
        ours.step(lr)
        theirs.param_groups[0]["lr"] = lr
        theirs.step()
        assert all(torch.equal(a, b) for a, b in zip(fast, slow, strict=True))
        assert [torch.equal(a, b) for a, b in zip(fast, before, strict=True)] == [lr == 0, lr == 0 or number == 2]


def test_two_steps_by_hand() -> None:
    """v = g + wd · θ = 0.7, θ = 1 - 0.1 · 0.7; v = 0.5 · 0.7 + (0.5 + 0.2 · 0.93), θ = 0.93 - 0.1 v."""
    parameter = nn.Parameter(torch.tensor([1.0], dtype=torch.double))
    optimiser = SGD([parameter], momentum=0.5, weight_decay=0.2)
    for expected in (0.93, 0.93 - 0.1 * (0.35 + 0.5 + 0.186)):
        parameter.grad = torch.tensor([0.5], dtype=torch.double)
        optimiser.step(0.1)
        assert parameter.tolist() == pytest.approx([expected])


def test_a_step_imports_no_compiler() -> None:
    code = (
        "import sys, torch; from benchmark.numerics.sgd import SGD; p = torch.nn.Parameter(torch.ones(1));"
        "p.grad = torch.ones(1); SGD([p], momentum=0.9, weight_decay=0.1).step(0.1);"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
