"""Shown words of a verdict follow from what is recorded: the verdict, the interval, the bar and the value of no effect."""

from pathlib import Path

import pytest

from helpers.example_study import claim
from phasescope.studies.claims_file import RecordedClaim, read_claims
from phasescope.views.facts.numbers import format_none
from phasescope.views.facts.verdicts import (
    count_words,
    is_counted,
    shown_verdict,
)

STUDIES = Path(__file__).parents[3] / "studies"
RECORDED = {path.parent.name: read_claims(path.parent) for path in sorted(STUDIES.glob("*/claims.json"))}


def judged(verdict: str, interval: tuple[float, float, float] = (0.4, 0.2, 0.6), **changed):
    """A claim that a rank correlation is above .5, of which 0 is no effect."""
    known = {"threshold": 0.5, "unit": "rank correlation", "no_effect": 0.0, "n": 8, "analysis": 1, **changed}
    return claim("example", "It is so.", verdict, 0.5, interval).model_copy(update=known)


EARLIER_BY_A_FIFTH = {"unit": "times the steps", "no_effect": 1.0, "direction": "below", "threshold": 0.8}


@pytest.mark.parametrize(
    ("shown", "recorded"),
    [
        ("above the bar", judged("supported", (0.7, 0.6, 0.8))),
        ("below the bar", judged("supported", (0.7, 0.6, 0.8), direction="below", threshold=0.9)),
        ("short of the bar", judged("refuted", (0.1, -0.1, 0.4))),
        ("short of the bar (effect seen)", judged("refuted", (0.3, 0.1, 0.4))),
        ("open", judged("undecided", (0.4, -0.1, 0.6))),
        ("open (effect seen)", judged("undecided", (0.4, 0.1, 0.6))),
        ("open (effect seen)", judged("undecided", (0.8, 0.7, 0.95), **EARLIER_BY_A_FIFTH)),
        ("runs too short", judged("not reached")),
        ("check: passes", judged("supported", check=True)),
        ("check: FAILS", judged("refuted", check=True)),
        ("uninformative", judged("refuted", unreachable="supported: at most 0.1 can be added")),
        ("not run yet", judged("undecided", n=0, analysis=0)),
    ],
)
def test_each_recorded_verdict_has_its_words(shown, recorded):
    assert shown_verdict(recorded) == shown


def test_an_effect_is_seen_only_where_none_lies_short_of_the_bar():
    """That a value is *closer* to none than a margin is a claim about the absence of an effect."""
    close = judged("refuted", (0.3, 0.25, 0.4), direction="below", threshold=0.2)
    assert shown_verdict(close) == "short of the bar"


def test_an_effect_in_the_other_direction_is_not_one_that_was_claimed():
    assert shown_verdict(judged("refuted", (-0.4, -0.6, -0.2))) == "short of the bar"


def test_an_older_file_tells_no_effect():
    """Files of claims that were written before the field stay readable, and show the verdict alone."""
    older = judged("undecided", (0.4, 0.1, 0.6)).model_dump(exclude={"no_effect", "asked"})
    assert shown_verdict(RecordedClaim.model_validate(older)) == "open"


def test_the_logarithm_of_a_ratio_has_no_effect_at_zero():
    ratio = {"unit": "times the steps", "log": True, "direction": "below", "threshold": -0.2}
    assert shown_verdict(judged("undecided", (-0.3, -0.4, -0.1), **ratio)) == "open (effect seen)"


@pytest.mark.parametrize(("log", "shown"), [(True, "1"), (False, "0")])
def test_no_effect_of_a_logarithm_is_shown_as_a_ratio(log, shown):
    assert format_none(judged("supported", (0.3, 0.1, 0.4), log=log)) == shown


def test_before_the_first_analysis_no_effect_is_seen():
    assert shown_verdict(judged("undecided", (0.4, 0.1, 0.6), analysis=0)) == "open"


def test_checks_and_uninformative_claims_are_not_counted():
    check = judged("supported", check=True)
    cannot = judged("refuted", unreachable="supported: at most 0.1 can be added")
    assert not is_counted(check)
    assert not is_counted(cannot)
    words = count_words([judged("undecided"), check, cannot, judged("refuted")])
    assert (
        words
        == "1 short of the bar (effect seen), 1 open (effect seen); not counted: 1 check, 1 uninformative"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("factors/in_order_of_signal", "short of the bar (effect seen)"),
        ("p1_data/wide_accuracy", "open (effect seen)"),
        ("ancestral/samples_abc", "short of the bar"),
        ("p1_data/denser_axis_ahead", "open"),
        ("density/wider_than_1_sooner_manifold_eps", "below the bar"),
    ],
)
def test_recorded_claims_are_shown_with_the_effect_that_was_seen(name, shown):
    study, _, own = name.partition("/")
    (recorded,) = [claim for claim in RECORDED[study].claims if claim.name == own]
    assert shown_verdict(recorded) == shown
