"""Which file here fills which slot of the published weights (slots.toml), and what its hashes say.

A file fills a slot by what it holds. Its name decides only between files whose content is alike, such as DINO's bare
ResNet-50 and SparK's: there the published name, the slot's, or its first word ("dino") has to say which it is.
"""

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from benchmark.core.asset import ALIAS, DIFFERS, INCOMPLETE, MISSING, OK, USABLE, WRONG
from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.file_facts import FileFacts
from benchmark.core.names import choose
from benchmark.core.settings import Settings
from benchmark.encoders.published import hub as hugging_face

NORMALISATIONS = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),  # openai/CLIP, clip.py
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # the repositories of all five encoders
}
"""Mean and standard deviation of red, green and blue, for pixels in 0 .. 1."""

SUFFIXES = (".pt", ".pth", ".tar", ".bin", ".pkl", ".ckpt", ".safetensors")
FOLDER_FILE = "open_clip_model.safetensors"  # what a folder or repository of open_clip's calls its weights


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
    """What there is for a slot: its state (`benchmark.core.asset`), the file, and what there is to say of it in one line."""

    slot: Slot
    state: str
    path: Path | None
    says: str = ""

    @property
    def usable(self) -> bool:
        """Whether there is a file to read."""
        return self.state in USABLE


def get(name: str) -> Slot:
    """A slot by its name. BenchError with the nearest name where there is none."""
    return SLOTS[choose(name, SLOTS, "weights slot")]


def find(name: str, settings: Settings) -> Path | None:
    """The file that fills a slot, or None."""
    found = look(name, settings)
    return found.path if found.usable else None


def need(name: str, settings: Settings) -> Found:
    """What fills a slot, its hashes looked at; with --download, fetched if it is OpenAI's and missing.

    Incomplete says what to fetch from where, BenchError what is wrong.
    """
    found = look(name, settings, deep=True)
    if found.state == MISSING and found.slot.hub and settings.download:
        hugging_face.file(f"weights {name}", found.slot.hub, [FOLDER_FILE], settings.download)
        found = look(name, settings, deep=True)
    if found.usable:
        return found
    raise (Incomplete if found.state == MISSING else BenchError)(found.says)


def use(name: str, settings: Settings) -> tuple[Path, str]:
    """The file that fills a slot, and the digest of its weights, which are trusted from the first use on.

    One line to stderr where they are not those published, or not those of the first use. Raises as `need` does.
    """
    found, facts = need(name, settings), FileFacts(settings.cache)
    assert found.path is not None
    if found.state == DIFFERS:
        print(f"bench: {found.says}", file=sys.stderr, flush=True)
    weights = digest(found.path, settings)
    if name not in facts.trusted():
        facts.trust(name, weights)
    return found.path, weights


def look(name: str, settings: Settings, deep: bool = False) -> Found:
    """What there is for a slot. `deep` also reads the whole file that fills it, for its hashes.

    What is found out of a file is remembered, so that only the first look costs time.
    """
    slot = get(name)
    override = settings.weights_paths.get(name)
    assessed: list[Found] = []
    for path in [override] if override else _candidates(slot, settings):
        found = _assess(slot, path, settings, said=override is not None)
        if found and found.state == OK:
            return _hashed(found, settings, deep)
        if found:
            assessed.append(found)
    usable = [found for found in assessed if found.usable]
    if usable:
        return _hashed(_chosen(usable), settings, deep)
    return assessed[0] if assessed else Found(slot, MISSING, None, _fetch(slot, settings))


def _chosen(usable: list[Found]) -> Found:
    """The first of several files that no name decides between; where there are others, it says so."""
    first = usable[0]
    others = sorted({str(found.path) for found in usable} - {str(first.path)})
    if others:
        return replace(first, says=f"{first.path} is taken, but {', '.join(others)} would do as well")
    return first


def _fetch(slot: Slot, settings: Settings) -> str:
    folders = ", ".join(map(str, settings.weights_dirs))
    file = slot.files[0] if slot.files else f"the file, as {slot.name}.pth,"
    terms = slot.licence or "no licence stated"
    fetched = ", or add --download" if slot.hub else ""
    return f"weights {slot.name} are missing: put {file} from {slot.page} ({terms}) into one of {folders}{fetched}"


# --- which file


def _candidates(slot: Slot, settings: Settings) -> Iterator[Path]:
    """Files that may fill a slot: those called after it in any folder, then all that lie in the first, the user's own."""
    folders = [folder for folder in settings.weights_dirs if folder.is_dir()]
    for folder in folders:
        yield from (folder / name for name in _published(slot) if (folder / name).is_file())
        if slot.hub:
            yield from sorted(folder.glob(f"{_repository(slot)}/snapshots/*/{FOLDER_FILE}"))
    for folder in folders[:1]:
        yield from (p for p in sorted(folder.iterdir()) if p.name.endswith(SUFFIXES) and p.is_file())
        yield from sorted(folder.glob(f"*/{FOLDER_FILE}"))


def _published(slot: Slot) -> tuple[str, ...]:
    """The names that a file of the slot has by right: as imported, as published."""
    return (f"{slot.name}.safetensors", *slot.files)


def _repository(slot: Slot) -> str:
    return f"models--{slot.hub.replace('/', '--')}"  # as the Hugging Face cache calls it


def _assess(slot: Slot, path: Path, settings: Settings, said: bool) -> Found | None:
    """What a file is to a slot; None where it is no business of the slot's. `said`: the user names it for this slot."""
    if not path.exists():
        return Found(slot, MISSING, path, f"{path}: no such file; [weights.paths] {slot.name} in bench.toml names it")
    file = path / FOLDER_FILE if path.is_dir() else path
    claimed = said or _claimed(slot, file)
    try:
        kind, architecture = FileFacts(settings.cache).of(file, "content", lambda: _content(file))
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
    """Whether a file can be nobody else's by its name."""
    return slot.name == file.name.split(".")[0] or file.name in slot.files or _repository(slot) in file.parts


def called(slot: Slot, file: Path) -> bool:
    """Whether its name says that a file is the slot's, among those that hold the same kind of network."""
    first = slot.name.split("_")[0]  # "dino"; but any CLIP may be called clip
    return _claimed(slot, file) or (first != "clip" and first in file.name.lower())


def words(kind: str, architecture: str) -> str:
    """What a file holds, for people: "MoCo v3 (ResNet of 3-4-6-3 blocks)"."""
    return f"{kind} ({architecture})" if architecture else kind


def _content(file: Path) -> tuple[str, str]:
    """(kind, architecture); where a file holds no encoder, what it holds instead. BenchError if it cannot be read."""
    from benchmark.encoders.published import containers

    form, content = containers.load(file)
    try:
        kind, tensors = containers.recognise(content, form)
    except ValueError as instead:
        return str(instead), ""
    return kind, containers.architecture(tensors)


# --- whether it is the right one


def _hashed(found: Found, settings: Settings, deep: bool) -> Found:
    """The same, or what its hashes tell against it as far as they are known; `deep` makes them known."""
    slot, file, facts = found.slot, found.path, FileFacts(settings.cache)
    assert file is not None
    weights = digest(file, settings) if deep else facts.known(file, "digest")
    trusted = facts.trusted()
    remedy = f"if it is right: bench weights trust {slot.name}"
    if weights and trusted.get(slot.name, weights) != weights:
        return Found(slot, DIFFERS, file, f"{file}: not the weights that {slot.name} was first used with; {remedy}")
    other = next((name for name, theirs in trusted.items() if name != slot.name and theirs == weights), None)
    if other:
        return Found(slot, WRONG, file, f"{file}: these are the weights that {other} was used with; {remedy}")
    return _pinned(found, file, facts, deep)


def _pinned(found: Found, file: Path, facts: FileFacts, deep: bool) -> Found:
    """Against the hash that is published for the file of this name."""
    slot = found.slot
    algorithm, expected = ("sha256", slot.sha256) if slot.sha256 else ("md5", slot.md5)
    if not expected or file.name != slot.files[0]:
        return found
    actual = facts.hash(file, algorithm) if deep else facts.known(file, algorithm)
    if actual is None or actual.startswith(expected):
        return found
    says = f"{file}: {algorithm} is {actual[:12]}…, published is {expected[:12]}…; it is not the file of {slot.page}"
    return Found(slot, DIFFERS, file, says)


def digest(file: Path, settings: Settings) -> str:
    """sha256 of the encoder's weights in a file, the same in every container; remembered."""
    from benchmark.encoders.published import containers

    return FileFacts(settings.cache).of(file, "digest", lambda: containers.digest(containers.read(file).tensors))
