"""Accuracy by factor in every way of reading, of worlds of one factor, of two and of four, and of none that is read."""

from __future__ import annotations

import json

import pytest
from runs_of_any_world import FOUR, ONE, write_made_run

from phasescope.store import Run
from phasescope.views.explorer.details import BARE, ROUTES, UNSHOWN, details
from phasescope.views.explorer.rows import row_of
from phasescope.views.record import Record
from phasescope.views.report.accuracy import accuracy_table
from phasescope.views.report.page import render_report
from phasescope.views.scores import accuracies


@pytest.mark.some(1)
@pytest.mark.parametrize(("factors", "pairs"), [(ONE, 0), (FOUR, 6)])
def test_there_is_a_row_a_split_and_way_and_two_columns_a_pair_of_factors(tmp_path, factors, pairs):
    record = Record(write_made_run(tmp_path / "made", factors=factors, reads=True))
    table = accuracy_table(record)
    assert [(row["split"], row["way"]) for row in table["rows"]] == [
        (split, way)
        for split in ("seen labels", "held out labels")
        for way in ("as a well-formed image", "closest")
    ]
    assert sum(heading.startswith(("excess", "φ")) for heading in table["headings"]) == 2 * pairs
    assert all(len(row["cells"]) == len(table["headings"]) for row in table["rows"])
    first = dict(zip(table["headings"], table["rows"][0]["cells"], strict=True))
    assert first[f"{factors[0].name} right, %"] == "100.0"
    assert first["n"] == "20"
    assert ("all right, %" in first) == (len(factors) > 1)
    if pairs:
        assert first["all right, %"] == "50.0"
        assert first["φ, size and turn"] == "1.00 (0.90 to 1.10)"
    assert 'id="accuracy"' in render_report(record.run)


def test_two_factors_are_told_with_their_errors_in_their_unit(run):
    table = accuracy_table(Record(run))
    assert [row["way"] for row in table["rows"]] == ["as a well-formed image", "darkest pixel"]
    told = dict(zip(table["headings"], table["rows"][1]["cells"], strict=True))
    assert told == {
        "x right, %": "50.0", "y right, %": "62.5", "all right, %": "25.0", "error of x, px": "1.50",
        "error of y, px": "0.75", "excess, x and y": "−0.05 (−0.15 to 0.05)", "φ, x and y": "–", "n": "48",
    }  # fmt: skip


def test_where_nothing_reads_the_images_there_is_no_table(tmp_path):
    run = write_made_run(tmp_path / "made")
    assert accuracy_table(Record(run)) is None
    assert 'id="accuracy"' not in render_report(run)
    assert list(accuracies({}, ["seen"])) == []


@pytest.mark.parametrize("factors", [ONE, FOUR])
def test_a_page_of_the_explorer_is_sent_each_way_of_each_split(tmp_path, factors):
    run = write_made_run(tmp_path / "made", factors=factors, reads=True)
    told = json.loads(details(Record(run), row_of(run)))
    readings = told["lines"][-1]["readings"]
    assert [(one["split"], one["way"]) for one in readings] == [
        ("seen", "formed"), ("seen", "closest"), ("held_out", "formed"), ("held_out", "closest"),
    ]  # fmt: skip
    assert readings[0]["accuracy"][factors[0].name] == 1.0
    pairs = readings[0]["together"]
    assert len(pairs) == len(factors) * (len(factors) - 1) / 2
    assert all(pair == {"excess": [1.0, 0.9, 1.1], "phi": [1.0, 0.9, 1.1]} for pair in pairs.values())
    assert readings[1]["together"] == {}


def test_what_is_not_shown_is_not_sent(run: Run):
    told = json.loads(details(Record(run), row_of(run)))
    scores = told["lines"][-1]["scores"]
    assert not set(UNSHOWN) & set(scores) | set(UNSHOWN) & set(told["names"]["measures"])
    assert all(set(one) == {"value"} for name in BARE for one in scores[name].values())
    assert all(
        set(one["nulls"]) == {"untrained", "pixels"} for name in ROUTES for one in scores[name].values()
    )
    assert set(scores["order"]["mid.600"]["nulls"]) == {"untrained", "pixels", "permuted", "label_embedding"}
