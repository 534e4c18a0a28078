"""Files of weights: of Hugging Face repositories, cached or, with --download, from the network; and the user's own."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import BenchError, Incomplete
from benchmark.core.paths import expanded


def file(what: str, repository: str, names: Sequence[str], download: bool) -> Path:
    """The first file of a repository that is in the local cache or, with --download, can be fetched.

    Args:
        what: name of the asset, for messages.
        repository: name of the repository on Hugging Face.
        names: alternative names of the file, in order of preference.
        download: whether the file may be fetched.

    Returns:
        The path of the file.

    Raises:
        Incomplete: if no file is cached, and downloads are not allowed or fail.
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
        except Exception as error:  # no network, no such file or no permission: the message contains the reason
            reason = " ".join(str(error).split())[:120]
    raise Incomplete(f"{what}: could not be fetched from {source} ({reason})")


def own_file(what: str, name: str) -> Path:
    """The path of a file of the user's own.

    Args:
        what: name of the asset, for messages.
        name: the path.

    Returns:
        The path of the file.

    Raises:
        Incomplete: if there is no such file.
        BenchError: if it is a folder or cannot be read.
    """
    path = expanded(name)
    try:
        path.open("rb").close()
    except IsADirectoryError as error:
        raise BenchError(f"{what}: {path} is a folder; name the file of the weights in it") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Incomplete(f"{what}: {path}: no such file; copy it there, or name it where it lies") from error
    except OSError as error:
        raise BenchError(f"{what}: {path}: cannot be read ({error.strerror})") from error
    return path
