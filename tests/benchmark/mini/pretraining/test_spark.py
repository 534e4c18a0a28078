"""SparK: where something is seen, sparse layers against loops, and the dense network that comes out."""

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.mini import networks
from benchmark.mini.networks import mini_rn10
from benchmark.mini.pretraining import spark
from benchmark.mini.pretraining.algorithm import Schedule

ORDER = spark.orders(np.arange(4))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def is_seen(n: int, row: int, column: int) -> bool:
    """Whether a unit is among the first VISIBLE of its picture's order."""
    return row * 3 + column in ORDER[n, : spark.VISIBLE].tolist()


def test_four_of_nine_units_are_seen_and_an_id_decides_which():
    assert spark.VISIBLE == 4
    assert spark.seen_cells(ORDER)[3].sum((1, 2, 3)).tolist() == [4] * 4
    assert spark.orders(np.array([2]))[0].equal(ORDER[2])


def test_finer_maps_are_seen_where_their_unit_is():
    seen = spark.seen_cells(ORDER)
    for side in (48, 24, 12, 6, 3):
        for n in range(4):
            for i in range(side):
                for j in range(side):
                    assert seen[side][n, 0, i, j] == is_seen(n, i * 3 // side, j * 3 // side)


def test_a_cell_of_the_last_stage_is_empty_only_if_all_that_it_covers_is_hidden():
    seen = spark.seen_cells(ORDER)
    for n in range(4):
        for i in range(2):
            for j in range(2):
                reach = [
                    seen[3][n, 0, 2 * i + a, 2 * j + b] for a in (-1, 0, 1) for b in (-1, 0, 1) if within(i, j, a, b)
                ]
                assert seen[2][n, 0, i, j] == max(reach)


def within(i: int, j: int, a: int, b: int) -> bool:
    return 0 <= 2 * i + a < 3 and 0 <= 2 * j + b < 3


def test_sparse_normalisation_counts_the_seen_cells_only():
    x, seen = noise(4, 5, 6, 6), spark.seen_cells(ORDER)[6]
    norm = nn.BatchNorm2d(5)
    out = spark.sparse_norm(x, seen, norm)
    for channel in range(5):
        values = [
            x[n, channel, i, j].item()
            for n in range(4)
            for i in range(6)
            for j in range(6)
            if is_seen(n, i // 2, j // 2)
        ]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        for n, i, j in ((0, 0, 0), (1, 2, 3), (2, 5, 5), (3, 1, 4)):
            expected = (
                (x[n, channel, i, j].item() - mean) / (variance + norm.eps) ** 0.5 if is_seen(n, i // 2, j // 2) else 0
            )
            assert out[n, channel, i, j].item() == pytest.approx(expected, abs=1e-5)
        assert norm.running_mean[channel].item() == pytest.approx(0.1 * mean, abs=1e-6)


def masked_run(encoder: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The outputs of all convolutions and normalisations while masked."""
    sparsity, outputs = spark.Sparsity(encoder), {}
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.register_forward_hook(lambda m, i, o, name=name: outputs.update({name: o}))
    sparsity.seen = spark.seen_cells(ORDER)
    encoder(images * sparsity.seen[48])
    return outputs


def test_hidden_places_are_empty_behind_every_layer():
    outputs = masked_run(mini_rn10(), noise(4, 3, 48, 48))
    assert len(outputs) > 20
    seen = spark.seen_cells(ORDER)
    for name, output in outputs.items():
        empty = (seen[output.shape[-1]] == 0).expand_as(output)
        assert (output[empty] == 0).all(), name
    assert (seen[6] == 0).any()


def test_what_is_under_the_mask_has_no_influence():
    images, seen = noise(4, 3, 48, 48), spark.seen_cells(ORDER)
    algorithm = spark.Spark("spark").eval()
    other = images + 5 * (1 - seen[48])
    for a, b in zip(algorithm._encode(images, seen), algorithm._encode(other, seen), strict=True):
        assert a.equal(b)


def test_without_a_mask_the_network_is_the_ordinary_one():
    torch.manual_seed(0)
    plain = mini_rn10()
    converted = mini_rn10()
    converted.load_state_dict(plain.state_dict())
    spark.Sparsity(converted)
    images = noise(4, 3, 48, 48)
    torch.testing.assert_close(converted(images), plain(images))
    torch.testing.assert_close(converted.bn1.running_mean, plain.bn1.running_mean)


def test_what_is_shipped_is_a_plain_resnet_with_the_same_weights():
    algorithm = spark.Spark("spark").eval()
    product = algorithm.product().eval()
    assert not any(isinstance(m, spark.SparseBatchNorm2d) for m in product.modules())
    images = noise(2, 3, 48, 48)
    torch.testing.assert_close(product(images), algorithm.encoder(images))


def test_holes_are_filled_with_the_stages_mask_token():
    fill = spark.Fill(3)
    fill.project = nn.Identity()
    seen = torch.tensor([[[[1.0, 0.0]]]])
    out = fill(torch.ones(1, 3, 1, 2), seen)
    assert out[0, :, 0, 0].tolist() == [1, 1, 1]
    assert out[0, :, 0, 1].equal(fill.mask.flatten())


@pytest.mark.parametrize("read", [1, 2, 4])
def test_the_decoder_paints_a_picture_from_as_many_of_the_last_stages_as_it_reads(read):
    maps = [noise(2, width, side, side) for width, side in zip(networks.WIDTHS, (12, 6, 3, 2), strict=True)]
    seen = spark.seen_cells(spark.orders(np.arange(2)))
    decoder = spark.Decoder(read).eval()
    painted = decoder(maps, seen)
    assert painted.shape == (2, 3, 48, 48)
    for k in range(4):
        changed = [m + 1.0 * (i == k) for i, m in enumerate(maps)]
        assert torch.allclose(decoder(changed, seen), painted) == (k < 4 - read)


def test_gradients_reach_everything_and_no_mask_is_left_behind():
    algorithm = spark.Spark("spark")
    algorithm.schedule = Schedule(steps=4, batch=8)
    algorithm.loss(0).backward()
    assert all(p.grad is not None for p in algorithm.parameters())
    assert algorithm._sparsity.seen == {}
