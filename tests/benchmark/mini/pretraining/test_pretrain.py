"""Each loss against its formula, and a run that is interrupted against one that is not."""

import json
import math
import os
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.core.errors import BenchError
from benchmark.mini import networks, weights
from benchmark.mini.pretraining import clip_pretrain, dino, milan, moco_v3, monitor, pretrain, views
from benchmark.mini.pretraining.algorithm import Schedule, mixed_precision, precision
from benchmark.mini.weights import stem
from benchmark.mini.world import world
from benchmark.mini.world.draws import Draws


def rows(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_the_clip_loss_is_the_mean_of_both_directions_written_out():
    image, text = (nn.functional.normalize(rows(4, 3, seed), dim=1) for seed in (0, 1))
    total = 0.0
    for i in range(4):
        own = math.exp(5 * float(image[i] @ text[i]))
        total -= math.log(own / sum(math.exp(5 * float(image[i] @ text[j])) for j in range(4))) / 8
        total -= math.log(own / sum(math.exp(5 * float(image[j] @ text[i])) for j in range(4))) / 8
    assert clip_pretrain.contrastive(image, text, torch.tensor(5.0)).item() == pytest.approx(total, rel=1e-5)


def test_the_moco_loss_is_info_nce_written_out():
    q, k, tau = rows(4, 3), rows(4, 3, 1), 0.2
    total = 0.0
    for i in range(4):
        similar = [math.exp(torch.cosine_similarity(q[i], k[j], dim=0).item() / tau) for j in range(4)]
        total -= 2 * tau * math.log(similar[i] / sum(similar)) / 4
    assert moco_v3.info_nce(q, k, tau).item() == pytest.approx(total, rel=1e-5)


def test_the_dino_loss_is_the_cross_entropy_of_all_pairs_of_different_views_written_out():
    students = [rows(2, 3, seed) for seed in (0, 1, 2)]
    targets = [rows(2, 3, seed).softmax(1) for seed in (3, 4)]
    terms = []
    for t in range(2):
        for s in range(3):
            if s != t:
                for n in range(2):
                    exps = [math.exp(students[s][n, k].item() / 0.1) for k in range(3)]
                    terms.append(-sum(targets[t][n, k].item() * math.log(exps[k] / sum(exps)) for k in range(3)))
    assert len(terms) == 8  # two teachers, two other views each, two images
    assert dino.cross_entropies(students, targets).item() == pytest.approx(sum(terms) / 8, rel=1e-5)


def test_sinkhorn_normalises_columns_and_rows_in_turn():
    logits = rows(5, 3) * 0.1
    q = [[math.exp(logits[n, k].item() / 0.04) for k in range(3)] for n in range(5)]
    for _ in range(3):
        columns = [sum(q[n][k] for n in range(5)) for k in range(3)]
        q = [[q[n][k] / columns[k] for k in range(3)] for n in range(5)]
        q = [[q[n][k] / sum(q[n]) for k in range(3)] for n in range(5)]
    torch.testing.assert_close(dino.sinkhorn(logits), torch.tensor(q))


def test_sinkhorn_uses_all_prototypes_although_every_row_prefers_the_first():
    logits = rows(60, 3) * 0.05 + torch.tensor([0.3, 0.0, 0.0])
    q = dino.sinkhorn(logits, rounds=50)
    torch.testing.assert_close(q.sum(1), torch.ones(60))
    torch.testing.assert_close(q.mean(0), torch.full((3,), 1 / 3), atol=1e-3, rtol=0)


def test_the_dino_head_spreads_inputs_that_are_nearly_the_same():
    head = dino.Head(16)
    x = torch.ones(32, 16) + 1e-3 * rows(32, 16)
    assert head(x).std(0).mean() > 0.05


def test_the_dino_prototypes_stay_as_they_are_drawn():
    algorithm = dino.Dino("dino")
    assert not [name for name, _ in algorithm.named_parameters() if "prototypes" in name]
    torch.testing.assert_close(algorithm.student[1].prototypes, algorithm.teacher[1].prototypes)


def test_views_of_one_picture_become_rarer_and_end():
    first, second = torch.zeros(8, 1), torch.ones(8, 1)
    for step, same in ((0, 4), (600, 2), (1200, 0), (5000, 0)):
        pictures = dino.paired([first, second], step)
        assert (pictures[0] == 0).all()
        assert pictures[1].flatten().tolist() == [0.0] * same + [1.0] * (8 - same)


def test_the_slow_network_is_a_moving_average():
    slow, fast = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    slow.weight.data.fill_(1.0)
    fast.weight.data.fill_(2.0)
    moco_v3.follow(slow, fast, 0.75)
    assert slow.weight.item() == 1.25
    assert fast.weight.item() == 2.0


def test_the_momentum_goes_from_its_start_to_one():
    assert moco_v3.momentum_at(0.0, 0.98) == pytest.approx(0.98)
    assert moco_v3.momentum_at(0.5, 0.98) == pytest.approx(0.99)
    assert moco_v3.momentum_at(1.0, 0.98) == 1.0


def test_gradients_reach_the_query_side_only():
    algorithm = moco_v3.MocoV3("mocov3")
    algorithm.schedule = Schedule(steps=4, batch=8)
    algorithm.loss(0).backward()
    assert all(p.grad is not None for p in (*algorithm.online.parameters(), *algorithm.predictor.parameters()))
    assert all(p.grad is None for p in algorithm.slow.parameters())


def test_the_learning_rate_warms_up_and_anneals_to_nearly_nothing():
    schedule = Schedule(steps=110, batch=1, lr=1.0, warmup=10)
    rates = [pretrain.lr_at(step, 110, schedule) for step in range(110)]
    assert rates[0] == 0.1
    assert rates[9] == rates[10] == 1.0
    assert rates[60] == pytest.approx(0.5)
    assert 0 < rates[109] < 1e-3
    assert all(a > b for a, b in pairwise(rates[10:]))


@pytest.mark.parametrize(("able", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_products_are_in_bfloat16_only_where_the_processor_has_instructions_for_it(able, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: able)
    with mixed_precision():
        assert (rows(2, 2) @ rows(2, 2)).dtype == expected
    assert precision() == str(expected).removeprefix("torch.")


def test_only_matrices_and_kernels_decay():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    decayed, free = pretrain.optimizer(network, Schedule(steps=1, batch=1)).param_groups
    assert [p.ndim for p in decayed["params"]] == [4, 2]
    assert decayed["weight_decay"] == 0.05
    assert {p.ndim for p in free["params"]} == {1}
    assert free["weight_decay"] == 0


def test_crops_have_the_area_asked_for_and_lie_inside():
    ramp = torch.linspace(0, 1, 48)
    across, down = ramp.expand(48, 48), ramp[:, None].expand(48, 48)
    images = torch.stack([across, down, across]).expand(64, 3, 48, 48)
    out = views.crop(images, Draws("crops", ids=np.arange(64)), (0.25, 0.25), 16)
    steps = out[:, 0, 0, 9] - out[:, 0, 0, 8], out[:, 1, 9, 0] - out[:, 1, 8, 0]
    width, height = (step * 16 * 47 / 48 for step in steps)  # a ramp's slope tells how much of it one sees
    torch.testing.assert_close(width.abs() * height, torch.full((64,), 0.25), atol=0.01, rtol=0)
    assert 0.3 < (width < 0).float().mean() < 0.7  # flipped
    assert 0 <= out.min() < out.max() <= 1


def test_grey_pictures_are_as_frequent_as_stated():
    images = torch.rand(2000, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    out = views.recolour(images, Draws("grey", ids=np.arange(2000)))
    grey = (out - out[:, :1]).abs().amax((1, 2, 3)) < 1e-6
    assert grey.float().mean().item() == pytest.approx(views.GREY, abs=0.04)


def test_a_view_is_the_same_whenever_it_is_asked_for():
    together = views.seen(np.arange(6), 1)
    torch.testing.assert_close(views.seen(np.array([4]), 1)[0], together[4])
    assert not torch.allclose(views.seen(np.array([4]), 0)[0], together[4])


def test_neighbours_vote_and_the_ridge_separates():
    x, y = torch.eye(3).repeat(20, 1) + 0.05 * rows(60, 3), torch.arange(3).repeat(20)
    for probe in (monitor.knn, monitor.ridge):
        assert probe(x, y, torch.eye(3)).argmax(1).tolist() == [0, 1, 2]


@pytest.fixture
def tiny(monkeypatch):
    """All algorithms with batches of eight, without looks at the monitor split and without shipped weights."""

    def shrunk(make):
        def build(role):
            algorithm = make(role)
            algorithm.schedule = Schedule(steps=4, batch=8, warmup=1)
            algorithm.monitor = lambda: {"accuracy": 0.0}
            return algorithm

        return build

    monkeypatch.setattr(clip_pretrain, "inherit_text", lambda model, role: "")
    monkeypatch.setattr(milan, "_teacher", lambda: networks.build_clip(milan.TEACHER)[0].eval().visual)
    monkeypatch.setattr(pretrain, "ALGORITHMS", {role: shrunk(make) for role, make in pretrain.ALGORITHMS.items()})


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("role", ["RN50", "ViT-B/16", "mocov3", "dino", "mae", "spark", "milan"])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(role, tmp_path):
    def interrupt(line):
        raise KeyboardInterrupt

    pretrain.pretrain(role, tmp_path / "whole", every=2, progress=lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(role, tmp_path / "parts", every=2, progress=interrupt)
    name = stem(role)
    assert not (tmp_path / "parts" / f"{name}.safetensors").exists()
    pretrain.pretrain(role, tmp_path / "parts", every=2, progress=lambda line: None)
    whole, parts = (load_file(tmp_path / run / f"{name}.safetensors") for run in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for key in whole:
        torch.testing.assert_close(parts[key], whole[key], rtol=0, atol=0)
    curves = [json.loads((tmp_path / run / f"{name}.json").read_text())["curve"] for run in ("whole", "parts")]
    assert [point["step"] for point in curves[1]] == [2, 4]
    assert [point["loss"] for point in curves[0]] == [point["loss"] for point in curves[1]]


@pytest.mark.usefixtures("tiny")
def test_a_run_leaves_a_card_a_curve_and_weights_that_changed(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    pretrain.pretrain("dino", tmp_path, progress=lambda line: None)
    assert torch.get_rng_state().equal(before)  # nobody else's random numbers were used up
    card = json.loads((tmp_path / "dino.json").read_text())
    assert (card["role"], card["steps"], card["samples"], card["world"]) == ("dino", 4, 32, world.VERSION)
    assert card["command"] == "bench pretrain dino"
    assert (tmp_path / "dino.log.csv").read_text().splitlines()[0] == "step,loss,minutes,accuracy"
    initial = pretrain.half(pretrain.Run("dino", tmp_path / "new", None).algorithm.product().state_dict())
    shipped = load_file(tmp_path / "dino.safetensors")
    assert shipped["conv1.0.weight"].dtype == torch.float16
    assert not shipped["conv1.0.weight"].equal(initial["conv1.0.weight"])


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("asked", "steps"), [({}, 4), ({"quick": True}, 2), ({"quick": True, "steps": 3}, 3)])
def test_a_quick_run_has_fewer_steps_unless_their_number_is_given(asked, steps, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "QUICK", {"dino": 2})
    pretrain.pretrain("dino", tmp_path, **asked, progress=lambda line: None)
    assert json.loads((tmp_path / "dino.json").read_text())["steps"] == steps


@pytest.mark.usefixtures("tiny")
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path):
    pretrain.pretrain("dino", tmp_path, steps=1, progress=lambda line: None)
    with pytest.raises(BenchError, match=r"dino\.ckpt.*delete it"):
        pretrain.pretrain("dino", tmp_path, steps=2, progress=lambda line: None)


def checkpoint(folder, **change):
    """A checkpoint after one step of two, with some of its parts in another form."""
    pretrain.pretrain("dino", folder, steps=1, progress=lambda line: None)
    state = torch.load(folder / "dino.ckpt", weights_only=True)
    state = {**state, "asked": [2, *state["asked"][1:]], **change}
    torch.save({name: part for name, part in state.items() if part is not None}, folder / "dino.ckpt")
    return folder / "dino.ckpt"


DAMAGED = {
    "nothing": lambda path: path.write_bytes(b""),
    "random bytes": lambda path: path.write_bytes(bytes(range(256)) * 10),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "another object": lambda path: torch.save([1, 2], path),
    "a tensor": lambda path: torch.save(torch.zeros(3), path),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_checkpoint_is_told_with_what_to_do(damage, tmp_path):
    damage(checkpoint(tmp_path))
    with pytest.raises(
        BenchError, match=r"dino\.ckpt: .*\(?.*delete it, or choose another folder with --out|a named pipe"
    ):
        pretrain.pretrain("dino", tmp_path, steps=2, progress=lambda line: None)


PARTS = [
    {"step": None}, {"step": -1}, {"step": 3}, {"step": "one"}, {"seconds": "long"}, {"curve": []}, {"curve": 3},
    {"curve": [{"step": "one"}]}, {"curve": [3]}, {"algorithm": {}}, {"optimizer": {}}, {"optimizer": 3}, {"asked": None},
]  # fmt: skip


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("change", PARTS, ids=str)
def test_a_checkpoint_with_a_part_of_another_form_is_told(change, tmp_path):
    checkpoint(tmp_path, **change)
    with pytest.raises(
        BenchError, match=r"dino\.ckpt: no checkpoint of dino \(.*\); delete it, or choose another folder"
    ):
        pretrain.pretrain("dino", tmp_path, steps=2, progress=lambda line: None)


@pytest.mark.usefixtures("tiny")
def test_what_a_killed_run_left_is_removed(tmp_path):
    left = tmp_path / ".dino.ckpt.ab12.tmp"
    left.touch()
    os.utime(left, (0, 0))
    pretrain.pretrain("dino", tmp_path, steps=1, progress=lambda line: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dino.ckpt",
        "dino.json",
        "dino.log.csv",
        "dino.safetensors",
    ]


def test_unknown_roles_are_refused_by_name(tmp_path):
    with pytest.raises(BenchError, match="unknown mini encoder 'RN5000': did you mean 'RN50'"):
        pretrain.pretrain("RN5000", tmp_path)


def test_every_encoder_of_the_suite_can_be_made_again():
    assert set(pretrain.ALGORITHMS) == set(networks.ROLES)


def test_quick_runs_are_shorter_than_the_shipped_ones():
    for role, steps in pretrain.QUICK.items():
        assert steps < json.loads((weights.FOLDER / f"{stem(role)}.json").read_text())["steps"], role
