"""`ls --where` with queries of somebody's: an answer or one line, within bounds of memory and time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hostile import assert_civil, call, only_written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phasescope.store import condition
from phasescope.store.index import INDEX

WORDS = (
    "run state step seed config.seed training.batch world.kind = <> < and or not ( ) ' \" ; -- , . * + select from runs "
    "where null true 1 0 1e400 'done' like is in exists union all with recursive as case when then end cast ::int "
    "read_csv('/etc/passwd') getenv('HOME') copy attach pragma set drop table $1 ? [ ] { } || lambda x"
)
BITS = WORDS.split()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "other"):
        (folder / name).mkdir()
        (folder / name / "config.yaml").write_text(f"name: {name}\nseed: 0\n")
        (folder / name / "status.json").write_text(json.dumps({"state": "done", "step": 1}))
    assert call(["ls", "--where", "seed = 0", "--runs", str(folder)]).code == 0
    return folder


@pytest.mark.slow
@settings(database=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(BITS), min_size=1, max_size=8).map(" ".join) | st.text(max_size=10))
def test_a_condition_is_answered_or_refused_in_a_line(runs: Path, where: str):
    words = ["ls", f"--where={where}", "--runs", str(runs)]
    with only_written(runs, *runs.glob(f"{INDEX}*")):
        assert_civil(words, call(words))


@pytest.mark.some(4)
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("repeat('x', 4e9::bigint) = ''", "it takes more than"),
        ("len(range(1000000000)) > 1", "it takes more than"),
        ("(SELECT count(*) FROM range(100000000000) a, range(1000000000) b) > 1", "it takes more than"),
        (
            "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t) > 1",
            "it takes more than",
        ),
        ("sleep_ms(1000000) IS NULL", "it takes more than"),
        ("true; DROP VIEW runs", "Parser Error"),
        ("true) AS met FROM runs); DROP TABLE runs; SELECT 1 FROM (SELECT (1", "more than one statement"),
        ("exists(SELECT * FROM read_csv('/etc/passwd'))", "Permission Error"),
        ("exists(SELECT * FROM '/etc/passwd')", "Catalog Error"),
        ("(" * 5000 + "true" + ")" * 5000, "Parser Error"),
        ("\udcff", "cannot be printed"),
        ("seed = 0 \x00", "cannot be printed"),
        ("   ", "it is empty"),
    ],
    ids=lambda given: given[:40] if given.isascii() and given.isprintable() else "unprintable",
)
def test_a_query_without_an_end_has_one(where: str, told: str, runs: Path, monkeypatch):
    monkeypatch.setattr(condition, "CPU_S", 2)
    monkeypatch.setattr(condition, "WALL_S", 5 if "sleep" in where else 60)
    before = shutil.disk_usage(runs).used
    outcome = call(["ls", "--where", where, "--runs", str(runs)])
    assert_civil([where], outcome)
    assert outcome.code == 2
    assert "must be a condition, as in" in outcome.err
    assert told in outcome.err
    assert shutil.disk_usage(runs).used - before < 2**28
