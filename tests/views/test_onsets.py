"""An onset is known to lie between two snapshots, and is shown so: in words, and hatched in bars."""

import numpy as np
import pytest

from helpers.explored import page_of
from helpers.written_run import ALL_STEPS, BATCH, write_run
from phasescope.cli import main
from phasescope.views.facts import words
from phasescope.views.facts.onsets import Onset, onsets
from phasescope.views.facts.record import Record
from phasescope.views.figures.plots import plot_of


def record_of(path, phases: str, reading: str = "behaviour") -> Record:
    """A record of a run that was in these phases at its snapshots: A, B, C, ? if undecided, - if none was read."""
    letters = {"?": "undecided", "-": None}
    record = Record(write_run(path, ALL_STEPS[: len(phases)], latents=False))
    for line, letter in zip(record.metrics, phases, strict=True):
        line["phase"] = {reading: letters.get(letter, letter)} if letter != "-" else {}
    return record


@pytest.mark.parametrize(
    ("phases", "began"),
    [
        ("AAC", (1, 2)),
        ("A?C", (0, 2)),  # at an undecided snapshot it may have begun
        ("A-C", (0, 2)),
        ("ACAC", (2, 3)),  # for good
        ("CCC", (None, 0)),
        ("?CC", (None, 1)),
        ("AAA", None),
        ("ACB", None),
    ],
)
def test_an_onset_lies_between_the_last_snapshot_without_it_and_the_first_for_good(tmp_path, phases, began):
    record = record_of(tmp_path / "run", phases)
    interval = onsets(record, "behaviour")["C"]
    if began is None:
        assert interval is None
        return

    before, first = began
    assert interval == Onset(
        after_step=None if before is None else ALL_STEPS[before],
        after_images=None if before is None else ALL_STEPS[before] * BATCH,
        step=ALL_STEPS[first],
        images_seen=ALL_STEPS[first] * BATCH,
    )
    assert interval.images_seen == record.onsets("behaviour")["C"], "the number of records is the later end"


def test_sentences_say_between_which_steps_a_phase_began(tmp_path):
    record = record_of(tmp_path / "run", "AABCC")
    first, last = ALL_STEPS[1:3]
    samples = words.verdict(record)[0]
    assert f"B (mostly misplaced) began between steps {first:,} and {last:,}" in samples
    assert f"({first * BATCH:,} and {last * BATCH:,} images)" in samples
    assert " from " not in samples


def test_what_held_at_the_first_snapshot_began_by_then(tmp_path):
    (samples, *_) = words.verdict(record_of(tmp_path / "run", "CCC"))
    assert "C (mostly correct) began by the first snapshot (step 0)" in samples


def test_a_comparison_shows_the_interval_in_the_terminal_and_in_the_explorer(run, tmp_path, capsys):
    other = write_run(tmp_path / "half-00000002", ALL_STEPS[:10], latents=False)
    main(["compare", str(run.path), str(other.path)])
    printed = capsys.readouterr().out
    interval = onsets(Record(run), "behaviour")["C"]
    (row,) = [line for line in printed.splitlines() if line.startswith("samples: C from image")]
    assert f"{interval.after_images:,} to {interval.images_seen:,}" in row
    assert (
        page_of(run)["onsets"]["behaviour"]["C"] == f"{interval.after_images:,} to {interval.images_seen:,}"
    )
    assert page_of(other)["onsets"]["behaviour"]["C"] is None


@pytest.mark.slow
def test_bars_are_solid_from_snapshot_to_snapshot_of_a_phase_and_hatched_between_two_phases(run):
    figure = plot_of(Record(run), "timeline").figure
    seen = np.array([line["images_seen"] for line in run.metrics])
    phases = np.array([line["phase"]["behaviour"] for line in run.metrics])
    changes = np.flatnonzero(phases[1:] != phases[:-1])
    assert len(changes)

    axes = figure.axes[0]
    hatched = [
        bar.get_extents().transformed(axes.transData.inverted()) for bar in axes.patches if bar.get_hatch()
    ]
    between = sorted((box.x0, box.x1) for box in hatched if min(box.y0, box.y1) < 0)
    np.testing.assert_allclose(between, np.stack([seen[changes], seen[changes + 1]], axis=1))

    bars = [bar.get_paths()[0].get_extents() for bar in axes.collections]
    solid = sorted((bar.x0, bar.x1) for bar in bars if bar.y0 < 0)
    np.testing.assert_allclose(solid, np.stack([seen[[0, *changes + 1]], seen[[*changes, -1]]], axis=1))
    assert "hatched between two snapshots" in plot_of(Record(run), "timeline").caption
