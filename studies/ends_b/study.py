"""What ends phase B? One thing is changed at a state in its middle, or at one before it.

In phase B samples hold one bump at a place that is not the label's. Runs of one configuration leave it at steps that differ by
a third, so that a cause takes dozens of seeds to see. Here each changed child continues a state of a run beside the
unchanged continuation of the same state, with the same images and the same noise: only what is changed can differ.

The bands of noise are those of the study `condition`: from t = 300 on the label decides most of where the bump is, and up
to t = 720 its use grows before samples follow.

Its onset is read from the bump that matches a sample best, since a child that is not trained on little noise draws bumps of
another shape.

Learning rates fall as in `lean`'s 2,500 steps, without its 20 steps of warm-up; runs stop after 2,000, when samples have
followed for a while. Two pilots were looked at (seed 9900, 1,600 steps, whose rates fell to 0 within phase B; seed 9901, a
parent as here), and eleven runs of `lean` in the study `condition`, which have other seeds: they chose the length, the two
steps, and the band in which use is read.
"""

from functools import partial
from math import log

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Difference,
    Fork,
    ForkDifference,
    PhaseGrid,
    Reading,
    Scatter,
    Study,
    Table,
    end,
)
from studies.designs import lean_forks
from studies.ends_b import readings

PARENTS = 8
AT = {"before": 250, "middle": 800}
"""steps after which states are continued: samples hold no bump, and most hold a misplaced one"""
KINDS = "studies/ends_b/kinds.py"
LABEL_FROM, LABEL_TO = 300, 720
"""noise levels between which the label decides where the bump is"""
PILOTS = "Two pilots, and eleven runs of another study, were looked at."
OF_PARENTS = "Eight parents of one configuration, with one child of each."


def rate(times: float) -> dict:
    """Return both learning rates of `lean`, times a factor."""
    return {"training": {"optimiser": {"lr": 0.02 * times, "rest": {"lr": 0.006 * times}}}}


def loss(kind: str, **fields: object) -> dict:
    """Return a loss of this study."""
    return {"training": {"loss": {"kind": f"{KINDS}:{kind}", **fields}}}


CHANGES = {
    "label path reset": {"fork": {"reset": ["*.modulate.*"]}},
    "without the label's band": loss("Band", low=LABEL_FROM, high=LABEL_TO, left_out=True),
    "only larger t": loss("Band", low=LABEL_FROM),
    "rate x 3": rate(3),
    "rate / 3": rate(1 / 3),
    "batch x 4": {"training": {"batch": 64}},
    "optimiser reset": {"fork": {"reset": ["optimiser"]}},
    "permuted labels": loss("Permuted"),
}
CHANGED = {
    "before": ("label path reset", "only larger t", "rate / 3"),
    "middle": tuple(CHANGES),
}

PARENT = Cell("parent", lean_forks.fields(seed=50_000), {"point": "parent", "change": "parent"})


def forked(point: str, change: str, fields: dict) -> Cell:
    """Return the cell of the children with one change at one point."""
    return Cell(
        f"{change}, {point}", fields, {"point": point, "change": change}, fork=Fork(PARENT, at=AT[point])
    )


CELLS = [
    PARENT,
    *(forked(point, "unchanged", {}) for point in AT),
    *(forked(point, change, CHANGES[change]) for point in AT for change in CHANGED[point]),
]
ONSET = partial(lean_forks.log_onset, column=lean_forks.CORRECT)
ONSET_BY_END = partial(lean_forks.log_onset_by_end, column=lean_forks.CORRECT)
"""the same, with whether it had come by the end of the run"""
OF_USE = partial(lean_forks.log_onset, column=lean_forks.USE)
ONSET_STEP = partial(lean_forks.onset_step, column=lean_forks.CORRECT)
USE_STEP = partial(lean_forks.onset_step, column=lean_forks.USE)
TENTH = log(1.1)
WHEN = {
    "before": f"from step {AT['before']}, before phase B",
    "middle": f"from step {AT['middle']}, in phase B",
}
EXPECTED = {
    "label path reset": ("delays", "Fresh weights where time and label modulate every block"),
    "without the label's band": ("delays", f"Leaving t from {LABEL_FROM} to {LABEL_TO} out of the loss"),
    "only larger t": ("hastens", f"A loss of t from {LABEL_FROM} on alone"),
    "rate x 3": ("hastens", "Three times the learning rates"),
    "rate / 3": ("delays", "A third of the learning rates"),
    "batch x 4": ("hastens", "Four times the batch"),
    "optimiser reset": ("delays", "An optimiser that remembers nothing"),
    "permuted labels": ("delays", "Labels of other images"),
}
DIRECTIONS = {
    "delays": ("above", TENTH, "delays the step at which half of the samples are correct"),
    "hastens": ("below", -TENTH, "brings the step at which half of the samples are correct forward"),
}


def slug(change: str) -> str:
    """Return the name of a change in names of claims."""
    return change.replace("'s", "").replace(" x ", "_times_").replace(" / ", "_by_").replace(" ", "_")


# Asked: two pilots, and eleven runs of `condition`.


def effect(point: str, change: str) -> Claim:
    """Return the claim that a change moves the onset by more than a tenth of its steps."""
    verb, words = EXPECTED[change]
    direction, threshold, moves = DIRECTIONS[verb]
    return Claim(
        name=f"{slug(change)}_{point}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{words} {WHEN[point]}, {moves}, by more than a tenth.",
        statistic=ForkDifference("change", change, "unchanged", over="parents"),
        numbers=ONSET_BY_END,
        unit="times the steps",
        log=True,
        threshold=threshold,
        effect=0.15,
        spread=0.1,
        direction=direction,
        where={"point": point},
        caveats=(
            "A child in which it never comes counts with its last step.",
            OF_PARENTS,
            PILOTS,
        ),
        check=change == "permuted labels",
    )


def unpaired(point: str, change: str) -> Claim:
    """Return the claim of `effect`, judged as if children and unchanged runs shared nothing."""
    verb, words = EXPECTED[change]
    direction, threshold, moves = DIRECTIONS[verb]
    return Claim(
        name=f"{slug(change)}_{point}_unpaired",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{words} {WHEN[point]}, {moves}, by more than a tenth: eight runs against eight, unpaired.",
        statistic=Difference("change", change, "unchanged"),
        numbers=ONSET,
        unit="times the steps",
        log=True,
        threshold=threshold,
        effect=0.3,
        spread=0.15,
        direction=direction,
        where={"point": point},
        caveats=(
            "The same runs as the paired claim: it says what pairing saves, and is no further evidence.",
            PILOTS,
        ),
    )


def variance(point: str, change: str) -> Claim:
    """Return the claim that pairing lowers the variance of a difference of onsets."""
    return Claim(
        name=f"variance_{slug(change)}_{point}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"The difference between a child and the unchanged one ({change}, {WHEN[point]}) varies less than that of two "
        "independent runs.",
        statistic=readings.PairedVariance("change", change, "unchanged"),
        numbers=ONSET,
        threshold=1.0,
        effect=0.92,
        spread=1.0,
        direction="below",
        where={"point": point},
        caveats=(
            "Eight pairs give a ratio to within a factor of several.",
            PILOTS,
        ),
    )


def effect_on_use(point: str, change: str) -> Claim:
    """Return the claim that a change moves the onset of use by more than a tenth of its steps."""
    verb, words = EXPECTED[change]
    direction, threshold, _ = DIRECTIONS[verb]
    moves = "delays" if verb == "delays" else "brings forward"
    return Claim(
        name=f"use_{slug(change)}_{point}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{words} {WHEN[point]}, {moves} the step at which use of the condition passes one half, by more than a tenth.",
        statistic=ForkDifference("change", change, "unchanged", over="parents"),
        numbers=OF_USE,
        unit="times the steps",
        log=True,
        threshold=threshold,
        effect=0.28,
        spread=0.18,
        direction=direction,
        where={"point": point},
        caveats=(
            "Use in one band of noise, log SNR -2.9 to -.5, from 16 draws. A child in which it never "
            "comes counts with its last step.",
            OF_PARENTS,
            PILOTS,
        ),
    )


STUDY = Study(
    name="ends_b",
    question="What ends phase B?",
    base="lean",
    answers="Q3",
    cells=CELLS,
    seeds=PARENTS,
    more=8,
    headline="without_the_label_band_middle",
    claims=[
        *(effect(point, change) for point in AT for change in CHANGED[point]),
        *(
            effect_on_use("middle", change)
            for change in ("label path reset", "only larger t", "rate x 3", "rate / 3")
        ),
        *(variance("middle", change) for change in ("optimiser reset", "rate / 3")),
        *(unpaired("middle", change) for change in ("optimiser reset", "rate / 3")),
    ],
    readings=[Reading("meter", lean_forks.read_meter, needs=())],
    plots=[
        Courses(
            "courses",
            "Samples and use of the condition, by change",
            {"samples at their label": lean_forks.CORRECT, "use of the condition": lean_forks.USE},
            panels_by="cell",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
        Scatter(
            "use_and_samples",
            "When use of the condition passes one half, and when half of the samples are correct",
            x=USE_STEP,
            y=ONSET_STEP,
            xlabel="step at which use passes one half",
            ylabel="step at which half of the samples are correct",
            note="A run that does not come there is drawn at its last step.",
        ),
        PhaseGrid(
            "phases",
            "Phase of the samples in every run",
            column="phase.behaviour",
            note="By the usual reader, by which bumps of runs that are trained on large t alone are malformed.",
        ),
    ],
    tables=[
        Table(
            "Onsets (steps; of a run without one its last step)",
            {
                "half of the samples correct": ONSET_STEP,
                "runs in which they come": partial(lean_forks.has_come, column=lean_forks.CORRECT),
                "use of the condition passes one half": USE_STEP,
                "runs in which it does": partial(lean_forks.has_come, column=lean_forks.USE),
            },
            interval=True,
        ),
        Table(
            "At the end",
            {
                "at their label": end(lean_forks.CORRECT),
                "correct": end("outcomes.grid.correct"),
                "one misplaced bump": end("outcomes.grid.misplaced"),
                "use of the condition": partial(lean_forks.last_read, column=lean_forks.USE),
                "loss": end("loss"),
            },
        ),
    ],
)
