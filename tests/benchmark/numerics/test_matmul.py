"""x Wᵀ + b by oneDNN against torch's own linear layer, forwards and backwards."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchmark.numerics import matmul
from benchmark.numerics.matmul import LARGE, product, through


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    """Every product is large enough and oneDNN the faster one, so that small products on any CPU test oneDNN."""
    monkeypatch.setattr(matmul, "LARGE", 0)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


def drawn(*shape, **keywords):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), **keywords)


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5), (1, 5), (0, 5)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_it_is_the_linear_layer(shape, with_bias):
    x, weight, bias = drawn(*shape), drawn(4, 5), drawn(4) if with_bias else None
    assert product(x, weight, bias).shape == (*shape[:-1], 4)
    assert torch.allclose(product(x, weight, bias), F.linear(x, weight, bias), atol=1e-6)


def test_two_images_by_hand():
    x = torch.tensor([[1.0, 2.0], [0.0, 3.0]])
    assert product(x, torch.tensor([[1.0, 1.0]]), torch.tensor([0.5])).tolist() == [[3.5], [3.5]]


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5)])
def test_gradients_are_those_of_the_linear_layer(shape):
    found = []
    for way in (product, F.linear):
        inputs = [drawn(*shape).requires_grad_(), drawn(4, 5).requires_grad_(), drawn(4).requires_grad_()]
        (way(*inputs) * drawn(*shape[:-1], 4)).sum().backward()
        found.append([t.grad for t in inputs])
    for fast, slow in zip(*found, strict=True):
        assert slow.abs().max() > 0.1
        assert torch.allclose(fast, slow, atol=1e-5)


def test_what_needs_no_gradient_gets_none():
    x, weight = drawn(7, 5).requires_grad_(), drawn(4, 5)
    product(x, weight).sum().backward()
    assert weight.grad is None
    assert torch.allclose(x.grad, weight.sum(0).expand(7, 5), atol=1e-6)


@pytest.mark.parametrize("view", ["transposed", "strided", "expanded"])
def test_matrices_need_not_be_contiguous(view):
    x = {"transposed": drawn(5, 7).T, "strided": drawn(7, 10)[:, ::2], "expanded": drawn(1, 5).expand(7, 5)}[view]
    weight = drawn(5, 4).T
    assert torch.allclose(product(x, weight), F.linear(x, weight), atol=1e-6)


def test_double_precision_stays_double():
    x, weight = drawn(7, 5, dtype=torch.double), drawn(4, 5, dtype=torch.double)
    assert torch.equal(product(x, weight), F.linear(x, weight))


def test_small_products_are_left_to_torch(monkeypatch):
    monkeypatch.setattr(matmul, "LARGE", LARGE)
    monkeypatch.setattr(matmul, "_onednn", lambda *_: pytest.fail("too small to be worth a call"))
    x, weight = drawn(7, 5), drawn(4, 5)
    assert torch.equal(product(x, weight), F.linear(x, weight))


def test_large_products_are_not_left_to_torch(monkeypatch):
    monkeypatch.setattr(matmul, "LARGE", LARGE)
    monkeypatch.setattr(matmul.F, "linear", lambda *_: pytest.fail("large enough for oneDNN"))
    assert product(torch.zeros(1024, 32), torch.zeros(32, 32)).shape == (1024, 32)


def test_without_onednn_torch_does_it(monkeypatch):
    monkeypatch.setattr(matmul, "_available", lambda: False)
    monkeypatch.setattr(matmul, "_onednn", lambda *_: pytest.fail("there is no oneDNN"))
    x, weight = drawn(7, 5), drawn(4, 5)
    assert torch.equal(product(x, weight), F.linear(x, weight))


def test_without_avx_512_mkl_does_it(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(matmul, "_onednn", lambda *_: pytest.fail("MKL is faster"))
    x, weight = drawn(7, 5), drawn(4, 5)
    assert torch.equal(product(x, weight), F.linear(x, weight))


def test_without_mkl_onednn_does_it_on_every_cpu(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    monkeypatch.setattr(matmul.F, "linear", lambda *_: pytest.fail("oneDNN is there"))
    assert product(torch.zeros(7, 5), torch.zeros(4, 5)).shape == (7, 4)


def test_a_sequence_goes_through_layer_by_layer():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    layers = nn.Sequential(nn.Linear(5, 6), nn.GELU(), Doubled(6, 4), nn.Sequential(nn.Linear(4, 3)))
    assert torch.allclose(through(layers, drawn(7, 5)), layers(drawn(7, 5)), atol=1e-6)
