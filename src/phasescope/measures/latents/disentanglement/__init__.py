"""Disentanglement: does each dimension of a code know of one factor, for continuous factors and plain matrices.

A code is judged by random rows that nothing was fitted to. These measures judge a code's **axes**: a rotation that leaves
probe R^2 and geometry unchanged changes all but informativeness. `code` says how high-dimensional activations come by axes.
"""

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.measures.arguments import with_counts
from phasescope.measures.latents.disentanglement.code import Code, Reduction, code_of
from phasescope.measures.latents.disentanglement.dci import DCI, dci
from phasescope.measures.latents.disentanglement.mig import mig
from phasescope.measures.latents.disentanglement.sap import sap
from phasescope.measures.scores import Score

__all__ = ["DCI", "Code", "code_of", "dci", "disentanglement", "mig", "sap"]


@with_counts()
def disentanglement(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
    *,
    reduction: Reduction = "none",
) -> dict[str, Score]:
    """Return DCI's three scores, `mig` and `sap` of the code of these latents; arguments as for `code_of` and `dci`."""
    code = code_of(latents, labels, factors, reduction=reduction, seed=seed)
    of_dci = dci(code, permutations, resamples, seed).by_name()
    further = {
        "mig": mig(code, 10, permutations, resamples, seed),
        "sap": sap(code, permutations, resamples, seed),
    }
    return of_dci | further
