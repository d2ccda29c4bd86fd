"""Accuracy by factor in every way of reading, of worlds of one factor, of two and of four, and of none that is read."""

import pytest

from helpers.explored import page_of
from helpers.runs_of_any_world import FOUR, ONE, write_made_run


def test_where_nothing_reads_the_images_there_is_no_accuracy(tmp_path):
    run = write_made_run(tmp_path / "made")
    assert all(line["readings"] == [] for line in page_of(run)["lines"])


@pytest.mark.parametrize("factors", [ONE, FOUR])
def test_a_page_of_the_explorer_is_sent_each_way_of_each_split(tmp_path, factors):
    run = write_made_run(tmp_path / "made", factors=factors, reads=True)
    readings = page_of(run)["lines"][-1]["readings"]
    assert [(reading["split"], reading["way"]) for reading in readings] == [
        ("seen", "formed"), ("seen", "closest"), ("held_out", "formed"), ("held_out", "closest"),
    ]  # fmt: skip
    assert readings[0]["accuracy"][factors[0].name] == 1.0
    pairs = readings[0]["together"]
    assert len(pairs) == len(factors) * (len(factors) - 1) / 2
    assert all(pair == {"excess": [1.0, 0.9, 1.1], "phi": [1.0, 0.9, 1.1]} for pair in pairs.values())
    assert readings[1]["together"] == {}
