"""Phases A, B and C of learning (P1), told twice and never mixed, and when each begins.

A phase of *behaviour* is decided from what was painted, a phase of the *representation* from latents. Where
the evidence allows no phase, or more than one, the answer is `undecided`. Thresholds are declared here,
before any data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Literal

from phasescope.measures.scores import CONFIDENCE, Score

Phase = Literal["A", "B", "C", "undecided"]
LETTERS = ("A", "B", "C")

CEILINGS = ("label_embedding",)
"""Nulls that score high by construction: order need not exceed them."""


def floors(nulls: Mapping[str, float]) -> dict[str, float]:
    """The nulls that a score is to exceed: those that are no ceilings."""
    return {null: level for null, level in nulls.items() if null not in CEILINGS}


@dataclass(frozen=True)
class BehaviourThresholds:
    """When outcomes are mostly of one kind."""

    majority: float = 0.5
    """The share to exceed: more than all other phases' outcomes together."""
    confidence: float = CONFIDENCE
    """Of the Wilson interval, two-sided."""


@dataclass(frozen=True)
class RepresentationThresholds:
    """When labels explain little, when latents are of low dimension, when they are ordered."""

    label_share: float = 0.1
    """Below it labels explain little: nine tenths of the latents' variance is then noise."""
    dimension: float = 12.0
    """Up to it label means are of low dimension: a curved 2D sheet needs a few linear directions more than
    its two (4 for a Clifford torus), the pixels of Gaussians take 163 at sigma = 1 px."""
    order: float = 0.8
    """From it latents are ordered: the rest's standard deviation is then sqrt(0.2) = 0.45 of the label's."""


BEHAVIOUR = BehaviourThresholds()
REPRESENTATION = RepresentationThresholds()


def wilson_low(share: float, n: int, confidence: float = CONFIDENCE) -> float:
    """Lower end of Wilson's interval for a share of n cases (Wilson 1927)."""
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
    """The phase whose outcomes are mostly seen.

    Mostly: the Wilson interval of their share among n images lies above `thresholds.majority`.

    Args:
        shares: of images, by outcome.
        n: images that were read.
        phase_of: by outcome the phase, A, B or C, that it speaks for, as the world declares.

    Raises:
        ValueError: `shares` are not of those outcomes, from 0 to 1 with sum 1; n < 1.
    """
    if sorted(shares) != sorted(phase_of):
        raise ValueError(f"`shares` (of {', '.join(shares)}) must be of {', '.join(phase_of)}")
    if not all(0 <= share <= 1 for share in shares.values()) or not math.isclose(
        sum(shares.values()), 1, abs_tol=1e-6
    ):
        raise ValueError(f"`shares` (={dict(shares)}) must be from 0 to 1 and sum to 1")
    if n < 1:
        raise ValueError(f"`n` (={n}) must be at least 1: the images that were read")
    for phase in LETTERS:
        share = min(1.0, sum(shares[outcome] for outcome, of in phase_of.items() if of == phase))
        if wilson_low(share, n, thresholds.confidence) > thresholds.majority:
            return phase
    return "undecided"


def representation_phase(
    label_share: Score, dimension: Score, order: Score, thresholds: RepresentationThresholds = REPRESENTATION
) -> Phase:
    """The one phase that latents show, by intervals that clear the thresholds.

    A: labels explain little: their share lies below its threshold, or not above its null.
    B: labels explain more than that; low-dimensional; order lies below its threshold.
    C: order lies above its threshold and above each of its nulls that is no ceiling.

    Latents that are ordered within a small label share are both A and C, so undecided.

    Args:
        label_share: from `label_share`.
        dimension: participation ratio of the label means.
        order: from `order`, or from `p1_order` for P1's reading.

    Raises:
        ValueError: `label_share` or `order` lacks its null `permuted`.
    """
    for name, score in {"label_share": label_share, "order": order}.items():
        if "permuted" not in score.nulls:
            raise ValueError(
                f"`{name}` (nulls={list(score.nulls)}) must have the null `permuted`: alone it means nothing"
            )
    above_null = label_share.low > label_share.nulls["permuted"]
    holds: dict[Phase, bool] = {
        "A": label_share.high < thresholds.label_share or not above_null,
        "B": label_share.low >= thresholds.label_share
        and above_null
        and dimension.high <= thresholds.dimension
        and order.high < thresholds.order,
        "C": order.low >= thresholds.order and order.low > max(floors(order.nulls).values()),
    }
    decided = [phase for phase, held in holds.items() if held]
    return decided[0] if len(decided) == 1 else "undecided"


def onset(images_seen: Sequence[int], passed: Sequence[bool]) -> int | None:
    """Images seen when first passed for good: from there on, each snapshot passes. None where censored.

    Raises:
        ValueError: the two differ in length, or `images_seen` does not increase.
    """
    _check_times(images_seen, passed, "passed")
    first = None
    for images, has_passed in zip(images_seen, passed, strict=True):
        if not has_passed:
            first = None
        elif first is None:
            first = images
    return first


def phase_onsets(images_seen: Sequence[int], phases: Sequence[Phase]) -> dict[str, int | None]:
    """Images seen at the onset of B, and of C: from there on, each decided phase is at least that one.

    A snapshot that is undecided neither begins a phase nor ends it.

    Raises:
        ValueError: as `onset` says, or an entry of `phases` that is no phase.
    """
    _check_times(images_seen, phases, "phases")
    _check_phases(phases)
    decided = [(images, phase) for images, phase in zip(images_seen, phases, strict=True) if phase in LETTERS]
    at = [images for images, _ in decided]
    return {letter: onset(at, [phase >= letter for _, phase in decided]) for letter in LETTERS[1:]}


def phase_sequence(phases: Sequence[Phase]) -> list[str]:
    """The decided phases in their order, repeats in a row told once: ["A", "B", "C"].

    Raises:
        ValueError: an entry that is no phase.
    """
    _check_phases(phases)
    decided = [phase for phase in phases if phase in LETTERS]
    return [phase for i, phase in enumerate(decided) if i == 0 or phase != decided[i - 1]]


def calibrate(
    order: Mapping[str, Score],
    label_share: Mapping[str, Score],
    dimension: Mapping[str, Score] | None = None,
    thresholds: RepresentationThresholds = REPRESENTATION,
) -> dict[str, dict[str, Any]]:
    """Whether each threshold is clear of all nulls at the places that are read.

    Thresholds of order and label share must lie above each null, that of dimension below each. Ceilings are
    left out.

    Args:
        order, label_share, dimension: scores with their nulls, by place ("mid, t=600").

    Returns:
        By threshold's name: `threshold`, `nearest` (the null's level that is highest, for dimension lowest),
        `null` and `place` (whose it is), `clear` (whether the threshold is beyond it). A threshold without
        nulls is left out.
    """
    table = {}
    for name, scores, sign in (
        ("order", order, 1),
        ("label_share", label_share, 1),
        ("dimension", dimension or {}, -1),
    ):
        threshold = getattr(thresholds, name)
        nulls = [
            (sign * level, null, place)
            for place, score in scores.items()
            for null, level in floors(score.nulls).items()
        ]
        if nulls:
            nearest, null, place = max(nulls)
            table[name] = {
                "threshold": threshold,
                "nearest": sign * nearest,
                "null": null,
                "place": place,
                "clear": sign * threshold > nearest,
            }
    return table


def _check_times(images_seen: Sequence[int], others: Sequence[Any], name: str) -> None:
    if len(images_seen) != len(others):
        raise ValueError(
            f"`{name}` (length {len(others)}) must be as long as `images_seen` ({len(images_seen)})"
        )
    if any(later <= earlier for earlier, later in pairwise(images_seen)):
        raise ValueError(f"`images_seen` (={list(images_seen)}) must increase from snapshot to snapshot")


def _check_phases(phases: Sequence[str]) -> None:
    for phase in phases:
        if phase not in (*LETTERS, "undecided"):
            raise ValueError(f"`phases` (={phase!r}) must be A, B, C or undecided")
