"""Files of Hugging Face repositories: the cached one, else a fetched one if fetching is allowed."""

from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from benchmark.core.errors import Incomplete
from benchmark.encoders.published import hub

REPOSITORY, NAMES = "somebody/something", ("first.bin", "second.bin")


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the local cache holds: name -> path, or an object that is no text where the hub has no such file."""
    found: dict[str, object] = {}
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, name: found.get(name))
    return found


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Repository and name of every file that was fetched; only second.bin is there."""
    asked: list[tuple[str, str]] = []

    def fetch(repository: str, name: str) -> str:
        asked.append((repository, name))
        if name != "second.bin":
            raise OSError(f"404:\n  no {name}")
        return "/fetched/second.bin"

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    return asked


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_: pytest.fail("fetched"))


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("download", [False, True])
def test_the_first_name_that_is_cached_is_taken_and_nothing_is_fetched(
    cached: dict[str, object], download: bool
) -> None:
    cached["second.bin"] = "/cache/second.bin"
    assert hub.file("CLIP", REPOSITORY, NAMES, download) == Path("/cache/second.bin")
    cached["first.bin"] = "/cache/first.bin"
    assert hub.file("CLIP", REPOSITORY, NAMES, download) == Path("/cache/first.bin")


@pytest.mark.usefixtures("_offline")
def test_a_file_that_the_cache_knows_to_be_absent_is_not_there(cached: dict[str, object]) -> None:
    cached["first.bin"] = object()
    with pytest.raises(Incomplete):
        hub.file("CLIP", REPOSITORY, NAMES, False)


@pytest.mark.usefixtures("cached", "_offline")
def test_without_download_the_error_names_the_weights_the_option_and_the_repository() -> None:
    with pytest.raises(Incomplete) as told:
        hub.file("CLIP", REPOSITORY, NAMES, False)
    where = "https://huggingface.co/somebody/something"
    assert str(told.value) == f"CLIP: its weights are not here; with --download they are fetched from {where}"


@pytest.mark.usefixtures("cached")
def test_with_download_names_are_tried_in_their_order(fetched: list[tuple[str, str]]) -> None:
    assert hub.file("CLIP", REPOSITORY, NAMES, True) == Path("/fetched/second.bin")
    assert fetched == [(REPOSITORY, "first.bin"), (REPOSITORY, "second.bin")]


@pytest.mark.usefixtures("cached", "fetched")
def test_where_nothing_can_be_fetched_the_last_reason_is_told_in_one_line() -> None:
    with pytest.raises(Incomplete) as told:
        hub.file("CLIP", REPOSITORY, ("third.bin", "first.bin"), True)
    assert str(told.value).endswith(
        "could not be fetched from https://huggingface.co/somebody/something (404: no first.bin)"
    )


def test_a_long_reason_is_cut(cached: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    fail: Callable[[str, str], str] = lambda *_: (_ for _ in ()).throw(OSError("x" * 500))  # noqa: E731
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(Incomplete) as told:
        hub.file("CLIP", REPOSITORY, NAMES, True)
    assert str(told.value).count("x") == 120
