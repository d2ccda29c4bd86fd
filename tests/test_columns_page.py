"""The page of columns names every group of recorded columns."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from clouds import battery_names

from phasescope.studies import find_studies
from phasescope.studies.observing import GROUPS

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "columns.md").read_text()
NAMED = {name.partition(".")[0] for name in re.findall(r"`\.?([a-z_0-9]+)[.A-Za-z]*`", PAGE)}


def test_every_group_that_a_study_may_read_is_on_the_page():
    assert {*GROUPS} - NAMED - battery_names() == set()


@pytest.mark.parametrize(
    ("study", "folder"), [(s, f) for s, f in find_studies()], ids=lambda x: getattr(x, "name", "")
)
def test_every_column_of_shipped_records_is_on_the_page(study, folder):
    readings = {reading.name for reading in study.readings}
    assert {
        name for name in readings if not re.search(rf"^\| .*`{name}`.* \| .*`{study.name}`", PAGE, re.M)
    } == set()
    if (folder / "records.parquet").exists():
        heads = {name.partition(".")[0] for name in pq.read_schema(folder / "records.parquet").names}
        assert heads - NAMED == set()
