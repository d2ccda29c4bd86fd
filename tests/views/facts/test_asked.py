"""Whether a claim was asked before or after a look at runs, from its limits and its study's preregistration."""

from pathlib import Path

import pytest

from helpers.example_study import claim
from phasescope.studies.claims_file import read_claims
from phasescope.studies.preregistration import read_preregistration
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
