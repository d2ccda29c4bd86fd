"""Shares of what images hold, corrected for the errors of the reader that said so.

A reader answers a = 1 ... A for an image that truly holds t = 1 ... T with probability M[t, a], which is known from images
whose truth is known. Of n images whose truths have the shares pi, answers have the shares pi M, so that

    maximise  sum_a count_a log (pi M)_a    over pi >= 0, sum pi = 1.

With two truths and two answers this is the estimate of Rogan & Gladen (1978), (share + specificity - 1) / (sensitivity +
specificity - 1), cut to [0, 1]; with more it is M's inverse where that is a share (Tenenbein 1970), and the likeliest shares
elsewhere. The maximum is reached by expectation and maximisation (Dempster, Laird & Rubin 1977),

    pi_t <- pi_t sum_a count_a / n M[t, a] / (pi M)_a.

Nothing is corrected where a reader does not tell truths apart: M is singular.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import real_array, with_counts
from phasescope.measures.scores import CONFIDENCE, Score, bootstrap_weights, percentile_interval

STEPS, REST, CHECKED_EVERY = 2000, 1e-7, 10
"""of the maximisation: at most so many, until no share of a draw moves by more, which is asked every few steps"""


@with_counts()
def corrected_shares(
    counts: ArrayLike,
    confusion: ArrayLike,
    truths: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Score]:
    """Return the share of each truth among images that a reader has read, corrected for its errors.

    Intervals have 95 % and hold the error of the calibration too: units of the calibration are resampled (whole, since
    images with one background are alike), and the images that are counted. They are percentiles, because a share ends at 0
    and 1; what was never seen is not taken for impossible. A score's baseline `uncorrected` is the share of the answer
    itself; its detail `misfit` is the share of answers that no mixture of the truths explains (total variation), which grows
    if images hold what is no truth of the calibration.

        >>> counts = [30, 70]  # answers "none", "object"
        >>> confusion = np.tile([[9, 1], [2, 8]], (50, 1, 1))  # each of 50 backgrounds: 10 images without, 10 with an object
        >>> corrected_shares(counts, confusion, ["none", "object"])["object"].value.round(3)
        0.857

    Trap: the correction is as good as the calibration's images are like those that are counted. It is that of a mean, and
    says nothing of a single image.

    Args:
        counts: how many images had each answer, (A,). The first T answers are the truths, in their order; others, as
            "malformed", may follow.
        confusion: in each of U units of the calibration and for each truth, how many images had each answer, (U, T, A). A
            unit is what was drawn independently: a background, a person, a run.
        truths: their T names.

    Raises:
        ValueError: arrays do not have these shapes, or are no counts; fewer than ten units; a truth has no image; the
            reader does not tell the truths apart, as far as the calibration can know.
    """
    answers, table = _checked(counts, confusion, truths)
    rng = numpy_generator(seed, "corrected shares")
    n, units = int(answers.sum()), len(table)

    known = _rates(table.sum(axis=0)[None])
    drawn = np.einsum("su,uta->sta", bootstrap_weights(units, resamples, rng), table)
    # What was never seen may still happen: one unit more, whose answers are not known (Perks 1947).
    unseen = rng.gamma(1 / len(answers), size=drawn.shape) * table.sum(axis=2).mean(axis=0)[:, None]
    rates = _rates(drawn + unseen)
    _check_apart(known[0], rates, truths)

    observed = answers / n
    shares = likeliest_shares(observed[None], known)[0]
    # Likewise of the images: half an image more of each answer (Jeffreys 1946).
    others = rng.gamma(answers + 0.5, size=(resamples, len(answers)))
    replicates = likeliest_shares(others / others.sum(axis=1, keepdims=True), rates)

    misfit = float(np.abs(observed - shares @ known[0]).sum() / 2)
    scores = {}
    for number, name in enumerate(truths):
        low, high = percentile_interval(replicates[:, number])
        scores[name] = Score(
            value=float(shares[number]),
            low=low,
            high=high,
            n=n,
            estimator=f"constrained maximum likelihood, {units} units of calibration, {resamples:,} draws of both",
            baselines={"uncorrected": float(observed[number])},
            detail={"misfit": misfit},
        )
    return scores


def likeliest_shares(
    observed: Float[np.ndarray, "S A"], rates: Float[np.ndarray, "S T A"]
) -> Float[np.ndarray, "S T"]:
    """Return the likeliest shares of truths, given those of answers and each truth's rates of answers; answers that no truth
    gives are left out."""
    # Draws come last in memory: a step is a few sums of long rows, instead of many of four numbers.
    by_truth, answers = np.ascontiguousarray(rates.transpose(1, 2, 0)), np.ascontiguousarray(observed.T)
    shares = np.full((rates.shape[1], len(rates)), 1 / rates.shape[1])
    likeliest, moving = shares.copy(), np.arange(len(rates))

    for step in range(1, STEPS + 1):
        expected = (shares[:, None] * by_truth).sum(axis=0)
        weight = np.divide(answers, expected, out=np.zeros_like(answers), where=expected > 0)
        moved = shares * (by_truth * weight).sum(axis=1)
        moved /= np.maximum(moved.sum(axis=0), np.finfo(float).tiny)

        # Most draws rest long before those with a share near 0, and are then left out.
        if step % CHECKED_EVERY == 0:
            likeliest[:, moving] = moved
            moves = np.abs(moved - shares).max(axis=0) >= REST
            if not moves.any():
                break
            moving, moved = moving[moves], moved[:, moves]
            by_truth, answers = by_truth[:, :, moves], answers[:, moves]
        shares = moved
    return np.ascontiguousarray(likeliest.T)


def _rates(table: Float[np.ndarray, "S T A"]) -> Float[np.ndarray, "S T A"]:
    """Return the rate of each answer by truth; even if a resample lacks the truth."""
    total = table.sum(axis=2, keepdims=True)
    return np.where(total > 0, table / np.maximum(total, 1), 1 / table.shape[2])


def _check_apart(
    known: Float[np.ndarray, "T A"], rates: Float[np.ndarray, "S T A"], truths: Sequence[str]
) -> None:
    """Raise ValueError if the rates may be singular.

    By Weyl's inequality the least singular value is off by no more than the norm of the error, here that which 95 % of the
    resamples do not exceed.
    """
    least = np.linalg.svd(known, compute_uv=False)[-1]
    error = np.quantile(np.linalg.norm(rates - known, ord=2, axis=(1, 2)), CONFIDENCE)
    if least > error:
        return

    gaps = np.abs(known[:, None] - known[None]).sum(axis=2) / 2 + np.eye(len(known))
    first, second = np.unravel_index(gaps.argmin(), gaps.shape)
    raise ValueError(
        f"`confusion` (least singular value {least:.2g}) must be above its error, {error:.2g}: the reader does not tell "
        f"truths apart; nearest are {truths[first]} and {truths[second]}: join them, or calibrate with more units"
    )


def _checked(
    counts: ArrayLike, confusion: ArrayLike, truths: Sequence[str]
) -> tuple[Float[np.ndarray, " A"], Float[np.ndarray, "U T A"]]:
    answers, table = real_array("counts", counts), real_array("confusion", confusion)

    if isinstance(truths, str) or len(set(truths)) != len(truths) or len(truths) < 2:
        raise ValueError(f"`truths` (={truths!r:.60}) must be two different names or more")

    if answers.ndim != 1 or len(answers) < len(truths):
        raise ValueError(
            f"`counts` (shape {answers.shape}) must be (A,): one for each answer, at least the {len(truths)} truths"
        )
    if table.shape[1:] != (len(truths), len(answers)):
        raise ValueError(
            f"`confusion` (shape {table.shape}) must be (U, {len(truths)}, {len(answers)}): units, truths, answers"
        )

    for name, values in (("counts", answers), ("confusion", table)):
        if not (np.isfinite(values) & (values >= 0) & (values == np.round(values))).all():
            raise ValueError(f"`{name}` must be counts: whole numbers from 0 on")

    if answers.sum() == 0:
        raise ValueError("`counts` (sum 0) must be of one image at least")
    if len(table) < 10:
        raise ValueError(f"`confusion` ({len(table)} units) must have at least 10: units are resampled")
    if not (of_truth := table.sum(axis=(0, 2))).all():
        raise ValueError(
            f"`confusion` must have images of each truth, and has none of {truths[of_truth.argmin()]}"
        )
    return answers, table
