"""Which of timm's pretrained models and open_clip's pairs `bench run --dry-run` takes: python -m tests.encoders_accepted.

No weights are needed: every file is taken for here, so that what remains is what their settings say. Tokenizers and text
towers of Hugging Face are read by the package transformers, which is taken for installed; the last line counts them.
"""

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.core.settings import Settings
from benchmark.encoders.published import from_files, hub, loaders


def refused(names: Iterable[tuple[str, ...]], load: Callable[..., object]) -> dict[tuple[str, ...], str]:
    """The names that a loader refuses -> the line that says why."""
    found = {}
    here = mock.patch.multiple(hub, file=lambda *_: Path(__file__))
    with here, mock.patch.object(importlib.util, "find_spec", return_value=True):
        for name in names:
            try:
                load("role", *name, settings=Settings(cache=Path("/nowhere")))
            except BenchError as error:
                found[name] = str(error)
    return found


def of_timm() -> tuple[int, dict[tuple[str, ...], str]]:
    """Number of timm's pretrained models, and those refused."""
    names = [(name,) for name in timm.list_pretrained()]
    return len(names), refused(names, loaders.timm_model)


def of_open_clip() -> tuple[int, dict[tuple[str, ...], str]]:
    """Number of open_clip's pairs of architecture and tag, and those refused."""
    pairs = open_clip.list_pretrained()
    return len(pairs), refused(pairs, loaders.open_clip_pair)


def of_hugging_face() -> int:
    """Number of open_clip's pairs whose tokenizer or text tower the package transformers reads."""
    texts = (open_clip.get_model_config(arch)["text_cfg"] for arch, _ in open_clip.list_pretrained())
    return sum(bool({"hf_tokenizer_name", "hf_model_name"} & text.keys()) for text in texts)


def main() -> None:
    """Print the counts, and how many are refused for each reason."""
    for library, (n, lines) in {"timm": of_timm(), "open_clip": of_open_clip()}.items():
        print(f"{library}: {n - len(lines):,} of {n:,} accepted, {100 * (n - len(lines)) / n:.1f} %")
        for reason, count in Counter(line.partition(": ")[2] for line in lines.values()).most_common():
            print(f"  {count} refused: {reason}")
    pairs = open_clip.list_pretrained()
    unlike = sum(bool(from_files.unlike_openais(open_clip.get_model_config(arch))) for arch, _ in pairs)
    print(
        f"of open_clip's {len(pairs)}, {of_hugging_face()} need the package transformers, {unlike} cannot be prompted"
    )


if __name__ == "__main__":
    main()
