"""When is an onset fixed? Runs that continue one state share what is fixed by then, and differ in what is not.

From states of eight runs at six steps, two children of each go on with an order of images and noise of their own. The parent
is a third continuation. The share of the variance of the onset that continuations of one state have in common is what the
state has fixed; the step at which it passes one half is compared with when samples come to phase B, and with when the
condition is used.

Learning rates fall as in `lean`'s 2,500 steps, without its 20 steps of warm-up; runs stop after 2,000, when samples have
followed for a while. Two pilots were looked at (seeds 9900 and 9901, of the study `ends_b`), and eleven runs of `lean` in the
study `condition`, which have other seeds: they chose the length, the steps, and the band in which use is read.

Controls are made of the first parent alone: that states are taken up exactly does not depend on the parent.
"""

from functools import partial

from phasescope.studies import (
    Against,
    Asked,
    Cell,
    Claim,
    Courses,
    Fork,
    PhaseGrid,
    Reading,
    Scatter,
    Study,
    Table,
    end,
)
from studies.designs import lean_forks
from studies.fixed import readings

PARENTS = 8
CHILDREN = 2
AT = (150, 350, 600, 850, 1_100, 1_350)
"""steps after which states are continued: before phase B, at its beginning, in it, and when samples begin to follow"""
PILOTS = "Two pilots, and eleven runs of another study, were looked at."
FEW = "with eight parents a share near 0 cannot be told from one half"
PARENT = Cell("parent", lean_forks.fields(seed=60_000), {"kind": "parent", "at": 0})
CONTROLS = [
    Cell(f"control at {at}", {}, {"kind": "control", "at": at}, seeds=1, fork=Fork(PARENT, at=at))
    for at in AT
]
CHILDREN_AT = [
    Cell(
        f"children at {at}",
        {},
        {"kind": "child", "at": at},
        seeds=PARENTS * CHILDREN,
        fork=Fork(PARENT, at=at, children=CHILDREN),
    )
    for at in AT
]
CONTINUED = {"kind": ("parent", "child")}
ONSET = partial(lean_forks.log_onset, column=lean_forks.CORRECT)
OF_USE = partial(lean_forks.log_onset, column=lean_forks.USE)
ONSET_STEP = partial(lean_forks.onset_step, column=lean_forks.CORRECT)
USE_STEP = partial(lean_forks.onset_step, column=lean_forks.USE)


# Asked: two pilots of `ends_b`, and eleven runs of `condition`.


def fixed(name: str, words: str, numbers, at: int) -> Claim:
    """Return the claim that more than half of the variance of an onset is fixed by a step."""
    return Claim(
        name=f"{name}_{at}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"By step {at}, more than half of the variance of {words} is fixed.",
        statistic=readings.FixedShare(),
        numbers=numbers,
        threshold=0.5,
        effect=0.45,
        spread=0.15,
        where=CONTINUED | {"at": (0, at)},
        caveats=(
            "Runs of one configuration.",
            PILOTS,
        ),
        unreachable=f"{FEW}, so that it could hardly be refuted",
    )


STUDY = Study(
    name="fixed",
    question="When is an onset fixed?",
    base="lean",
    answers="Q3",
    cells=[PARENT, *CONTROLS, *CHILDREN_AT],
    seeds=PARENTS,
    headline="half_before_use",
    claims=[
        Claim(
            name="half_before_b",
            asked=Asked.AFTER_OTHERS,
            sentence="Half of the variance of when samples become correct is fixed before they come to phase B.",
            statistic=readings.HalfFixed(event=450),
            numbers=readings.onset_against_b,
            unit="times the steps",
            log=True,
            threshold=0.0,
            effect=(1.8, 0.9),
            spread=0.15,
            direction="below",
            where=CONTINUED,
            caveats=(
                "Runs of one configuration. Phase B is seen to within 150 steps.",
                PILOTS,
            ),
            unreachable=f"{FEW}, so that it could hardly be refuted",
        ),
        Claim(
            name="half_before_use",
            asked=Asked.AFTER_OTHERS,
            sentence="Half of the variance of when samples become correct is fixed before use of the condition passes one half.",
            statistic=readings.HalfFixed(event=1_100),
            numbers=readings.onset_against_use,
            unit="times the steps",
            log=True,
            threshold=0.0,
            effect=(1.6, 0.9),
            spread=0.15,
            direction="below",
            where=CONTINUED,
            caveats=(
                "Use in one band of noise, log SNR -2.9 to -.5. Runs of one configuration.",
                PILOTS,
            ),
            unreachable=f"{FEW}, so that it could hardly be refuted",
        ),
        *(fixed("samples", "when half of the samples are correct", ONSET, at) for at in AT),
        *(fixed("use", "when use of the condition passes one half", OF_USE, at) for at in AT),
    ],
    readings=[Reading("meter", lean_forks.read_meter, needs=())],
    plots=[
        Against(
            "off_parent",
            "How far the onset of a continuation lies from its parent's, by the step from which it goes its own way",
            {
                "distance from the parent's onset, % of steps": partial(
                    readings.off_parent, column=lean_forks.CORRECT
                ),
            },
            along="at",
            references={
                "two parents": partial(readings.between_parents, column=lean_forks.CORRECT, kind="child"),
            },
            where=CONTINUED,
            ylim=(0, 45),
            note="Onset: half of the samples correct. `at`: the step of the fork. Dashed: the mean over pairs of parents.",
        ),
        Scatter(
            "use_and_samples",
            "When use of the condition passes one half, and when half of the samples are correct",
            x=USE_STEP,
            y=ONSET_STEP,
            xlabel="step at which use passes one half",
            ylabel="step at which half of the samples are correct",
            by="at",
            where=CONTINUED,
            note="`at`: the step of the fork; 0: parents.",
        ),
        Courses(
            "courses",
            "Samples and use of the condition, by the step of the fork",
            {"samples at their label": lean_forks.CORRECT, "use of the condition": lean_forks.USE},
            panels_by="at",
            ylabel="share",
            ylim=(-0.1, 1.02),
            where=CONTINUED,
        ),
        PhaseGrid(
            "phases",
            "Phase of the samples in every run",
            column=readings.PHASE,
            where=CONTINUED,
            note="Two rows of children for each parent, in the same order.",
        ),
    ],
    tables=[
        Table(
            "Onsets (steps; of a run without one its last step)",
            {
                "phase B begins": readings.begin_of_b,
                "use of the condition passes one half": USE_STEP,
                "runs in which it does": partial(lean_forks.has_come, column=lean_forks.USE),
                "half of the samples correct": ONSET_STEP,
                "runs in which they come": partial(lean_forks.has_come, column=lean_forks.CORRECT),
            },
            interval=True,
        ),
        Table(
            "How far onsets of correct samples lie apart, % of steps",
            {
                "two parents": partial(readings.between_parents, column=lean_forks.CORRECT),
                **{
                    f"parent and child, from step {at}": partial(
                        readings.off_parent, column=lean_forks.CORRECT, at=at
                    )
                    for at in AT
                },
            },
            by=(),
            where=CONTINUED,
        ),
        Table(
            "At the end",
            {
                "at their label": end(lean_forks.CORRECT),
                "correct": end("outcomes.grid.correct"),
                "use of the condition": partial(lean_forks.last_read, column=lean_forks.USE),
                "loss": end("loss"),
            },
        ),
    ],
)
