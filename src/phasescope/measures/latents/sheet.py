"""Is there a sheet, and is it ordered? Two questions about the activations of labels under several noise draws.

P1's phases (arXiv 2402.03305) are phases of the formation of a manifold: no manifold (A), a manifold that is not ordered
(B), an ordered one (C). With z_di the activation of label i under noise draw d, and m_i the mean of label i over draws:

    *sheet*     single activations lie near a low-dimensional set that the label determines:
                label variance                    V_label / (V_label + V_noise)          `label_share`
                trustworthiness of single draws   neighbours of z_1i among the z_1 are neighbours of z_2i among the z_2
                dimension                         participation ratio of the m_i         `participation_ratio`
    *order*     neighbours among the m_i are neighbours among the labels: their trustworthiness

The sheet's own trustworthiness compares two draws of the same labels and never the labels themselves. So a sheet on which
labels lie in any order has it, and a cloud in which every label has a direction of its own does not reach it: there all
labels are about equally far, and noise decides which are neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.measures.checks import check_labels, check_latents
from phasescope.measures.latents.neighbours import trustworthiness
from phasescope.measures.scores import Score

NEIGHBOURS = 10


@dataclass(frozen=True)
class SheetThresholds:
    """Midpoints between what simulated clouds give that have the property and that lack it.

    The clouds are noise, labels with a random direction each, and smooth sheets of three curvatures whose labels are
    in order or permuted in 4 x 4 patches: 64 and 128 labels, two draws, 128 and 512 features. A sheet has at least
    nine tenths of the variance; one that has half of it is none. `docs/measures/sheet.md` has the readings of all clouds.
    """

    label_variance: float = 0.7
    """between .52 (half of the variance) and .90"""
    trustworthiness: float = 0.98
    """of single draws, between .966 (half of the variance) and .992"""
    dimension: float = 25.0
    """geometric mean of 9 (the most curved sheet) and 70 (a direction for each label)"""
    order: float = 0.91
    """between .826 (permuted in patches) and .996"""


SHEET = SheetThresholds()


def sheet_readings(
    draws: Float[np.ndarray, "draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    neighbours: int = NEIGHBOURS,
    permutations: int = 20,
    resamples: int = 200,
) -> dict[str, Score]:
    """Return `sheet_trustworthiness` and `sheet_order`; `label_share` and `participation_ratio` give the other two.

    Args:
        draws: entry (d, i) belongs to label i; draws differ in their noise alone. The first two are compared.
        labels: in the world's units.
        factors: what is known of the K factors.
        neighbours: k of both trustworthinesses.

    Raises:
        ValueError: as `check_latents` says; fewer than 2 k + 2 labels; a categorical factor.
    """
    z = check_latents(draws, 2 * neighbours + 2, f"{neighbours} neighbours of each are compared", axes=3)
    known = check_labels(labels, z.shape[1], factors)
    known.check_ordered("labels of one class are all equally near")
    single = trustworthiness(z[0], z[1], neighbours, None, permutations, resamples)
    order = trustworthiness(z.mean(axis=0), labels, neighbours, factors, permutations, resamples)
    return {"sheet_trustworthiness": single, "sheet_order": order}


def sheet_phase(
    label_variance: Score,
    dimension: Score,
    trustworthiness_of_draws: Score,
    order: Score,
    thresholds: SheetThresholds = SHEET,
) -> Literal["A", "B", "C", "undecided"]:
    """Return A (no sheet), B (a sheet, not ordered) or C (an ordered sheet); `undecided` where intervals hold a threshold.

    Order without a sheet is A: what is near in the mean over draws need not be near in a single activation.
    """
    margins = (
        (label_variance.low - thresholds.label_variance, label_variance.high - thresholds.label_variance),
        (thresholds.dimension - dimension.high, thresholds.dimension - dimension.low),
        (
            trustworthiness_of_draws.low - thresholds.trustworthiness,
            trustworthiness_of_draws.high - thresholds.trustworthiness,
        ),
    )
    if any(best < 0 for _, best in margins):
        return "A"
    if any(worst < 0 for worst, _ in margins):
        return "undecided"
    if order.low >= thresholds.order:
        return "C"
    return "B" if order.high < thresholds.order else "undecided"
