"""TaskRes, ZS-LP and CLAP: zero before training, the formula with loops, the steps of torch's own optimisers."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from baselines.clap import CLAP, ZSLP
from baselines.taskres import RECIPE, TaskRes
from benchmark.methods import Recipe, Samples
from benchmark.methods.construct import construct
from benchmark.methods.contract.toy import toy_task


@pytest.fixture
def learnt():
    """A toy task with the lengths of its texts."""
    return toy_task(wants=("text_norms",))


@pytest.mark.parametrize("cls", [TaskRes, ZSLP, CLAP])
def test_before_training_it_is_zero_shot_clip_to_the_last_digit(cls, learnt):
    predictor = cls()
    predictor.build(learnt)
    s = predictor.scores(learnt.val.view())
    assert torch.equal(s.fused, s.zero_shot)
    assert s.bias.abs().max() == 0


def loss_of(task, residual, alpha, strength):
    """Cross-entropy of 20 · f · w / |w|, w = length · t + alpha · x, class by class, and mean_c λ_c |x_c|²."""
    total = 0
    for image, label in zip(task.support.spaces["clip"][0], task.support.labels, strict=True):
        f = F.normalize(image.double(), dim=0)
        logits = []
        for t, length, x in zip(task.text.double(), task.text_norms.double(), residual, strict=True):
            w = length * t + alpha * x
            logits.append(20 * (f @ w) / w.norm())
        total = total - torch.stack(logits).log_softmax(0)[label]
    penalty = sum(s * x.square().sum() for s, x in zip(strength, residual, strict=True)) / len(residual)
    return total / len(task.support) + penalty


def confidence(task):
    """Mean over a class's images and views of softmax(20 cos) at the class."""
    own = [[] for _ in task.text]
    for view in task.support.spaces["clip"].double():
        for image, label in zip(view, task.support.labels, strict=True):
            cosines = torch.stack([F.cosine_similarity(image, t.double(), 0) for t in task.text])
            own[label].append((20 * cosines).softmax(0)[label])
    return [sum(values) / len(values) for values in own]


@pytest.mark.parametrize(
    ("cls", "optimiser"),
    [
        (TaskRes, lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-8, weight_decay=5e-4)),
        (ZSLP, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        (CLAP, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
    ],
)
def test_training_is_torch_s_own_on_the_paper_s_loss(cls, optimiser, learnt):
    one = replace(learnt, support=Samples({"clip": learnt.support.spaces["clip"][:1]}, learnt.support.labels))
    recipe = replace(cls().recipe, lr=0.01, epochs=4, warmup_epochs=4, warmup_lr=0.01)  # four steps at one rate
    predictor = cls(recipe=recipe)
    predictor.fit(one)
    residual = torch.zeros_like(one.text, dtype=torch.double, requires_grad=True)
    theirs = optimiser([residual])
    strength = confidence(one) if cls is CLAP else [0.0] * 5
    for _ in range(4):
        theirs.zero_grad()
        loss_of(one, residual, predictor.alpha, strength).backward()
        theirs.step()
    assert torch.allclose(predictor.residual.double(), residual, rtol=1e-3, atol=1e-6)


def test_clap_is_held_more_where_zero_shot_clip_is_sure(learnt):
    predictor = CLAP()
    predictor.build(learnt)
    assert predictor.strength.tolist() == pytest.approx([float(value) for value in confidence(learnt)], rel=1e-4)


def test_the_length_of_the_texts_takes_part_in_training_and_not_in_the_start(learnt):
    longer = replace(learnt, text_norms=10 * learnt.text_norms)
    recipe = Recipe(optimizer="sgd", lr=0.1, epochs=2, batch_size=256, weight_decay=0.0)
    biases = []
    for task in (learnt, longer):
        predictor = ZSLP(recipe=recipe)
        predictor.fit(task)
        biases.append(predictor.scores(task.val.view()).bias.abs().max())
    assert biases[1] < 0.1 * biases[0]


def test_taskres_s_settings_are_those_of_its_scripts():
    def published(dataset, shots):
        return construct("baselines.taskres:TaskRes", TaskRes.published(dataset, shots))

    assert [published("dtd", k).recipe.epochs for k in (1, 2, 4, 8, 16)] == [100, 100, 100, 200, 200]
    assert (published("imagenet", 16).recipe.lr, published("dtd", 16).recipe.lr) == (2e-4, 2e-3)
    assert (published("flowers102", 1).alpha, published("dtd", 1).alpha) == (1.0, 0.5)
    assert published("dtd", 16).recipe == RECIPE


def test_a_class_without_images_has_no_confidence_in_clap(learnt):
    kept = learnt.support.labels != 3
    few = Samples({"clip": learnt.support.spaces["clip"][:, kept]}, learnt.support.labels[kept])
    with pytest.raises(ValueError, match="class 3 has no support image; CLAP needs one of each"):
        CLAP().fit(replace(learnt, support=few))
