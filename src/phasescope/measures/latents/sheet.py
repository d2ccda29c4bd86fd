"""Is there a sheet, and is it ordered? P1's phases of the activations.

P1's phases (arXiv 2402.03305) are phases of the formation of a manifold: no manifold (A), one that is not ordered (B), an
ordered one (C). With z_di the activation of label i under noise draw d, and m_i the mean of label i over draws:

    *sheet*     single activations lie near a low-dimensional set that the label determines:
                label variance                    V_label / (V_label + V_noise)          `label_variance`
                trustworthiness of single draws   neighbours of z_1i among the z_1 are neighbours of z_2i among the z_2
                dimension                         participation ratio of the m_i         `participation_ratio`
    *order*     neighbours among the m_i are neighbours among the labels: their trustworthiness

The sheet's own trustworthiness compares two draws of the same labels and never the labels themselves, so a sheet has it
whatever the order of its labels.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.checks import check_labels, check_latents
from phasescope.measures.columns import Column, register
from phasescope.measures.latents.trustworthiness import trustworthiness
from phasescope.measures.scores import Score

NEIGHBOURS = 10
OF_SHEET = ("label_variance", "label_participation_ratio", "sheet_trustworthiness", "label_trustworthiness")
"""the scores from which the phase of the sheet is read, in the order of `sheet_phase`"""


@dataclass(frozen=True)
class SheetThresholds:
    """Midpoints between the readings of simulated clouds with and without the property.

    The clouds are noise, labels with a random direction each, and smooth sheets of three curvatures whose labels are
    ordered or permuted in 4 x 4 patches: 64 and 128 labels, two draws, 128 and 512 features. A sheet explains at least
    nine tenths of the variance; half is too little. `docs/measures/sheet.md` has the readings of all clouds.
    """

    label_variance: float = 0.7
    """between .52 (half of the variance) and .90"""
    trustworthiness: float = 0.98
    """of single draws, between .966 (half of the variance) and .992"""
    participation_ratio: float = 25.0
    """geometric mean of 9 (the most curved sheet) and 70 (a direction for each label)"""
    label_trustworthiness: float = 0.91
    """between .826 (permuted in patches) and .996"""


SHEET = SheetThresholds()


@with_counts()
def sheet_readings(
    draws: Float[np.ndarray, "draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    neighbours: int = NEIGHBOURS,
    permutations: int = 20,
    resamples: int = 200,
) -> dict[str, Score]:
    """Return `sheet_trustworthiness` and `label_trustworthiness`; `label_variance` and `participation_ratio` give the rest.

    Args:
        draws: entry (d, i) belongs to label i; draws differ in their noise alone. The first two are compared.
        neighbours: k of both trustworthinesses.

    Raises:
        ValueError: also for a categorical factor.
    """
    z = check_latents(draws, 2 * neighbours + 2, f"{neighbours} neighbours of each are compared", axes=3)
    known = check_labels(labels, z.shape[1], factors)
    known.check_ordered("labels of one class are all equally near")
    second = z[1][:, np.ptp(z[1], axis=0) > 0]  # a feature may vary in the other draw alone
    single = trustworthiness(
        latents=z[0],
        labels=second,
        k=neighbours,
        factors=None,
        permutations=permutations,
        resamples=resamples,
    )
    ordered = trustworthiness(
        latents=z.mean(axis=0),
        labels=labels,
        k=neighbours,
        factors=factors,
        permutations=permutations,
        resamples=resamples,
    )
    return {"sheet_trustworthiness": single, "label_trustworthiness": ordered}


def sheet_phase(
    label_variance: Score, participation_ratio: Score, trustworthiness: Score, label_trustworthiness: Score
) -> Literal["A", "B", "C", "undecided"]:
    """Return A (no sheet), B (a sheet, not ordered) or C (an ordered sheet); `undecided` where intervals hold a threshold.

    Order without a sheet is A: what is near in the mean over draws need not be near in a single activation.

    Raises:
        ValueError: one of them is no Score.
    """
    for name, score in (
        ("label_variance", label_variance),
        ("participation_ratio", participation_ratio),
        ("trustworthiness", trustworthiness),
        ("label_trustworthiness", label_trustworthiness),
    ):
        check_is(name, score, Score, "battery")

    parts = (label_variance, SHEET.label_variance), (trustworthiness, SHEET.trustworthiness)
    dimension = participation_ratio
    if dimension.low > SHEET.participation_ratio or any(score.high < least for score, least in parts):
        return "A"
    if dimension.high > SHEET.participation_ratio or any(score.low < least for score, least in parts):
        return "undecided"

    if label_trustworthiness.low >= SHEET.label_trustworthiness:
        return "C"
    return "B" if label_trustworthiness.high < SHEET.label_trustworthiness else "undecided"


register(
    Column(
        name="sheet_trustworthiness",
        words="sheet: trustworthiness across noise draws",
        meaning="whether single activations lie on a sheet: [sheet](../measures/sheet.md)",
        unit="share",
        high=1.0,
        better="higher",
        section="sheet",
        needs=frozenset({"latents", "draws", "ordered"}),
        baselines=("permuted",),
        usual=True,
        phase="sheet",
        terms=("sheet", "baseline"),
    ),
    take=lambda given: given.sheet["sheet_trustworthiness"],
)
register(
    Column(
        name="label_trustworthiness",
        words="sheet: order, trustworthiness to the labels",
        meaning="whether the sheet is ordered: [sheet](../measures/sheet.md)",
        unit="share",
        high=1.0,
        better="higher",
        section="sheet",
        needs=frozenset({"latents", "draws", "ordered"}),
        baselines=("permuted",),
        usual=True,
        phase="sheet",
        terms=("sheet", "baseline"),
    ),
    take=lambda given: given.sheet["label_trustworthiness"],
)
