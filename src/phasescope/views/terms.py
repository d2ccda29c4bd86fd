"""The words that pages use, each with a plain sentence: the one source of what report, explorer and glossary explain.

`TERMS` has each word under the name by which pages ask for it; `PHASES` says what A, B and C are, of images and of latents.
They hold for any world: what a run's own outcomes are called, its page says beside them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from phasescope.measures.learning.gain import LEAST_LEFT
from phasescope.measures.learning.phases import BEHAVIOUR, REPRESENTATION
from phasescope.views.pictograms import OF, pictogram


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


PHASES = {
    "A": {
        "images": "no object, several, or a broken one",
        "latents": "the labels explain no more of them than in the untrained network",
    },
    "B": {
        "images": "one whole object, but not where or as the label says",
        "latents": "the labels explain more, along few directions, but cannot be read off by a linear map",
    },
    "C": {
        "images": "one whole object, where and as the label says",
        "latents": "a linear map reads the labels off, better than it could in the untrained network",
    },
}
"""what A, B and C are, each of images and of latents"""

_ORDER, _SHARE = REPRESENTATION.order, REPRESENTATION.label_share

SECTIONS: dict[str, dict[str, Term]] = {
    "What is learnt": {
        "world": Term("world", "What is painted: images whose factors are known exactly."),
        "factor": Term("factor", "One number that an image depends on, as x, the column of its object."),
        "label": Term(
            "label",
            "The values of all factors of an image; the network is told them when it paints.",
            "Labels on the grid are those that were trained on, labels off the grid lie anywhere between. Labels that a "
            "design holds out were never trained on.",
        ),
        "run": Term("run", "One training of one network, from one seed."),
        "snapshot": Term(
            "snapshot",
            "What was recorded of a run at one step: images that it painted, latents, scores, weights.",
            "Time is counted in images seen; steps and epochs stand beside.",
        ),
        "latents": Term(
            "latents",
            "What the network holds inside while it works on an image: its activations at a tap.",
            "They are read at a noise level t: small t, an image that is almost clean; large t, one that is almost noise.",
        ),
        "tap": Term("tap", "A named place in the network where latents are read, as mid, its middle."),
    },
    "What happens": {
        "phase": Term(
            "phase",
            "A, B or C: how far learning has come, told twice, of the images and of the latents.",
            f"Images are in a phase where most of them are of its kind (95 % interval above {BEHAVIOUR.majority:g}). "
            f"Latents are in C where order has reached {_ORDER:g} of what its nulls leave; else in A or B by whether label "
            f"share has reached {_SHARE:g} of what its own leave. The two never mix, so whether they agree is a finding.",
        ),
        "undecided": Term("undecided", "The numbers allow no phase, or more than one; shown as ? or a dash."),
        "behaviour": Term("behaviour", "What the network paints, read from images alone."),
        "representation": Term("representation", "What the network holds inside, read from latents alone."),
        "outcome": Term(
            "outcome",
            "What became of one painted image, as its world names it; each outcome speaks for one phase.",
            "The last one named is success.",
        ),
        "success": Term(
            "success", "The share of images, painted for labels that were trained on, that are right."
        ),
        "onset": Term("onset", "The images seen when a phase, or a threshold, is first reached for good."),
    },
    "Scores": {
        "error": Term(
            "median error",
            "How far what was read in an image is from its label: half of the images are off by less.",
        ),
        "order": Term(
            "order",
            "How well a linear map reads the labels off the latents: R² on labels left out, of the worst factor.",
            "1 is perfect, 0 is nothing. Alone it says nothing of learning: a network that is told the label holds it "
            "before its first step, and can have 0.9 untrained. So the untrained value stands beside it, as in 0.97 (0.76). "
            "The map is a ridge regression.",
        ),
        "learnt": Term(
            "learnt order",
            "How far the errors of order fell below those of the untrained network: log((1 − R₀²)/(1 − R²)).",
            "0 is no gain; 1.61 leaves a fifth of the untrained errors' variance. R₀² is the untrained network's order.",
        ),
        "p1_order": Term(
            "P1's order",
            "Order as P1 reads it: UMAP of the latents to three dimensions, then one linear map for each factor.",
            "P1 is arXiv 2402.03305. UMAP is random: a value that comes and goes between snapshots may be UMAP's, not the "
            "network's.",
        ),
        "route": Term(
            "route",
            "By which way a factor reaches a latent: told by the label, or seen in the image.",
            "The two are told apart by giving the network the label of one image beside another image. Where there is much "
            "noise nothing can be seen, and order is what was told.",
        ),
        "label_share": Term(
            "label share",
            "The share of the latents' variance that the label explains; the rest is due to noise in the image.",
        ),
        "dimension": Term(
            "dimension",
            "Over how many directions the latents spread, as if all were alike: the participation ratio.",
            "Of label means it is that of the latents once noise is averaged out.",
        ),
        "interval": Term(
            "95 % interval", "A range that is made so that it holds the true value in 95 of 100 such samples."
        ),
        "copier": Term(
            "copier",
            "A painter that knows the training images only and paints the nearest one: what is right without learning.",
            "The factorized copier takes the nearest value of each factor by itself. Only what lies beyond them is learnt.",
        ),
        "ladder": Term(
            "ladder",
            "The best possible denoisers of growing knowledge, each exact, from the mean image to one that knows the label.",
            "At each noise level the network stands on the rung whose answers its own are nearest to, or on none.",
        ),
        "nats": Term(
            "nats",
            "How much of the label the network uses, as information; all that there is is known exactly.",
        ),
    },
    "What keeps scores honest": {
        "null": Term(
            "null",
            "The same score where nothing was learnt: what a score must exceed to mean anything.",
            "They are the untrained network, the raw pixels that it is given, and permuted labels.",
        ),
        "untrained": Term(
            "untrained", "The same score of the same network before its first step, in brackets beside it."
        ),
        "ceiling": Term(
            "ceiling",
            "A null that is high by construction, as the label's own encoding, 1; nothing need exceed it.",
        ),
        "gain": Term(
            "gain",
            "Of what the highest null leaves up to 1, the share that a score reaches: (s − s₀)/(1 − s₀).",
            f"Thresholds of order ({_ORDER:g}) and label share ({_SHARE:g}) are gains: more is asked where a null is high.",
        ),
        "clear": Term(
            "clear",
            "Whether nulls leave room for a threshold to be passed by learning alone; no: at the place named they do not.",
            f"Of order and label share, no means that the highest null leaves less than {LEAST_LEFT:g} up to 1: no gain is "
            "told there, and a phase that needs it stays undecided. Of dimension, no means that a null is itself as low as "
            "the threshold: low dimension there is no sign of learning. Other places are not touched by it.",
        ),
    },
    "Studies": {
        "claim": Term(
            "claim", "A sentence that many runs decide, with its statistic and threshold fixed before them."
        ),
        "verdict": Term(
            "verdict",
            "Supported: the whole interval lies beyond the threshold. Refuted: on its other side. Undecided: neither.",
        ),
        "control": Term(
            "control", "Made data of which a claim is true, or false: it must be supported there, or refuted."
        ),
        "declaration": Term(
            "declaration",
            "A study's runs, claims and thresholds as they were written down before its first run.",
            "What changed later is an amendment, and is shown.",
        ),
    },
    "Papers": {
        "P1": Term(
            "P1",
            "Liang, Liu & Fiete 2024, arXiv 2402.03305: the paper whose model passes A, B and C.",
            "Its verdict: x and y are learnt together, not factorized.",
        ),
        "P2": Term(
            "P2",
            "Liang, Liu, Ostrow & Fiete 2024, arXiv 2408.13256: its sequel, on factorizing and composing.",
            "Its verdict: x and y are represented apart, factorized.",
        ),
    },
}
"""by the heading under which docs/glossary.md and the explorer list them"""

TERMS = {name: term for section in SECTIONS.values() for name, term in section.items()}
"""every word, by the name that pages ask for"""


def told() -> dict[str, Any]:
    """All words and pictograms, JSON-ready: what the explorer reads."""
    return {
        "phases": {
            phase: {of: {"sentence": PHASES[phase][of], "svg": pictogram(phase, of)} for of in OF}
            for phase in PHASES
        },
        "sections": {heading: list(section) for heading, section in SECTIONS.items()},
        "terms": {name: term._asdict() for name, term in TERMS.items()},
    }
