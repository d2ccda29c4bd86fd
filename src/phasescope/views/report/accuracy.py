"""The report's table of accuracy: each factor's, in every way of reading, and whether factors are right together."""

from __future__ import annotations

from typing import Any

from phasescope.views.accuracy import FORMED, LEAST_WRONG, accuracies
from phasescope.views.names import copier_words, split_words, way_words
from phasescope.views.record import Record, number
from phasescope.views.report.tables import figure, with_interval


def accuracy_table(record: Record) -> dict[str, Any] | None:
    """`headings`, `rows` of text, and a `note`; None where nothing reads the images."""
    found = list(accuracies(record.metrics[-1], record.splits)) if record.metrics else []
    if not found:
        return None
    factors = list(record.factors)
    pairs = list(dict.fromkeys(pair for one in found for pair in one.together))
    copiers = list(dict.fromkeys(name for one in found for name in one.beyond))
    headings = [
        *(f"{factor.name} right, %" for factor in factors),
        *(["all right, %"] if len(factors) > 1 else []),
        *(f"beyond {copier_words(name)}, %" for name in copiers),
        *(
            f"error of {one.name}{f', {one.unit}' if one.unit else ''}"
            for one in factors
            if not one.categorical
        ),
        *(f"{what}, {pair.replace(',', ' and ')}" for pair in pairs for what in ("excess", "φ")),
        "n",
    ]
    rows = [
        {
            "split": split_words(one.split),
            "way": way_words(one.way),
            "cells": [
                *(_percent(one.accuracy.get(factor.name)) for factor in factors),
                *([_percent(one.accuracy.get("joint"))] if len(factors) > 1 else []),
                *(_percent(one.beyond.get(name)) for name in copiers),
                *(figure(number(one.error.get(of.name))) for of in factors if not of.categorical),
                *(
                    with_interval(one.together.get(pair, {}).get(name))
                    for pair in pairs
                    for name in ("excess", "phi")
                ),
                "–" if one.n is None else str(one.n),
            ],
        }
        for one in found
    ]
    return {
        "headings": headings,
        "rows": rows,
        "classes": _classes(record),
        "note": _note(record, {one.way for one in found}, bool(pairs), bool(copiers)),
    }


def _classes(record: Record) -> list[dict[str, Any]]:
    """For each split and categorical factor the classes: `title`, and rows of (class, n, right in per cent)."""
    return [
        {
            "title": f"{name}, {split_words(split)}",
            "rows": [(one, of["n"], _percent(of["right"])) for one, of in by.items()],
        }
        for split, factors in (record.metrics[-1].get("by_class") or {}).items()
        for name, by in factors.items()
    ]


def _note(record: Record, ways: set[str], paired: bool, copied: bool) -> str:
    parts = [f"At the last snapshot, step {record.metrics[-1]['step']:,}; errors are medians."]
    if ways - {FORMED}:
        parts.append(
            f"A factor that is read {way_words(FORMED)} is right only where the image is one; the other ways read every "
            "image."
        )
    if copied:
        parts.append(
            "Beyond a copier: (right - it) / (1 - it), it the share that it gets right of these labels; – where that is "
            f"more than {1 - LEAST_WRONG:.0%}, or more than the network's. The copier paints the training image of the "
            "nearest label; the factorized one takes the nearest value of each factor by itself; the smoother paints a mean "
            "of near images."
        )
    if paired:
        parts.append(
            "Excess is the share of images in which both factors are right, less the product of their shares: 0 where "
            "they are right without regard to each other. φ is their correlation, – where one is always right or never. "
            "Both with 95 % intervals."
        )
    return " ".join(parts)


def _percent(share: float | None) -> str:
    value = number(share)
    return "–" if value != value else f"{100 * value:.1f}"
