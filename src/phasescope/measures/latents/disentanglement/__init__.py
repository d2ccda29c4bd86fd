"""Disentanglement: does each dimension of a code know of one factor, for continuous factors and plain matrices.

A code is judged by rows that nothing was fitted to, random ones or held-out combinations of factor values. These measures
judge a code's **axes**: a rotation that leaves order and geometry unchanged changes all but informativeness and
explicitness. `code` says how high-dimensional activations come by axes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.factors import Factors
from phasescope.measures.latents.disentanglement.code import Code, Reduction, code_of
from phasescope.measures.latents.disentanglement.dci import DCI, dci, explicitness
from phasescope.measures.latents.disentanglement.gaps import mig, sap
from phasescope.measures.latents.disentanglement.information import modularity
from phasescope.measures.scores import Score

__all__ = [
    "DCI", "NAMES", "Code", "code_of", "dci", "disentanglement", "explicitness", "mig", "modularity", "sap",
]  # fmt: skip

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
    """Return all scores of the code of these latents, by `NAMES`; arguments as for `code_of` and each measure."""
    code = code_of(
        latents, labels, factors, held_out=held_out, reduction=reduction, dimensions=dimensions, seed=seed
    )
    draws = permutations, resamples, seed
    return {
        **dci(code, *draws).by_name(),
        "mig": mig(code, bins, *draws),
        "sap": sap(code, *draws),
        "modularity": modularity(code, bins, *draws),
        "explicitness": explicitness(code, *draws),
    }
