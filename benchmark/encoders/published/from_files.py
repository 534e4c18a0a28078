"""Networks of timm and open_clip with the weights of a file: the published ones or the user's own, such as a fine-tuned CLIP.

A file is read without running code in it, and fills its network strictly.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmark.core.digest import Json
from benchmark.core.errors import BenchError
from benchmark.core.libraries import open_clip, timm
from benchmark.core.names import choose
from benchmark.core.resizing import KERNELS, USUAL, Resizing
from benchmark.encoders.published import containers, hub, networks
from benchmark.methods.clip import Model


def tensors(file: Path) -> dict[str, Tensor]:
    """The state dict in a file, bare or in a checkpoint of a training; raises BenchError for other content."""
    return containers.bare(containers.state(file))


def timm_network(name: str, pretrained: Any, file: Path) -> Model:
    """A model of timm with the weights of a file, whose classifier may have any number of classes or be left out.

    The file goes through timm's own conversion for the model, which renames and drops what older and foreign files have.

    Args:
        name: name of the model in timm.
        pretrained: timm's settings of its published weights (`PretrainedCfg`).
        file: the file.

    Returns:
        The network in eval mode, without its classifier.
    """
    held, failed = tensors(file), BenchError(f"{file}: holds nothing")
    last = (
        pretrained.classifier if isinstance(pretrained.classifier, str) else next(iter(pretrained.classifier or ()), "")
    )
    layer = held.get(f"{last}.weight")
    for classes in dict.fromkeys([pretrained.num_classes if layer is None else len(layer), 0]):
        try:
            return _timm_filled(name, held, classes, file)
        except BenchError as error:  # without a classifier of its own the file may be one of the network alone
            failed = error if layer is not None or classes == 0 else failed
            if layer is not None:
                break
    raise failed


def _timm_filled(name: str, held: dict[str, Tensor], classes: int, file: Path) -> Model:
    """A model of timm with as many classes as a file has, filled strictly and then without its classifier."""
    # Of weights with as many classes as the model, timm drops none and demands all.
    source = {"state_dict": dict(held), "num_classes": classes, "label_offset": 0}
    try:
        model: Model = timm.create_model(name, pretrained=True, num_classes=classes, pretrained_cfg_overlay=source)
    except Exception as error:  # timm's conversions meet whatever a foreign file has
        lines = [" ".join(line.split())[:100] for line in str(error).splitlines() if line.strip()]
        said = "; ".join(lines[1:3] or lines[:1]) or type(error).__name__
        raise BenchError(f"{file}: does not fit its network, and is not used in part ({said})") from error
    model.pretrained_cfg.pop("state_dict", None)
    model.reset_classifier(0)
    return model.eval().requires_grad_(False)


def vectors(what: str, model: Model) -> Callable[[Tensor], Tensor]:
    """The forward pass of a model of timm, which raises BenchError if its features are no vectors, [B, D]."""

    def forward(images: Tensor) -> Tensor:
        features = model(images)
        if not isinstance(features, Tensor) or features.ndim != 2:
            raise BenchError(f"{what}: gives maps or lists and no features of a whole image; take another model")
        return features

    return forward


def resizing_of(what: str, size: int | Sequence[int], kernel: str) -> Resizing:
    """The size and interpolation of a model's images, by its library.

    Args:
        what: name of the encoder, for messages.
        size: side in pixels, or the shape of an image.
        kernel: name of the interpolation.

    Returns:
        The resizing.

    Raises:
        BenchError: for images that are not square or have no three colours.
    """
    shape = (3, size, size) if isinstance(size, int) else (3, *size)[-3:]
    if shape[0] != 3 or shape[1] != shape[2] or kernel not in KERNELS:
        sizes = " x ".join(map(str, shape))
        raise BenchError(f"{what}: takes images of {sizes} ({kernel}), images here are squares of three colours")
    return Resizing(shape[1], kernel)


def clip_network(sizes: Json, file: Path) -> Model:
    """A CLIP of open_clip with the weights of a file.

    The file goes through open_clip's own conversions, which rename the tensors of older and foreign files.

    Args:
        sizes: the architecture as open_clip has it, with the activation.
        file: the file.

    Returns:
        The network, in eval mode.

    Raises:
        BenchError: if the file holds no CLIP, or OpenAI's own for another activation than theirs.
    """
    held = containers.read(file)
    foreign = held.kind not in (containers.CLIP, containers.OPENAI_CLIP, containers.OTHER)
    if foreign or (held.kind == containers.OTHER and not unlike_openais(sizes)):
        raise BenchError(f"{file}: holds {held.kind}, not a CLIP in the names of open_clip")
    if held.kind == containers.OPENAI_CLIP and not sizes["quick_gelu"]:
        raise BenchError(f"{file}: is OpenAI's own, which was trained with QuickGELU; name the tag openai")
    model = _clip(sizes)
    networks.fill(model, _converted(model, held.tensors, file), file)
    return model


def _clip(sizes: Json) -> Model:
    """A CLIP of open_clip with random weights, in the class that open_clip makes of this architecture."""
    rest = {name: part for name, part in sizes.items() if name != "custom_text"}
    # what open_clip would fetch for the towers alone is in the file too
    rest["vision_cfg"] = {**rest["vision_cfg"], "timm_model_pretrained": False}
    rest["text_cfg"] = {**rest["text_cfg"], "hf_model_pretrained": False}
    if not (sizes.get("custom_text") or "hf_model_name" in sizes["text_cfg"]):
        return open_clip.CLIP(**rest)
    return (open_clip.CoCa if "multimodal_cfg" in sizes else open_clip.CustomTextCLIP)(**rest)


def _converted(model: Model, held: dict[str, Tensor], file: Path) -> dict[str, Tensor]:
    """The tensors of a file under the names and in the shapes that this version of open_clip has; none is resized."""
    try:
        found = dict(open_clip.convert.convert_state_dict(model, dict(held)))
    except Exception as error:  # the conversions meet whatever a foreign file has
        raise BenchError(
            f"{file}: cannot be converted to open_clip's names ({type(error).__name__}: {error})"
        ) from error
    if "positional_embedding" in found and not hasattr(model, "positional_embedding"):
        found = open_clip.model.convert_to_custom_text_state_dict(found)
    for name in ("logit_scale", "logit_bias"):  # a number, or a list of one
        mine = getattr(model, name, None)
        if mine is not None and name in found and found[name].numel() == 1:
            found[name] = found[name].reshape(mine.shape)
    found.pop("text.transformer.embeddings.position_ids", None)  # a buffer of older versions of transformers
    return found


def unlike_openais(sizes: Json) -> str:
    """Why methods cannot prompt the towers of an architecture as those of OpenAI's CLIP; "" if they can."""
    text = sizes["text_cfg"]
    if sizes.get("custom_text") or "multimodal_cfg" in sizes or {"hf_tokenizer_name", "hf_model_name"} & text.keys():
        return "its text tower or tokenizer is another"
    if sizes["vision_cfg"]["image_size"] != USUAL.side:
        return f"it takes images of {sizes['vision_cfg']['image_size']} pixels"
    return ""


TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "sentencepiece.bpe.model")
"""Files of which every tokenizer on Hugging Face has one at least."""


def check_text_parts(what: str, sizes: Json, download: bool) -> None:
    """Check that tokenizer and settings of a text tower from Hugging Face are here.

    Args:
        what: name of the encoder, for messages.
        sizes: the architecture as open_clip has it.
        download: whether they may be fetched.

    Raises:
        BenchError: without the package transformers, which reads them.
    """
    text = sizes["text_cfg"]
    tokenizer, tower = text.get("hf_tokenizer_name"), text.get("hf_model_name")
    if (tokenizer or tower) and importlib.util.find_spec("transformers") is None:
        raise BenchError(f"{what}: its tokenizer {tokenizer or tower} needs a package: pip install transformers")
    if tokenizer:
        hub.file(f"{what}: tokenizer {tokenizer}", tokenizer, TOKENIZERS, download)
    if tower:
        hub.file(f"{what}: text tower {tower}", tower, ["config.json"], download)


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
