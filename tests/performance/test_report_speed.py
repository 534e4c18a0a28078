"""Commands that only read records stay quick; `performance/` prints how quick they are."""

from pathlib import Path

import pytest

from performance import report_speed


@pytest.mark.slow
def test_report_check_and_claims_over_a_thousand_records_take_seconds(tmp_path: Path) -> None:
    """3,000 take ten seconds on two idle cores; here is a third of them, and time for a machine that does other things."""
    took = report_speed.timed(1000, tmp_path)
    assert took.keys() == {"report, pictures drawn", "report", "check", "claims"}
    assert sum(took.values()) < 60, took
    assert (tmp_path / "reports" / "mini" / "index.html").stat().st_size < 5_000_000
