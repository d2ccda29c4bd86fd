"""What is recorded under a short name, in words; what has none here is told by its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phasescope.factors import Factor, Factors
from phasescope.places import Place

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

MEASURES = {
    "order": "probe R² (ridge), minimum over factors",
    "p1_order": "P1's R² (UMAP to 3D), minimum over factors",
    "trustworthiness": "trustworthiness",
    "participation_ratio": "participation ratio",
    "label_dimension": "participation ratio of label means",
    "label_share": "label share of variance",
    "order_told": "order of the label that is told",
    "order_seen": "order of the image that is shown",
    "share_told": "share of variance that the told label explains",
    "share_seen": "share of variance that the shown image explains",
    "learnt_order": "learnt order, log((1 − R₀²)/(1 − R²))",
    "learnt_order_told": "learnt order of what is told",
    "learnt_order_seen": "learnt order of what is seen",
}
"""the representation's scores, as a line of the metrics names them"""

NULLS = {
    "untrained": "untrained network",
    "pixels": "raw pixels",
    "permuted": "permuted labels",
    "majority": "most common class",
    "label_embedding": "label embedding (ceiling)",
}

READINGS = {
    "behaviour": "behaviour",
    "sheet": "sheet of the latents",
    "representation": "representation (ridge)",
    "representation_p1": "representation (P1)",
}
"""what phases are read of"""

WAYS = {
    "formed": "as a well-formed image",
    "half": "half the tolerance",
    "darkest": "darkest pixel",
    "matched": "matched filter",
    "refined": "matched filter, sub-pixel",
}
"""how a factor is read from an image"""

ROUTES = {"told": "label of the condition", "seen": "label of the input image"}
"""by which a label reaches latents"""
SPLITS = {"grid": "labels on the grid", "off_grid": "labels off the grid"}
COPIERS = {
    "copier": "the copier",
    "factorized copier": "the factorized copier",
    "kernel smoother": "the smoother",
}


def measure_words(name: str) -> str:
    return MEASURES.get(name, _plain(name))


def null_words(name: str) -> str:
    return NULLS.get(name, _plain(name))


def way_words(name: str) -> str:
    return WAYS.get(name, _plain(name))


def split_words(name: str, is_unconditional: bool = False) -> str:
    """The labels of a split, in the plural: "labels on the grid", "held out labels"; of a network told none, "images"."""
    return "images" if is_unconditional else SPLITS.get(name, f"{_plain(name)} labels")


def copier_words(name: str) -> str:
    return COPIERS.get(name, _plain(name))


def place_words(place: Place) -> str:
    return place.tap if place.condition is None else f"{place.tap}, t = {place.condition}"


def factor_words(factor: Factor) -> str:
    """The factor with its unit, where it has one."""
    return ", ".join(filter(None, (factor.name, factor.unit)))


def probed(words: str, factors: Factors) -> str:
    """Words of what a linear probe reads, in which R² is accuracy where factors are categorical."""
    classes = factors.categorical
    if not classes.any():
        return words
    return words.replace("R²", "accuracy" if classes.all() else "R² (accuracy of classes)")


def label_text(factors: Factors, label: Float[np.ndarray, " K"]) -> list[str]:
    """Each number of a label, or the name of the class."""
    return [
        factor.class_name(value) if factor.categorical else f"{value:.3g}"
        for factor, value in zip(factors, label, strict=True)
    ]


def _plain(name: str) -> str:
    return name.replace("_", " ")
