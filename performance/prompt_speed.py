"""How much faster is a CoOp step when the prompts' beginning is shared? Prints both ways and their ratio.

    python -m performance.prompt_speed [--classes 100] [--repeats 3]

The text tower is the one of CLIP's RN50 (12 layers, 512 wide, 77 positions) with random weights, the class names have one to
four words, and a step is the forward and backward pass of all prompts. No weights and no data are needed.
"""

import time
from collections.abc import Callable

import click
import torch
from torch import Tensor

from baselines.prompts import PromptEncoder
from benchmark.core.libraries import open_clip
from benchmark.methods.clip import Clip

N_CTX = 16


def text_tower() -> Clip:
    """CLIP with the RN50 text tower and a token vision tower, random weights."""
    torch.manual_seed(0)
    config = open_clip.get_model_config("RN50-quickgelu")
    config["vision_cfg"] = {"image_size": 32, "patch_size": 32, "width": 64, "layers": 1}
    return Clip(open_clip.CLIP(**config), open_clip.get_tokenizer("RN50-quickgelu"))


def names(classes: int) -> list[str]:
    """Class names of one to four words, the ones of ImageNet in length."""
    words = ("sea", "lion", "pot", "steam", "bus", "stop", "horn", "wolf", "spider", "jay")
    return [" ".join(words[(i + k * k) % len(words)] for k in range(1 + i % 4)) for i in range(classes)]


def full_length(clip: Clip, classnames: list[str], context: Tensor) -> Tensor:
    """The usual way: every class is a whole prompt of 77 tokens."""
    model = clip.model
    tokens = clip.tokenize([" ".join("X" * len(context)) + f" {name}." for name in classnames])
    x = model.token_embedding(tokens)
    x = torch.cat([x[:, :1], context.expand(len(tokens), -1, -1), x[:, 1 + len(context) :]], 1)
    x = model.transformer(x + model.positional_embedding, attn_mask=model.attn_mask)
    return model.ln_final(x)[torch.arange(len(tokens)), tokens.argmax(1)] @ model.text_projection


def seconds(encode: Callable[[Tensor], Tensor], context: Tensor, repeats: int) -> float:
    """The fastest of some forward and backward passes."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        encode(context).square().mean().backward()
        times.append(time.perf_counter() - start)
    return min(times)


@click.command()
@click.option("--classes", default=100, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(classes: int, repeats: int) -> None:
    """Print both times and the ratio."""
    torch.set_num_threads(1)
    clip, classnames = text_tower(), names(classes)
    context = torch.randn(N_CTX, 512).mul(0.02).requires_grad_()
    encoder = PromptEncoder(clip, classnames, N_CTX)
    shared = seconds(encoder, context, repeats)
    full = seconds(lambda v: full_length(clip, classnames, v), context, repeats)
    with torch.no_grad():
        gap = (encoder(context) - full_length(clip, classnames, context)).abs().max()
    print(f"{classes} classes, {N_CTX} context vectors, forward and backward, torch {torch.__version__}, 1 thread")
    print(f"full length  {full:7.2f} s")
    print(f"shared       {shared:7.2f} s    {full / shared:.1f} times faster, largest difference {gap:.0e}")


if __name__ == "__main__":
    main()
