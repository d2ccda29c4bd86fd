"""What became of painted images, from what the world's reader read in them: outcomes, accuracy, errors, split by split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.worlds.base import Columns, Reader


def behaviour(
    reader: Reader, read: Columns, labels: Mapping[str, Float[np.ndarray, "m K"]], factors: Factors
) -> dict[str, Any]:
    """`outcomes` (n, and the share of each), `accuracy` (of each factor, and `joint`: of all at once), `error` (the median
    of each factor's absolute error where there is an estimate), and the reader's own summary, each by split.

    Args:
        read: of all images, split by split in the order of `labels`.
    """
    result: dict[str, Any] = {"outcomes": {}, "accuracy": {}, "error": {}}
    begin = 0
    for split, told in labels.items():
        part = slice(begin, begin + len(told))
        begin += len(told)
        columns = {name: values[part] for name, values in read.items()}
        became, right = reader.outcome(columns, told), reader.right(columns, told)
        error = np.abs(reader.errors(columns, told))
        result["outcomes"][split] = {
            "n": len(told),
            **{outcome.name: float((became == outcome.name).mean()) for outcome in reader.outcomes},
        }
        result["accuracy"][split] = {
            **dict(zip(factors.names, right.mean(axis=0).tolist(), strict=True)),
            "joint": float(right.all(axis=1).mean()),
        }
        result["error"][split] = {
            name: float(np.median(known)) if len(known := one[np.isfinite(one)]) else None
            for name, one in zip(factors.names, error.T, strict=True)
        }
        for name, value in reader.summary(columns, told).items():
            result.setdefault(name, {})[split] = value
    return result


def reading_columns(
    reader: Reader,
    read: Columns,
    labels: Float[np.ndarray, "n K"],
    split: np.ndarray,
    factors: Factors,
) -> dict[str, np.ndarray]:
    """A row an image: its label, its split, its outcome, what was read, the error of each factor."""
    errors = reader.errors(read, labels)
    return {
        **{f"label_{name}": labels[:, k] for k, name in enumerate(factors.names)},
        "split": split,
        "outcome": reader.outcome(read, labels),
        **read,
        **{f"error_{name}": errors[:, k] for k, name in enumerate(factors.names)},
    }
