"""A released adapter is evaluated as it is: what it answers, on which images, beside which number."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import toy_house
from torch import Tensor
from toy_house import CLASSES, house
from toy_world import bench, here

from benchmark.core.errors import BenchError
from benchmark.core.settings import read
from benchmark.exhibits import run
from benchmark.exhibits.opened import Opened
from benchmark.methods.clip import Clip
from benchmark.records import reference
from benchmark.running import released_adapter, task

WIDTH = 12  # of the toy house's auxiliary features


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    text = toy_house.FILE.read_text().replace("comparable = false", "comparable = true")
    (tmp_path / "comparable.toml").write_text(text)
    monkeypatch.setattr(reference, "known_images", lambda _: 48)
    return tmp_path


def save(content: Any, name: str = "best_adapter_16shots.pt") -> Path:
    torch.save(content, name)
    return Path(name)


def evaluate(*arguments: object) -> tuple[int, str, str]:
    return bench("evaluate-adapter", *arguments, "--suite", "comparable.toml", "--jobs", "1")


def by_hand(weights: Tensor, uncertain: bool) -> list[int]:
    """Answers of s = s₀ + 0.5 · z(W f̂), the bias times (K / 250)^-0.4 with K = mean z(softmax s₀)⁴: the released code."""
    build, test = task.build(Opened(released_adapter.untrained(released_adapter.cells(16)[0], house()), here(house())))
    answers = []
    for clip, aux in zip(test.spaces["clip"][0], test.spaces["mocov3"][0], strict=True):
        s0 = build.logit_scale * build.text @ (clip / clip.norm())
        bias, p = weights @ (aux / aux.norm()), s0.softmax(0)
        fourth = (((p - p.mean()) / p.std()) ** 4).mean()
        weight = float(fourth / 250) ** -0.4 if uncertain else 1.0
        answers.append(int((s0 + 0.5 * weight * (bias - bias.mean()) / bias.std()).argmax()))
    return [int(answer == label) for answer, label in zip(answers, test.labels.tolist(), strict=True)]


def test_both_readings_of_the_released_code_are_evaluated_on_every_test_image() -> None:
    weights = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(2))
    file = save({"fc.weight": weights})
    found = [
        released_adapter.evaluate(released_adapter.read(file), cell, here(house(comparable=True)))
        for cell in released_adapter.cells(16)
    ]
    assert [one.correct for one in found] == [sum(by_hand(weights, False)), sum(by_hand(weights, True))]
    assert found[0].correct != found[1].correct
    assert [(one.n, one.published) for one in found] == [(48, 70.02)] * 2


def test_the_command_prints_ours_with_its_interval_and_the_readme_s_number() -> None:
    file = save({"fc.weight": torch.zeros(CLASSES, WIDTH)}, "best_adapter_4shots.pt")
    code, out, err = evaluate(file)
    assert code == 0, err
    head, first, second, further = out.splitlines()
    assert further.startswith("next: bench ")
    assert head == "best_adapter_4shots.pt: 4 shots, RN50, 48 test images of imagenet"
    assert first.startswith("  published command              ")
    assert second.startswith("  released code, uncertainty on  ")
    assert "  README 65.92, " in first
    code, out, _ = evaluate(file, "--format", "json")
    plain = json.loads(out)[0]
    assert (plain["published"], plain["n"]) == (65.92, 48)
    assert plain["low"] < plain["accuracy"] == 100 * plain["correct"] / 48 < plain["high"]
    assert plain["difference"] == pytest.approx(plain["accuracy"] - 65.92)


def test_beside_a_part_of_the_published_test_images_stands_no_number_of_the_readme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reference, "known_images", lambda _: 50_000)
    file = save({"fc.weight": torch.zeros(CLASSES, WIDTH)})
    code, out, err = evaluate(file)
    assert (code, "README" in out) == (0, False), err
    assert "RN50, 48 of the 50,000 published test images of imagenet" in out
    plain = json.loads(evaluate(file, "--format", "json")[1])[0]
    assert (plain["published"], plain["difference"], plain["n_published"]) == (None, None, 50_000)


def test_a_suite_of_its_own_scale_shows_no_number_of_the_readme() -> None:
    file = save({"fc.weight": torch.zeros(CLASSES, WIDTH)})
    code, out, _ = bench("evaluate-adapter", file, "--suite", toy_house.FILE, "--jobs", "1")
    assert (code, "README" in out) == (0, False)


def test_the_readme_has_a_number_for_every_adapter_that_was_released() -> None:
    told = released_adapter.released()
    cites = [{**told["cite"], "shots": shots} for shots in (1, 2, 4, 8, 16)]
    assert [reference.printed(told["reference"], cite) for cite in cites] == [62.60, 64.25, 65.92, 68.25, 70.02]


def test_the_number_of_shots_is_said_or_in_the_name() -> None:
    file = save({"fc.weight": torch.zeros(CLASSES, WIDTH)}, "mine.pt")
    code, _, err = evaluate(file)
    assert (code, err) == (
        2,
        "bench: mine.pt: its name does not say for how many shots it is; add --shots 16, or what it is\n",
    )
    assert "8 shots" in evaluate(file, "--shots", "8")[1]
    assert "README" not in evaluate(file, "--shots", "3")[1], "none was released"


class Harm:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (Path("harmed"),))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"fc.weight": torch.zeros(7, WIDTH)},
            "fc.weight is 7 x 12, 6 x 12 is needed: 6 classes of imagenet, 12 features",
        ),
        ({"fc.weight": torch.zeros(CLASSES, 5)}, "fc.weight is 6 x 5, 6 x 12 is needed"),
        ({"fc.weight": torch.zeros(CLASSES)}, "holds fc.weight, not the one tensor fc.weight [classes, width]"),
        ({"fc.weight": torch.full((CLASSES, WIDTH), float("nan"))}, "fc.weight holds values that are not finite"),
        ({"fc.weight": torch.zeros(CLASSES, WIDTH), "fc.bias": torch.zeros(CLASSES)}, "holds fc.weight, fc.bias, not"),
        ({"conv1.weight": torch.zeros(3)}, "holds conv1.weight, not the one tensor fc.weight"),
        ([torch.zeros(3)], "holds list, not the one tensor"),
        ({}, "holds nothing, not the one tensor"),
        (Harm(), "best_adapter_16shots.pt: "),
    ],
)
def test_what_is_no_adapter_is_one_line_and_runs_nothing(content: Any, said: str) -> None:
    code, out, err = evaluate(save(content))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not Path("harmed").exists()


def test_a_file_that_is_not_there_or_broken_is_one_line() -> None:
    code, _, err = evaluate("best_adapter_16shots.pt")
    assert (code, err) == (2, "bench: best_adapter_16shots.pt: no such file\n")
    Path("best_adapter_16shots.pt").write_bytes(pickle.dumps({"fc.weight": [1.0]})[:-3])
    code, _, err = evaluate("best_adapter_16shots.pt")
    assert (code, err.count("\n")) == (2, 1)


def test_data_and_weights_that_are_not_here_are_said() -> None:
    file = save({"fc.weight": torch.zeros(1000, 2048)})
    code, out, err = bench("evaluate-adapter", file, "--data-root", "nowhere", "--weights-dir", "nowhere")
    assert (code, out) == (3, "")
    assert err.startswith("data set imagenet: missing: data root nowhere: no such folder")
    assert err.splitlines()[-1].endswith("blocks evaluate-adapter; nothing was evaluated")


def test_the_backbone_is_a_clip() -> None:
    assert isinstance(toy_house.clip("RN50", settings=read()).clip, Clip)
    with pytest.raises(BenchError, match="unknown backbone"):
        run.make(house(encoders={}), released_adapter.cells(1)[0].question, 0)
