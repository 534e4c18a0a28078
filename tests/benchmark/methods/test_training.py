"""The recipe's learning rates against torch's schedulers and CoOp's formula; the loop against one written out by hand."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from baselines.coop import RECIPE as COOP
from benchmark.core.errors import BenchError
from benchmark.methods import Predictor, Recipe, Samples, Scores, Task, training
from benchmark.methods.construct import predictor_class
from benchmark.methods.contract import toy

STEPS = Recipe(lr=0.1, epochs=3, batch_size=2)


def torch_rates(schedule, lr, n, period):
    """The n learning rates of torch's own CosineAnnealingLR over `period` calls."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = schedule(optimizer, period)
    rates = []
    for _ in range(n):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def test_the_step_schedule_is_torchs_cosine_over_all_iterations():
    ours = [STEPS.lr_at(epoch, step, 4) for epoch in range(3) for step in range(4)]
    assert ours == pytest.approx(torch_rates(torch.optim.lr_scheduler.CosineAnnealingLR, 0.1, 12, 12))


def test_the_epoch_schedule_is_torchs_cosine_over_epochs_and_constant_within_one():
    recipe = replace(STEPS, schedule="epoch", epochs=5)
    theirs = torch_rates(torch.optim.lr_scheduler.CosineAnnealingLR, 0.1, 5, 5)
    for step in (0, 3):
        assert [recipe.lr_at(epoch, step, 4) for epoch in range(5)] == pytest.approx(theirs)


def test_coops_first_epoch_runs_at_one_in_a_hundred_thousand_and_the_next_at_the_full_rate():
    assert COOP.lr_at(0, 0, 50) == 1e-5
    assert COOP.lr_at(1, 0, 50) == pytest.approx(0.002)


def test_coops_later_epochs_follow_its_printed_log():
    """KaiyangZhou/CoOp issue 26: in epoch e (from 1) the rate is 0.001 · (1 + cos(π (e - 2) / T))."""
    for e in range(2, COOP.epochs + 1):
        expected = 0.001 * (1 + math.cos(math.pi * (e - 2) / COOP.epochs))
        assert COOP.lr_at(e - 1, 7, 50) == pytest.approx(expected)


def test_a_longer_warm_up_only_delays_the_cosine():
    recipe = replace(STEPS, schedule="epoch", epochs=10, warmup_epochs=3)
    assert [recipe.lr_at(epoch, 0, 1) for epoch in range(3)] == [1e-5] * 3
    assert recipe.lr_at(3, 0, 1) == pytest.approx(0.1)
    assert recipe.lr_at(8, 0, 1) == pytest.approx(0.05)  # five of ten epochs after the warm-up


@pytest.mark.parametrize("wrong", [{"lr": 0}, {"epochs": 0}, {"batch_size": -1}, {"optimizer": "rmsprop"}])
def test_a_recipe_refuses_what_cannot_train_and_names_the_field(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(STEPS, **wrong)


def test_a_recipe_refuses_an_unknown_schedule():
    with pytest.raises(ValueError, match="'step' and 'epoch'"):
        replace(STEPS, schedule="cosine")


class Toy(Predictor):
    """Two parameters, logits (w₁ x₁, w₂ x₂); remembers what it was trained on."""

    def __init__(self, recipe):
        super().__init__()
        self.recipe = recipe
        self.seen = []

    def build(self, task):
        self.w = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.double))

    def scores(self, x):
        logits = x["clip"] * self.w
        return Scores(torch.zeros_like(logits), logits, logits)

    def loss(self, batch):
        self.seen.append((batch.x["clip"].detach().clone(), batch.labels.clone()))
        assert torch.is_grad_enabled()
        assert self.training
        return super().loss(batch)


def toy_task(n=5, views=2):
    """Image i of view v is (10 v + i, 1): every row says where it comes from."""
    rows = torch.tensor([[[10.0 * v + i, 1.0] for i in range(n)] for v in range(views)], dtype=torch.double)
    return Task(text=torch.eye(2), support=Samples({"clip": rows / 10}, torch.arange(n) % 2))


def slow_gradient(w, rows, labels):
    """Mean gradient of the cross-entropy of the logits (w₁ x₁, w₂ x₂)."""
    gradient = [0.0, 0.0]
    for x, y in zip(rows, labels, strict=True):
        powers = [math.exp(w[k] * x[k]) for k in range(2)]
        for k in range(2):
            gradient[k] += (powers[k] / sum(powers) - (y == k)) * x[k] / len(rows)
    return gradient


def test_the_adamw_loop_equals_one_written_by_hand():
    recipe = Recipe(lr=0.1, epochs=3, batch_size=2, weight_decay=0.2, eps=1e-4)
    predictor = Toy(recipe)
    predictor.fit(toy_task())
    assert len(predictor.seen) == 9

    w, m, v = [1.0, -2.0], [0.0, 0.0], [0.0, 0.0]
    for t, (rows, labels) in enumerate(predictor.seen, start=1):
        lr = 0.05 * (1 + math.cos(math.pi * (t - 1) / 9))
        gradient = slow_gradient(w, rows.tolist(), labels.tolist())
        for k in range(2):
            m[k] = 0.9 * m[k] + 0.1 * gradient[k]
            v[k] = 0.999 * v[k] + 0.001 * gradient[k] ** 2
            w[k] -= lr * 0.2 * w[k]
            w[k] -= lr * (m[k] / (1 - 0.9**t)) / (math.sqrt(v[k] / (1 - 0.999**t)) + 1e-4)
    assert predictor.w.tolist() == pytest.approx(w)


def test_the_sgd_loop_equals_one_written_by_hand():
    recipe = Recipe(lr=0.1, epochs=2, batch_size=5, weight_decay=0.2, optimizer="sgd", momentum=0.5)
    predictor = Toy(recipe)
    predictor.fit(toy_task())

    w, velocity = [1.0, -2.0], [0.0, 0.0]
    for t, (rows, labels) in enumerate(predictor.seen):
        lr = 0.05 * (1 + math.cos(math.pi * t / 2))
        gradient = slow_gradient(w, rows.tolist(), labels.tolist())
        for k in range(2):
            velocity[k] = 0.5 * velocity[k] + gradient[k] + 0.2 * w[k]
            w[k] -= lr * velocity[k]
    assert predictor.w.tolist() == pytest.approx(w)


def images_of(batches):
    return torch.cat([rows[:, 0] for rows, _ in batches]).mul(10).round().int().tolist()


def test_epoch_e_trains_on_view_e_modulo_the_number_of_views():
    predictor = Toy(replace(STEPS, batch_size=5))
    predictor.fit(toy_task(n=5, views=2))
    views = [{image // 10 for image in images_of([batch])} for batch in predictor.seen]
    assert views == [{0}, {1}, {0}]


def test_every_epoch_sees_every_image_once_in_an_order_of_its_own():
    predictor = Toy(STEPS)
    predictor.fit(toy_task(n=6, views=1))
    epochs = [images_of(predictor.seen[3 * e : 3 * e + 3]) for e in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [[0, 1, 2, 3, 4, 5]] * 3
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_an_image_keeps_its_label_through_the_shuffling():
    predictor = Toy(STEPS)
    predictor.fit(toy_task(n=6, views=1))
    labels = torch.cat([labels for _, labels in predictor.seen]).tolist()
    assert labels == [image % 2 for image in images_of(predictor.seen)]


@pytest.mark.parametrize(("n", "sizes"), [(5, [2, 2]), (4, [2, 2]), (1, [1])])
def test_drop_last_leaves_out_a_smaller_last_batch_but_never_the_only_one(n, sizes):
    predictor = Toy(replace(STEPS, epochs=1, drop_last=True))
    predictor.fit(toy_task(n=n))
    assert [len(labels) for _, labels in predictor.seen] == sizes


def test_without_drop_last_the_smaller_batch_is_trained_on():
    predictor = Toy(replace(STEPS, epochs=1))
    predictor.fit(toy_task(n=5))
    assert [len(labels) for _, labels in predictor.seen] == [2, 2, 1]


def test_there_is_a_milestone_after_every_epoch_and_the_last_is_the_end():
    states = []
    predictor = Toy(STEPS)
    with training.watching(lambda p: states.append(p.w.detach().clone())):
        predictor.fit(toy_task())
    assert len(states) == 3
    assert not torch.equal(states[0], states[1])
    assert torch.equal(states[2], predictor.w)


def test_where_only_the_last_epoch_counts_the_end_is_the_only_milestone_and_nothing_else_changes():
    states, predictor, watched = [], Toy(STEPS), Toy(STEPS)
    predictor.fit(toy_task())
    watched.build(toy_task())
    with training.watching(lambda p: states.append(p.w.detach().clone())):
        training.run(watched, toy_task(), STEPS, last_only=True)
    assert len(states) == 1
    assert torch.equal(states[0], predictor.w)
    assert not watched.training


def test_further_samples_are_passed_over_behind_the_support_set_and_one_cosine_spans_both():
    """Steps of three and two images, then one of the three others: the rate falls over three steps an epoch."""
    recipe = Recipe(lr=0.1, epochs=2, batch_size=3, weight_decay=0.0, optimizer="sgd", momentum=0.0)
    more = Samples({"clip": torch.full((3, 3, 2), 7.0, dtype=torch.double)}, torch.zeros(3, dtype=torch.long))
    predictor = Toy(recipe)
    predictor.build(toy_task())
    training.run(predictor, toy_task(), recipe, also=[more])
    assert [len(labels) for _, labels in predictor.seen] == [3, 2, 3] * 2
    assert [bool((rows == 7).all()) for rows, _ in predictor.seen] == [False, False, True] * 2

    w = [1.0, -2.0]
    for t, (rows, labels) in enumerate(predictor.seen):
        gradient = slow_gradient(w, rows.tolist(), labels.tolist())
        w = [value - 0.05 * (1 + math.cos(math.pi * t / 6)) * g for value, g in zip(w, gradient, strict=True)]
    assert predictor.w.tolist() == pytest.approx(w)


def test_the_watcher_finds_eval_mode_and_no_gradients_and_training_goes_on_in_training_mode():
    found = []
    predictor = Toy(STEPS)  # whose loss asserts that it is in training mode
    with training.watching(lambda p: found.append((p.training, torch.is_grad_enabled()))):
        predictor.fit(toy_task())
    assert found == [(False, False)] * 3
    assert not predictor.training


def test_a_watcher_that_draws_random_numbers_changes_nothing():
    def fitted(watcher):
        predictor = Toy(STEPS)
        with training.watching(watcher):
            predictor.fit(toy_task())
        return predictor.w

    assert torch.equal(fitted(lambda p: None), fitted(lambda p: torch.rand(3)))


def test_nobody_watches_after_the_with_even_if_it_ends_in_an_error():
    seen = []
    with pytest.raises(RuntimeError), training.watching(seen.append):
        raise RuntimeError
    Toy(STEPS).fit(toy_task())
    assert seen == []


def test_another_seed_shuffles_otherwise():
    one, two = Toy(STEPS), Toy(STEPS)
    one.fit(toy_task(n=6))
    two.fit(replace(toy_task(n=6), seed=2))
    assert images_of(one.seen) != images_of(two.seen)


def test_training_within_no_grad_is_training():
    plain, within = Toy(STEPS), Toy(STEPS)
    plain.fit(toy_task())
    with torch.no_grad():
        within.fit(toy_task())
        assert not torch.is_grad_enabled()
    assert torch.equal(plain.w, within.w)


def test_training_within_inference_mode_is_refused_in_a_line():
    with torch.inference_mode(), pytest.raises(BenchError, match=r"^Toy is fitted within torch.inference_mode\(\)"):
        Toy(STEPS).fit(toy_task())


@pytest.mark.parametrize("name", ["baselines.lp_plus_plus:LPPlusPlus", "baselines.cross_modal:CrossModalLP"])
def test_epochs_of_a_method_s_own_train_without_gradients_and_refuse_inference_mode(name):
    task = toy.toy_task(("clip",))
    inside, outside = predictor_class(name)(), predictor_class(name)()
    outside.fit(task)
    with torch.no_grad():
        inside.fit(task)
    assert torch.equal(inside.weight, outside.weight)
    assert not inside.training
    with torch.inference_mode(), pytest.raises(BenchError, match=r"is fitted within torch.inference_mode\(\)"):
        predictor_class(name)().fit(task)
