"""Is the condition used before samples show it, and do samples follow from its use alone?

Samples show no bump, then bumps anywhere, then bumps at their label. The use of the label in the band of noise that decides
(docs/condition_meter.md) may grow smoothly under that, so that phases of samples would be a threshold on it. Asked of three
systems, each of which was chosen before its runs here:

    lean      preset `lean`: the label's encodings go straight to every block; Muon
    hidden    two layers (256 units) on the encodings, AdamW at .001: the long phase B of the study `entry`
    flow      `lean` as flow matching

Two pilots (seed 9900, `lean` and `flow`) were looked at: they chose the lengths. In them samples followed while use in the
deciding band was .2 (`lean`) and .9 (`flow`), so that "half of the samples" is no level of it; the other bands are recorded
beside it.

An advantage that is above its noise depends on how many draws are read (64 a band), so that it is compared with two levels of
the samples: half correct, and a tenth.
"""

from functools import partial

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Mean,
    OnsetRatio,
    PhaseGrid,
    Reading,
    Scatter,
    Study,
    Table,
    end,
    onset,
    start,
)
from studies.designs import condition as readings

HIDDEN = 256
STEPS = {"lean": 2_500, "hidden": 12_000, "flow": 2_500}
EVERY = {"lean": 50, "hidden": 200, "flow": 50}
"""steps between snapshots, after denser ones at the beginning"""
DENSE = {"lean": 25, "hidden": 50, "flow": 25}
SEEDS = {"lean": 16, "hidden": 10, "flow": 10}
OWN = {
    "lean": {},
    "hidden": {
        "network": {"embedding": {"hidden": HIDDEN}},
        "training": {"decay": "constant", "optimiser": {"rest": {"lr": 0.001}}},
    },
    "flow": {"family": {"schedule": "flow", "predict": "velocity", "sampler": {"kind": "heun", "steps": 12}}},
}
WORDS = {
    "lean": "On `lean`",
    "hidden": "With a two-layer network on the label's encodings",
    "flow": "With flow matching",
}
PILOTS = "Pilots of `lean` and `flow` were looked at."
DRAWS = "The advantage is read from 64 draws a band: more draws find it earlier."
SHARED = f"Its runs are those of the study's other claims on this system. {PILOTS}"


def cell(system: str) -> Cell:
    """Return the cell of a system."""
    own = OWN[system]
    probing = {
        "observe": [],
        "snapshots": {"dense_every": DENSE[system], "dense_until": 500, "every": EVERY[system]},
        "images": {"grid": 128, "off_grid": 0},
        "meter": {"every": DENSE[system], "draws": 64},
    }
    training = {**own.get("training", {}), "steps": STEPS[system]}
    fields = {**own, "seed": 40_000, "training": training, "probing": probing}
    return Cell(system, fields, {"system": system}, seeds=SEEDS[system])


# Asked: pilots of `lean` and `flow`, and the onsets of `entry`, chose systems and lengths.


def earlier(system: str) -> Claim:
    """Return the claim that the condition's advantage comes at half of accuracy's steps or before."""
    return Claim(
        name=f"earlier_{system}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{WORDS[system]}, the condition's advantage in the deciding band is above its noise for good by half of the "
        "steps at which half of the samples are correct.",
        statistic=OnsetRatio(),
        numbers=partial(readings.samples_after_advantage, level=0.5),
        threshold=2.0,
        effect=(2.0, 1.0),
        spread=0.4,
        where={"system": system},
        caveats=(
            DRAWS,
            SHARED,
        ),
    )


def before_some(system: str) -> Claim:
    """Return the claim that the advantage comes before a tenth of the samples are correct."""
    return Claim(
        name=f"before_some_{system}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{WORDS[system]}, the condition's advantage in the deciding band is above its noise for good before a tenth "
        "of the samples are correct, by a quarter of the steps or more.",
        statistic=OnsetRatio(),
        numbers=partial(readings.samples_after_advantage, level=readings.FORMS),
        threshold=1.25,
        effect=(1.0, 0.6),
        spread=0.4,
        where={"system": system},
        caveats=(
            DRAWS,
            "128 samples show a tenth to within a twentieth.",
            SHARED,
        ),
    )


def no_jump(system: str) -> Claim:
    """Return the claim that use does not jump where samples come to phase C."""
    return Claim(
        name=f"no_jump_{system}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{WORDS[system]}, use of the condition in the deciding band does not jump where samples come to phase C: less "
        "than half of its rise within a factor of 2 of that step falls within a factor of 1.15.",
        statistic=Mean(),
        numbers=partial(readings.share_at_change, column=readings.USE),
        unit="of the rise",
        threshold=0.5,
        effect=0.15,
        spread=0.1,
        direction="below",
        where={"system": system},
        caveats=(
            "Growth with the logarithm of the step has .20 (more where the training ends within the "
            "window), a jump 1. Runs that come to C too near an end do not count.",
            SHARED,
        ),
    )


OF_USE = (
    "two rules that err alike have a mean ratio above 1, and the band was chosen by few draws, so that runs of one system were read "
    "in different bands; `lower_band` asks it again"
)


def of_use(system: str) -> Claim:
    """Return the claim that use tells the samples better than the clock does."""
    return Claim(
        name=f"of_use_{system}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{WORDS[system]}, the share of correct samples is nearer to a curve of use alone, fitted on other runs, than to "
        "one of the step: its error is less than .8 times as large.",
        statistic=Mean(),
        numbers=readings.foretold_by_use,
        unit="times the clock's error",
        threshold=0.8,
        no_effect=1.0,
        effect=0.25,
        spread=0.2,
        direction="below",
        where={"system": system},
        uninformative=OF_USE,
        caveats=(
            "Runs that hardly differ in when they learn have a clock that is hard to beat.",
            SHARED,
        ),
    )


def curve_of_lean(system: str) -> Claim:
    """Return the claim that the curve of another system tells the samples better than the own clock."""
    return Claim(
        name=f"curve_of_lean_{system}",
        asked=Asked.AFTER_OTHERS,
        sentence=f"{WORDS[system]}, the share of correct samples is nearer to the curve of use of `lean`'s runs than to one of "
        "the step of its own other runs.",
        statistic=Mean(),
        numbers=partial(readings.foretold_by_curve_of, system=system, of="lean"),
        unit="times the clock's error",
        threshold=1.0,
        no_effect=1.0,
        effect=0.3,
        spread=0.25,
        direction="below",
        where={"system": ("lean", system)},
        uninformative=OF_USE,
        caveats=(
            "Two pairs of systems: it says nothing of others.",
            SHARED,
        ),
    )


def lower_band(system: str) -> Claim:
    """Return the claim that use in the lower of the two bands that decide tells the samples better than the clock does."""
    return Claim(
        name=f"lower_band_{system}",
        asked=Asked.AFTER,
        sentence=f"{WORDS[system]}, the share of correct samples is nearer to a curve of use in the noisier of the two bands that the "
        "label decides, fitted on other runs, than to one of the step.",
        statistic=Mean(),
        numbers=partial(readings.log_error_of_use, use=readings.LOWER_BAND),
        unit="times the clock's error",
        log=True,
        threshold=0.0,
        no_effect=0.0,
        effect=0.7,
        spread=0.5,
        direction="below",
        where={"system": system},
        caveats=(readings.LOWER, SHARED),
    )


SYSTEMS = tuple(STEPS)

STUDY = Study(
    name="condition",
    question="Is the condition used before samples show it, and do samples follow from its use alone?",
    base="lean",
    answers="Q3",
    cells=[cell(system) for system in SYSTEMS],
    seeds=10,
    more=8,
    headline="before_some_hidden",
    claims=[
        *(earlier(system) for system in SYSTEMS),
        *(before_some(system) for system in SYSTEMS),
        *(no_jump(system) for system in SYSTEMS),
        *(of_use(system) for system in SYSTEMS),
        *(curve_of_lean(system) for system in SYSTEMS if system != "lean"),
        *(lower_band(system) for system in SYSTEMS),
    ],
    readings=[Reading("meter", readings.read_meter, needs=())],
    plots=[
        Courses(
            "use",
            "Use of the condition in the deciding band, and the samples",
            {
                "use of the condition": readings.USE,
                "samples correct": readings.CORRECT,
                "one misplaced bump": "outcomes.grid.misplaced",
            },
            panels_by="system",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
        Scatter(
            "at_half",
            "Use when half of the samples are correct, against when",
            x=onset(readings.CORRECT, 0.5),
            y=readings.at_half,
            xlabel="half of the samples correct (step)",
            ylabel="use in the deciding band",
            by="system",
        ),
        PhaseGrid("samples", "Phase of the samples in every run", column=readings.PHASE),
    ],
    tables=[
        Table(
            "When",
            {
                "half of the samples correct (step)": onset(readings.CORRECT, 0.5),
                "a tenth of the samples correct (step)": onset(readings.CORRECT, readings.FORMS),
                "advantage above its noise (step)": readings.advantage_onset,
                "correct at the end": end(readings.CORRECT),
            },
            interval=True,
        ),
        Table(
            "Use and the samples",
            {
                "use when half of the samples are correct": readings.at_half,
                "use at the end": end(readings.USE),
                "factor of steps in which use rises": partial(readings.rise_steps, column=readings.USE),
                "factor of steps in which the share of correct samples rises": partial(
                    readings.rise_steps, column=readings.CORRECT
                ),
                "share of use's rise at C": partial(readings.share_at_change, column=readings.USE),
                "of a growth with the logarithm of the step": readings.share_of_logarithm,
                "share of the samples' rise at C": partial(readings.share_at_change, column=readings.CORRECT),
                "share of use's rise at B": partial(
                    readings.share_at_change, column=readings.USE, letter="B"
                ),
                "error of use, by the clock's": readings.foretold_by_use,
                "error of use, by the loss's": partial(
                    readings.foretold_by_use, foil=readings.LOSS, sign=-1.0
                ),
            },
            interval=True,
        ),
        Table(
            "Use when half of the samples are correct, by band, from most noise to least",
            {
                f"band {band + 1}": partial(readings.at_half, column=f"meter.band{band}.use")
                for band in range(8)
            },
            interval=True,
        ),
        Table(
            "Which band (log SNR)",
            {
                "the label alone decides": start("meter.log_snr"),
                "an advantage comes first": readings.first_band,
                "one image stands out, by `predict`": start("meter.predicted_log_snr"),
            },
            interval=True,
        ),
    ],
)
