"""The second device of the tests does what a real one does: it keeps numbers, trains, and refuses to mix."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmark.methods.contract.fake_device import ELSEWHERE, elsewhere


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_what_is_moved_there_says_so_and_comes_back_with_its_numbers() -> None:
    x = numbers(3, 4)
    with elsewhere() as device:
        there = x.to(device)
        assert there.device == device == ELSEWHERE
        assert torch.equal(there.cpu(), x)
        assert there.tolist() == x.tolist()
        assert (there.sum().item(), bool((there > 9).any())) == (x.sum().item(), False)


def test_what_is_made_of_it_or_made_there_is_there() -> None:
    with elsewhere() as device:
        x = numbers(3, 4).to(device)
        made = [x + 1, x[1:], x.T, x @ x.T, x.max(1)[1], torch.zeros_like(x), x.new_ones(2), x.new_tensor([1.0])]
        made += [
            torch.arange(3, device=device),
            torch.tensor([1, 2], device=device),
            nn.Linear(2, 2, device=device).weight,
        ]
        assert {y.device for y in made} == {device}
        assert all(torch.equal(y.detach().cpu() * 0, torch.zeros(y.shape)) for y in made), "all have numbers"
        assert torch.ones(2).device == torch.device("cpu")


def test_in_place_a_tensor_stays_the_same_object_and_changes_its_base() -> None:
    with elsewhere() as device:
        x = torch.zeros(2, 3).to(device)
        row = x[1]
        assert row.add_(1) is row
        x[0] = 5
        assert x.tolist() == [[5, 5, 5], [1, 1, 1]]


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x + torch.ones(4),
        lambda x: x @ torch.ones(4, 2),
        lambda x: torch.cat([x, torch.ones(1, 4)]),
        lambda x: F.linear(x, torch.ones(2, 4)),
        lambda x: F.cross_entropy(x, torch.zeros(3, dtype=torch.long)),
        lambda x: torch.where(torch.ones(3, 4, dtype=torch.bool), x, x),
        lambda x: torch.stack([x, torch.ones(3, 4)]),
        lambda x: torch.ones(3, 4).add_(x),
        lambda x: x.index_add(0, torch.zeros(3, dtype=torch.long), x),
    ],
)
def test_two_devices_in_one_operation_are_refused(mixed) -> None:
    with elsewhere() as device, pytest.raises(RuntimeError, match="same device"):
        mixed(numbers(3, 4).to(device))


def test_a_number_and_an_index_of_the_cpu_are_taken() -> None:
    with elsewhere() as device:
        x = numbers(3, 4).to(device)
        assert (x * torch.tensor(2.0)).device == device
        assert torch.equal(x[torch.tensor([2, 0])].cpu(), x.cpu()[[2, 0]])


def test_what_was_fetched_is_computed_with_here_a_number_among_it() -> None:
    with elsewhere() as device:
        fetched = numbers(3, 4).to(device).cpu()
        assert torch.equal(fetched / fetched.mean(), numbers(3, 4) / numbers(3, 4).mean())


def test_numpy_and_the_cpus_generator_are_refused() -> None:
    with elsewhere() as device:
        with pytest.raises(TypeError, match="numpy"):
            numbers(2).to(device).numpy()
        with pytest.raises(RuntimeError, match="generator"):
            torch.randn(3, generator=torch.Generator(), device=device)


@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, torch.optim.SGD])
def test_a_network_trains_there_to_the_numbers_that_it_has_here(optimiser) -> None:
    def trained(device: torch.device) -> torch.Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)).to(device)
        x, y = numbers(16, 4).to(device), (torch.arange(16) % 3).to(device)
        steps = optimiser(network.parameters(), lr=0.1)
        for _ in range(5):
            steps.zero_grad()
            F.cross_entropy(network(x), y).backward()
            steps.step()
        assert {p.grad.device for p in network.parameters()} == {device}
        return network(x).detach().cpu()

    here = trained(torch.device("cpu"))
    with elsewhere() as device:
        there = trained(device)
    torch.testing.assert_close(there, here)


def test_outside_there_is_no_such_device() -> None:
    with pytest.raises(NotImplementedError):
        torch.ones(2).to(ELSEWHERE).cpu()
