"""The page of columns is what their declarations say, and names all that shipped records hold."""

import re

import pyarrow.parquet as pq
import pytest

from docs.columns import PAGE, page
from phasescope.studies import find_studies

NAMED = set(re.findall(r"`\.?([a-z_0-9]+)[.A-Za-z]*`", PAGE.read_text()))


def test_the_page_is_what_the_declarations_say():
    assert PAGE.read_text() == page()


@pytest.mark.parametrize(
    ("study", "folder"), [(s, f) for s, f in find_studies()], ids=lambda x: getattr(x, "name", "")
)
def test_every_column_of_shipped_records_is_on_the_page(study, folder):
    readings = {reading.name for reading in study.readings}
    assert {
        name
        for name in readings
        if not re.search(rf"^\| .*`{name}`.* \| .*`{study.name}`", PAGE.read_text(), re.M)
    } == set()
    if (folder / "records.parquet").exists():
        heads = {name.partition(".")[0] for name in pq.read_schema(folder / "records.parquet").names}
        readings_of = {head for head in heads if head.partition("_")[0] in ("accuracy", "error")}
        assert heads - NAMED - readings_of == set()
