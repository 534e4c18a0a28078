"""Networks of timm and open_clip with the weights of a file: the published ones or the user's own, such as a fine-tuned CLIP.

A file is read without running code in it, and fills its network strictly.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.core.names import choose
from benchmark.encoders.published import containers, networks
from benchmark.methods.clip import Model


def tensors(file: Path) -> dict[str, Tensor]:
    """The state dict in a file, bare or in a checkpoint of a training; raises BenchError for other content."""
    return containers.bare(containers.state(file))


def timm_network(name: str, classifier: str | Sequence[str] | None, file: Path) -> Model:
    """A model of timm with the weights of a file, whose classifier may have any number of classes or be left out.

    Args:
        name: name of the model in timm.
        classifier: name of its last layer, or names of several; None if timm does not say it.
        file: the file.

    Returns:
        The network in eval mode, without its classifier.
    """
    held = tensors(file)
    last = classifier if isinstance(classifier, str) else next(iter(classifier or ()), None)
    layer = held.get(f"{last}.weight")
    classes = {} if last is None else {"num_classes": 0 if layer is None else len(layer)}
    model: Model = timm.create_model(name, pretrained=False, **classes)  # as in the file, so that loading is strict
    networks.fill(model, held, file)
    model.reset_classifier(0)
    return model


def clip_network(sizes: Json, file: Path) -> Model:
    """A CLIP of open_clip with the weights of a file.

    Args:
        sizes: arguments of open_clip.CLIP, with the activation.
        file: the file.

    Returns:
        The network, in eval mode.

    Raises:
        BenchError: if the file holds no CLIP, or OpenAI's own for another activation than theirs.
    """
    held = containers.read(file)
    if held.kind not in (containers.CLIP, containers.OPENAI_CLIP):
        raise BenchError(f"{file}: holds {held.kind}, not a CLIP in the names of open_clip")
    if held.kind == containers.OPENAI_CLIP and not sizes["quick_gelu"]:
        raise BenchError(f"{file}: is OpenAI's own, which was trained with QuickGELU; name the tag openai")
    model = open_clip.CLIP(**sizes)
    networks.fill(model, held.tensors, file)
    return model


def training_of(what: str, arch: str, tag: str) -> Json:
    """How published weights of an architecture were trained: activation (`quick_gelu`), `mean` and `std`, and their place.

    An unknown tag raises BenchError.

    Args:
        what: name of the encoder, for messages.
        arch: architecture in open_clip.
        tag: tag of the weights; "" for a file, if all weights of the architecture were trained alike.

    Returns:
        The settings of the tag; without published weights those of open_clip's own trainings.

    Raises:
        BenchError: if no tag is given, and the published weights differ.
    """
    tags = open_clip.list_pretrained_tags_by_model(arch)
    if tag:
        return open_clip.get_pretrained_cfg(arch, choose(tag, tags, f"tag of open_clip's {arch}"))
    known = {name: open_clip.get_pretrained_cfg(arch, name) for name in tags}
    kinds = {(bool(said.get("quick_gelu")), tuple(said["mean"]), tuple(said["std"])) for said in known.values()}
    if len(kinds) > 1:
        raise BenchError(
            f"{what}: weights of {arch} were trained with several activations or normalisations; say after which published "
            f"ones these are, open_clip:{arch}/TAG@FILE, of {', '.join(tags)}"
        )
    return next(iter(known.values())) if known else _of_open_clip(arch)


def _of_open_clip(arch: str) -> Json:
    sizes = open_clip.get_model_config(arch)
    constants = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return {"quick_gelu": sizes.get("quick_gelu", False), **constants}
