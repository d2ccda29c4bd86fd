"""A claim: when it is decided, what it refuses, how it says what it can detect."""

import math
from dataclasses import replace
from functools import partial

import pytest

from helpers.learner import records, run
from phasescope import UserError
from phasescope.studies import (
    Agreement,
    Asked,
    Cell,
    Claim,
    Difference,
    Estimate,
    Mean,
    OnsetRatio,
    Runs,
    Share,
    Study,
    end,
    ever,
    product,
)
from phasescope.studies.preregistration import describe
from phasescope.views.web.study_page import by_retired_rule

ACCURACY = end("accuracy.grid.joint")


claim = partial(
    Claim,
    "one",
    "It is high.",
    statistic=Mean(),
    numbers=ACCURACY,
    threshold=0.5,
    effect=0.2,
    spread=0.1,
    asked=Asked.BEFORE,
)


@pytest.mark.parametrize(
    ("low", "high", "n", "direction", "verdict"),
    [
        (0.6, 0.9, 8, "above", "supported"),
        (0.1, 0.4, 8, "above", "refuted"),
        (0.1, 0.4, 8, "below", "supported"),
        (0.6, 0.9, 8, "below", "refuted"),
        (0.4, 0.6, 8, "above", "undecided"),
        (0.5, 0.6, 8, "above", "undecided"),
        (0.6, 0.9, 5, "above", "undecided"),
        (math.nan, 0.9, 8, "above", "undecided"),
    ],
)
def test_a_verdict_follows_from_interval_and_threshold(low, high, n, direction, verdict):
    assert claim(direction=direction).decide(Estimate(0.5, low, high, n)).verdict == verdict


def test_censored_runs_that_leave_it_open_are_not_reached():
    assert claim().decide(Estimate(0.5, 0.2, 0.9, 8, censored="3 of 8 runs")).verdict == "not reached"
    assert claim().decide(Estimate(0.5, 0.6, 0.9, 8, censored="3 of 8 runs")).verdict == "supported"


def test_seven_runs_are_the_fewest_that_support_a_share():
    shares = claim(statistic=Share())
    six, seven = (
        Runs(records(*(run("a", seed) for seed in range(n))), [Cell("a", {})]) for n in (6, 7)
    )  # fmt: skip
    assert shares.judge(six).verdict == "undecided"
    assert "at least 7" in shares.judge(six).why
    assert shares.judge(seven).verdict == "supported"


def test_all_readings_must_agree():
    rows = records(*(run("a", seed, high=0.9, low=0.1) for seed in range(8)))
    both = claim(numbers=[end("high"), end("low")])
    assert both.judge(Runs(rows, [Cell("a", {})])).verdict == "undecided"
    assert claim(numbers=[end("high"), end("high")]).judge(Runs(rows, [Cell("a", {})])).verdict == "supported"


def test_a_missing_column_decides_nothing_and_says_so():
    decision = claim(numbers=end("nowhere")).judge(Runs(run("a", 0), [Cell("a", {})]))
    assert (decision.verdict, decision.estimate) == ("undecided", None)
    assert decision.why == "the records lack `nowhere`"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"effect": 0.0}, "`effect` (=0.0) of the claim `one` must be above 0"),
        ({"effect": (0.2, -0.1)}, "`effect` (=(0.2, -0.1)) of the claim `one` must be above 0"),
        ({"threshold": math.inf}, "`threshold` (=inf) of the claim `one` must be a finite number"),
        ({"direction": "up"}, "`direction` (=up) of the claim `one` must be above or below"),
        ({"spread": 0.0}, "`spread` (=0.0) of the claim `one` must be above 0, or the power would be 1"),
        ({"statistic": object()}, "`statistic` (=object) of the claim `one` must be a phasescope.studies.S"),
    ],
)
def test_bad_input(changes, words):
    with pytest.raises(UserError) as error:
        claim(**changes)
    assert str(error.value).startswith(words)


CELLS = product("sigma={sigma:g}", lambda sigma: {"world": {"sigma_px": sigma}}, sigma=(1.0, 2.0))
study = partial(Study, name="s", question="?", base="fast", cells=CELLS, seeds=8, claims=[claim()])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: study(name="a/../b"), "`name` (=a/../b) of the study `a/../b` must be letters, digits"),
        (lambda: study(claims=[claim()] * 2), "`claims` (=one) of the study `s` must have different names"),
        (lambda: study(cells=[]), "`cells` (=none) of the study `s`"),
        (lambda: study(seeds=0), "`seeds` (=0) of the study `s` must be from 1 to 1000"),
        (lambda: study(headline="two"), "`headline` (=two) of the study `s` must be one of its claims"),
        (lambda: study(claims=[claim(where={"a": 1})]), "`where` of `one` (={'a': 1}) of the study `s`"),
        (lambda: product("{a}", dict, a=(1, 1)), "`a` (=[1, 1]) must have values, each once"),
    ],
)
def test_bad_studies(make, words):
    with pytest.raises(UserError) as error:
        make()
    assert str(error.value).startswith(words)


def test_power_rises_with_the_effect_and_falls_with_the_spread():
    wide = Difference("sigma", 2.0, 1.0)
    judged = claim(statistic=wide, threshold=0.0, effect=0.3, spread=0.2)
    design = study(claims=[judged]).design_of(judged)
    assert len(design) == 16
    strong, weak = judged.power(design, trials=40), judged.power(design, spread=1.0, trials=40)
    assert min(strong.supported, strong.refuted) > 0.6
    assert strong.wrong <= 0.12
    assert strong.supported > weak.supported + 0.3
    assert judged.detectable(design, 0.2) < judged.detectable(design, 1.0)


def reads(column: str) -> Study:
    number = ever(column, "C") if column.startswith("phase") else end(column)
    return study(claims=[claim(numbers=number)])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("accuracy.gird.joint", "`gird` is no split of its world (grid, off_grid)"),
        ("accuracy.grid.jiont", "`jiont` must be one of joint, x, y"),
        (
            "outcomes.grid.corect",
            "`corect` must be one of none, multiple, malformed, misplaced, correct, n; the most similar one is correct",
        ),
        ("acuracy.grid.joint", "none begins with `acuracy`; the most similar one is `accuracy`"),
        (
            "phase.representation",
            "it is by a rule that is retired; `phase.sheet` is the phase of the activations",
        ),
        ("mig.a.6.value", "`a` is no layer of its network (stem, down1, down2, down3, mid, up1, up2, up3)"),
        ("probe_r2.mid.600.detail.hue", "`hue` must be one of x, y"),
    ],
)
def test_a_column_that_no_run_records_is_refused_before_any_run(column, words):
    for known in (
        "accuracy_matched.off_grid.joint",
        "error.off_grid.x",
        "outcomes.grid.n",
        "probe_gain.mid.600.value",
        "learning_rate",
    ):
        reads(known).check_columns()
    with pytest.raises(UserError) as error:
        reads(column).check_columns()
    assert (
        str(error.value)
        == f"`numbers` (={column}) of the study `s` must be columns that runs record: {words}"
    )


def test_a_foil_needs_a_second_run_of_each_cell_and_a_difference_an_axis():
    with pytest.raises(UserError, match=r"`seeds` \(=1\) of the study `s` must be at least 2: runs that"):
        study(seeds=1, claims=[claim(statistic=Agreement())])
    with pytest.raises(UserError, match=r"`first` of `one` \(={'sgima': 2.0}\) .* its axes are cell, sigma"):
        study(claims=[claim(statistic=Difference("sgima", 2.0, 1.0))])


def test_a_claim_that_rests_on_a_retired_rule_is_marked_on_its_page():
    assert by_retired_rule(reads("phase.representation")) == [claim().name]
    assert by_retired_rule(reads("phase.sheet")) == by_retired_rule(reads("phase.representation_p1")) == []


@pytest.mark.parametrize(
    ("column", "observed"),
    [
        ("accuracy.grid.joint", []),
        ("phase.sheet", ["sheet"]),
        ("label_variance.mid.600.value", ["sheet"]),
        ("probe_r2.mid.600.value", ["latents"]),
        ("phase.representation_p1", ["latents"]),
        ("nats.x", ["references"]),
    ],
)
def test_a_run_observes_what_its_columns_need_and_no_more(column, observed):
    known = reads(column)
    assert list(known.observed(known.cells[0], 0).probing.observe) == observed


def test_a_misspelt_column_of_a_measure_of_ones_own_is_refused_before_any_run():
    cell = Cell("one", {"probing": {"measures": ["mine.py:nearby"]}})
    own = study(cells=[cell], claims=[claim(numbers=end("nearby.mid.600.value"), where={})])
    own.check_columns()
    wrong = study(cells=[cell], claims=[claim(numbers=end("nearbye.mid.600.value"), where={})])
    with pytest.raises(UserError, match="none begins with `nearbye`; the most similar one is `nearby`"):
        wrong.check_columns()


@pytest.mark.parametrize("asked", [None, "before a look", "yes"])
def test_a_claim_must_say_when_it_was_asked(asked):
    rule = r"`asked` \(=.*\) of the claim `one` must be one of Asked.BEFORE, Asked.AFTER, Asked.AFTER_OTHERS"
    with pytest.raises(UserError, match=rule):
        claim(asked=asked)


def test_caveats_are_the_limits_in_parts():
    parts = claim(caveats=("One layer.", "One network."))
    assert parts.limits == "One layer. One network."
    assert replace(parts, threshold=0.4).limits == parts.limits
    with pytest.raises(UserError, match=r"`limits` .* must be left out: `caveats` are given"):
        claim(limits="Two layers.", caveats=("One layer.",))
    with pytest.raises(UserError, match=r"`caveats` .* must be a tuple of sentences"):
        claim(caveats="One layer.")


def test_neither_the_time_of_asking_nor_the_parts_of_limits_are_preregistered():
    """Of a claim that was preregistered with one text, they may be said later; what was fixed stays the same."""
    text = describe(claim(limits="One layer. One network."))
    assert describe(claim(caveats=("One layer.", "One network."), asked=Asked.AFTER, no_effect=0.3)) == text
    assert describe(claim(caveats=("One layer.", "Two networks."))) != text


@pytest.mark.parametrize(
    ("statistic", "changed", "none"),
    [
        (Mean(), {}, None),
        (Mean(), {"threshold": 0.0}, 0.0),
        (Mean(), {"no_effect": 1.0}, 1.0),
        (Share(), {}, None),
        (Difference("sigma", 2.0, 1.0), {}, 0.0),
        (OnsetRatio("sigma", 2.0, 1.0), {}, 1.0),
        (OnsetRatio("sigma", 2.0, 1.0), {"no_effect": 2.0}, 2.0),
    ],
)
def test_no_effect_is_the_statistics_unless_the_claim_says_another(statistic, changed, none):
    assert claim(statistic=statistic, **changed).null_value == none


@pytest.mark.parametrize("paired", [False, True])
def test_a_paired_difference_has_one_cell_a_side(paired):
    cells = product(
        "{side} {width}",
        lambda side, width: {"network": {"widths": [width] * 4}},
        side=("a", "b"),
        width=(8, 16),
    )

    def study(**where) -> Study:
        difference = Difference("side", "a", "b", paired=paired)
        return Study(
            "own",
            "Is it?",
            base="fast",
            cells=cells,
            seeds=8,
            claims=[claim(statistic=difference, where=where)],
        )

    assert study(width=8).claims
    if not paired:
        assert study().claims
        return
    with pytest.raises(
        UserError, match=r"`first` \(=a 8, a 16\) .* be one cell in `one`: runs are paired by their seed"
    ):
        study()
