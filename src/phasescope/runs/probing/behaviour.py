"""What became of painted images, from what the world's reader read in them: outcomes, accuracy, errors, split by split."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.factors import Factors
from phasescope.measures import joint_accuracy
from phasescope.worlds.base import Columns, Reader


def behaviour(
    reader: Reader, read: Columns, labels: Mapping[str, Float[np.ndarray, "m K"]], factors: Factors
) -> dict[str, Any]:
    """`outcomes` (n, and the share of each), `accuracy` (of each factor, and `joint`: of all at once), `error` (the median
    of each factor's absolute error where there is an estimate), and the reader's own summary, each by split.

    Accuracy and error also by each of the reader's ungated ways, as `accuracy_matched`, `error_matched`; of a reader that
    has some, `accuracy_half` too, within half of its tolerance. `by_class` has, by split, categorical factor and
    class, `n` and the share `right`. `together` has, by way (`formed` is the reader's own), split and pair of factors,
    whether one is right where the other is: the excess acc_xy - acc_x acc_y and phi, as scores (see
    `measures.joint_accuracy`).

    Args:
        read: of all images, split by split in the order of `labels`.
    """
    result: dict[str, Any] = {"outcomes": {}}
    begin = 0
    for split, told in labels.items():
        part = slice(begin, begin + len(told))
        begin += len(told)
        columns = {name: values[part] for name, values in read.items()}
        became = reader.outcome(columns, told)
        result["outcomes"][split] = {
            "n": len(told),
            **{outcome.name: float((became == outcome.name).mean()) for outcome in reader.outcomes},
        }
        read_so = in_every_way(reader, columns, told)
        if len(read_so) > 1:
            right, far = read_so["formed"]
            half = right & ~(far > reader.tolerance / 2)
            result.setdefault("accuracy_half", {})[split] = _accuracy(half, factors)
        for way, (right, far) in read_so.items():
            end = "" if way == "formed" else f"_{way}"
            result.setdefault(f"accuracy{end}", {})[split] = _accuracy(right, factors)
            result.setdefault(f"error{end}", {})[split] = _median_errors(far, factors)
            if way == "formed" and factors.categorical.any():
                result.setdefault("by_class", {})[split] = _by_class(right, told, factors)
            if pairs := _together(right, factors):
                result.setdefault("together", {}).setdefault(way, {})[split] = pairs
        for name, value in reader.summary(columns, told).items():
            result.setdefault(name, {})[split] = value
    return result


def in_every_way(
    reader: Reader, columns: Columns, labels: Float[np.ndarray, "m K"]
) -> dict[str, tuple[Bool[np.ndarray, "m K"], Float[np.ndarray, "m K"]]]:
    """By way of reading, the reader's own `formed` first, whether each factor of each image is right, and how far off."""
    found = {"formed": (reader.right(columns, labels), np.abs(reader.errors(columns, labels)))}
    for way, error in reader.ungated(columns, labels).items():
        found[way] = reader.within(error, labels), np.abs(error)
    return found


def _accuracy(right: Bool[np.ndarray, "m K"], factors: Factors) -> dict[str, float]:
    shares = dict(zip(factors.names, right.mean(axis=0).tolist(), strict=True))
    return {**shares, "joint": float(right.all(axis=1).mean())}


def _median_errors(far: Float[np.ndarray, "m K"], factors: Factors) -> dict[str, float | None]:
    return {
        factor.name: float(np.median(known))
        if len(known := one[np.isfinite(one)]) and not factor.categorical
        else None
        for factor, one in zip(factors, far.T, strict=True)
    }


def _by_class(
    right: Bool[np.ndarray, "m K"], labels: Float[np.ndarray, "m K"], factors: Factors
) -> dict[str, dict[str, dict[str, float]]]:
    """By categorical factor and class, among the images asked for of that class, `n` and the share whose factor is right."""
    return {
        factor.name: {
            factor.class_name(value): {"n": int(asked.sum()), "right": float(right[asked, k].mean())}
            for value in factor.values
            if (asked := labels[:, k] == value).any()
        }
        for k, factor in enumerate(factors)
        if factor.categorical
    }


def _together(right: Bool[np.ndarray, "m K"], factors: Factors) -> dict[str, dict[str, Any]]:
    """By pair of factors, as in `x,y`: `excess` and `phi`, as scores; none of fewer than 10 images."""
    if len(right) < 10:
        return {}
    result = {}
    for i, j in combinations(range(len(factors)), 2):
        found = joint_accuracy(right[:, i], right[:, j])
        result[f"{factors.names[i]},{factors.names[j]}"] = {
            "excess": found.difference.to_dict(),
            "phi": found.phi.to_dict(),
        }
    return result


def reading_columns(
    reader: Reader, read: Columns, labels: Float[np.ndarray, "n K"], split: np.ndarray, factors: Factors
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
