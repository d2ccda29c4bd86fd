"""Does the order of latents go with the accuracy of images, and is what is ordered used?

P1 says that the more ordered the latents, the more accurate the images. All that rises while a network learns
correlates, so a run's order is set against another run's of the same cell, which shares the schedule and nothing else:
ranks are freed of images seen and of loss, and what a run's own order tells more of its accuracy than the other's is what
counts. Order that is there may not be used. So what labels explain at a tap is put in from another label while the network
paints: does the bump go where the other label has it?
"""

from __future__ import annotations

from functools import partial

from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying, saying_each
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.criteria import PLACE
from phasescope.studies.core.curves import named
from phasescope.studies.core.study import Figure, Reading, Study
from phasescope.studies.found._behaviour import MAJORITY
from phasescope.studies.found._cells import AMENDED, BASE, BEFORE, FAST, SMALL, SYSTEMS, V, mended
from phasescope.studies.found._made import controls, either
from phasescope.studies.found._order_figures import across, onset_panels, stand_ins
from phasescope.studies.found._order_made import apart, by_seed, going, lag
from phasescope.studies.found._order_with_accuracy import (
    ORDERS,
    accuracy_after_order,
    across_seeds,
    beyond_other_run,
    within_runs,
)
from phasescope.studies.found._use import IMAGES, TAPS, follows, read_use, use_controls, use_panels

FAST_NAMES = tuple(cell.name for cell in FAST.values())
OF: dict[str, tuple[str, ...]] = {
    "eps": (BASE.name,),
    "small": (SMALL.name,),
    "v": (V.name,),
    "fast": FAST_NAMES,
}
"""cells of each system"""
STRONG = 0.5
"""correlation from which order and accuracy go closely together: a large effect by Cohen's (1988) convention"""
TOGETHER = 2.0
"""ratio of onsets, accuracy's over order's, below which accuracy does not lag behind"""
READS = ("accuracy.", "outcomes.", "order.", "order_seen.")


def _claims_of(system: str, which: str) -> list[Claim]:
    words, cells = SYSTEMS[system], OF[system]
    short, reading, name = ORDERS[which]
    before = "" if system == "eps" else f" {BEFORE}"
    seen = which == "seen"
    claim = partial(
        Claim,
        source="P1" if system in ("eps", "small") else "P1, on another system",
        cells=cells,
        figure="stand_ins",
        system=system,
    )
    made = partial(controls, lambda: STUDY, cells, reads=READS)
    return [
        claim(
            f"rise_together_{which}_{system}",
            f"While a network learns, {reading} and accuracy rise together: {words}.",
            statistic="Spearman's correlation over a run's trained snapshots of R² with the share of right images, mean "
            "over runs",
            threshold=STRONG,
            estimate=partial(within_runs, cells, name),
            family=f"{short} and accuracy rise together",
            does_not_show=f"Whatever rises while a network learns correlates: compare another run's order.{before}",
            controls=made(going(1, seen), apart, either(going(1, seen), apart, 0.55)),
        ),
        claim(
            f"beyond_other_run_{which}_{system}",
            f"A run's own order tells its accuracy better than another run's does ({reading}): {words}.",
            statistic="Spearman's partial correlation over a run's trained snapshots, given images seen and loss, less the "
            "same with the order of the next seed's run, mean over runs",
            threshold=0.0,
            estimate=partial(beyond_other_run, cells, name),
            family=f"{short} tells accuracy, beyond the clock",
            does_not_show=f"Runs that differ little from one another cannot show what differs between them.{before}",
            controls=made(going(1, seen), going(-1, seen), going(0, seen)),
        ),
    ]


def _further() -> list[Claim]:
    claims = [
        Claim(
            "set_in_together_eps",
            f"Accuracy sets in by twice the steps that order at {named(*PLACE)} takes: {SYSTEMS['eps']}.",
            "P1",
            "median over runs of accuracy's onset on the grid over order's, in steps, sign-test interval",
            TOGETHER,
            partial(accuracy_after_order, OF["eps"]),
            "onsets",
            "A threshold's crossing, not the whole rise; snapshots bound how sharply early onsets are known.",
            direction="below",
            cells=OF["eps"],
            family="order and accuracy set in together",
            system="eps",
            controls=controls(lambda: STUDY, OF["eps"], lag(1.2), lag(3.0), lag(TOGETHER), reads=READS),
        ),
        Claim(
            "across_seeds_fast",
            "Of runs on the same data, those of more order are more accurate: preset fast, all densities and widths.",
            "P1, on another system",
            "Spearman's correlation over runs of order's mean over training with accuracy's, each less its cell's mean",
            0.0,
            partial(across_seeds, FAST_NAMES),
            "across",
            f"Seeds differ little: a small correlation may be all that can be seen. {BEFORE}",
            minimum_n=30,
            cells=FAST_NAMES,
            family="order tells accuracy, across seeds",
            system="fast",
            controls=controls(lambda: STUDY, FAST_NAMES, *(by_seed(by) for by in (1, -1, 0)), reads=READS),
        ),
    ]
    words = {
        "part": "what labels explain at {} is put in from another label",
        "patch": "all of {} is another label's",
    }
    for tap in TAPS:
        for how in ("part", "patch"):
            claims.append(
                Claim(
                    f"used_{how}_{tap}",
                    f"{'Order' if how == 'part' else 'What is at the tap'} is used: in phase C, where "
                    f"{words[how].format(tap)}, most bumps go where that label has them.",
                    "phasescope",
                    "share of images whose bump is within 1 px of what was put in, by matched filter, mean over runs",
                    MAJORITY,
                    partial(follows, tap, how),
                    "use",
                    "Blocks beside and after the tap hear the label that is told: where they place the bump, what is at the "
                    "tap may be known and not needed.",
                    cells=OF["eps"],
                    family=f"latents are used at {tap}",
                    system="eps",
                    controls=use_controls(lambda: STUDY),
                )
            )
    return claims


STUDY = Study(
    name="order_and_accuracy",
    number=4,
    question="Does the order of latents go with the accuracy of images, and is what is ordered used to paint?",
    preset="lean",
    cells=(BASE, SMALL, V, *FAST.values()),
    seeds=8,
    more=8,
    amendments=(
        *AMENDED,
        mended(
            "That order is used where all of a tap is another label's was more than that shows: the sentence speaks of what "
            "is at the tap. Its runs had been looked at.",
            looked=True,
        ),
    ),
    headline="rise_together_all_eps",
    claims=(
        *(claim for which in ORDERS for claim in _claims_of("eps", which)),
        *(claim for system in ("small", "v", "fast") for claim in _claims_of(system, "all")),
        *_further(),
    ),
    figures=(
        Figure(
            "stand_ins",
            "What goes with accuracy while a network learns",
            partial(stand_ins, OF),
            saying_each(
                {system: (SYSTEMS[system], cells) for system, cells in OF.items()},
                "Mean over runs of rank correlations over snapshots, with intervals over runs. "
                "What does not vary in a run counts as 0.",
            ),
            columns=1,
        ),
        Figure(
            "onsets",
            "Which comes first",
            onset_panels,
            saying((BASE.name, SMALL.name, V.name), f"{BANDS} {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "use",
            "Where a bump goes when something of another label is put in",
            use_panels,
            saying(
                (BASE.name,),
                f"At the middle snapshot of each phase, {IMAGES} images an intervention, read by matched filter. Means over "
                "runs with their intervals.",
            ),
            columns=2,
        ),
        Figure(
            "across", "Order and accuracy of runs", across, saying(FAST_NAMES, "A mark a run."), columns=1
        ),
    ),
    readings=(Reading("use", read_use, cells=(BASE.name,)),),
)
