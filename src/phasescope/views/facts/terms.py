"""The terms that pages use, each explained in a sentence of terms.toml, and pictograms of the phases A, B and C.

They apply to any world: a run's page adds the names of its own outcomes. terms.toml also has the display names of baselines,
readings and splits; a name without one is shown as it is. A score's words are its column's (`measures.columns`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from phasescope.core.factors import Factor, Factors
from phasescope.measures.latents.sheet import SHEET
from phasescope.measures.phases import BEHAVIOUR, P1
from phasescope.runs.store.sites import Site

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

HERE = Path(__file__).parent
OF = ("samples", "activations")
"""what is in a phase, each with its own pictograms"""


class Term(NamedTuple):
    """A term that pages use, with its meaning.

    Attributes:
        word: as it stands on a page.
        sentence: what it means, in one sentence.
        more: remarks, in a few sentences.
    """

    word: str
    sentence: str
    more: str = ""


_TOML: dict[str, Any] = tomllib.loads((HERE / "terms.toml").read_text(encoding="utf-8"))
_NAMES: dict[str, dict[str, str]] = _TOML["names"]
_THRESHOLDS = {
    "majority": BEHAVIOUR.majority,
    "p1_gain": P1.p1_r2,
    "sheet_variance": SHEET.label_variance,
    "sheet_trust": SHEET.trustworthiness,
    "sheet_dimension": SHEET.participation_ratio,
    "label_trustworthiness": SHEET.label_trustworthiness,
}

PHASES: dict[str, dict[str, str]] = _TOML["phases"]
"""what A, B and C are, each of images and of activations"""

SECTIONS: dict[str, dict[str, Term]] = {
    heading: {
        name: Term(**{key: text.format(**_THRESHOLDS) for key, text in term.items()})
        for name, term in section.items()
    }
    for heading, section in _TOML["sections"].items()
}
"""by the heading under which docs/glossary.md and the explorer list them"""

TERMS = {name: term for section in SECTIONS.values() for name, term in section.items()}
"""every word, by the name that pages ask for"""


@cache
def pictogram(phase: str, kind: str) -> str:
    """Return the pictogram of a phase: a self-contained `<svg>` element with a text alternative.

    A frame shows an image with a red cross at the requested position, or a cloud of activations coloured by label. A: no
    object or several; points without structure. B: one object beside the cross; a sheet with mixed colours. C: one object on
    the cross; a sheet on which the colours are ordered.
    """
    return (HERE / "pictograms" / f"{phase}-{kind}.svg").read_text(encoding="utf-8").replace("\n", "")


def tree() -> dict[str, Any]:
    """Return all terms and pictograms, JSON-ready, as the explorer reads them."""
    return {
        "phases": {
            phase: {kind: {"sentence": PHASES[phase][kind], "svg": pictogram(phase, kind)} for kind in OF}
            for phase in PHASES
        },
        "sections": {heading: list(section) for heading, section in SECTIONS.items()},
        "terms": {name: term._asdict() for name, term in TERMS.items()},
    }


BASELINES = _NAMES["baselines"]
"""baselines of scores"""
READINGS = _NAMES["readings"]
"""what is in a phase, by the reading that gives it its letter: samples and activations have one each"""
OTHER_READINGS = _NAMES["other_readings"]
"""further rules for the activations, whose letters stand apart: that of the paper P1, and one of earlier versions"""
NOT_READ, UNDECIDED = "not read", "?"
"""in the place of a phase's letter, if nothing reads it, and if the numbers allow no phase or more than one"""
WAYS = _NAMES["ways"]
"""readings of a factor from an image"""
ROUTES = _NAMES["routes"]
"""routes by which a label reaches activations"""
IMAGE_BASELINES = _NAMES["image_baselines"]
"""baselines that generate from training images"""


def phase_words(phase: str | None) -> str:
    """Return the letter of a phase, or what stands in its place."""
    if phase is None:
        return NOT_READ
    return UNDECIDED if phase == "undecided" else phase


def sequence_words(sequence: Sequence[str] | None) -> str:
    """Return the letters of the phases that were passed, or what stands in their place; None if they were not read."""
    if sequence is None:
        return NOT_READ
    return " ".join(sequence) or UNDECIDED


def baseline_words(name: str) -> str:
    return BASELINES.get(name, _plain(name))


def split_words(name: str, is_unconditional: bool = False) -> str:
    """Return the labels of a split, in the plural: "labels on the grid", "held out labels"; without labels, "images"."""
    return "images" if is_unconditional else _NAMES["splits"].get(name, f"{_plain(name)} labels")


def count_words(name: str, count: int) -> str:
    """Return how many labels of a split: "12 labels on the grid", "1 label on the grid"."""
    words = split_words(name)
    return f"{count} {words.replace('labels', 'label', 1) if count == 1 else words}"


def site_words(site: Site) -> str:
    return site.layer if site.t is None else f"{site.layer}, t = {site.t}"


def factor_words(factor: Factor) -> str:
    """Return the factor with its unit, if it has one."""
    return ", ".join(filter(None, (factor.name, factor.unit)))


def probed(words: str, factors: Factors) -> str:
    """Return words of what a linear probe reads, in which R² is accuracy where factors are categorical."""
    classes = factors.categorical
    if not classes.any():
        return words
    return words.replace("R²", "accuracy" if classes.all() else "R² (accuracy of classes)")


def label_text(factors: Factors, label: Float[np.ndarray, " K"]) -> list[str]:
    """Return each number of a label, or the name of the class."""
    return [
        factor.class_name(value) if factor.categorical else f"{value:.3g}"
        for factor, value in zip(factors, label, strict=True)
    ]


def _plain(name: str) -> str:
    return name.replace("_", " ")
