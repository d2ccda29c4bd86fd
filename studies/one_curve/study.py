"""Is the share of correct samples one function of use of the condition, the same for all systems?

The study `condition` asked it of the band of noise that the label alone decides, and lost: the clock was nearer. When its runs
were recorded, the other bands were looked at: in the next noisier one use was .71 to .75 when half of the samples were correct,
in each of three systems, and a curve fitted to one system was near the samples of the others. That was chosen after it was
seen. Here it is asked of that band alone, of nine systems that were not trained when it was written (those of the study
`forecast`, which share these runs), each foretold by a curve that is fitted to the other eight.

What it is compared with knows more of the system: the mean course of its own other runs against the step.
"""

from functools import partial

from phasescope.studies import Asked, Claim, Courses, Ends, Mean, Reading, Scatter, Share, Study, Table, onset
from studies.designs.fast_systems import SYSTEMS, cell
from studies.one_curve import readings

LEVEL, WITHIN = 0.73, 0.1
"""of use when half of the samples are correct, as it was in the study `condition`"""
LOOKED = (
    "The band was chosen after bands of 36 runs of three other systems had been looked at; pilots of one seed of these systems "
    "were looked at for lengths alone."
)
SHARED = f"Its runs are those of the study `forecast`, and of its other claims here. {LOOKED}"
OVER = ("system", "systems")

# Asked: the band was chosen on 36 runs of three other systems.
STUDY = Study(
    name="one_curve",
    question="Is the share of correct samples one function of use of the condition, the same for all systems?",
    base="fast",
    answers="Q3",
    cells=[cell(name) for name, system in SYSTEMS.items() if system.grows],
    seeds=6,
    headline="one_curve",
    claims=[
        Claim(
            name="one_curve",
            asked=Asked.AFTER_OTHERS,
            sentence="The share of correct samples is nearer to one curve of use, in the band of noise next to the one that the "
            "label alone decides and fitted to other systems alone, than to the mean course of the system's own other runs.",
            statistic=Mean(strata="system"),
            numbers=readings.against_own_clock,
            unit="times the error of its own clock",
            threshold=1.0,
            no_effect=1.0,
            effect=0.2,
            spread=0.4,
            direction="below",
            over=OVER,
            uninformative="a mean of ratios, which one system decides whose samples never follow, with runs of one system counted "
            "as if they were systems",
            caveats=(
                "64 samples a snapshot leave an error of about .04 to every rule.",
                SHARED,
            ),
        ),
        Claim(
            name="at_half",
            asked=Asked.AFTER_OTHERS,
            sentence=f"When half of the samples are correct, use in that band is within {WITHIN} of {LEVEL}, in most runs.",
            statistic=Share(),
            numbers=partial(readings.is_near, level=LEVEL, within=WITHIN),
            threshold=0.5,
            effect=0.25,
            over=OVER,
            caveats=(
                "Use is read from 32 draws in the band.",
                SHARED,
            ),
        ),
        Claim(
            name="beside_not_deciding",
            asked=Asked.AFTER_OTHERS,
            sentence="A curve of use fitted to other systems is nearer in that band than in the one that the label alone decides: "
            "its error is less than .8 times as large.",
            statistic=Mean(strata="system"),
            numbers=readings.against_deciding,
            unit="times the error in the deciding band",
            threshold=0.8,
            no_effect=1.0,
            effect=0.2,
            spread=0.4,
            direction="below",
            over=OVER,
            limits=SHARED,
        ),
    ],
    readings=[Reading("bands", readings.read_bands, needs=())],
    plots=[
        Scatter(
            "at_half",
            "Use in the band when half of the samples are correct, against when",
            x=onset(readings.CORRECT, readings.HALF),
            y=readings.at_half,
            xlabel="half of the samples correct (step)",
            ylabel="use in the band",
            by="system",
            level=LEVEL,
        ),
        Ends(
            "errors",
            "Error of a curve fitted to other systems, and of the system's own clock",
            {
                "curve of use, of other systems": readings.of_other_systems,
                "own clock": readings.of_own_clock,
            },
            by="system",
        ),
        Courses(
            "use",
            "Use in the band, and the samples",
            {"use": readings.BESIDE, "samples correct": readings.CORRECT},
            panels_by="system",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
    ],
    tables=[
        Table(
            "Use when half of the samples are correct",
            {
                "half of the samples correct (step)": onset(readings.CORRECT, readings.HALF),
                "use in the band": readings.at_half,
                "use in the deciding band": partial(readings.at_half, given="deciding"),
            },
            interval=True,
        ),
        Table(
            "Error of the share of correct samples",
            # A row is computed of its runs alone: curves of other systems are in the figure.
            {"own clock": readings.of_own_clock},
            interval=True,
        ),
    ],
)
