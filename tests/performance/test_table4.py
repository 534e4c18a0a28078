"""The floors of Table 4 are at most the products that a method does, and not far below them."""

from dataclasses import replace
from typing import Any

import pytest
from torch.utils.flop_counter import FlopCounterMode

from benchmark.methods.construct import construct
from benchmark.methods.contract.toy import toy_samples, toy_task
from benchmark.methods.training import watching
from benchmark.running.observer import Observer
from performance import table4

N_CTX = 4

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "TipAdapter": ("baselines.tip_adapter:TipAdapter", {}),
    "TipAdapterF": ("baselines.tip_adapter:TipAdapterF", {"recipe": {"epochs": 3}}),
    "CaFo": ("baselines.cafo:CaFo", {"aux": "mocov3", "recipe": {"epochs": 3}}),
    "CLIPAdapter": ("baselines.clip_adapter:CLIPAdapter", {"recipe": {"epochs": 3}}),
    "AMUTuning": ("amu.tuning:AMUTuning", {"recipe": {"epochs": 3}}),
    "VTCLIP": ("baselines.vt_clip:VTCLIP", {"recipe": {"epochs": 3}}),
    "CoOp": ("baselines.coop:CoOp", {"n_ctx": N_CTX, "recipe": {"epochs": 3}}),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_floor_is_at_most_what_the_method_multiplies_and_at_least_a_quarter_of_it(name: str) -> None:
    predictor = construct(*METHODS[name])
    spaces = sorted({*predictor.reads, "clip"})
    task = toy_task(spaces, classes=8, shots=8)
    val, test = toy_samples(spaces, 8, 4, views=1, seed=1), toy_samples(spaces, 8, 40, views=1, seed=2)
    observer = Observer(val, test)
    with FlopCounterMode(display=False) as counter, watching(observer.watch):
        predictor.fit(task)
        found = observer.outcomes(predictor)
    recipe = getattr(predictor, "recipe", None)
    size = table4.Shape(
        n=len(task.support),
        looked=len(val) + len(test),
        shifted=0,
        states=len({(outcome.epoch, repr(outcome.tuned)) for outcome in found.values()}),
        classes=8,
        clip=test.spaces["clip"].shape[-1],
        aux=test.spaces["mocov3"].shape[-1] if "mocov3" in test.spaces else 0,
        patches=test.spaces["clip_spatial"].shape[-2] if "clip_spatial" in test.spaces else 0,
        epochs=recipe.epochs if recipe else 1,
        batch=recipe.batch_size if recipe else 1,
        searched=10,
        fits=0,
        evaluations=0,
        tower=table4.of_tower(predictor.encode, N_CTX) if name == "CoOp" else 0,  # type: ignore[arg-type]
    )
    least = (table4.zero_shot(size) + table4.FLOORS[name](size)).products
    done = counter.get_total_flops() / 2
    assert done / 4 < least <= done


def test_the_floor_of_some_work_is_its_time_at_the_machine_s_pace() -> None:
    work = table4.Work(products=200.0, exponentials=30.0, doubles=4.0)
    assert table4.floor(work, at=table4.Work(products=100.0, exponentials=10.0, doubles=1.0)) == 2 + 3 + 4
    assert work + replace(work, products=1.0) == table4.Work(201.0, 60.0, 8.0)


def test_a_ratio_above_the_largest_wanted_is_marked() -> None:
    assert table4.row("CoOp", 9.0, 2.0, most=4).endswith("4.5  above 4")
    assert table4.row("CaFo", 6.0, 2.0, most=4).endswith("3.0")
