"""pandas reads every Parquet file that is shipped, and finds in it what the store finds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from phasescope.runs.store.records import read_records

STUDIES = Path(__file__).parents[3] / "studies"
SHIPPED = sorted(STUDIES.rglob("*.parquet"))


def test_there_are_some():
    assert len(SHIPPED) >= 5


@pytest.mark.some(5)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_pandas_reads_what_is_shipped(path: Path):
    pytest.importorskip("pyarrow")
    found, own = pd.read_parquet(path), read_records(path)
    assert list(found.columns) == list(own.columns)
    assert len(found) == len(own) > 0
    for name in ("digest", "step", "loss"):
        if name in own:
            pd.testing.assert_series_equal(found[name], own[name], check_dtype=False)
