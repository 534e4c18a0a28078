"""Loaders of published encoders for suites: CLIP and auxiliary networks from files, models of timm, pairs of open_clip.

A loader computes the fingerprint; the network is built at the first encoding. The fingerprint covers the weights and their
use (normalisation, pooling, precision), not the file: `bench weights import` does not change it.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.core.asset import MISSING, USABLE, WRONG, Asset
from benchmark.core.digest import Json
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts, is_true
from benchmark.core.float32 import exact
from benchmark.core.names import choose
from benchmark.core.resizing import USUAL, Resizing
from benchmark.core.settings import Settings
from benchmark.encoders.encoder import Encoder, Loaded, text_tower
from benchmark.encoders.published import hub, slots
from benchmark.methods.clip import Clip, Model

Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of the channels, for pixels in 0 .. 1."""

LETTERS = 2500
"""Letters of the longest text that is made into tokens; 77 tokens of CLIP's, of 28 letters at most, have 2,156."""

POOLS = ("cls", "patch_mean")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@text_tower(True)
def clip(role: str, slot: str, *, settings: Settings) -> Encoder:
    """One of OpenAI's CLIPs, from the file that fills a slot.

    Raises Incomplete if the file is missing, and BenchError if it is unusable.

    Args:
        role: name of the encoder in the suite.
        slot: name of the slot.
        settings: folders, device and precision.

    Returns:
        The encoder. Features are the output of `encode_image`, not L2-normalised; there are 49 or 196 patch features.
    """
    path, weights = slots.use(slot, settings)
    normalisation = slots.NORMALISATIONS[slots.get(slot).normalisation]

    def load() -> Loaded:
        from benchmark.core.libraries import open_clip
        from benchmark.encoders.published import containers, networks

        model = networks.made(networks.build_clip, containers.read(path).tensors, path)
        return _loaded_clip(model, open_clip.SimpleTokenizer(), normalisation, settings)

    width, places = _widths(path, settings)
    return Encoder(role, _fingerprint(weights, settings, normalisation), load, str(path), width=width, places=places)


@text_tower(False)
def auxiliary(role: str, slot: str, pool: str = "cls", normalisation: str = "", *, settings: Settings) -> Encoder:
    """A self-supervised image encoder, from the file that fills a slot.

    Raises Incomplete if the file is missing, and BenchError if it is unusable.

    Args:
        role: name of the encoder in the suite.
        slot: name of the slot.
        pool: the feature of a ViT, its class token ("cls") or the mean of its patch tokens ("patch_mean").
        normalisation: "imagenet" or "clip"; "" for the one of the encoder's training. CaFo's code uses CLIP's for DINO.
        settings: folders, device and precision.

    Returns:
        The encoder.

    Raises:
        BenchError: if `pool` is "patch_mean" for a ResNet.
    """
    choose(pool, POOLS, "pooling")
    known = slots.get(slot)
    if pool != "cls" and "ViT" not in known.architecture:
        raise BenchError(
            f"encoder {role}: pool = {pool!r} needs a ViT, and {slot} is a {known.architecture}; leave it out"
        )
    constants = slots.NORMALISATIONS[
        choose(normalisation or known.normalisation, slots.NORMALISATIONS, "normalisation")
    ]
    path, weights = slots.use(slot, settings)

    def load() -> Loaded:
        from benchmark.encoders.published import containers, networks

        model = networks.made(networks.build_auxiliary, containers.read(path).tensors, path)
        pooled = model if pool == "cls" else lambda images: networks.patch_mean(model, images)
        return Loaded(_forward(model, pooled, constants, settings), device=settings.torch_device)

    width, _ = _widths(path, settings)
    return Encoder(role, _fingerprint(weights, settings, constants, pool), load, str(path), width=width)


def look(
    loader: str, role: str, slot: str = "", deep: bool = False, *, settings: Settings, **_: object
) -> Asset | None:
    """Inspect the weights of an encoder, for `bench doctor`.

    Args:
        loader: name of the loader.
        role: name of the encoder in the suite.
        slot: name of the slot; "" for weights of timm and open_clip.
        deep: whether to compute hashes and to check values for plausibility.
        settings: folders, and whether downloads are allowed.
        **_: further options of the encoder, ignored.

    Returns:
        The state of the weights; None without a slot, as only timm and open_clip know their own weights.
    """
    if not slot:
        return None
    found = slots.look(slot, settings, deep)
    state, says = found.state, found.says
    if deep and found.usable and found.path is not None:
        from benchmark.encoders.published import sanity

        amiss = sanity.amiss(found.path)
        state, says = (WRONG, f"{found.path}: {amiss}") if amiss else (state, says)
    fetched = state == MISSING and bool(found.slot.hub) and settings.download
    known = found.slot
    return Asset(
        f"weights {slot}",
        state,
        found.path,
        f"will be fetched from https://huggingface.co/{known.hub}" if fetched else says,
        known.page,
        known.licence,
        known.noncommercial,
        usable=fetched or state in USABLE,
    )


@text_tower(False)
def timm_model(role: str, name: str, file: str = "", *, settings: Settings) -> Encoder:
    """A model of timm as an auxiliary encoder, with its pooled features, its normalisation and its size of images.

    Raises Incomplete if the weights are missing and cannot be fetched, and BenchError if timm has no such model or weights.

    Args:
        role: name of the encoder in the suite.
        name: name of the model in timm, with a tag.
        file: a file of the user's own with weights of the model and any classifier or none; "" for the published ones.
        settings: folders, device, precision, and whether downloads are allowed.

    Returns:
        The encoder.
    """
    from benchmark.encoders.published import from_files

    what = f"timm:{name}" + (f"@{file}" if file else "")
    pretrained = _timm_weights(what, name, published=not file)
    resizing = from_files.resizing_of(what, pretrained.input_size, pretrained.interpolation)
    normalisation, facts = (pretrained.mean, pretrained.std), FileFacts(settings.cache)
    network = partial(from_files.timm_network, name, pretrained)
    if file:
        path = hub.own_file(what, file)
        facts.of(path, f"fits timm:{name}", lambda: bool(network(path)), is_true)
    else:
        names = [pretrained.hf_hub_filename or "model.safetensors", "pytorch_model.bin"]
        path = hub.file(what, pretrained.hf_hub_id, names, settings.download)

    def load() -> Loaded:
        model = network(path)
        pooled = from_files.vectors(what, model)
        return Loaded(_forward(model, pooled, normalisation, settings, resizing), device=settings.torch_device)

    fingerprint = _fingerprint(facts.hash(path), settings, normalisation, name, *_other(resizing))
    return Encoder(role, fingerprint, load, str(path), resizing)


def _other(resizing: Resizing) -> list[str]:
    """Entry in a fingerprint for the size and kernel of images; empty for 224 pixels, bicubic."""
    return [] if resizing == USUAL else [resizing.words]


def _timm_weights(what: str, name: str, published: bool) -> Any:
    """Settings of a model's weights in timm; BenchError if it has no such model, or none that are `published`."""
    from benchmark.core.libraries import timm

    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('.')[0]}*")[:3])
        raise BenchError(f"{what}: timm {timm.__version__} has no model of this name; near are: {near or 'none'}")
    try:
        pretrained = timm.get_pretrained_cfg(name)
    except RuntimeError:  # a tag that the architecture has not
        pretrained = None
    if pretrained is not None and published and not pretrained.hf_hub_id and pretrained.url:
        raise Incomplete(f"{what}: its weights are on no hub; fetch {pretrained.url} and write timm:{name}@FILE")
    if pretrained is None or (published and not pretrained.hf_hub_id):
        tags = ", ".join(timm.list_pretrained(f"{name.split('.')[0]}.*")[:3])
        raise BenchError(f"{what}: timm has no weights of this name; there are: {tags or 'none'}")
    return pretrained


@text_tower(True)
def open_clip_pair(role: str, arch: str, pretrained: str = "", file: str = "", *, settings: Settings) -> Encoder:
    """A CLIP of open_clip as a backbone, with its own tokenizer, text tower and size of images.

    Raises BenchError for an unknown architecture or tag, and Incomplete if the weights, or the tokenizer and the settings of
    a text tower from Hugging Face, are missing and cannot be fetched.

    Args:
        role: name of the encoder in the suite.
        arch: architecture in open_clip.
        pretrained: tag of the weights in open_clip, which says the activation and normalisation of their training; "" for a
            file, where these are equal in all published weights of the architecture.
        file: a file of the user's own with other weights of the architecture; "" for the published ones.
        settings: folders, device, precision, and whether downloads are allowed.

    Returns:
        The encoder.
    """
    from benchmark.core.libraries import open_clip
    from benchmark.encoders.published import from_files

    what = f"open_clip:{arch}" + (f"/{pretrained}" if pretrained else "") + (f"@{file}" if file else "")
    choose(arch, open_clip.list_models(), "open_clip architecture")
    tag, sizes = from_files.training_of(what, arch, pretrained), open_clip.get_model_config(arch)
    resizing = from_files.resizing_of(what, sizes["vision_cfg"]["image_size"], tag.get("interpolation") or "bicubic")
    # the tag, not the name of the architecture, determines the activation of training
    sizes = {**sizes, "quick_gelu": bool(tag.get("quick_gelu"))}
    normalisation, facts = (tag["mean"], tag["std"]), FileFacts(settings.cache)
    how: tuple[object, ...] = (normalisation, arch)
    from_files.check_text_parts(what, sizes, settings.download)
    if file:
        path, how = hub.own_file(what, file), (*how, f"quick_gelu {sizes['quick_gelu']}")
        fits = f"fits {arch} {sizes['quick_gelu']}"
        facts.of(path, fits, lambda: bool(from_files.clip_network(sizes, path)), is_true)
    else:
        path = _open_clip_file(what, tag, settings)

    def load() -> Loaded:
        model = from_files.clip_network(sizes, path)
        return _loaded_clip(model, open_clip.get_tokenizer(arch), normalisation, settings, resizing)

    fingerprint = _fingerprint(facts.hash(path), settings, *how, *_other(resizing))
    unlike = from_files.unlike_openais(sizes)
    return Encoder(role, fingerprint, load, str(path), resizing, unlike, width=sizes["embed_dim"])


# --- preprocessing and precision


def _loaded_clip(
    model: Model, tokenizer: Any, normalisation: Normalisation, settings: Settings, resizing: Resizing = USUAL
) -> Loaded:
    from benchmark.encoders.published import networks

    forward = _forward(model, model.encode_image, normalisation, settings, resizing)
    told = Tokenizer(tokenizer, model.context_length)
    text = (lambda ids: networks.text(model, ids)) if networks.has_openais_text_tower(model) else None
    whole = Clip(model, told, _preprocess(normalisation, settings.torch_device, resizing), text)
    spatial = _forward(model, lambda images: networks.spatial(model, images), normalisation, settings, resizing)
    return Loaded(forward, whole, spatial if networks.has_places(model) else None, device=settings.torch_device)


def _forward(
    model: nn.Module,
    encode: Callable[[Tensor], Tensor],
    normalisation: Normalisation,
    settings: Settings,
    resizing: Resizing = USUAL,
) -> Callable[[Tensor], Tensor]:
    """A function from images, uint8 [B, 3, H, W], to features, on the chosen device and in the chosen precision."""
    device, precision = settings.torch_device, PRECISIONS[_precision(settings)]
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    preprocess = _preprocess(normalisation, device, resizing)

    def forward(images: Tensor) -> Tensor:
        # in training mode, batch norm would use batch statistics and update its running statistics
        assert not any(module.training for module in model.modules()), "a frozen encoder left eval mode"
        with torch.autocast(device.type, precision, enabled=precision != torch.float32), exact():
            return encode(preprocess(images))

    return forward


def _preprocess(
    normalisation: Normalisation, device: torch.device, resizing: Resizing = USUAL
) -> Callable[[Tensor], Tensor]:
    """A function that standardises uint8 [B, 3, H, W] to float32, bit-identical to ToTensor and Normalize."""
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in normalisation)
    size = resizing.side

    def preprocess(images: Tensor) -> Tensor:
        if images.shape[-2:] != (size, size):
            height, width = images.shape[-2:]
            raise BenchError(
                f"this published encoder takes {size} x {size} images, these have {height} x {width} pixels"
            )
        return images.to(device).float().div_(255).sub_(mean).div_(std)

    return preprocess


class Tokenizer:
    """A tokenizer that refuses texts that are too long, as OpenAI's does; those of open_clip silently cut them."""

    def __init__(self, tokenizer: Any, length: int) -> None:
        self.tokenizer, self.length = tokenizer, length

    def __call__(self, texts: list[str]) -> Tensor:
        """Token ids of texts, [N, length]; raises BenchError for a text that is too long."""
        long = next((text for text in texts if len(text) > LETTERS), None)
        if long is not None:  # the time of the tokenizer grows by the square of a word's letters
            raise BenchError(
                f"text {long[:57]!r}... has {len(long):,} letters, CLIP reads {self.length} tokens; shorten it"
            )
        ids: Tensor = self.tokenizer(texts, self.length)
        for row in ids[:, -1].nonzero().flatten().tolist():  # texts that fill the row, maybe by a cut
            tokens = self._tokens(texts[row])
            if tokens > self.length:
                shown = texts[row] if len(texts[row]) <= 60 else f"{texts[row][:57]}..."
                raise BenchError(f"text {shown!r} has {tokens} tokens, CLIP reads {self.length}; shorten it")
        return ids

    def _tokens(self, text: str) -> int:
        """Number of tokens of a text, with those of start and end."""
        of_hugging_face = getattr(self.tokenizer, "tokenizer", None)
        if of_hugging_face is None:
            return len(self.tokenizer.encode(text)) + 2
        return len(of_hugging_face(self.tokenizer.clean_fn(text)).input_ids)


def _precision(settings: Settings) -> str:
    return choose(settings.precision, PRECISIONS, "precision")


# --- fingerprints and files


def _widths(path: Path, settings: Settings) -> tuple[int, int]:
    """Numbers of an image feature and number of patch features, by the tensors of a file; cached."""
    from benchmark.encoders.published import containers

    facts = FileFacts(settings.cache)
    width, places = facts.of(path, "widths", lambda: containers.widths(containers.read(path).tensors), _are_widths)
    return width, places


def _are_widths(fact: Any) -> bool:
    return isinstance(fact, list) and [type(number) for number in fact] == [int, int]


def _fingerprint(weights: str, settings: Settings, *how: object) -> str:
    return hashlib.sha256("\n".join([weights, _precision(settings), *map(str, how)]).encode()).hexdigest()


def _open_clip_file(what: str, tag: Json, settings: Settings) -> Path:
    """The file of an open_clip tag, found in a weights folder by its published name, else in its repository."""
    name = tag.get("url", "").rpartition("/")[2]
    for folder in settings.weights_dirs:
        if name and (folder / name).is_file():
            return folder / name
    repository, _, name = tag.get("hf_hub", "").rpartition("/")
    if not repository:
        raise Incomplete(
            f"{what}: its weights are not here, and on no hub; put {tag.get('url')} into the weights folder"
        )
    return hub.file(what, repository, [slots.FOLDER_FILE, name or "open_clip_pytorch_model.bin"], settings.download)
