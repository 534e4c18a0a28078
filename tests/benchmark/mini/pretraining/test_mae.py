"""MAE: patches, masking, and the loss written out with loops."""

import numpy as np
import pytest
import torch

from benchmark.mini import networks
from benchmark.mini.pretraining import mae
from benchmark.mini.pretraining.algorithm import Schedule


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return networks.build_auxiliary("mae").eval()


def test_patches_are_taken_row_by_row():
    numbers = torch.arange(36.0).reshape(1, 1, 6, 6).expand(1, 3, 6, 6)
    images = numbers.repeat_interleave(8, 2).repeat_interleave(8, 3)
    patches = mae.patchify(images)
    assert patches.shape == (1, 36, 192)
    assert patches.unique(dim=2)[0, :, 0].tolist() == list(range(36))


def test_a_patch_is_its_pixels_row_by_row_three_colours_each():
    images = noise(1, 3, 4, 4)
    second = [images[0, c, i, j].item() for i in range(2) for j in (2, 3) for c in range(3)]
    assert mae.patchify(images, side=2)[0, 1].tolist() == second


def test_a_patch_of_one_two_three_becomes_minus_one_nought_one():
    torch.testing.assert_close(mae.contrast(torch.tensor([[1.0, 2, 3]])), torch.tensor([[-1.0, 0, 1]]))


def test_a_patch_without_contrast_becomes_nought_and_not_infinite():
    assert mae.contrast(torch.full((1, 4), 7.0)).abs().max() == 0


def test_the_loss_is_the_mean_square_error_of_the_hidden_patches_written_out():
    images, painted = noise(2, 3, 48, 48), noise(2, 36, 192, seed=1)
    hidden = (noise(2, 36, seed=2) > 0).float()
    total, count = 0.0, 0
    for n in range(2):
        for p in range(36):
            if hidden[n, p]:
                row, column = divmod(p, 6)
                cell = images[n, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8].permute(1, 2, 0).flatten()
                wanted = (cell - cell.mean()) / cell.std()
                total += sum((painted[n, p, i] - wanted[i]).item() ** 2 for i in range(192)) / 192
                count += 1
    assert mae.reconstruction(painted, mae.patchify(images), hidden).item() == pytest.approx(total / count, rel=1e-4)


def test_what_is_painted_over_seen_patches_does_not_count():
    patches, painted, hidden = noise(1, 36, 192), noise(1, 36, 192, seed=1), torch.ones(1, 36)
    hidden[0, 5] = 0
    before = mae.reconstruction(painted, patches, hidden)
    painted[0, 5] += 100
    assert mae.reconstruction(painted, patches, hidden) == before


def test_nine_of_thirty_six_patches_are_seen_and_an_id_decides_which():
    assert (mae.PATCHES, mae.VISIBLE) == (36, 9)
    together = mae.orders(np.arange(50))
    assert together.sort(dim=1).values.equal(torch.arange(36).expand(50, -1))
    assert mae.orders(np.array([7]))[0].equal(together[7])
    often = torch.zeros(36)
    for row in mae.orders(np.arange(4000))[:, :9]:
        often[row] += 1
    assert ((often / 4000 - 0.25).abs() < 0.03).all()


def test_tokens_that_were_picked_can_be_put_back():
    tokens, order = noise(3, 36, 2), mae.orders(np.arange(3))
    assert mae.picked(tokens, order)[1, 4].equal(tokens[1, order[1, 4]])
    assert mae.put_back(mae.picked(tokens, order), order).equal(tokens)


def test_the_encoder_does_not_see_hidden_patches(encoder):
    order = mae.orders(np.arange(2))
    images = noise(2, 3, 48, 48)
    before = mae.encode(encoder, images, order[:, :9])
    for n in range(2):
        for p in order[n, 9:].tolist():
            row, column = divmod(p, 6)
            images[n, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 0
    assert mae.encode(encoder, images, order[:, :9]).equal(before)


def test_the_feature_of_a_whole_picture_is_its_mean_patch_token(encoder):
    images = noise(2, 3, 48, 48)
    everything = torch.arange(36).expand(2, -1)
    torch.testing.assert_close(encoder(images), mae.encode(encoder, images, everything).mean(1))


def test_the_decoder_paints_every_patch_and_learns_its_mask_token():
    algorithm = mae.Mae("mae")
    algorithm.schedule = Schedule(steps=4, batch=4)
    assert algorithm.decoder(noise(4, 9, 128), mae.orders(np.arange(4))).shape == (4, 36, 192)
    algorithm.loss(0).backward()
    trained = [p for p in algorithm.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in trained)
    assert not algorithm.encoder.pos_embed.requires_grad


def test_the_decoder_knows_the_place_of_a_mask():
    decoder, order = mae.Decoder(), mae.orders(np.arange(1))
    painted = decoder(noise(1, 9, 128), order)[0, order[0, 9:]]
    assert (painted - painted[0]).abs().amax(1)[1:].min() > 1e-4


def test_pictures_are_cropped_and_flipped_but_keep_their_colours():
    pictures = mae.pictures(np.arange(8))
    assert pictures.shape == (8, 3, 48, 48)
    assert mae.pictures(np.array([3]))[0].equal(pictures[3])
    assert (pictures[:, 0] - pictures[:, 1]).abs().amax((1, 2)).min() > 0.1
