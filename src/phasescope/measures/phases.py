"""Phases A, B and C of learning (P1), and when each begins.

A phase of *behaviour* is decided from generated images. That of activations is the phase of their sheet
(`measures.latents.sheet.sheet_phase`). *P1's reading* (arXiv 2402.03305) of activations stands beside it: it asks how
well labels are read from them by UMAP to three dimensions and a linear map. If the evidence allows no phase, or more than
one, the answer is `undecided`. Thresholds were set before any data. Those of P1's reading apply to gains over the baselines
(`gain`): an untrained network, its own floor, gains nothing, which is phase A or undecided, never C.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Literal, get_args

import numpy as np

from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.gain import gain
from phasescope.measures.scores import CONFIDENCE, Score

Phase = Literal["A", "B", "C", "undecided"]
LETTERS = ("A", "B", "C")
# What stands for the phase of a snapshot at which none was read; as `undecided` it neither begins a phase nor ends it.
UNREAD = "unread"
KNOWN = (*get_args(Phase), UNREAD)
# Shares of a whole, which were rounded one by one, sum to 1 within this.
ROUNDING = 1e-6


@dataclass(frozen=True)
class BehaviourThresholds:
    """Thresholds at which most outcomes belong to one phase."""

    majority: float = 0.5
    """The share to exceed: more than all other phases' outcomes together."""
    confidence: float = CONFIDENCE
    """Confidence of the two-sided Wilson interval."""

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 < share < 1:
                raise ValueError(f"`{name}` (={share}) must be between 0 and 1: it is a share")


@dataclass(frozen=True)
class P1Thresholds:
    """Thresholds of P1's reading: labels explain more than before training, label means have low dimension, are ordered."""

    label_variance: float = 0.1
    """For the gain of the variance that labels explain. Below it, nine tenths of the noise variance of the untrained
    network are still noise."""
    participation_ratio: float = 12.0
    """Label means have low dimension up to it, or up to their upper reference `label_embedding` if that is higher. A curved
    2D sheet takes a few more directions than two (a Clifford torus 4), the sines and cosines that encode a label, passed on
    unchanged, 11.7 to 12.9; pixels of Gaussians take 163 at sigma = 1 px, those of x_t hundreds. An untrained network has
    6 to 25: dimension separates a manifold from noise, but not what training added from what was there before."""
    p1_r2: float = 0.8
    """For the gain of P1's R^2. Errors' variance is then a fifth of the untrained network's."""
    hysteresis: float = 0.1
    """Latents are no longer ordered if the gain is below `p1_r2` by more than this: errors' variance grew by half."""


BEHAVIOUR = BehaviourThresholds()
P1 = P1Thresholds()


@with_counts()
def wilson_low(share: float, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the lower end of Wilson's interval for a share of n cases (Wilson 1927).

    Raises:
        ValueError: there is no case, or `share` is none.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"`share` (={share}) must be from 0 to 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n)


@with_counts()
def behaviour_phase(
    shares: Mapping[str, float],
    n: int,
    phase_of: Mapping[str, str],
    thresholds: BehaviourThresholds = BEHAVIOUR,
) -> Phase:
    """Return the phase to which most images' outcomes belong: the Wilson interval of their share among n images lies above
    `thresholds.majority`.

    Args:
        shares: of images, by outcome.
        n: number of images that were read.
        phase_of: the phase of each outcome, as the world defines it: A, B, C, or empty if it speaks for none.

    Raises:
        ValueError: `shares` are not of these outcomes, or not from 0 to 1 with the sum 1; a phase is none of A, B and C.
    """
    if wrong := [name for name, letter in phase_of.items() if letter not in (*LETTERS, "")]:
        raise ValueError(f"`phase_of` ({wrong[0]}={phase_of[wrong[0]]!r}) must be A, B, C or empty")
    if shares.keys() != phase_of.keys():
        raise ValueError(f"`shares` (of {', '.join(shares)}) must be of {', '.join(phase_of)}")
    parts = all(0 <= share <= 1 for share in shares.values())
    if not parts or not math.isclose(sum(shares.values()), 1, abs_tol=ROUNDING):
        raise ValueError(f"`shares` (={dict(shares)}) must be from 0 to 1, and their sum 1")

    for phase in LETTERS:
        share = min(1.0, sum(shares[outcome] for outcome, letter in phase_of.items() if letter == phase))
        if wilson_low(share, n, thresholds.confidence) > thresholds.majority:
            return phase
    return "undecided"


def p1_phase(
    label_variance: Score,
    participation_ratio: Score,
    p1_r2: Score,
    thresholds: P1Thresholds = P1,
) -> Phase:
    """Return the phase of latents at one snapshot by P1's reading, decided by intervals on one side of the thresholds.

    C: the gain of P1's R^2 is at its threshold or above, whatever the label variance.
    A: the gain of P1's R^2 is below its threshold, and so is that of label variance: training added nothing to either.
    B: the gain of P1's R^2 is below its threshold, that of label variance is not, and label means have low dimension.

    If the floor of P1's R^2 is close to 1 (a network that passes its label straight through), the phase is undecided; if
    that of label variance is, A and B cannot be distinguished and are undecided.

    Args:
        participation_ratio: of the label means.
        p1_r2: from `measures.p1_r2`.

    Raises:
        ValueError: one of them is no Score; `label_variance` or `p1_r2` lacks its baseline `untrained` or `permuted`.
    """
    check_is("participation_ratio", participation_ratio, Score, "participation_ratio")
    share, probe = gain(label_variance), gain(p1_r2)
    if probe.low >= thresholds.p1_r2:
        return "C"
    if not probe.high < thresholds.p1_r2:
        return "undecided"

    if share.high < thresholds.label_variance:
        return "A"
    low_dimensional = participation_ratio.high <= most_dimensions(participation_ratio, thresholds)
    if share.low >= thresholds.label_variance and low_dimensional:
        return "B"
    return "undecided"


def most_dimensions(ratio: Score, thresholds: P1Thresholds = P1) -> float:
    """Return the participation ratio up to which label means have low dimension: see `P1Thresholds`."""
    encoding = ratio.baselines.get("label_embedding", math.nan)
    # fmax skips NaN, of a score without this baseline.
    return float(np.fmax(thresholds.participation_ratio, encoding))


def ordered(probes: Iterable[Score], thresholds: P1Thresholds = P1) -> list[bool]:
    """Return whether latents are ordered at each snapshot of a run by P1's reading, by a Schmitt trigger.

    They become ordered when the interval of the gain of P1's R^2 is at the threshold or above, and stay so until it is
    below the threshold minus the hysteresis. A snapshot without a reading is not ordered, and does not change the state.

    Args:
        probes: P1's R^2, in the order of the snapshots.
    """
    course, holds = [], False
    for probe in map(gain, probes):
        if probe.low >= thresholds.p1_r2:
            holds = True
        elif probe.high < thresholds.p1_r2 - thresholds.hysteresis:
            holds = False
        course.append(holds and math.isfinite(probe.value))
    return course


def p1_phases(scores: Sequence[tuple[Score, Score, Score]], thresholds: P1Thresholds = P1) -> list[Phase]:
    """Return the phase of latents at each snapshot by P1's reading: C while they are `ordered`, else `p1_phase`.

    Args:
        scores: (label variance, participation ratio of label means, P1's R^2) of each snapshot, in their order.

    Raises:
        ValueError: an entry is no such triple, or as `p1_phase` says.
    """
    for place, snapshot in enumerate(scores):
        if len(snapshot) != 3:
            raise ValueError(
                f"`scores` (entry {place} of {len(snapshot)}) must be of three: one of each measure"
            )
    holds = ordered((probe for *_, probe in scores), thresholds)
    alone = (p1_phase(*snapshot, thresholds) for snapshot in scores)
    return ["C" if now else phase for now, phase in zip(holds, alone, strict=True)]


def onset(images_seen: Sequence[int], passed: Sequence[bool]) -> int | None:
    """Return the images seen at the first snapshot from which on each passes, that is for good. None if censored.

    The trap: it is an end of an interval. What happened lies between the snapshot before and this one.

    Raises:
        ValueError: the two differ in length, `images_seen` do not rise, or `passed` are no truth values.
    """
    _check_times(images_seen, "passed", passed)
    for value in passed:
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"`passed` (={value!r:.60}) must be truth values: whether each snapshot passes")

    first = None
    for images, has_passed in zip(images_seen, passed, strict=True):
        if not has_passed:
            first = None
        elif first is None:
            first = images
    return first


def phase_onsets(images_seen: Sequence[int], phases: Sequence[Phase]) -> dict[str, int | None]:
    """Return the images seen at the onset of B, and of C: from there on, each decided phase is at least that one.

    A snapshot that is undecided neither begins a phase nor ends it. As with `onset`, the phase began between the last
    decided snapshot before and this one.

    Raises:
        ValueError: the two differ in length, `images_seen` do not rise, or an entry of `phases` is no phase.
    """
    _check_times(images_seen, "phases", phases)
    _check_phases(phases)
    decided = [(images, phase) for images, phase in zip(images_seen, phases, strict=True) if phase in LETTERS]
    at = [images for images, _ in decided]
    return {letter: onset(at, [phase >= letter for _, phase in decided]) for letter in LETTERS[1:]}


def phase_sequence(phases: Sequence[Phase]) -> list[str]:
    """Return the decided phases in their order, without repeats in a row: ["A", "B", "C"].

    Raises:
        ValueError: an entry that is no phase.
    """
    _check_phases(phases)
    decided = [phase for phase in phases if phase in LETTERS]
    return [phase for i, phase in enumerate(decided) if i == 0 or phase != decided[i - 1]]


def _check_times(images_seen: Sequence[int], name: str, others: Sequence[Any]) -> None:
    """Raise ValueError unless `images_seen` rise from snapshot to snapshot, and are as many as `others`."""
    if len(others) != len(images_seen):
        raise ValueError(
            f"`{name}` (length {len(others)}) must be as long as `images_seen` ({len(images_seen)})"
        )
    for earlier, later in pairwise(images_seen):
        if not later > earlier:
            raise ValueError(f"`images_seen` ({later} after {earlier}) must rise from snapshot to snapshot")


def _check_phases(phases: Sequence[str]) -> None:
    """Raise ValueError if an entry is no phase, nor says that none was read."""
    if isinstance(phases, str):
        raise ValueError(f"`phases` (={phases!r:.60}) must be a list of phases")
    for phase in phases:
        if phase not in KNOWN:
            raise ValueError(f"`phases` (={phase!r:.60}) must be {', '.join(LETTERS)}, undecided or {UNREAD}")
