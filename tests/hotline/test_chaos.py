"""Workers, Redis and PostgreSQL are killed while clocks come due: each finding and each notice is there once."""

from __future__ import annotations

from pathlib import Path

from hotline import bench_watch, embedded
from hotline.app import Engines
from hotline.bench_watch import Trial
from hotline.config import Key, read


def test_killing_workers_and_servers_loses_no_finding_and_repeats_none(tmp_path: Path) -> None:
    said: list[str] = []
    trial = Trial(clocks=0, per_second=60, seconds=5, workers=2, kill_every=1.2)
    with embedded.temporary(durable=True, settings=bench_watch.SETTINGS) as urls:
        engines = Engines(urls.database, urls.redis, (Key("k1", b"k" * 32),))
        config = read({"HOTLINE_HOME": str(tmp_path)})
        result = bench_watch.run_chaos(engines, config, trial, home=embedded.home_of(urls), seed=7, say=said.append)

    assert sum(result["kills"].values()) >= 3, said
    assert result["kills"].keys() == set(bench_watch.VICTIMS) - ({"redis"} if urls.redis is None else set())
    assert (result["verdict"]["due"], result["verdict"]["found"]) == (300, 300)
    assert result["verdict"]["wrong"] == {}
