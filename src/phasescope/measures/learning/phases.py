"""Phases A, B and C of learning (P1) by two readings that are never mixed, and when each begins.

A phase of *behaviour* is decided from generated images, a phase of the *representation* from latents. If the evidence
allows no phase, or more than one, the answer is `undecided`. Thresholds were set before any data. Those of the
representation apply to gains over the baselines (`gain`): an untrained network, its own floor, gains nothing, which is phase
A or undecided, never C.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from phasescope.measures.learning.gain import gain
from phasescope.measures.scores import CONFIDENCE, Score

Phase = Literal["A", "B", "C", "undecided"]
LETTERS = ("A", "B", "C")


@dataclass(frozen=True)
class BehaviourThresholds:
    """Thresholds at which most outcomes belong to one phase."""

    majority: float = 0.5
    """The share to exceed: more than all other phases' outcomes together."""
    confidence: float = CONFIDENCE
    """Confidence of the two-sided Wilson interval."""


@dataclass(frozen=True)
class RepresentationThresholds:
    """Thresholds at which labels explain more than before training, label means have low dimension, and are ordered."""

    label_share: float = 0.1
    """For the label share's gain. Below it, nine tenths of the noise variance of the untrained network are still noise."""
    dimension: float = 12.0
    """Label means have low dimension up to it, or up to their upper reference `label_embedding` if that is higher. A curved
    2D sheet takes a few more directions than two (a Clifford torus 4), the sines and cosines that encode a label, passed on
    unchanged, 11.7 to 12.9; pixels of Gaussians take 163 at sigma = 1 px, those of x_t hundreds. An untrained network has
    6 to 25: dimension separates a manifold from noise, but not what training added from what was there before."""
    order: float = 0.8
    """For the gain of probe R^2. Errors' variance is then a fifth of the untrained network's; `learnt_order` is log 5."""
    hysteresis: float = 0.1
    """Latents are no longer ordered if the gain is below `order` by more than this: errors' variance has grown by half."""


BEHAVIOUR = BehaviourThresholds()
REPRESENTATION = RepresentationThresholds()


def wilson_low(share: float, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the lower end of Wilson's interval for a share of n cases (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n)


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
        phase_of: the phase of each outcome, A, B or C, as the world defines it.
    """
    for phase in LETTERS:
        share = min(1.0, sum(shares[outcome] for outcome, letter in phase_of.items() if letter == phase))
        if wilson_low(share, n, thresholds.confidence) > thresholds.majority:
            return phase
    return "undecided"


def representation_phase(
    label_share: Score, dimension: Score, order: Score, thresholds: RepresentationThresholds = REPRESENTATION
) -> Phase:
    """Return the phase of latents at one snapshot, decided by intervals that lie on one side of the thresholds.

    C: the gain of probe R^2 (order) is at its threshold or above, whatever the label share.
    A: the gain of probe R^2 is below its threshold, and so is that of the label share: training added nothing to either.
    B: the gain of probe R^2 is below its threshold, that of the label share is not, and label means have low dimension.

    If the floor of probe R^2 is close to 1 (a network that passes its label straight through), the phase is undecided; if
    that of the label share is, A and B cannot be distinguished and are undecided.

    Args:
        label_share, dimension, order: from `label_share`; participation ratio of the label means; from `order`, or from
            `p1_order` for P1's reading.

    Raises:
        ValueError: `label_share` or `order` lacks its baseline `untrained` or `permuted`.
    """
    share, order = gain(label_share), gain(order)
    if order.low >= thresholds.order:
        return "C"
    if not order.high < thresholds.order:
        return "undecided"
    if share.high < thresholds.label_share:
        return "A"
    if share.low >= thresholds.label_share and dimension.high <= most_dimensions(dimension, thresholds):
        return "B"
    return "undecided"


def most_dimensions(dimension: Score, thresholds: RepresentationThresholds = REPRESENTATION) -> float:
    """Return the participation ratio up to which label means have low dimension: see `RepresentationThresholds`."""
    encoding = dimension.baselines.get("label_embedding", math.nan)
    return max(thresholds.dimension, encoding) if math.isfinite(encoding) else thresholds.dimension


def ordered(orders: Iterable[Score], thresholds: RepresentationThresholds = REPRESENTATION) -> list[bool]:
    """Return whether latents are ordered at each snapshot of a run, by a Schmitt trigger.

    They become ordered when the interval of the gain of probe R^2 is at the threshold or above, and stay so until it is
    below the threshold minus the hysteresis. A snapshot without a reading is not ordered, and does not change the state.

    Args:
        orders: in the order of the snapshots.
    """
    course, holds = [], False
    for order in map(gain, orders):
        if order.low >= thresholds.order:
            holds = True
        elif order.high < thresholds.order - thresholds.hysteresis:
            holds = False
        course.append(holds and math.isfinite(order.value))
    return course


def settled(
    scores: Sequence[tuple[Score, Score, Score]], thresholds: RepresentationThresholds = REPRESENTATION
) -> list[Phase]:
    """Return the representation's phase at each snapshot: C while latents are `ordered`, else `representation_phase`.

    Args:
        scores: (label share, dimension, order) of each snapshot, in their order.
    """
    holds = ordered((order for *_, order in scores), thresholds)
    alone = (representation_phase(*snapshot, thresholds) for snapshot in scores)
    return ["C" if now else phase for now, phase in zip(holds, alone, strict=True)]


def onset(images_seen: Sequence[int], passed: Sequence[bool]) -> int | None:
    """Return the images seen when first passed for good: from there on, each snapshot passes. None if censored."""
    first = None
    for images, has_passed in zip(images_seen, passed, strict=True):
        if not has_passed:
            first = None
        elif first is None:
            first = images
    return first


def phase_onsets(images_seen: Sequence[int], phases: Sequence[Phase]) -> dict[str, int | None]:
    """Return the images seen at the onset of B, and of C: from there on, each decided phase is at least that one.

    A snapshot that is undecided neither begins a phase nor ends it.
    """
    decided = [(images, phase) for images, phase in zip(images_seen, phases, strict=True) if phase in LETTERS]
    at = [images for images, _ in decided]
    return {letter: onset(at, [phase >= letter for _, phase in decided]) for letter in LETTERS[1:]}


def phase_sequence(phases: Sequence[Phase]) -> list[str]:
    """Return the decided phases in their order, without repeats in a row: ["A", "B", "C"]."""
    decided = [phase for phase in phases if phase in LETTERS]
    return [phase for i, phase in enumerate(decided) if i == 0 or phase != decided[i - 1]]
