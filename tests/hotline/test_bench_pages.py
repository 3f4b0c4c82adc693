"""The bench of the pages: every page answers and is counted, and the report says so. Times are nobody's test."""

from __future__ import annotations

import json
from pathlib import Path

from hotline import bench_pages
from hotline.config import read

PAGES = {
    *("queue", "department", "follow_up", "supervision", "duties", "search", "intake", "notices"),
    *("ticket", "ticket_long", "ticket_of_unit", "cards"),
}
"""Those that there always are; somebody to call back, the city has only on most days."""
REMEMBERED = "supervision"
"""The lamps of the city are counted once for all who look within some seconds."""


def test_every_page_is_asked_and_its_queries_and_bytes_are_counted(tmp_path: Path) -> None:
    said: list[str] = []
    config = read({"HOTLINE_HOME": str(tmp_path)})
    status = bench_pages.run(
        config, number=80, seconds=0.1, processes=2, with_model=False, as_json=True, say=said.append
    )

    (report,) = map(json.loads, said)
    assert status == 0
    assert (report["what"], report["open_tickets"], report["clients"]) == ("pages", 80, 16)
    assert report["web_processes"] == 2
    assert report["pages"].keys() - {"visit"} == PAGES
    assert all(page["queries"] >= 0.9 for name, page in report["pages"].items() if name != REMEMBERED)
    for page in report["pages"].values():
        assert 0 <= page["queries"] < 30
        assert page["bytes"] > 1_000
        assert 0 < page["p50_ms"] <= page["p99_ms"] <= page["max_ms"]
        assert 0 < page["alone_p50_ms"] <= page["alone_p99_ms"]
        assert page["web_ms"] > 0
        assert page["client_ms"] > 0
        assert page["ratio"] > 0
