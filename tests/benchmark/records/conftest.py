"""Two stores of one suite, as two machines have them."""

from pathlib import Path

import pytest

from benchmark.records.store import Store


@pytest.fixture
def here(tmp_path: Path) -> Store:
    """The store that takes records; empty."""
    return Store(tmp_path / "here" / "toy")


@pytest.fixture
def there(tmp_path: Path) -> Store:
    """The store whose records are taken; empty."""
    return Store(tmp_path / "there" / "toy")
