"""What any current encoder needs is read from its library's settings, so that nearly all of them are accepted by name."""

from collections.abc import Callable

import pytest

from tests import encoders_accepted


@pytest.mark.parametrize(("count", "share"), [(encoders_accepted.of_timm, 0.95), (encoders_accepted.of_open_clip, 0.9)])
def test_nearly_all_pretrained_names_are_accepted_and_the_rest_refused_in_a_line(
    count: Callable[[], tuple[int, dict[tuple[str, ...], str]]], share: float
) -> None:
    n, refused = count()
    assert n - len(refused) >= share * n
    assert all("\n" not in line and len(line) < 400 for line in refused.values())
