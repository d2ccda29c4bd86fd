"""Does learning go through P1's phases A, B, C, and the representation with it?

P1 (Liang, Liu & Fiete 2024): at first latents form no manifold, and images hold no bump or several (A); then a
two-dimensional but unordered manifold, one bump in the wrong place (B); then an ordered manifold, one bump in the right
place (C). Behaviour's phases are read from images, the representation's from latents: P1's way (UMAP to three dimensions,
then a linear regression, by ten random starts), and from the raw features. Both are read against the untrained network, and
at thresholds of order from 0.5 to 0.8: what depends on the choice is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from phasescope.measures.learning import phases
from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.statistics import mean_over_runs, share_of_runs
from phasescope.studies.core.study import Figure, Reading, Study
from phasescope.studies.found._behaviour import MAJORITY, is_abc, shapeless
from phasescope.studies.found._cells import AMENDED, BEFORE, EVERY_BASE, SMALL, SYSTEMS, V, X, mended
from phasescope.studies.found._latent_phases import MODERATE, READINGS, agree, misplaced, passes_b, read_p1
from phasescope.studies.found._made import as_p1_says, changed, controls, either, read_as, straight_to_c
from phasescope.studies.found._phases_figures import kappas, outcomes, routes, sequences
from phasescope.studies.found._phases_made import (
    half_misplaced,
    latents_ahead,
    latents_early,
    malformed_about,
    misplaced_b,
    order_lost,
    shapeless_b,
    unformed_of,
)

CELLS = (EVERY_BASE, SMALL, V, X)
IMAGES = ("phase.behaviour", "outcomes.grid.")
"""columns of what is read of images"""


LATER = mended(
    "Whether latents pass phase B asked for a snapshot of B anywhere, also after order was lost; it asks now, as its "
    "sentence says, for B before C. Its runs had been looked at.",
    looked=True,
)


def _claims(cell: str, readings: Sequence[str]) -> list[Claim]:
    words = SYSTEMS[cell]
    claim = partial(
        Claim,
        source="P1" if cell in ("eps", "small") else "P1, on another system",
        threshold=MAJORITY,
        cells=(cell,),
        system=cell,
    )
    before = "" if cell == EVERY_BASE.name else f" {BEFORE}"
    made = partial(controls, lambda: STUDY, (cell,), reads=IMAGES)
    claims = [
        claim(
            f"behaviour_abc_{cell}",
            f"What is painted goes from no or several bumps (A) over one misplaced bump (B) to one in place (C): {words}.",
            statistic="share of runs whose decided phases of behaviour are A, B, C in this order, exact interval",
            estimate=share_of_runs([cell], is_abc),
            figure="sequences",
            family="phases A, B, C in images",
            does_not_show="Phases that last less than the time between two snapshots are not seen, nor is why they come."
            + before,
            controls=made(as_p1_says, straight_to_c, either(as_p1_says, straight_to_c)),
        ),
        claim(
            f"failure_a_{cell}",
            f"In phase A images fail by holding no bump or several, not by a misshapen one: {words}.",
            statistic="share of none and multiple among none, multiple and malformed, mean over trained snapshots of "
            "behaviour's phase A, then runs",
            estimate=mean_over_runs([cell], shapeless),
            figure="outcomes",
            family="failures of phase A",
            does_not_show="What a sampler of few steps makes of them: the study `sampler` asks that."
            + before,
            controls=made(
                changed(as_p1_says, unformed=unformed_of(0.2)),
                changed(as_p1_says, unformed=unformed_of(0.8)),
                malformed_about(0.5),
            ),
        ),
    ]
    for reading in readings:
        name, place, way, caveat = READINGS[reading]
        measures = (name, "label_share", "label_dimension")
        reads = (*IMAGES, *(f"{measure}.{place}." for measure in measures))
        made = partial(controls, lambda: STUDY, (cell,), reads=reads)
        kappa = partial(agree, reading, cell)
        at_moderate = read_as(MODERATE, latents_ahead, (0.5, 0.65, 0.9), kappa, lambda: STUDY, (cell,), reads)
        claims += [
            claim(
                f"phase_b_{reading}_{cell}",
                f"Before it is ordered, the representation is a low-dimensional manifold without order (B), read {way}: "
                f"{words}.",
                statistic="share of runs with a snapshot of phase B, none of C before it and one of C after it, exact "
                "interval; at thresholds of order's gain over the "
                f"untrained network of {', '.join(f'{one:g}' for one in phases.ORDER_RANGE)}; all must agree",
                estimate=partial(passes_b, reading, cell),
                figure="sequences",
                family="phase B in latents",
                does_not_show=caveat + before,
                controls=made(
                    as_p1_says, either(straight_to_c, order_lost), either(as_p1_says, straight_to_c)
                ),
            ),
            claim(
                f"agreement_{reading}_{cell}",
                f"Images and latents, read {way}, are in the same phase at the same time: {words}.",
                statistic="Cohen's kappa over snapshots at which both are decided, bootstrap of runs; at all thresholds",
                threshold=MODERATE,
                estimate=kappa,
                figure="agreement",
                family="images and latents in the same phase",
                does_not_show="That one causes the other. Snapshots at which either is undecided are left out."
                + before,
                controls=made(as_p1_says, latents_early, at_moderate),
            ),
            claim(
                f"failure_b_{reading}_{cell}",
                f"While latents, read {way}, are in phase B, wrong images hold one misplaced bump: {words}.",
                statistic="share of misplaced among wrong images, mean over snapshots of the representation's phase B, "
                "then runs; at all thresholds",
                estimate=partial(misplaced, reading, cell),
                figure="outcomes",
                family="failures of phase B",
                does_not_show="Runs whose representation is never in phase B do not count." + before,
                controls=made(misplaced_b, shapeless_b, half_misplaced),
            ),
        ]
    return claims


NAMES = tuple(cell.name for cell in CELLS)

STUDY = Study(
    name="phases",
    number=1,
    question="Does learning go through P1's phases A, B and C, in images and in latents, and in both at once?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    amendments=(*AMENDED, LATER),
    headline="behaviour_abc_eps",
    claims=tuple(
        claim
        for cell in NAMES
        for claim in _claims(cell, ("raw", "p1") if cell == EVERY_BASE.name else ("raw",))
    ),
    figures=(
        Figure(
            "sequences",
            "Phases of every run",
            sequences,
            saying(
                NAMES,
                "A row a run, a column a snapshot; white: undecided. Latents at a threshold of "
                f"{phases.ORDER_RANGE[-1]:g}.",
            ),
        ),
        Figure("outcomes", "What is painted while learning", outcomes, saying(NAMES, BANDS), columns=2),
        Figure(
            "routes",
            "Order of the label that is told, of the image that is seen, and read P1's way",
            routes,
            saying(NAMES, f"{BANDS} Line: {phases.REPRESENTATION.order:g}. {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "agreement",
            "Agreement of images and latents",
            kappas,
            saying(
                NAMES,
                f"Kappa with its interval over runs and thresholds; line: {MODERATE:g}. Where a system has no mark either "
                "side never changes its phase, and kappa is not defined.",
            ),
            columns=1,
        ),
    ),
    readings=(Reading("p1", read_p1, cells=(EVERY_BASE.name,)),),
)
