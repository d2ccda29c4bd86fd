"""Disentanglement: does each dimension of a code know of one factor, for continuous factors and plain matrices.

A code is judged by rows that nothing was fitted to, random ones or held-out combinations of factor values. These measures
are of a code's **axes**: a rotation that leaves order and geometry as they are changes all but informativeness and
explicitness. How high-dimensional activations come by axes is `reduction`'s subject.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from phasescope.factors import Factors
from phasescope.measures.latents.disentanglement.code import Code, code_of
from phasescope.measures.latents.disentanglement.dci import DCI, dci
from phasescope.measures.latents.disentanglement.explicitness import explicitness
from phasescope.measures.latents.disentanglement.mig import mig
from phasescope.measures.latents.disentanglement.modularity import modularity
from phasescope.measures.latents.disentanglement.reduction import Reduction
from phasescope.measures.latents.disentanglement.sap import sap
from phasescope.measures.scores import Score

__all__ = [
    "DCI",
    "NAMES",
    "Code",
    "code_of",
    "dci",
    "disentanglement",
    "explicitness",
    "mig",
    "modularity",
    "sap",
]


NAMES = (
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "mig",
    "sap",
    "modularity",
    "explicitness",
)
"""of all scores of a code"""


def disentanglement(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    bins: int = 10,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
    *,
    held_out: Bool[np.ndarray, " n"] | Literal["box"] | None = None,
    reduction: Reduction = "none",
    dimensions: int = 10,
) -> dict[str, Score]:
    """All scores of the code that latents are, by `NAMES`; the arguments are those of `code_of` and of each measure.

    Raises:
        ValueError: as `code_of` and the measures say.
    """
    code = code_of(
        latents, labels, factors, held_out=held_out, reduction=reduction, dimensions=dimensions, seed=seed
    )
    of_probe = dci(code, permutations, resamples, seed)
    scores = (
        of_probe.disentanglement,
        of_probe.completeness,
        of_probe.informativeness,
        mig(code, bins, permutations, resamples, seed),
        sap(code, permutations, resamples, seed),
        modularity(code, bins, permutations, resamples, seed),
        explicitness(code, permutations, resamples, seed),
    )
    return dict(zip(NAMES, scores, strict=True))
