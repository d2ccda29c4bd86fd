from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from phasescope.measures import (
    BEHAVIOUR,
    REPRESENTATION,
    Score,
    behaviour_phase,
    calibrate,
    onset,
    phase_onsets,
    phase_sequence,
    representation_phase,
)
from phasescope.measures.learning.phases import LETTERS, wilson_low
from phasescope.worlds.bump.reader import OUTCOMES

PHASES = st.sampled_from([*LETTERS, "undecided"])

PHASE_OF = {outcome.name: outcome.phase for outcome in OUTCOMES}
"""of the world of bumps"""


def score(low, high=None, **nulls):
    high = low if high is None else high
    return Score(
        (low + high) / 2, float(low), float(high), n=512, estimator="given", nulls={"permuted": 0.01, **nulls}
    )


def shares(none=0.0, multiple=0.0, malformed=0.0, misplaced=0.0, correct=0.0):
    return {
        "none": none,
        "multiple": multiple,
        "malformed": malformed,
        "misplaced": misplaced,
        "correct": correct,
    }


@given(st.integers(1, 2000), st.data())
def test_wilson_low_is_scipys(n, data):
    count = data.draw(st.integers(0, n))
    expected = binomtest(count, n).proportion_ci(method="wilson").low
    assert wilson_low(count / n, n) == pytest.approx(expected, abs=1e-9)


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


@pytest.mark.parametrize(
    ("seen", "n", "message"),
    [
        ({"correct": 1.0}, 10, r"`shares` \(of correct\) must be of none, multiple"),
        ({**shares(correct=1.0), "n": 10}, 10, "`shares`"),
        (shares(correct=0.5), 10, "must be from 0 to 1 and sum to 1"),
        (shares(correct=1.5, none=-0.5), 10, "must be from 0 to 1 and sum to 1"),
        (shares(correct=float("nan")), 10, "must be from 0 to 1 and sum to 1"),
        (shares(correct=1.0), 0, r"`n` \(=0\) must be at least 1"),
    ],
)
def test_shares_that_are_none_are_refused(seen, n, message):
    with pytest.raises(ValueError, match=message):
        behaviour_phase(seen, n, PHASE_OF)


SOME = score(0.4, 0.5)
FLAT = score(4, 6)


@pytest.mark.parametrize(
    ("label_share", "dimension", "order", "phase"),
    [
        (score(0.02, 0.05), score(40, 50), score(0.0, 0.1), "A"),
        (score(-0.01, 0.2), FLAT, score(0.0, 0.1), "A"),  # not above its null
        (score(0.05, 0.2), FLAT, score(0.0, 0.1), "undecided"),  # astride of the threshold
        (SOME, FLAT, score(0.3, 0.4), "B"),
        (SOME, score(10, 14), score(0.3, 0.4), "undecided"),  # perhaps not low-dimensional
        (SOME, FLAT, score(0.7, 0.85), "undecided"),  # astride of the threshold
        (SOME, FLAT, score(0.85, 0.95), "C"),
        (SOME, score(40, 50), score(0.85, 0.95), "C"),
        (SOME, FLAT, score(0.85, 0.95, untrained=0.4, pixels=0.2, label_embedding=1.0), "C"),
        (SOME, FLAT, score(0.85, 0.95, untrained=0.9), "undecided"),
        (SOME, FLAT, score(0.85, 0.95, pixels=0.99), "undecided"),
        (SOME, FLAT, score(0.85, 0.95, permuted=0.9), "undecided"),
        (score(0.02, 0.05), FLAT, score(0.85, 0.95), "undecided"),  # ordered within a small share: A and C
    ],
)
def test_the_phase_of_the_representation(label_share, dimension, order, phase):
    assert representation_phase(label_share, dimension, order) == phase


def test_the_representations_thresholds_are_obeyed():
    higher = dataclasses.replace(REPRESENTATION, order=0.9)
    assert representation_phase(SOME, FLAT, score(0.84, 0.86), higher) == "B"
    assert representation_phase(SOME, FLAT, score(0.84, 0.86)) == "C"


def test_a_score_without_its_permuted_null_decides_nothing():
    bare = dataclasses.replace(SOME, nulls={"untrained": 0.1})
    with pytest.raises(
        ValueError, match=r"`label_share` \(nulls=\['untrained'\]\) must have the null `permuted`"
    ):
        representation_phase(bare, FLAT, score(0.9))
    with pytest.raises(ValueError, match=r"`order` \(nulls=\['untrained'\]\) must have the null `permuted`"):
        representation_phase(SOME, FLAT, bare)


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([], None),
        ([False, False], None),
        ([True, True], 0),
        ([False, True, True], 100),
        ([True, False, True], 200),  # a relapse
        ([False, True, False], None),  # not for good
        ([False, False, True], 200),
    ],
)
def test_onset(passed, expected):
    assert onset(range(0, 100 * len(passed), 100), passed) == expected


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


def test_onsets_of_bad_input_are_refused():
    with pytest.raises(ValueError, match=r"`passed` \(length 1\) must be as long as `images_seen` \(2\)"):
        onset([0, 64], [True])
    with pytest.raises(ValueError, match=r"`images_seen` .* must increase"):
        onset([64, 0], [True, True])
    with pytest.raises(ValueError, match=r"`phases` \(length 1\) must be as long"):
        phase_onsets([0, 64], ["A"])
    with pytest.raises(ValueError, match=r"`phases` \(='D'\) must be A, B, C or undecided"):
        phase_onsets([0], ["D"])
    with pytest.raises(ValueError, match=r"`phases` \(='D'\)"):
        phase_sequence(["D"])


def test_calibration_names_the_null_nearest_each_threshold():
    table = calibrate(
        order={
            "mid, t=50": score(0.9, untrained=0.39, pixels=0.6, label_embedding=1.0),
            "mid, t=600": score(0.9, untrained=0.1, pixels=0.0),
        },
        label_share={"mid, t=600": score(0.5, untrained=0.3)},
        dimension={"mid, t=600": score(5, permuted=45.0, pixels=163.0)},
    )
    assert table["order"] == {
        "threshold": 0.8,
        "nearest": 0.6,
        "null": "pixels",
        "place": "mid, t=50",
        "clear": True,
    }
    assert table["label_share"]["nearest"] == 0.3
    assert table["label_share"]["clear"] is False
    assert table["dimension"]["nearest"] == 45
    assert table["dimension"]["clear"] is True
    assert json.loads(json.dumps(table)) == table


def test_calibration_leaves_out_what_has_no_nulls():
    bare = Score(5.0, 4.0, 6.0, n=10, estimator="given")
    assert calibrate(order={}, label_share={"mid": bare}, dimension={"mid": bare}) == {}


def test_a_null_at_the_threshold_is_not_clear():
    assert calibrate({"mid": score(0.9, pixels=0.8)}, {})["order"]["clear"] is False
    assert calibrate({}, {}, {"mid": score(5, permuted=12.0)})["dimension"]["clear"] is False
