import dataclasses
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from phasescope.measures import (
    BEHAVIOUR,
    P1,
    Score,
    behaviour_phase,
    gain,
    onset,
    p1_phase,
    p1_phases,
    phase_onsets,
    phase_sequence,
    probe_gain,
)
from phasescope.measures.phases import ordered
from phasescope.worlds import GaussianBump

PHASES = st.sampled_from(["A", "B", "C", "undecided"])

PHASE_OF = {outcome.name: outcome.phase for outcome in GaussianBump().reader().outcomes}
"""of the world of bumps"""


def score(low, high=None, **baselines):
    high = low if high is None else high
    return Score(
        (low + high) / 2, float(low), float(high), 512, "given", baselines={"permuted": 0.01, **baselines}
    )


def shares(**given):
    return dict.fromkeys(PHASE_OF, 0.0) | given


@given(st.integers(1, 2000), st.data())
def test_a_majority_is_certain_by_wilsons_interval(n, data):
    count = data.draw(st.integers(0, n))
    low = binomtest(count, n).proportion_ci(method="wilson").low
    assume(low != pytest.approx(BEHAVIOUR.majority, abs=1e-9))
    phase = "C" if low > BEHAVIOUR.majority else "undecided"
    others = (1 - count / n) / 2
    seen = shares(correct=count / n, none=others, misplaced=others)
    assert behaviour_phase(seen, n, PHASE_OF) == phase


@pytest.mark.parametrize(
    ("seen", "n", "phase"),
    [
        (shares(none=1.0), 100, "A"),
        (shares(multiple=0.4, none=0.2, malformed=0.2, correct=0.2), 100, "A"),
        (shares(misplaced=0.7, multiple=0.3), 100, "B"),
        (shares(correct=0.7, misplaced=0.3), 100, "C"),
        (shares(correct=0.97, misplaced=0.03), 100, "C"),
        (shares(none=0.34, misplaced=0.33, correct=0.33), 10_000, "undecided"),
        (shares(misplaced=0.5, correct=0.5), 10_000, "undecided"),
        # 55 of 100 may be chance, 550 of 1,000 is not.
        (shares(correct=0.55, misplaced=0.45), 100, "undecided"),
        (shares(correct=0.55, misplaced=0.45), 1000, "C"),
        (shares(correct=1.0), 2, "undecided"),
    ],
)
def test_the_phase_of_behaviour(seen, n, phase):
    assert behaviour_phase(seen, n, PHASE_OF) == phase


def test_a_majority_is_of_a_phases_outcomes_together_and_the_threshold_is_obeyed():
    seen = shares(none=0.3, multiple=0.3, correct=0.4)
    assert behaviour_phase(seen, 1000, PHASE_OF) == "A"
    assert behaviour_phase(seen, 1000, PHASE_OF, dataclasses.replace(BEHAVIOUR, majority=0.6)) == "undecided"


def gained(low, high=None, floor=0.0, **nulls):
    """A score whose gain above the untrained network's `floor` has these ends."""
    low, high = (floor + end * (1 - floor) for end in (low, low if high is None else high))
    return score(low, high, **({"permuted": 0.0, "untrained": floor} | nulls))


FLAT = score(4, 6)


@pytest.mark.parametrize("floor", [0.0, 0.161, 0.9])
@pytest.mark.parametrize(
    ("share", "dimension", "order", "phase"),
    [
        ((-0.02, 0.02), score(19, 24), (-0.1, 0.1), "A"),
        ((0.02, 0.09), FLAT, (0.1, 0.79), "A"),
        ((0.05, 0.2), FLAT, (0.0, 0.1), "undecided"),  # astride of label variance's threshold
        ((0.02, 0.05), FLAT, (0.7, 0.9), "undecided"),  # A or C
        ((0.11, 0.2), FLAT, (0.3, 0.4), "B"),
        ((0.4, 0.5), FLAT, (-0.9, -0.5), "B"),  # less order than untrained
        ((0.4, 0.5), score(10, 14), (0.3, 0.4), "undecided"),  # perhaps not low-dimensional
        ((0.4, 0.5), score(30, 40), (0.3, 0.4), "undecided"),
        ((0.4, 0.5), FLAT, (0.7, 0.85), "undecided"),  # astride of order's threshold
        ((0.4, 0.5), FLAT, (0.81, 0.95), "C"),
        ((0.4, 0.5), score(40, 50), (0.81, 0.95), "C"),
        ((0.02, 0.05), FLAT, (0.81, 0.95), "C"),  # whatever the label variance
        ((-0.02, 0.02), FLAT, (0.81, 0.95), "C"),
    ],
)
def test_the_phase_by_p1s_reading_is_of_what_was_gained(floor, share, dimension, order, phase):
    found = p1_phase(gained(*share, floor=floor), dimension, gained(*order, floor=floor))
    assert found == phase


@pytest.mark.parametrize("null", ["untrained", "pixels", "permuted"])
def test_the_highest_null_is_the_floor_and_the_labels_encoding_is_none(null):
    bare = {"untrained": 0.1, "pixels": 0.1, "permuted": 0.1, "label_embedding": 1.0}
    assert p1_phase(gained(0.5), FLAT, score(0.85, 0.95, **bare)) == "C"
    assert p1_phase(gained(0.5), FLAT, score(0.85, 0.95, **bare | {null: 0.7})) == "undecided"
    assert p1_phase(gained(0.5), FLAT, score(0.85, 0.95, **bare | {null: 0.9})) == "B"


def test_where_floors_leave_nothing_nothing_is_decided():
    full = 0.99
    assert math.isnan(gain(gained(0.9, floor=full)).value)
    assert p1_phase(gained(0.0), FLAT, gained(0.95, floor=full)) == "undecided"
    assert p1_phase(gained(0.5), FLAT, gained(-20.0, floor=full)) == "undecided"
    for order, phase in ((0.0, "undecided"), (0.9, "C")):
        assert p1_phase(gained(0.5, floor=full), FLAT, gained(order)) == phase
    unread = score(0.9, untrained=math.nan)
    assert p1_phase(gained(0.5), FLAT, unread) == "undecided"


@given(st.floats(0, 0.97), st.floats(-0.1, 0.97), st.floats(0, 0.03))
def test_an_untrained_network_is_its_own_floor_and_never_ordered(order, share, half):
    own_order = score(order - half, min(order + half, 1.0), untrained=order)
    own_share = score(share - half, min(share + half, 1.0), untrained=share)
    assert p1_phase(own_share, FLAT, own_order) in ("A", "undecided")
    assert not any(ordered([own_order]))


@given(st.floats(0, 0.9), st.floats(-1, 1), st.floats(0, 0.9))
def test_a_gain_is_the_same_wherever_the_floor_lies(floor, share, shift):
    """What shrinks the distance of a score and of its floor from 1 alike changes no gain."""
    one = gained(share, share, floor=floor)
    other = gained(share, share, floor=floor + shift * (0.95 - floor))
    assert gain(one).value == pytest.approx(gain(other).value, abs=1e-9)
    assert gain(one).value == pytest.approx(share, abs=1e-9)
    assert gain(one).baselines["untrained"] == 0


@given(st.floats(0, 0.97), st.floats(-1, 0.999))
def test_the_gain_of_order_is_one_less_the_exponential_of_what_was_learnt(floor, r2):
    assume(floor >= 0.01)  # above the permuted labels
    learnt = probe_gain(score(r2), floor)
    assert gain(score(r2, untrained=floor)).value == pytest.approx(1 - math.exp(-learnt.value), abs=1e-9)


def test_the_representations_thresholds_are_obeyed():
    higher = dataclasses.replace(P1, p1_r2=0.9)
    assert p1_phase(gained(0.4), FLAT, gained(0.84, 0.86), higher) == "B"
    assert p1_phase(gained(0.4), FLAT, gained(0.84, 0.86)) == "C"
    more = dataclasses.replace(P1, label_variance=0.5)
    assert p1_phase(gained(0.4), FLAT, gained(0.3), more) == "A"


def test_low_dimensional_is_what_the_labels_encoding_is():
    spread = score(17, 20)
    assert p1_phase(gained(0.4), spread, gained(0.3)) == "undecided"
    for told, phase in ((25.0, "B"), (18.0, "undecided"), (2.0, "undecided"), (math.nan, "undecided")):
        found = p1_phase(gained(0.4), spread.with_baselines(label_embedding=told), gained(0.3))
        assert found == phase, told
    # an encoding of two numbers does not ask a curved sheet to be flat
    assert p1_phase(gained(0.4), FLAT.with_baselines(label_embedding=2.0), gained(0.3)) == "B"


@pytest.mark.parametrize("null", ["untrained", "permuted"])
def test_a_score_without_its_nulls_decides_nothing(null):
    whole = gained(0.4)
    bare = dataclasses.replace(whole, baselines={name: 0.1 for name in whole.baselines if name != null})
    for scores in ((bare, FLAT, whole), (whole, FLAT, bare)):
        with pytest.raises(ValueError, match=rf"`given` \(baselines=\[.*\]\) must have `{null}`"):
            p1_phase(*scores)


def course(*gains, half=0.02):
    """(label variance, participation ratio, probe R²) along a run: labels explain much from the second snapshot on."""
    return [
        (gained(0.0 if i == 0 else 0.5, floor=0.2), FLAT, gained(g - half, g + half, floor=0.5))
        for i, g in enumerate(gains)
    ]


@pytest.mark.parametrize(
    ("gains", "phases"),
    [
        ((0.0, 0.3, 0.9), "ABC"),
        (
            (0.0, 0.9, 0.79, 0.72, 0.85),
            "ACCCC",
        ),  # astride of the threshold, and below it by less than the hysteresis
        ((0.0, 0.9, 0.69, 0.9), "ACCC"),  # astride of the lower one
        ((0.0, 0.9, 0.67, 0.72, 0.79, 0.9), "ACBBuC"),  # left; and not entered again before the upper one
        ((0.0, 0.72, 0.79, 0.81), "ABuu"),  # never passed by the whole interval
    ],
)
def test_order_once_passed_is_left_only_well_below(gains, phases):
    assert p1_phases(course(*gains)) == ["undecided" if phase == "u" else phase for phase in phases]


GAINS = st.lists(st.floats(-0.2, 1), max_size=12)


@pytest.mark.slow
@given(GAINS)
def test_hysteresis_adds_c_and_takes_no_phase_away(gains):
    scores = course(*gains)
    alone = [p1_phase(*one) for one in scores]
    for by_itself, found in zip(alone, p1_phases(scores), strict=True):
        assert found == "C" or found == by_itself
    assert len(phase_sequence(p1_phases(scores))) <= len(phase_sequence(alone))


@pytest.mark.slow
@given(GAINS)
def test_a_run_is_ordered_where_it_is_in_c_and_what_comes_later_changes_nothing(gains):
    scores = course(*gains)
    found = p1_phases(scores)
    assert [phase == "C" for phase in found] == ordered([order for *_, order in scores])
    assert all(p1_phases(scores[: i + 1])[-1] == phase for i, phase in enumerate(found))


def test_a_snapshot_that_was_not_read_is_undecided_and_forgets_nothing():
    unread = dataclasses.replace(gained(0.0), value=math.nan, low=math.nan, high=math.nan)
    scores = course(0.0, 0.9, 0.75, 0.75)
    scores[2] = (unread, FLAT, unread)
    assert p1_phases(scores) == ["A", "C", "undecided", "C"]


def at_threshold(level, *gains):
    return p1_phases(course(*gains), dataclasses.replace(P1, p1_r2=level))


def test_the_threshold_of_order_decides_between_b_and_c():
    assert at_threshold(0.6, 0.0, 0.2, 0.65) == ["A", "B", "C"]
    assert at_threshold(0.8, 0.0, 0.2, 0.65) == ["A", "B", "B"]


@given(GAINS)
def test_a_higher_threshold_is_never_passed_earlier(gains):
    courses = [at_threshold(level, *gains) for level in (0.5, 0.6, 0.7, 0.8)]
    first = [phases.index("C") if "C" in phases else len(phases) for phases in courses]
    assert first == sorted(first)


@given(st.lists(st.booleans()))
def test_onset_is_the_first_snapshot_with_no_failure_at_or_after_it(passed):
    images_seen = [64 * i for i in range(len(passed))]
    expected = [images for i, images in enumerate(images_seen) if all(passed[i:])]
    assert onset(images_seen, passed) == (expected[0] if expected else None)


@pytest.mark.parametrize(
    ("phases", "onsets", "sequence"),
    [
        ("AABBCC", {"B": 2, "C": 4}, "ABC"),
        ("AACC", {"B": 2, "C": 2}, "AC"),
        ("ABAB", {"B": 3, "C": None}, "ABAB"),
        ("ABCB", {"B": 1, "C": None}, "ABCB"),
        ("BBB", {"B": 0, "C": None}, "B"),
        ("AuBuCu", {"B": 2, "C": 4}, "ABC"),
        ("BuBuAu", {"B": None, "C": None}, "BA"),
        ("uuu", {"B": None, "C": None}, ""),
        ("", {"B": None, "C": None}, ""),
    ],
)
def test_onsets_and_sequence_of_phases(phases, onsets, sequence):
    phases = ["undecided" if phase == "u" else phase for phase in phases]
    assert phase_onsets(range(len(phases)), phases) == onsets
    assert phase_sequence(phases) == list(sequence)


@given(st.lists(PHASES))
def test_b_begins_no_later_than_c_and_a_sequence_repeats_nothing(phases):
    begins = phase_onsets(range(len(phases)), phases)
    if begins["C"] is not None:
        assert begins["B"] is not None
        assert begins["B"] <= begins["C"]
    sequence = phase_sequence(phases)
    assert all(a != b for a, b in pairwise(sequence))
    assert phase_sequence(sequence) == sequence


def test_the_docs_tell_the_thresholds_as_they_are():
    page = (Path(__file__).parents[2] / "docs" / "measures" / "probe_r2.md").read_text()
    told = page[page.index("## Gain") :]
    limits = P1
    for said in (
        f"gain of P1's R² is at least {limits.p1_r2:g}",
        f"until the gain is below {limits.p1_r2 - limits.hysteresis:g}",
        f"that of label variance at least {limits.label_variance:g}",
        f"at most {limits.participation_ratio:g}",
        "leave less than 0.02",
    ):
        assert said in " ".join(told.split()), said
