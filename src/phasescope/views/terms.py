"""The words that pages use, each with a plain sentence, out of terms.toml; and what the phases A, B and C look like.

They hold for any world: what a run's own outcomes are called, its page says beside them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from phasescope.measures.learning.gain import LEAST_LEFT
from phasescope.measures.learning.phases import BEHAVIOUR, REPRESENTATION

HERE = Path(__file__).parent
OF = ("images", "latents")
"""what phases are told of, each by pictograms of its own"""


class Term(NamedTuple):
    """A word that pages use in one sense.

    Attributes:
        word: as it stands on a page.
        sentence: what it means, in one sentence.
        more: what there is to mind, in a few sentences.
    """

    word: str
    sentence: str
    more: str = ""


_TOML = tomllib.loads((HERE / "terms.toml").read_text(encoding="utf-8"))
_THRESHOLDS = {
    "majority": BEHAVIOUR.majority,
    "order": REPRESENTATION.order,
    "label_share": REPRESENTATION.label_share,
    "least_left": LEAST_LEFT,
}

PHASES: dict[str, dict[str, str]] = _TOML["phases"]
"""what A, B and C are, each of images and of latents"""

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
def pictogram(phase: str, of: str) -> str:
    """A phase as a small picture: an `<svg>` element that needs no other file and has a text alternative.

    A frame is an image, and the red cross in it the requested place; or it is a cloud of latents, each point coloured by its
    label. A: nothing, or several objects; points without a form. B: one object beside the cross; a sheet with mixed
    colours. C: one object on the cross; a sheet on which the colours run in order.
    """
    return (HERE / "pictograms" / f"{phase}-{of}.svg").read_text(encoding="utf-8").replace("\n", "")


def tree() -> dict[str, Any]:
    """Return all terms and pictograms, JSON-ready, as the explorer reads them."""
    return {
        "phases": {
            phase: {of: {"sentence": PHASES[phase][of], "svg": pictogram(phase, of)} for of in OF}
            for phase in PHASES
        },
        "sections": {heading: list(section) for heading, section in SECTIONS.items()},
        "terms": {name: term._asdict() for name, term in TERMS.items()},
    }
