"""What a GPU is held against the processor by: of the processor itself nothing differs."""

import timm
import torch

from benchmark.core.devices import CPU
from performance import gpu, heads_at_scale
from performance.heads_at_scale import Size

SMALL = Size(classes=4, shots=2, val=2, test=40, views=2, clip=16, aux=8)


def test_an_encoder_has_the_processor_s_features_on_the_processor(monkeypatch):
    monkeypatch.setattr(gpu, "SIDE", 32)
    monkeypatch.setitem(gpu.NETWORKS, "small", lambda: timm.create_model("resnet10t", num_classes=0))
    said = gpu.encoder("small", CPU, 128)
    assert "largest difference 0.0e+00" in said
    assert "in the harness" in said
    assert said.endswith("where copies stop it")


def test_a_method_gives_the_processor_s_answers_on_the_processor(tmp_path):
    heads_at_scale.world(tmp_path, SMALL)
    said = gpu.method("Tip-Adapter", SMALL, str(tmp_path), "cpu")
    assert said.endswith("right answers of 40: last +0, val +0, released +0, test +0")


def test_a_method_that_fails_on_the_device_is_a_line(tmp_path):
    heads_at_scale.world(tmp_path, SMALL)
    if not torch.cuda.is_available():
        assert "Tip-Adapter      failed: " in gpu.method("Tip-Adapter", SMALL, str(tmp_path), "cuda")
