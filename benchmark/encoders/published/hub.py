"""Files of Hugging Face repositories: the one that is here already, else fetched, but only if that is allowed."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import Incomplete


def file(what: str, repository: str, names: Sequence[str], download: bool) -> Path:
    """The first of these names that is in the local cache; else, with --download, the first that can be fetched.

    Incomplete names `what` and the repository.
    """
    import huggingface_hub

    for name in names:
        cached = huggingface_hub.try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    source = f"https://huggingface.co/{repository}"
    if not download:
        raise Incomplete(f"{what}: its weights are not here; with --download they are fetched from {source}")
    reason = ""
    for name in names:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, name))
        except Exception as error:  # no network, no such file, no permission: the line below says which
            reason = " ".join(str(error).split())[:120]
    raise Incomplete(f"{what}: could not be fetched from {source} ({reason})")
