"""R^2 of predictions, factor by factor, and the accuracy of those of a class; under any weights of the rows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.measures.scores import ratio


def explained(
    targets: Float[np.ndarray, "n C"],
    predictions: Float[np.ndarray, "n C"],
    owner: Int[np.ndarray, " C"],
    weights: Float[np.ndarray, "resamples n"],
    classes: Sequence[int] = (),
) -> Float[np.ndarray, "resamples K"]:
    """Return R^2 of each factor under each row of weights, its columns pooled; for factors in `classes`, whose columns are
    one-hot, the accuracy: the share of rows whose largest prediction is that of their class."""
    error = weights @ (targets - predictions) ** 2
    centred = targets - targets.mean(axis=0)
    total = weights @ centred**2 - (weights @ centred) ** 2 / weights.sum(axis=1, keepdims=True)
    columns_of = owner[:, None] == np.arange(owner.max() + 1)
    r2 = 1 - ratio(error @ columns_of, total @ columns_of, otherwise=1.0)
    for k in classes:
        r2[:, k] = 1 - weights @ misclassified(targets, predictions, owner == k) / weights.sum(axis=1)
    return r2


def misclassified(
    targets: Float[np.ndarray, "n C"], predictions: Float[np.ndarray, "n C"], columns: Bool[np.ndarray, " C"]
) -> Bool[np.ndarray, " n"]:
    """Return whether the largest prediction of each row, among a factor's one-hot columns, is of another class."""
    return predictions[:, columns].argmax(axis=1) != targets[:, columns].argmax(axis=1)
