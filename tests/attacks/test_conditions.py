"""`ls --where` with queries of somebody's: an answer or one line; they read runs and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hostile import assert_civil, call, only_written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
    with only_written(runs):
        assert_civil(words, call(words))


@pytest.mark.some(4)
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("true; DROP VIEW runs", "Parser Error"),
        ("true) AS met FROM runs); DROP TABLE runs; SELECT 1 FROM (SELECT (1", "more than one statement"),
        ("exists(SELECT * FROM read_csv('/etc/passwd'))", "Permission Error"),
        ("exists(SELECT * FROM '/etc/passwd')", "Catalog Error"),
        ("(" * 5000 + "true" + ")" * 5000, "Parser Error"),
        ("\udcff", "it must be printable"),
        ("seed = 0 \x00", "it must be printable"),
        ("   ", "it must be printable, and not empty"),
    ],
    ids=lambda given: given[:40] if given.isascii() and given.isprintable() else "unprintable",
)
def test_a_query_reads_nothing_else_and_writes_nothing(where: str, told: str, runs: Path):
    before = shutil.disk_usage(runs).used
    outcome = call(["ls", "--where", where, "--runs", str(runs)])
    assert_civil([where], outcome)
    assert outcome.code == 2
    assert "must be a condition, as in" in outcome.err
    assert told in outcome.err
    assert shutil.disk_usage(runs).used - before < 2**28
