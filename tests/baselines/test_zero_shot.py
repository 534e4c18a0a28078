"""Zero-shot CLIP in two dimensions."""

import torch

from baselines.zero_shot import ZeroShotCLIP
from benchmark.methods import Samples, Task


def test_an_image_between_two_texts_gets_ten_times_each_cosine_and_no_bias():
    support = Samples({"clip": torch.zeros(1, 2, 2)}, torch.tensor([0, 1]))
    predictor = ZeroShotCLIP()
    predictor.fit(Task(text=torch.eye(2), support=support, logit_scale=10.0))
    s = predictor.scores({"clip": torch.tensor([[3.0, 4.0]])})
    assert torch.allclose(s.zero_shot, torch.tensor([[6.0, 8.0]]))
    assert torch.equal(s.fused, s.zero_shot)
    assert torch.equal(s.bias, torch.zeros(1, 2))


def test_it_has_nothing_to_train_and_nothing_to_set(task):
    predictor = ZeroShotCLIP()
    predictor.fit(task)
    assert list(predictor.parameters()) == []
    assert predictor.settings() == {}
    assert predictor.recipe is None
