"""Search for the file that fills a slot of the published weights (slots.toml), and checks of its hashes.

The content of a file decides which slot it fills. The name matters only between networks of equal form, such as the bare
ResNet-50 of DINO and that of SparK: then the name must be the published one or the slot's, or contain the slot's first word
("dino").
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmark.core.asset import ALIAS, DIFFERS, INCOMPLETE, MISSING, OK, USABLE, WRONG
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts, is_hash
from benchmark.core.files import listed
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.core.stamps import settled, stamp
from benchmark.core.streams import say
from benchmark.core.text import line
from benchmark.encoders.published import converted
from benchmark.encoders.published import hub as hugging_face

NORMALISATIONS = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),  # openai/CLIP, clip.py
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # the repositories of all five encoders
}
"""Mean and standard deviation of red, green and blue, for pixels in 0 .. 1."""

SUFFIXES = (".pt", ".pth", ".tar", ".bin", ".pkl", ".ckpt", ".safetensors")
FOLDER_FILE = "open_clip_model.safetensors"  # name of the weights in a folder or repository of open_clip


@dataclass(frozen=True)
class Slot:
    """One published encoder; slots.toml explains the fields."""

    name: str
    kind: str
    alike: str
    architecture: str
    normalisation: str
    files: tuple[str, ...]
    page: str
    licence: str
    noncommercial: bool = False
    optional: bool = False
    sha256: str = ""
    md5: str = ""
    epochs: int = 0
    hub: str = ""
    note: str = ""


def _table() -> dict[str, Slot]:
    text = (files(__package__) / "slots.toml").read_text(encoding="utf-8")
    return {
        name: Slot(name, **{**entry, "files": tuple(entry["files"])}) for name, entry in tomllib.loads(text).items()
    }


SLOTS = _table()


@dataclass(frozen=True)
class Found:
    """Result of a search: state (`benchmark.core.asset`), file, and a message of one line."""

    slot: Slot
    state: str
    path: Path | None
    says: str = ""

    @property
    def usable(self) -> bool:
        """Whether there is a file that can be read."""
        return self.state in USABLE


def get(name: str) -> Slot:
    """A slot by its name; an unknown name raises BenchError with the nearest name."""
    return SLOTS[choose(name, SLOTS, "weights slot")]


def find(name: str, settings: Settings) -> Path | None:
    """The file that fills a slot; None if there is none."""
    found = look(name, settings)
    return found.path if found.usable else None


def need(name: str, settings: Settings) -> Found:
    """Find the file that fills a slot and check its hashes; with --download, fetch missing weights of OpenAI.

    Raises Incomplete if the file is missing, and BenchError if it is unusable.

    Args:
        name: name of the slot.
        settings: folders, and whether downloads are allowed.

    Returns:
        The usable file.
    """
    found = look(name, settings, deep=True)
    if found.state == MISSING and found.slot.hub and settings.download:
        hugging_face.file(f"weights {name}", found.slot.hub, [FOLDER_FILE], settings.download)
        found = look(name, settings, deep=True)
    if found.usable:
        return found
    raise (Incomplete if found.state == MISSING else BenchError)(found.says)


def use(name: str, settings: Settings) -> tuple[Path, str]:
    """Find the file that fills a slot, and trust its weights from the first use on.

    Weights that differ from the published ones, or from those of the first use, are reported on stderr. Raises Incomplete if
    the file is missing, and BenchError if it is unusable.

    Args:
        name: name of the slot.
        settings: folders, and whether downloads are allowed.

    Returns:
        The file, and the digest of its weights.
    """
    found, facts = need(name, settings), FileFacts(settings.cache)
    assert found.path is not None
    if found.state == DIFFERS:
        say(f"bench: {found.says}", err=True)
    weights = digest(found.path, settings)
    if name not in facts.trusted():
        facts.trust(name, weights)
    return found.path, weights


def look(name: str, settings: Settings, deep: bool = False) -> Found:
    """Search for the file that fills a slot; facts on files are cached, so that only the first search takes time.

    Args:
        name: name of the slot.
        settings: folders of weights and of cached facts on files.
        deep: whether to compute hashes, which reads the whole file.

    Returns:
        The result, also for a missing or unusable file.
    """
    slot = get(name)
    override = settings.weights_paths.get(name)
    assessed: list[Found] = []
    for path in [override] if override else _candidates(slot, settings):
        found = _assess(slot, path, settings, said=override is not None)
        if found and found.state == OK and not _other_training(found, settings):
            return _hashed(found, settings, deep)
        if found:
            assessed.append(found)
    usable = [found for found in assessed if found.usable]
    usable.sort(key=lambda found: bool(_other_training(found, settings)))
    if usable:
        return _hashed(_chosen(usable), settings, deep)
    return assessed[0] if assessed else Found(slot, MISSING, None, _fetch(slot, settings))


def _chosen(usable: list[Found]) -> Found:
    """The first of several usable files, with a message that names the others."""
    first = usable[0]
    others = sorted({str(found.path) for found in usable} - {str(first.path)})
    if others:
        return replace(first, says=f"{first.path} is taken, but {', '.join(others)} would do as well")
    return first


def rank(name: str, file: Path) -> tuple[bool, int, str]:
    """Order of files that fill a slot: one trained as long as the slot's, under the first of its published names."""
    from benchmark.encoders.published import containers

    slot = get(name)
    epochs = containers.read(file).epochs or converted.epochs(file)
    names = _published(slot)
    other = bool(slot.epochs and epochs and epochs != slot.epochs)
    return other, names.index(file.name) if file.name in names else len(names), str(file)


def _fetch(slot: Slot, settings: Settings) -> str:
    folders = ", ".join(map(str, settings.weights_dirs))
    file = slot.files[0] if slot.files else f"the file, as {slot.name}.pth,"
    terms = slot.licence or "no licence stated"
    fetched = ", or add --download" if slot.hub else ""
    return f"weights {slot.name} are missing: put {file} from {slot.page} ({terms}) into one of {folders}{fetched}"


# --- search for the file


def _candidates(slot: Slot, settings: Settings) -> Iterator[Path]:
    """Files that may fill a slot: files named after it in all folders, then all files within the first, the user's folder."""
    folders = [folder for folder in settings.weights_dirs if folder.is_dir()]
    for folder in folders:
        listed("weights", folder, "*", "--weights-dir")  # refused where it may not be read, and not taken for empty
        yield from (folder / name for name in _published(slot) if (folder / name).is_file())
        if slot.hub:
            yield from sorted(folder.glob(f"{_repository(slot)}/snapshots/*/{FOLDER_FILE}"))
    own = [inner for folder in settings.weights_dirs[:1] if folder.is_dir() for inner in _within(folder)]
    for inner in own[1:]:
        yield from (inner / name for name in _published(slot) if (inner / name).is_file())
    for inner in own:
        yield from (path for path in _named_as_weights(inner) if path.is_file())


DEPTH = 2
"""How many folders deep the user's folder of weights is searched."""


def _within(folder: Path) -> list[Path]:
    """A folder and the folders in it, `DEPTH` deep, outer ones first and sorted; hidden ones are left out."""
    found, level = [folder], [folder]
    for _ in range(DEPTH):
        level = [path for outer in level for path in sorted(outer.iterdir()) if _opens(path)]
        found += level
    return found


def _opens(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and os.access(path, os.R_OK | os.X_OK)


def _named_as_weights(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIXES) and not path.is_dir())


def left_out(settings: Settings) -> Iterator[str]:
    """A line for each file of the user's weights folder that fits no slot, or cannot be read."""
    for outer in (folder for folder in settings.weights_dirs[:1] if folder.is_dir()):
        for path in (path for folder in _within(outer) for path in _named_as_weights(folder)):
            try:
                kind, architecture, _ = _kind(path, settings)
            except BenchError as error:
                yield str(error)
            else:
                if not any(kind in (s.kind, s.alike) and architecture == s.architecture for s in SLOTS.values()):
                    yield f"{path}: holds {words(kind, architecture)}, which no slot takes"


def _published(slot: Slot) -> tuple[str, ...]:
    """Regular names of a file of the slot: as written by `bench weights import`, and as published."""
    return (f"{slot.name}.safetensors", *slot.files)


def _repository(slot: Slot) -> str:
    return f"models--{slot.hub.replace('/', '--')}"  # name in the Hugging Face cache


def _assess(slot: Slot, path: Path, settings: Settings, said: bool) -> Found | None:
    """Assess a file for a slot; None if the file is unrelated. `said` is true for a path set by the user for the slot."""
    file = path / FOLDER_FILE if path.is_dir() else path
    if not file.exists():
        return Found(slot, MISSING, file, f"{file}: no such file; [weights.paths] {slot.name} in bench.toml names it")
    claimed = said or _claimed(slot, file)
    try:
        kind, architecture, _ = _kind(file, settings)
    except BenchError as error:
        return Found(slot, INCOMPLETE, file, str(error)) if claimed else None
    fits = architecture == slot.architecture
    if fits and (kind == slot.kind or (kind == slot.alike and (said or called(slot, file)))):
        return Found(slot, OK if not slot.files or file.name in _published(slot) else ALIAS, file)
    if claimed:
        says = f"{file}: holds {words(kind, architecture)}; {slot.name} wants {words(slot.kind, slot.architecture)}"
        return Found(slot, WRONG, file, says)
    if fits and kind == slot.alike:
        says = f"{_fetch(slot, settings)}; {file.name} may be it: if it is, call it {slot.name}{file.suffix}"
        return Found(slot, MISSING, None, says)
    return None


def _claimed(slot: Slot, file: Path) -> bool:
    """Whether the name of a file assigns it to the slot, whatever it holds."""
    return slot.name == file.name.split(".")[0] or file.name in slot.files or _repository(slot) in file.parts


def called(slot: Slot, file: Path) -> bool:
    """Whether the name of a file assigns it to the slot, among slots with networks of equal form."""
    first = slot.name.split("_")[0]  # such as "dino"; "clip" would fit every CLIP
    return _claimed(slot, file) or (first != "clip" and first in file.name.lower())


def words(kind: str, architecture: str) -> str:
    """Description of the content of a file: "MoCo v3 (ResNet of 3-4-6-3 blocks)"."""
    return f"{kind} ({architecture})" if architecture else kind


def _other_training(found: Found, settings: Settings) -> str:
    """One line on a file that says it was trained for another number of epochs than the slot's; "" for others."""
    slot, file = found.slot, found.path
    if not slot.epochs or file is None:
        return ""
    said = _kind(file, settings)[2]
    if said in ("", str(slot.epochs)):
        return ""
    return f"{file}: trained for {said} epochs, published for {slot.name} are {slot.epochs}; fetch {slot.page}"


Content = tuple[str, str, str]
"""Kind and architecture of the encoder in a file, and the epochs that the file says; for other content what it is."""


def _kind(file: Path, settings: Settings) -> Content:
    """The `Content` of a file, from the cached facts where they have it; BenchError for an unreadable file."""
    if not file.exists():
        raise BenchError(f"{file}: a link that leads nowhere; mend it, or take it out of the folder")
    kind, architecture, epochs = FileFacts(settings.cache).of(file, "encoder", lambda: _content(file), _is_content)
    return kind, architecture, epochs


def _content(file: Path) -> Content:
    found = _remembered(file, stamp(file)) if settled(file) else _opened(file)
    if isinstance(found, BenchError):
        raise found
    return found


@lru_cache(maxsize=1000)
def _remembered(file: Path, when: tuple[int, ...]) -> Content | BenchError:
    """Content of a file with this stamp, for every slot asks and a file that cannot be read may take seconds."""
    return _opened(file)


def _opened(file: Path) -> Content | BenchError:
    """The content of a file, or the error of reading it."""
    from benchmark.encoders.published import containers

    try:
        found = containers.read(file)
    except containers.NoWeights as instead:
        return instead.held, "", ""
    except BenchError as error:
        return error
    return found.kind, found.architecture, str(found.epochs or converted.epochs(file) or "")


def _is_content(fact: Any) -> bool:
    """Whether JSON data have the form of a `Content`."""
    return isinstance(fact, list) and [type(part) for part in fact] == [str, str, str]


# --- checks of the hashes


def _hashed(found: Found, settings: Settings, deep: bool) -> Found:
    """Check a file against its header, the trusted and the published hash, as far as cached; `deep` computes hashes."""
    slot, file, facts = found.slot, found.path, FileFacts(settings.cache)
    assert file is not None
    if other := converted.of_another(file, slot.name):
        return Found(slot, WRONG, file, other)
    weights = digest(file, settings) if deep else facts.known(file, "digest", is_hash)
    if weights and (damage := converted.damaged(file, weights)):
        return Found(slot, INCOMPLETE, file, damage)
    trusted = facts.trusted()
    remedy = f"if it is right: bench weights trust {slot.name}"
    if weights and trusted.get(slot.name, weights) != weights:
        return Found(slot, DIFFERS, file, f"{file}: not the weights that {slot.name} was first used with; {remedy}")
    first = next((name for name, theirs in trusted.items() if name != slot.name and theirs == weights), None)
    if first:
        return Found(slot, WRONG, file, f"{file}: these are the weights that {first} was used with; {remedy}")
    amiss = _pinned(slot, file, settings, deep) or _other_training(found, settings)
    return Found(slot, DIFFERS, file, amiss) if amiss else found


def _pinned(slot: Slot, file: Path, settings: Settings, deep: bool) -> str:
    """One line on a file of the published name, or in OpenAI's form, or converted from one, that has another hash."""
    algorithm, expected = ("sha256", slot.sha256) if slot.sha256 else ("md5", slot.md5)
    if not expected:
        return ""
    source, facts = converted.source(file), FileFacts(settings.cache)
    name, kind = (source.name, source.kind) if source else (file.name, _kind(file, settings)[0])
    if name != slot.files[0] and not (slot.sha256 and kind == slot.kind):
        return ""
    if source:
        actual = source.hashes.get(algorithm)
    else:
        actual = facts.hash(file, algorithm) if deep else facts.known(file, algorithm, is_hash)
    if not actual or actual.startswith(expected):
        return ""
    of = f" of {line(source.name)}, which it was converted from," if source else ""
    return (
        f"{file}: {algorithm}{of} is {actual[:12]}…, published is {expected[:12]}…; it is not the file of {slot.page}"
    )


def digest(file: Path, settings: Settings) -> str:
    """The sha256 of the weights of the encoder in a file, independent of the container format; cached."""
    from benchmark.encoders.published import containers

    return FileFacts(settings.cache).of(
        file, "digest", lambda: containers.digest(containers.read(file).tensors), is_hash
    )
