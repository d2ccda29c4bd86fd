"""Does the forecast of when a model follows its condition hold for systems on which it was not calibrated?

`forecast_use` (docs/condition_meter.md) continues the course of use of the label to the step at which it passes .5. Its
intervals were widened on perceptrons and U-Nets of 8 x 8 px, and on five runs of the preset `fast`. Here are nine systems that
none of these is (studies/designs/fast_systems.py), each `fast` with a constant learning rate and something changed, and one in which
all labels are wrong, so that the right answer is that use does not grow.

A forecast is judged at the last one that was made by half of the steps to the onset. The step of half is not known to it: it
only chooses which forecast is judged. What it is compared with knows as much of the run, and more of others:

    clock of other systems    the mean onset of the runs of other systems, of those that come later than now
    clock of the same system  the same of the other seeds of its own system
    loss                      a line in the logarithms of step and loss, fitted to the onsets of other systems
    line                      through the shares of correct samples so far, to a half

An untrained network has no use, and gets no forecast at all.

The unit is a run, and the sentences speak of these nine systems: nine systems are too few to say that four forecasts of five
hold among systems in general (nine of nine have a lower end of .61). A table gives each system's share.
"""

from collections.abc import Sequence
from functools import partial

from phasescope.studies import (
    Asked,
    Claim,
    Courses,
    Mean,
    MeanOverUnits,
    Reading,
    Scatter,
    Share,
    Study,
    Table,
    end,
)
from studies.designs.fast_systems import SYSTEMS, cell
from studies.forecast import readings

GROWING = {"grows": True}
OWN_CLOCK: readings.Rule = "clock of the same system"

PILOTS = (
    "Pilots of one seed (48900) were looked at. They chose lengths, how often is read, the weighting and the bump of eps, and "
    "how many labels are wrong."
)
FIXED = (
    "It speaks of these nine systems, whose runs are alike: a system's six runs often share their verdict. "
    f"Its 30 to 42 readings a run cost about half as much as the training. {PILOTS}"
)
MADE = "Runs without a forecast by then are left out; their number is in the table."
SYSTEMS_COUNT = (
    "Systems are what is counted, each with the mean of its six runs: nine of them tell little. Runs were counted first, as if seeds "
    "of one system were as different as systems; changed after the result had been seen."
)
NEVER = "A run whose use does not pass .5 by its end is left out, though some of its intervals ended before."


# Asked: pilots (seed 48900), whose use was looked at.


def nearer(name: str, sentence: str, rule: readings.Rule, limits: str) -> Claim:
    """Return the claim that the forecast is nearer to the onset than a rule, in most runs."""
    return Claim(
        name=name,
        asked=Asked.AFTER_OTHERS,
        sentence=sentence,
        statistic=Share(),
        numbers=partial(readings.is_nearer, rule=rule),
        threshold=0.5,
        effect=0.25,
        where=GROWING,
        over=("system", "systems"),
        limits=f"{limits} {MADE} {FIXED}",
    )


CLAIMS: Sequence[Claim] = (
    Claim(
        name="in_time",
        asked=Asked.AFTER_OTHERS,
        sentence="By half of the steps at which use passes .5 there is a forecast, in most runs.",
        statistic=Share(),
        numbers=readings.is_in_time,
        threshold=0.5,
        effect=0.25,
        where=GROWING,
        over=("system", "systems"),
        caveats=(
            "It says nothing of whether the forecast is right.",
            FIXED,
        ),
    ),
    Claim(
        name="close",
        asked=Asked.AFTER,
        sentence="The last forecast made by half of the steps at which use passes .5 is within 25 % of that step, in four runs "
        "of five or more.",
        statistic=MeanOverUnits("system"),
        numbers=readings.is_close,
        threshold=0.8,
        effect=(0.15, 0.3),
        spread=0.3,
        unit="of a system's runs",
        unreachable="nine systems that vary by .3 cannot show a mean of .95 to be above .8",
        where=GROWING,
        over=("system", "systems"),
        caveats=(
            "Of the systems of its calibration 85 % (perceptrons) and 67 % (U-Nets) were.",
            MADE,
            FIXED,
            SYSTEMS_COUNT,
        ),
    ),
    Claim(
        name="intervals_hold",
        asked=Asked.AFTER,
        sentence="The 80 % intervals of the forecasts made before use passes .5 hold that step in more than 70 % of the cases.",
        statistic=MeanOverUnits("system"),
        numbers=readings.share_held,
        unit="of a run's intervals",
        threshold=0.7,
        effect=0.2,
        spread=0.15,
        where=GROWING,
        over=("system", "systems"),
        caveats=(
            "All forecasts of a run count the same, early and late ones.",
            NEVER,
            FIXED,
            SYSTEMS_COUNT,
        ),
    ),
    Claim(
        name="intervals_not_wider",
        asked=Asked.AFTER,
        sentence="The 80 % intervals of the forecasts made before use passes .5 hold that step in less than 90 % of the cases: "
        "they are no wider than they say.",
        statistic=MeanOverUnits("system"),
        numbers=readings.share_held,
        unit="of a run's intervals",
        threshold=0.9,
        effect=(0.2, 0.1),
        spread=0.15,
        unreachable="nine systems that vary by .15 cannot show a mean of 1 to be above .9",
        direction="below",
        where=GROWING,
        over=("system", "systems"),
        caveats=(
            "Of the systems of its calibration 84 to 87 % held, of early ones 91 to 100 %.",
            NEVER,
            FIXED,
            SYSTEMS_COUNT,
        ),
    ),
    nearer(
        "before_clock",
        "The last forecast made by half of the way errs by less than .8 times as much as the mean onset of the runs of other "
        "systems, in most runs.",
        "clock of other systems",
        "How far the onsets of systems lie apart is the design's choice, and decides how good this clock is.",
    ),
    nearer(
        "before_own_clock",
        "The last forecast made by half of the way errs by less than .8 times as much as the mean onset of the other runs of "
        "the same system, in most runs.",
        "clock of the same system",
        "Seeds of one system hardly differ, so that whoever has trained it before has little need of a forecast; it was "
        "expected to be refuted.",
    ),
    nearer(
        "before_loss",
        "The last forecast made by half of the way errs by less than .8 times as much as a line in the loss and the step, in "
        "most runs.",
        "loss",
        "The line is fitted to the onsets of the other systems here; another function of the loss might say more.",
    ),
    Claim(
        name="before_line",
        asked=Asked.AFTER_OTHERS,
        sentence="When half of the samples will be correct, the last forecast of use made by half of the way errs by less than "
        ".8 times as much as a line through the share of correct samples so far, in most runs.",
        statistic=Share(),
        numbers=readings.is_nearer_than_line,
        threshold=0.5,
        effect=0.25,
        where=GROWING,
        over=("system", "systems"),
        uninformative="the line says something in hardly any run, so that whoever has a forecast wins",
        caveats=(
            "The forecast is that of use .5, as it is. The line has the last eight snapshots of 64 "
            "samples; one that does not rise says never: it says something in hardly any run, so that "
            "whoever has a forecast wins. Runs without a forecast by then, or of which half are never "
            "correct (as in the pilot of eps), are left out.",
            FIXED,
        ),
    ),
    Claim(
        name="no_false_forecast",
        asked=Asked.AFTER_OTHERS,
        sentence="If all labels are wrong, there is a forecast at less than a fifth of the readings.",
        statistic=Mean(),
        numbers=readings.share_of_false_forecasts,
        unit="of a run's readings",
        threshold=0.2,
        effect=0.2,
        spread=0.1,
        direction="below",
        where={"grows": False},
        caveats=(
            "One system. An untrained network would have no forecast either: it says that training on "
            "labels that say nothing raises no alarm.",
            PILOTS,
        ),
    ),
)

STUDY = Study(
    name="forecast",
    question="Does the forecast of when a model follows its condition hold for systems on which it was not calibrated?",
    base="fast",
    answers="Q3",
    cells=[cell(name) for name in SYSTEMS],
    seeds=6,
    headline="intervals_hold",
    claims=CLAIMS,
    readings=[Reading("meter", readings.read_meter, needs=())],
    plots=[
        Courses(
            "use",
            "Use of the label in the deciding band, and the samples",
            {"use of the label": readings.USE, "samples correct": readings.CORRECT},
            panels_by="system",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
        Scatter(
            "forecasts",
            "The last forecast by half of the way, over the onset",
            x=readings.onset,
            y=readings.ratio_of_forecast,
            xlabel="use passes .5 (step)",
            ylabel="forecast over onset",
            by="system",
            where=GROWING,
            level=1.0,
        ),
    ],
    tables=[
        Table(
            "When, and how good the forecasts were",
            {
                "use passes .5 (step)": readings.onset,
                "first forecast (share of these steps)": readings.made_at,
                "a forecast by half of the way": readings.is_in_time,
                "the last of these within 25 %": readings.is_close,
                "its logarithm over the onset's": readings.error_of_forecast,
                "share of intervals that hold": readings.share_held,
                "share of those by half of the way that hold": partial(
                    readings.share_held, until=readings.HALF
                ),
            },
            where=GROWING,
        ),
        Table(
            "Absolute error of the logarithm, of the last forecast by half of the way and of the own clock at that step",
            {
                "forecast": readings.size_of_error,
                # Rules that know other systems have no row by system: a row is computed of its runs alone.
                OWN_CLOCK: partial(readings.size_of_error, rule=OWN_CLOCK),
            },
            where=GROWING,
        ),
        Table(
            "When half of the samples are correct, by the forecast of use .5",
            {
                "half of the samples correct (step)": readings.follows,
                "use at that step": readings.use_when_half_follow,
                "logarithm of the forecast over that step": readings.error_of_following,
                "its absolute value": readings.size_of_error_of_following,
                "a line through the samples says when": readings.is_said_by_line,
            },
            where=GROWING,
        ),
        Table(
            "All labels wrong",
            {
                "use at the end": end(readings.USE),
                "correct at the end": end(readings.CORRECT),
                "share of readings with a forecast": readings.share_of_false_forecasts,
            },
            where={"grows": False},
        ),
    ],
)
