"""Whether a claim was asked before or after a look at runs, from its limits and its study's preregistration."""

import re
from pathlib import Path

import pytest

from helpers.example_study import claim
from phasescope.studies.claims_file import read_claims
from phasescope.studies.preregistration import Amendment, read_preregistration
from phasescope.views.facts.asked import AFTER, AFTER_OTHERS, BEFORE, asked

STUDIES = Path(__file__).parents[3] / "studies"


@pytest.mark.parametrize(
    ("limits", "when"),
    [
        ("One layer of one network.", BEFORE),
        ("Asked after a look at eight runs.", AFTER),
        ("One layer. These runs had been looked at before the claim was preregistered.", AFTER),
        ("630 steps. Added after a look at the other cells, before any run of its own.", AFTER_OTHERS),
        ("Beyond all choices .11 [.04, .20] (asked after a look).", BEFORE),
        ("A sheet that bends back looks unordered.", BEFORE),
        ("These runs were known before the claim was preregistered.", AFTER),
        ("The ratio on `lean` was known when this claim was added.", AFTER),
        ("630 steps. Doses were chosen after a pilot that learned little.", AFTER_OTHERS),
        ("Claims were chosen when the result on `lean` was known.", AFTER_OTHERS),
        ("P1's has about 23 M, and its optimiser, batch and length are not known.", BEFORE),
    ],
)
def test_limits_say_whether_runs_had_been_looked_at(limits, when):
    recorded = claim("example", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6))
    assert asked(recorded.model_copy(update={"limits": limits}), None) == when


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("coupling/unequal_factorized_mid_50", AFTER),
        ("losses/coind_stripes_10", AFTER_OTHERS),
        ("losses/coind_stripes", BEFORE),
        ("p1_data/wide_accuracy", "6 runs existed"),
        ("p1/failures_differ", AFTER),
        ("p1/samples_abc", BEFORE),
    ],
)
def test_amendments_say_it_of_claims_that_were_added(name, when):
    study, _, own = name.partition("/")
    recorded = read_claims(STUDIES / study)
    (recorded_claim,) = [claim for claim in recorded.claims if claim.name == own]
    assert asked(recorded_claim, read_preregistration(STUDIES / study)) == when


@pytest.mark.parametrize(
    ("looked", "change", "when"),
    [
        (True, "`claims.example.numbers.level` was 0.5 and is 0.8", AFTER),
        (False, "`claims.example.numbers.level` was 0.5 and is 0.8", "2 runs existed"),
        (True, "`claims.other.numbers.level` was 0.5 and is 0.8", "2 runs existed"),
        (True, '`claims.example.numbers.column` was "order.mid" and is "probe_r2.mid"', "2 runs existed"),
    ],
)
def test_a_level_that_was_moved_after_a_look_is_one(looked, change, when):
    amendment = Amendment(date="2026-12-03", reason="Level 0.8.", looked=looked, changed=[change])
    known = read_preregistration(STUDIES / "p1").model_copy(update={"recorded": 2, "amendments": [amendment]})
    assert asked(claim("example", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6)), known) == when


LOOKS = re.compile(r"pilot|looked at|known (?:before|when)|was known", re.IGNORECASE)


def test_no_claim_whose_limits_tell_of_a_look_counts_as_asked_before_one():
    folders = [file.parent for file in STUDIES.glob("*/claims.json")]
    wrong = []
    for folder in folders:
        known = read_preregistration(folder)
        for recorded in read_claims(folder).claims:
            if LOOKS.search(recorded.limits) and asked(recorded, known) not in (AFTER, AFTER_OTHERS):
                wrong.append(f"{folder.name}/{recorded.name}")
    assert folders
    assert not wrong
