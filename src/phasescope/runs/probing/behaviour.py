"""Metrics of generated images, computed from the reader's estimates: outcomes, accuracy and errors, by split."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.factors import Factors
from phasescope.measures import joint_accuracy
from phasescope.measures.columns import Column, Need, declare
from phasescope.worlds.base import Columns, Reader

IMAGES: frozenset[Need] = frozenset({"images"})
declare(
    Column(
        name="outcomes",
        words="outcomes",
        meaning="`.SPLIT.n`: number of images; `.SPLIT.OUTCOME`: share with each outcome",
        unit="share",
        low=0.0,
        at="split",
        section="images",
        needs=IMAGES,
        core=True,
    ),
    Column(
        name="accuracy",
        words="accuracy",
        meaning="`.SPLIT.FACTOR`: share of images that are well-formed and within the tolerance of the label; "
        "`accuracy_half` within half of it; `accuracy_READING` of every image by another reading",
        unit="share",
        low=0.0,
        high=1.0,
        better="higher",
        at="split",
        section="images",
        needs=IMAGES,
        baselines=("nearest_neighbour", "per_factor_nearest_neighbour", "kernel"),
        core=True,
        readings=True,
    ),
    Column(
        name="error",
        words="median error",
        meaning="`.SPLIT.FACTOR`: median absolute error of well-formed images; `error_READING` of every image",
        unit="unit of the factor",
        low=0.0,
        better="lower",
        at="split",
        section="images",
        needs=IMAGES,
        core=True,
        readings=True,
    ),
    Column(
        name="by_class",
        words="correct by class",
        meaning="`.SPLIT.FACTOR.CLASS`: number of images and share correct, by class of a categorical factor",
        unit="share",
        low=0.0,
        at="split",
        section="images",
        needs=IMAGES,
    ),
    Column(
        name="together",
        words="joint accuracy",
        meaning="`.READING.SPLIT.FACTORS`: whether two factors are correct together: "
        "[joint accuracy](../measures/coupling.md)",
        low=-1.0,
        high=1.0,
        at="snapshot",
        section="images",
        needs=IMAGES,
        baselines=("permuted",),
    ),
)


def behaviour(
    reader: Reader, read: Columns, labels: Mapping[str, Float[np.ndarray, "m K"]], factors: Factors
) -> dict[str, Any]:
    """Return the metrics of generated images by split: `outcomes` (n, and the share of each), `accuracy` (by factor, and
    `joint` for all factors at once), `error` (each factor's median absolute error), and the reader's own summary.

    Ungated readings have their own accuracy and error, such as `accuracy_matched` and `error_matched`; a reader with ungated
    readings has `accuracy_half` too, at half its tolerance. `by_class` has, by split, categorical factor and class, `n` and
    the share `correct`. `together` has, by reading (`formed` is the gated one), split and pair of factors, how their
    correctness is associated: the excess acc_xy - acc_x acc_y and phi, as scores (see `measures.joint_accuracy`).

    Args:
        read: the estimates of all images, split by split in the order of `labels`.
    """
    result: dict[str, Any] = {"outcomes": {}}
    begin = 0

    for split, asked in labels.items():
        part = slice(begin, begin + len(asked))
        begin += len(asked)
        columns = {name: values[part] for name, values in read.items()}
        outcomes = reader.outcome(columns, asked)
        result["outcomes"][split] = {
            "n": len(asked),
            **{outcome.name: float((outcomes == outcome.name).mean()) for outcome in reader.outcomes},
        }

        readings = in_every_way(reader, columns, asked)
        if len(readings) > 1:
            correct, far = readings["formed"]
            half = correct & ~(far > reader.tolerance / 2)
            result.setdefault("accuracy_half", {})[split] = _accuracy(half, factors)

        for way, (correct, far) in readings.items():
            end = "" if way == "formed" else f"_{way}"
            result.setdefault(f"accuracy{end}", {})[split] = _accuracy(correct, factors)
            result.setdefault(f"error{end}", {})[split] = _median_errors(far, factors)
            if way == "formed" and factors.categorical.any():
                result.setdefault("by_class", {})[split] = _by_class(correct, asked, factors)
            if pairs := _together(correct, factors):
                result.setdefault("together", {}).setdefault(way, {})[split] = pairs

        for name, value in reader.summary(columns, asked).items():
            result.setdefault(name, {})[split] = value

    return result


def in_every_way(
    reader: Reader, columns: Columns, labels: Float[np.ndarray, "m K"]
) -> dict[str, tuple[Bool[np.ndarray, "m K"], Float[np.ndarray, "m K"]]]:
    """Return by reading, the gated one (`formed`) first, whether each factor is correct, and its absolute error."""
    readings = {"formed": (reader.correct(columns, labels), np.abs(reader.errors(columns, labels)))}
    for way, error in reader.ungated(columns, labels).items():
        readings[way] = reader.within(error, labels), np.abs(error)
    return readings


def _accuracy(correct: Bool[np.ndarray, "m K"], factors: Factors) -> dict[str, float]:
    shares = dict(zip(factors.names, correct.mean(axis=0).tolist(), strict=True))
    return {**shares, "joint": float(correct.all(axis=1).mean())}


def _median_errors(far: Float[np.ndarray, "m K"], factors: Factors) -> dict[str, float | None]:
    medians: dict[str, float | None] = {}
    for factor, errors in zip(factors, far.T, strict=True):
        known = errors[np.isfinite(errors)]
        is_read = len(known) > 0 and not factor.categorical
        medians[factor.name] = float(np.median(known)) if is_read else None
    return medians


def _by_class(
    correct: Bool[np.ndarray, "m K"], labels: Float[np.ndarray, "m K"], factors: Factors
) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by categorical factor and class, the number `n` of images conditioned on it, and the share `correct`."""
    return {
        factor.name: {
            factor.class_name(value): {"n": int(asked.sum()), "correct": float(correct[asked, k].mean())}
            for value in factor.values
            if (asked := labels[:, k] == value).any()
        }
        for k, factor in enumerate(factors)
        if factor.categorical
    }


def _together(correct: Bool[np.ndarray, "m K"], factors: Factors) -> dict[str, dict[str, Any]]:
    """Return the scores `excess` and `phi` by pair of factors, such as `x,y`; empty for fewer than 10 images."""
    if len(correct) < 10:
        return {}
    result = {}
    for i, j in combinations(range(len(factors)), 2):
        joint = joint_accuracy(correct[:, i], correct[:, j])
        scores = {"excess": joint.difference.to_dict(), "phi": joint.phi.to_dict()}
        result[f"{factors.names[i]},{factors.names[j]}"] = scores
    return result


def reading_columns(
    reader: Reader, read: Columns, labels: Float[np.ndarray, "n K"], split: np.ndarray, factors: Factors
) -> dict[str, np.ndarray]:
    """Return a table with one row per image: its label, split, outcome, estimates, and the error of each factor."""
    errors = reader.errors(read, labels)
    return {
        **{f"label_{name}": labels[:, k] for k, name in enumerate(factors.names)},
        "split": split,
        "outcome": reader.outcome(read, labels),
        **read,
        **{f"error_{name}": errors[:, k] for k, name in enumerate(factors.names)},
    }
