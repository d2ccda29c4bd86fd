"""The page of findings says of each statement what follows from its claims by a written rule, in few words."""

import math
from pathlib import Path

import pytest

from helpers.example_study import claim
from phasescope import UserError
from phasescope.studies import find_studies
from phasescope.views.facts.multiplicity import decisions_words, most_wrong, p_value, survivors
from phasescope.views.web import findings
from phasescope.views.web.findings import (
    AGAINST,
    AGREES,
    MOST_ANSWER_WORDS,
    MOST_WORDS,
    SILENT,
    UNASKED,
    Asking,
)
from phasescope.views.web.prose import PLACEHOLDER

STUDIES = Path(__file__).parents[3] / "studies"


@pytest.fixture(scope="module")
def asking() -> Asking:
    return findings.read_asking(find_studies(STUDIES), STUDIES)


def test_pages_are_those_of_the_records(asking):
    for path, text in findings.finding_pages(find_studies(STUDIES), STUDIES / "README.md").items():
        assert path.read_text() == text, "phasescope claims --page studies/README.md writes it"


def test_each_statement_has_the_word_that_follows_from_its_claims(asking):
    for number in range(1, 8):
        key = f"S{number}"
        assert asking.page[key]["word"] == findings.word_of(key, asking)


def test_rows_and_answers_are_short(asking):
    assert list(asking.statements) == [f"S{n}" for n in range(1, 8)] + [f"Q{n}" for n in range(1, 11)]
    for key in asking.statements:
        said = asking.page[key]
        assert len(PLACEHOLDER.sub("", said["row"]).split()) <= MOST_WORDS, key
        assert len(said.get("answer", "").split()) <= MOST_ANSWER_WORDS, key
        assert (STUDIES / said["picture"]).exists(), key


def test_statements_that_a_running_study_may_change_say_so(asking):
    page = (STUDIES / "README.md").read_text()
    assert page.count("*Still open*: in the finished runs on P1's ingredients") == 3
    assert asking.page["running_statements"] == ["S1", "S2", "S4"]


def test_prose_that_was_written_for_another_verdict_is_an_error(asking):
    changed = {**asking.page, "S1": {**asking.page["S1"], "claims": {"p1/reaches_c": "refuted"}}}
    with pytest.raises(UserError, match="rewrite it"):
        findings._check("S1", Asking(changed, asking.every))


@pytest.mark.parametrize(
    ("verdicts", "named", "word"),
    [
        (["supported"], "for", AGREES),
        (["refuted"], "for", AGAINST),
        (["undecided"], "for", SILENT),
        (["supported", "supported"], "for", AGREES),
        (["refuted", "refuted"], "for", AGAINST),
        (["supported", "refuted"], "for", SILENT),
        (["refuted", "undecided"], "for", SILENT),
        (["refuted", None], "for", SILENT),
        ([None], "for", SILENT),
        (["supported"], "opposed", AGAINST),
        (["refuted"], "opposed", AGREES),
        (["undecided"], "opposed", SILENT),
    ],
)
def test_a_statement_comes_out_either_way_by_one_rule(monkeypatch, verdicts, named, word):
    """Claims of shares, which have no number that means no effect, as those of differences."""
    judged = {
        f"x/{place}": verdict
        and (None, STUDIES, claim("example", "It is so.", verdict, 0.5, (0.4, 0.3, 0.5)))
        for place, verdict in enumerate(verdicts)
    }
    monkeypatch.setattr(Asking, "claim", lambda self, name: judged[name])
    for preset, expected in (("p1", word), ("lean", UNASKED)):
        monkeypatch.setattr(Asking, "preset_of", lambda self, name, preset=preset: preset)
        page = {"own_systems": ["p1"], "S1": {named: [*judged]}}
        assert findings.word_of("S1", Asking(page, [])) == expected


def test_claims_that_could_hardly_fail_decide_no_statement(monkeypatch):
    weak = claim("example", "It is so.", "supported", 0.5, (0.7, 0.6, 0.8)).model_copy(
        update={"uninformative": "it could only hold"}
    )
    monkeypatch.setattr(Asking, "claim", lambda self, name: (None, STUDIES, weak))
    monkeypatch.setattr(Asking, "preset_of", lambda self, name: "p1")
    assert findings.word_of("S1", Asking({"own_systems": ["p1"], "S1": {"for": ["x/y"]}}, [])) == SILENT


def test_holm_rejects_in_the_order_of_the_p_values():
    assert survivors([0.01, 0.02, 0.03]) == 3  # .05/3, .05/2, .05
    assert survivors([0.02, 0.02, 0.02]) == 0
    assert survivors([0.001, 0.04, 0.04]) == 1


def test_p_values_are_those_of_the_interval_and_of_a_count():
    judged = claim("example", "It is so.", "supported", 0.0, (0.4, 0.0, 0.8))
    assert p_value(judged) == pytest.approx(0.025, rel=1e-3)  # the bar is the end of a 97.5 % interval
    share = judged.model_copy(
        update={"detail": {"runs": 8.0}, "n": 8, "threshold": 0.5, "value": 1.0, "low": 0.58, "high": 1.0}
    )
    assert p_value(share) == pytest.approx(2 * 0.5**8)
    assert p_value(share.model_copy(update={"detail": {"runs": 4.0}, "value": 0.5, "low": 0.1})) == 1


def test_a_p_value_does_not_depend_on_the_side_of_the_bar():
    above = claim("example", "It is so.", "undecided", 0.3, (0.4, 0.2, 0.6))
    below = above.model_copy(update={"threshold": 0.5})
    assert p_value(above) == pytest.approx(p_value(below))
    assert 0.025 < p_value(above) < 1


def test_runs_of_which_nothing_is_known_are_no_evidence():
    """Of 24 runs with no phase B, seven ended too early: that none had one is no count of 24."""
    censored = claim("example", "It is so.", "supported", 0.5, (math.nan, 0.0, 0.496)).model_copy(
        update={"detail": {"runs": 0.0}, "direction": "below", "n": 24}
    )
    assert p_value(censored) == 0.025
    assert p_value(censored.model_copy(update={"high": 0.6})) == 1
    assert p_value(censored.model_copy(update={"detail": {"runs": 23.0}, "low": 0.75, "high": 1.0})) < 1e-5


def test_holm_counts_every_judged_claim():
    """One decision, alone: it survives; among a hundred claims that were judged and left open, it does not."""
    decided = claim("example", "It is so.", "supported", 0.0, (0.4, 0.08, 0.72))  # p = .005
    open_ = claim("other", "It is so, too.", "undecided", 0.0, (0.1, -0.3, 0.5))
    waits = open_.model_copy(update={"analysis": 0})
    assert "1 survive Holm's correction at .05 over all 1 judged claims" in decisions_words([decided])
    among = decisions_words([decided, *[open_] * 100, waits])
    assert "Of 102 claims that count, 101 are judged and 1 decided" in among
    assert "0 survive Holm's correction at .05 over all 101 judged claims" in among


def test_the_worst_case_counts_every_analysis():
    judged = claim("example", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6))
    assert most_wrong([judged] * 3 + [judged.model_copy(update={"analysis": 2})]) == pytest.approx(0.125)
