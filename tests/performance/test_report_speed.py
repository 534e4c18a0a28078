"""Commands that only read records read each of them once; `performance/report_speed.py` prints how long they take."""

from collections import Counter
from pathlib import Path

import pytest
from toy_world import bench, undrawn

from benchmark.core.errors import ExitCode
from benchmark.records.store import Store
from benchmark.reporting.figures import draw
from performance import report_speed

RECORDS = 1000


@pytest.mark.slow
def test_report_check_and_claims_over_a_thousand_records_read_each_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = report_speed.fill(RECORDS, tmp_path)
    reads, read = Counter[str](), Store._read
    monkeypatch.setattr(Store, "_read", lambda self, path, known: reads.update([path.name]) or read(self, path, known))
    monkeypatch.setattr(draw, "draw", undrawn)
    at = ["--results", tmp_path / "results"]
    once = dict.fromkeys((path.name for path in store.root.glob("*.json")), 1)
    assert len(once) == RECORDS
    for command in (["report", *at, "--reports", tmp_path / "reports"], ["check", *at], ["claims", *at]):
        reads.clear()
        code, _, err = bench(*command)
        assert code in (ExitCode.OK, ExitCode.REGRESSION), err
        assert reads == once, command
    assert (tmp_path / "reports" / "mini" / "index.html").stat().st_size < 5_000_000
