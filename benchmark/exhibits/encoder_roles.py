"""Encoders besides those of a suite, named on the command line.

    timm:NAME                 any model of timm, as an auxiliary encoder
    timm:NAME@FILE            its network with the weights of a file
    open_clip:ARCH/TAG        any CLIP of open_clip, as a backbone or an auxiliary encoder
    open_clip:ARCH/TAG@FILE   its network, activation and normalisation with the weights of a file
    open_clip:ARCH@FILE       likewise, where all published weights of the architecture have the same of both

The role of an encoder from a file has the file's name and hash, as in `timm:resnet18@birds-1a2b3c4d`.
"""

import re

from benchmark.core.digest import Json, JsonDict
from benchmark.core.errors import BenchError
from benchmark.core.file_facts import FileFacts
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.encoders.published import hub
from benchmark.encoders.published.slots import SUFFIXES as WEIGHTS
from benchmark.suites import towers
from benchmark.suites.suite import Suite

TIMM, OPEN_CLIP = "timm:", "open_clip:"
SPACES = ("clip", "clip_spatial", "pixels")
"""Feature spaces of the backbone and of the images, which no auxiliary encoder can be called."""

LONGEST = 40
"""Characters of a file's name in a role, which names files of features."""

LOADERS = "benchmark.encoders.published"


def check(suite: Suite, role: str, what: str) -> None:
    """Check that a role of the suite can be a "backbone" or an auxiliary "encoder"; BenchError if not."""
    if what == "backbone":
        towers.backbone(suite, role)
    elif role in SPACES:
        raise BenchError(f"--aux {role}: is the name of a space of the backbone's features; call the encoder otherwise")


def outside(suite: Suite, asked: str, what: str, settings: Settings) -> tuple[str, Json]:
    """Role and table of an encoder that is none of the suite's.

    An unknown name raises BenchError, a missing file Incomplete.

    Args:
        suite: Suite, whose encoders the message on an unknown name lists.
        asked: Encoder in one of the forms above.
        what: "backbone" or "encoder", for an auxiliary one.
        settings: Folder of cached facts on files.

    Returns:
        The role, and its table as in a suite's file.
    """
    network, spec, file = _parsed(suite, asked, what)
    if not file:
        return network, spec
    path = hub.own_file(asked, file).absolute()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem)[:LONGEST]
    content = FileFacts(settings.cache).hash(path)[:8]
    return f"{network}@{name}-{content}", {**spec, "file": str(path)}


def typed(suite: Suite, role: str) -> str:
    """The encoder of a role in the form in which it is asked for: with the path of its file, in place of name and hash."""
    network, at, _ = role.partition("@")
    outside_the_suite = at and network.startswith((TIMM, OPEN_CLIP))
    return f"{network}@{suite.encoders[role]['file']}" if outside_the_suite else role


def _parsed(suite: Suite, asked: str, what: str) -> tuple[str, Json, str]:
    """The encoder that was asked for without its file, its table, and the file; "" for published weights."""
    network, at, file = asked.partition("@")
    if at and not file:
        raise BenchError(f"{asked}: names no file; write {network}@FILE")
    if network.startswith(TIMM) and what == "encoder":
        return network, {"loader": f"{LOADERS}:timm_model", "name": network.removeprefix(TIMM)}, file
    if not network.startswith(OPEN_CLIP):
        return asked, _of_suite(suite, asked, what), ""
    architecture, _, tag = network.removeprefix(OPEN_CLIP).partition("/")
    if tag.endswith(WEIGHTS) and not file:
        tag, file = "", tag
    if not architecture or not (tag or file):
        raise BenchError(f"{asked}: write {OPEN_CLIP}ARCHITECTURE/TAG, such as open_clip:ViT-B-32/laion2b_s34b_b79k")
    spec: JsonDict = {"loader": f"{LOADERS}:open_clip_pair", "arch": architecture, "pretrained": tag}
    if why := _unlike_openais(architecture):
        spec["network"] = why
    return OPEN_CLIP + "/".join(filter(None, (architecture, tag))), spec, file


def _unlike_openais(architecture: str) -> str:
    """Why methods cannot prompt the towers of an architecture of open_clip; "" if they can, or it is unknown."""
    from benchmark.core.libraries import open_clip
    from benchmark.encoders.published import from_files

    sizes = open_clip.get_model_config(architecture)
    return from_files.unlike_openais(sizes) if sizes else ""


def _of_suite(suite: Suite, asked: str, what: str) -> Json:
    """The suite's table of an encoder; BenchError with the nearest one, as those of the suite are known already."""
    if what == "backbone":
        return suite.encoders[towers.backbone(suite, asked, " (or open_clip:ARCH/TAG)")]
    return suite.encoders[choose(asked, suite.encoders, f"encoder of suite {suite.name} (or timm:NAME)")]
