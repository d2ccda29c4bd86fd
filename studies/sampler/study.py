"""Which outcomes are the sampler's? The same weights generate by three samplers, at snapshots of phases A, B and C.

Runs of a study sample by DPM-Solver in 12 steps; P1's own system samples, as far as is known, by full
ancestral sampling. A sampler of few steps may leave a second bump, or a misshapen one, where the same weights would
have left none. So the stored weights of each run generate the same labels again: by DPM-Solver in 12 steps, by DDIM
in 50, and by ancestral sampling through every t.
"""

from dataclasses import replace

import numpy as np

from phasescope.studies import Asked, Claim, Curve, Mean, Panel, Reading, Runs, Share, Study, mean_over_runs
from phasescope.studies.readings.phases import PHASE
from studies.designs.phases import CELLS, LOOKED_AT, OUTCOMES, SELECTED
from studies.sampler import readings

WORDS = {"solver": "DPM-Solver, 12 steps", "ddim": "DDIM, 50 steps", "ancestral": "ancestral, every t"}
MARGIN = 0.15  # difference of shares of samples from which an outcome is the sampler's
SELDOM = (
    "runs differ by as much as the margin, so that eight of them seldom show that it is not the sampler's"
)


class BySampler:
    """A panel per phase, a mark per outcome and sampler: the mean over runs with its interval."""

    name, title = "shares", "The same weights by three samplers"

    def columns_read(self) -> frozenset[str]:
        return frozenset(
            [PHASE, *(column for sampler in readings.SAMPLERS for column in readings.columns_of(sampler))]
        )

    def panels(self, runs: Runs) -> list[Panel]:
        panels = []
        if not runs.has("sampler.solver.none"):
            return []

        for letter in "ABC":
            curves = []
            for series, sampler in enumerate(readings.SAMPLERS):
                known = [y[np.isfinite(y)] for y in readings.shares(runs, sampler, letter).values()]
                if min(map(len, known)) < 2:
                    return []

                means = [mean_over_runs(y) for y in known]
                value, low, high = np.array([(m.value, m.low, m.high) for m in means]).T
                at = np.arange(len(OUTCOMES)) + 0.15 * (series - 1)
                curves.append(
                    Curve(at, value, low=low, high=high, label=WORDS[sampler], series=series, style="points")
                )

            panels.append(
                Panel(
                    f"Phase {letter}",
                    xlabel="",
                    ylabel="share of samples",
                    curves=curves,
                    ticks={float(place): outcome for place, outcome in enumerate(OUTCOMES)},
                    ylim=(-0.02, 1.02),
                )
            )
        return panels

    def caption(self, runs: Runs) -> str:
        return (
            f"{len(runs)} runs in 1 cell. {readings.SAMPLES} labels on the grid, the same for all, at the middle "
            "snapshot of each phase. Means over runs with their 97.5 % intervals."
        )


IN_THIS_PHASE = "One snapshot of each run is read, in this phase alone."

# Asked: seeds 0 to 7 chose the length of `lean`; `failure_a_ancestral` was added when the runs had been looked at
# (2026-11-27).
STUDY = Study(
    name="sampler",
    question="Which outcomes are the sampler's, and which the weights'?",
    base="lean",
    answers="S3",
    cells=[replace(CELLS[0], seeds=8)],
    seeds=8,
    more=8,
    headline="failure_a_ancestral",
    claims=[
        Claim(
            name="abc_ancestral",
            asked=Asked.AFTER_OTHERS,
            sentence="By ancestral sampling, too, samples are in A, B and C at the snapshots at which DPM-Solver's are.",
            statistic=Share(),
            numbers=readings.passes_ancestrally,
            threshold=0.5,
            effect=0.48,
            source="P1",
            caveats=(
                SELECTED,
                "Between these three snapshots ancestral sampling may differ. A run in which DPM-Solver "
                "itself has no phase B counts as one that does not pass.",
            ),
        ),
        Claim(
            name="failure_a_ancestral",
            asked=Asked.AFTER,
            sentence="In phase A samples fail by no bump or several, not by a misshapen one, by ancestral sampling.",
            statistic=Mean(),
            numbers=readings.shapeless_ancestrally,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            source="P1",
            caveats=(
                SELECTED,
                "One snapshot of each run is read.",
                LOOKED_AT,
            ),
        ),
        Claim(
            name="not_the_samplers_a_none",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase A the share of samples without a bump is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("A", "none"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.14,
            direction="below",
            unreachable=SELDOM,
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_a_multiple",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase A the share of samples with several bumps is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("A", "multiple"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.13,
            direction="below",
            unreachable=SELDOM,
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_a_malformed",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase A the share of samples that are misshapen is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("A", "malformed"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.1,
            direction="below",
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_b_misplaced",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase B the share of samples with one misplaced bump is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("B", "misplaced"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.065,
            direction="below",
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_b_multiple",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase B the share of samples with several bumps is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("B", "multiple"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.065,
            direction="below",
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_c_correct",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase C the share of samples that are correct is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("C", "correct"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.065,
            direction="below",
            limits=IN_THIS_PHASE,
        ),
        Claim(
            name="not_the_samplers_c_multiple",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase C the share of samples with several bumps is not the sampler's: DPM-Solver in 12 steps and ancestral sampling differ by less than 15% of samples.",
            statistic=Mean(absolute=True),
            numbers=readings.difference("C", "multiple"),
            unit="of samples",
            threshold=MARGIN,
            effect=(MARGIN, 0.25),
            spread=0.065,
            direction="below",
            limits=IN_THIS_PHASE,
        ),
    ],
    readings=[Reading("sampler", readings.read_samplers, needs=())],
    plots=[BySampler()],
)
