"""AdamW and Adam against torch's own, bit for bit."""

import pytest
import torch
from torch import nn

from benchmark.numerics.adamw import Adam, AdamW

RATES = [0.1, 0.03, 0.0, 0.01, 0.2]


def twins(dtype: torch.dtype) -> list[list[nn.Parameter]]:
    """Two parameters, twice."""
    drawn = [torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1)) for shape in ((3, 5), (7,))]
    return [[nn.Parameter(x.clone()) for x in drawn] for _ in range(2)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.double])
@pytest.mark.parametrize(("eps", "weight_decay"), [(1e-4, 0.01), (1e-8, 0.0)])
@pytest.mark.parametrize(("cls", "own"), [(AdamW, torch.optim.AdamW), (Adam, torch.optim.Adam)])
def test_it_is_torchs_own_step_by_step(
    cls: type[AdamW], own: type[torch.optim.Adam], dtype: torch.dtype, eps: float, weight_decay: float
) -> None:
    fast, slow = twins(dtype)
    ours = cls(fast, eps=eps, weight_decay=weight_decay)
    theirs = own(slow, eps=eps, weight_decay=weight_decay, fused=True)
    for number, lr in enumerate(RATES):
        for parameters in (fast, slow):
            for parameter in parameters:
                parameter.grad = (parameter.detach() - number).sin()
        before = [p.detach().clone() for p in fast]
        ours.step(lr)
        theirs.param_groups[0]["lr"] = lr
        theirs.step()
        assert all(torch.equal(a, b) for a, b in zip(fast, slow, strict=True))
        assert all(torch.equal(a, b) == (lr == 0) for a, b in zip(fast, before, strict=True))


def test_a_parameter_without_a_gradient_stays_and_its_steps_do_not_count() -> None:
    fast, slow = twins(torch.float32)
    ours = AdamW(fast, eps=1e-4, weight_decay=0.1)
    theirs = torch.optim.AdamW(slow, lr=0.1, eps=1e-4, weight_decay=0.1, fused=True)
    for idle in (True, False, True, False):
        for parameters in (fast, slow):
            parameters[0].grad = torch.ones_like(parameters[0])
            parameters[1].grad = None if idle else torch.ones_like(parameters[1])
        before = fast[1].detach().clone()
        ours.step(0.1)
        theirs.step()
        assert torch.equal(fast[1], before) == idle
        assert all(torch.equal(a, b) for a, b in zip(fast, slow, strict=True))


def test_the_first_step_by_hand() -> None:
    """m = 0.1 g, v = 0.001 g², both over 1 - beta: the step is lr · g / (|g| + eps), after the decay 1 - lr · wd."""
    parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
    parameter.grad = torch.tensor([0.5, -4.0])
    AdamW([parameter], eps=0.5, weight_decay=0.2).step(0.1)
    assert parameter.tolist() == pytest.approx([0.98 - 0.1 * 0.5 / 1.0, -1.96 + 0.1 * 4 / 4.5])
