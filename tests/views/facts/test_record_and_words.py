import json
import re

import numpy as np
import pytest

from helpers.made_runs import make_run
from helpers.written_run import ALL_STEPS, BATCH, SEED, STEPS, write_run
from phasescope import Site
from phasescope.core.formats import format_number
from phasescope.views.facts import words
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.record import Record
from phasescope.views.facts.scores import levels
from phasescope.views.facts.terms import count_words
from phasescope.views.figures.plots import plot_of


def test_spread_snapshots_hold_the_first_and_the_last(run):
    record = Record(run)
    chosen = record.spread(record.snapshots, 4)
    assert (chosen[0].step, chosen[-1].step) == (record.snapshots[0].step, record.snapshots[-1].step)
    assert len(chosen) <= 4
    assert record.spread(record.snapshots, 10_000) == record.snapshots
    assert record.spread([], 4) == []


def test_series_follow_the_metrics(run):
    record = Record(run)
    place = Site("mid", 600)
    values = record.series("probe_r2", place)
    assert values.tolist() == [line["probe_r2"]["mid.600"]["value"] for line in run.metrics]
    assert np.isnan(record.series("probe_r2", Site("mid", 601))).all()
    shares = np.stack(list(record.outcome_shares("grid").values()))
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-9)


def test_verdict_says_the_onsets_and_which_came_first(run):
    verdict = words.verdict(Record(run))
    onset = {
        reading: run.status["summary"][reading]["onsets"]["C"]
        for reading in ("behaviour", "sheet", "representation_p1")
    }
    assert onset["sheet"] < onset["representation_p1"] < onset["behaviour"]
    samples, activations, first, other = verdict
    for sentence, images in zip((samples, activations, other), onset.values(), strict=True):
        assert "went through phases A, B, C" in sentence
        assert re.search(
            rf"C \([\w ]+\) began between steps [\d,]+ and [\d,]+ \([\d,]+ and {images:,} images\)", sentence
        )
    for reading, sentence in (("sheet", first), ("representation_p1", other)):
        start, end = (onsets(Record(run), name)["C"] for name in (reading, "behaviour"))
        least, most = end.after_images - start.images_seen, end.images_seen - start.after_images
        assert "ctivations became ordered first; samples became mostly correct" in sentence
        assert f"({least:,} to {most:,} images) later" in sentence


def test_verdict_of_an_unfinished_run_claims_no_onset(tmp_path):
    steps = ALL_STEPS[:4]
    record = Record(write_run(tmp_path / "early", steps, state="stopped"))
    verdict = words.verdict(record)
    assert f"stopped at step {steps[-1]:,} of {STEPS:,}" in verdict[0]
    assert "C (mostly correct) was not reached within" in verdict[1]
    assert "did not become ordered, nor did samples become mostly correct" in verdict[-1]


def test_verdict_warns_where_a_null_leaves_nothing_to_be_gained(run):
    record = Record(run)
    for untrained in (0.1, 0.93):
        record.metrics[-1]["probe_r2"]["mid.600"]["baselines"]["untrained"] = untrained
        assert not any("no evidence of learning" in sentence for sentence in words.verdict(record))
    record.metrics[-1]["probe_r2"]["mid.600"]["baselines"]["untrained"] = 0.993
    assert "for the untrained network it is 0.993" in words.verdict(record)[-1]


def test_a_threshold_lies_where_its_gain_is_reached_and_nowhere_where_nothing_is_left(run):
    record, place = Record(run), Site("down3", 600)
    threshold = record.thresholds["p1_r2"]
    before = levels(record, "p1_r2", place)
    assert ((before > threshold) | (before == pytest.approx(threshold))).all()
    baselines = record.metrics[-1]["p1_r2"]["down3.600"]["baselines"]
    baselines["untrained"] = 0.6
    after = levels(record, "p1_r2", place)
    np.testing.assert_array_equal(after[:-1], before[:-1])
    assert after[-1] == pytest.approx(0.6 + 0.4 * threshold)
    baselines["untrained"] = 0.995
    assert np.isnan(levels(record, "p1_r2", place)[-1])


def test_only_what_decides_a_phase_of_the_run_has_a_threshold(run):
    record, place = Record(run), Site("mid", 600)
    for measure in ("probe_r2", "trustworthiness"):
        assert np.isnan(levels(record, measure, place)).all()
    for measure in ("label_variance", "label_participation_ratio"):
        assert (levels(record, measure, place) == record.thresholds[measure]).all()
    for line in record.metrics:
        del line["phase"]["sheet"]
    assert np.isnan(levels(record, "label_variance", place)).all()


def test_a_phase_that_was_not_read_is_said_to_be_so(tmp_path):
    record = Record(write_run(tmp_path / "run", [0, 1, 2], latents=False))
    assert not any("was not read" in sentence for sentence in words.verdict(record))
    for line in record.metrics:
        del line["phase"]["sheet"]
    assert "The phase of the activations was not read." in words.verdict(record)
    assert "sheet" not in plot_of(record, "timeline").caption


def test_phases_of_a_retired_rule_stay_readable_and_are_marked(tmp_path):
    run = write_run(tmp_path / "old", [0, 1, 2], latents=False)
    lines = run.metrics
    for line, phase in zip(lines, "ACC", strict=True):
        line["phase"] = {"behaviour": "A", "representation": phase}
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = Record(run)
    verdict = words.verdict(record)
    onset = record.metrics[1]["images_seen"]
    (other,) = [sentence for sentence in verdict if sentence.startswith("Other readings: ")]
    assert (
        "by a retired rule, that of the ridge probe (mid, t = 600), activations went through phases A, C"
        in other
    )
    assert f"and {onset:,} images)" in other
    assert not any("ordered" in sentence for sentence in verdict if sentence != other)
    assert run.to_frame()["phase.representation"].tolist() == ["A", "C", "C"]
    assert [*record.sequence("representation")] == ["A", "C"]


@pytest.mark.parametrize(
    ("behaviour", "activations", "said"),
    [
        (
            "AAC",
            "AAC",
            "mostly correct between steps 1 and 2 (64 and 128 images): the snapshots do not settle it",
        ),
        (
            "ACC",
            "AAC",
            "amples became mostly correct first; activations became ordered up to 2 steps (128 images) later",
        ),
        ("AAA", "ACC", "ctivations became ordered, but samples did not become mostly correct"),
        ("ACB", "ACC", "ctivations became ordered, but samples did not stay mostly correct"),
        ("ACC", "AAA", "amples became mostly correct, but activations did not become ordered"),
        ("ACC", "ACB", "amples became mostly correct, but activations did not stay ordered"),
    ],
)
def test_precedence_in_every_case(tmp_path, behaviour, activations, said):
    run = write_run(tmp_path / "case", [0, 1, 2], latents=False)
    record = Record(run)
    for line, b, r in zip(record.metrics, behaviour, activations, strict=True):
        line["phase"] = {"behaviour": b, "sheet": r}
    assert said in words.verdict(record)[-1]


@pytest.mark.parametrize("figure", ["timeline", "samples"])
def test_captions_carry_the_runs_numbers(run, figure):
    text = plot_of(Record(run), figure).caption
    status = run.status
    for said in (
        f"seed {SEED}", f"batch {BATCH}", f"{STEPS:,} steps", f"{STEPS * BATCH:,} images seen",
        f"{status['parameters']:,} parameters", status["cpu"], f"{status['wall_s']:,.0f} s of wall time",
    ):  # fmt: skip
        assert said in text


def test_timeline_caption_carries_sample_sizes_and_thresholds(run):
    text = plot_of(Record(run), "timeline").caption
    limits = Record(run).thresholds
    assert "n = 48 labels on the grid, 40 labels off the grid" in text
    assert f"{len(run.metrics)} snapshots" in text
    assert limits["label_variance"] == run.status["summary"]["thresholds"]["sheet"]["label_variance"]
    assert f"at least {limits['label_variance']:g} of the variance" in text
    assert f"the dimension of label means is at most {limits['label_participation_ratio']:g}" in text
    assert f"P1's R² closes {limits['p1_r2']:g}" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (99.96, "100"),
        (999.4, "999"),
        (999.5, "1,000"),
        (-999.6, "-1,000"),
        (1725.0, "1,725"),
        (-0.5, "-0.5"),
        (1e-5, "1e-05"),
        (float("inf"), "∞"),
        (float("nan"), "–"),
    ],
)
def test_a_number_has_three_digits_and_steps_have_all(value, text):
    assert format_number(value) == text


def test_a_run_without_a_label_and_without_a_description_has_a_verdict(tmp_path):
    run = make_run(tmp_path, "preset=fast", "training.label_dropout=1.0")
    assert words.verdict(Record(run)) == [
        "The phase of the samples was not read: the network gets no label.",
        "The phase of the activations was not read.",
    ]


def test_one_label_is_not_labels():
    assert count_words("grid", 1) == "1 label on the grid"
    assert count_words("held_out", 1) == "1 held out label"
    assert count_words("grid", 12) == "12 labels on the grid"
