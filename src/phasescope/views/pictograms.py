"""What the phases A, B and C look like, as small pictures drawn from code: of the images, and of the latents.

A frame is an image, the red cross in it the place that was asked for; or it is a cloud of latents, each point in the colour
of its label. A: nothing, or several objects; points without a form. B: one object beside the cross; a sheet with mixed
colours. C: one object on the cross; a sheet on which the colours run in order.
"""

from __future__ import annotations

import math
from html import escape

from phasescope.views.style import ON_DATA, PALETTE, TARGET, even_colours

OF = ("images", "latents")
"""what phases are told of, each by pictograms of its own"""
ALTERNATIVES = {
    ("A", "images"): "two frames: one is empty, in the other are three objects, none of them on the cross",
    ("B", "images"): "a frame with one object, beside the cross",
    ("C", "images"): "a frame with one object, on the cross",
    ("A", "latents"): "points scattered without a form, their colours mixed",
    ("B", "latents"): "points on a sheet, their colours mixed",
    ("C", "latents"): "points on a sheet, their colours in order",
}
"""what each shows, for those who do not see it"""

SIDE, GAP = 40, 6
"""of a frame, and between two, in the picture's own units"""
ASKED = (26.0, 15.0)
OBJECTS = {"A": [(10.0, 12.0), (31.0, 28.0), (13.0, 31.0)], "B": [(11.0, 28.0)], "C": [ASKED]}
ACROSS, DOWN = 6, 4
GOLDEN = (math.sqrt(5) - 1) / 2
EDGE, PAPER = PALETTE["muted"][0], "#ffffff"


def pictogram(phase: str, of: str, height: int = SIDE) -> str:
    """An `<svg>` element that needs no other file and has a text alternative.

    Args:
        phase: A, B or C.
        of: images or latents.
        height: on the page, px.

    Raises:
        KeyError: there is no such phase, or nothing of that name to tell it of.
    """
    told = f"{phase}, {of}: {ALTERNATIVES[phase, of]}"
    if of == "latents":
        shapes, count = _frame(0) + _cloud(phase), 1
    elif phase == "A":
        at = SIDE + GAP
        shapes, count = _frame(0) + _cross(0) + _frame(at) + _objects(phase, at) + _cross(at), 2
    else:
        shapes, count = _frame(0) + _objects(phase, 0) + _cross(0), 1
    wide = count * SIDE + (count - 1) * GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pictogram" viewBox="0 0 {wide} {SIDE}" '
        f'width="{height * wide / SIDE:g}" height="{height}" role="img" aria-label="{escape(told)}">{shapes}</svg>'
    )


def _frame(x: float) -> str:
    side = SIDE - 1
    return (
        f'<rect x="{x + 0.5}" y="0.5" width="{side}" height="{side}" rx="2" fill="{PAPER}" stroke="{EDGE}"/>'
    )


def _objects(phase: str, x: float) -> str:
    """Each as a dark disc within a lighter one."""
    return "".join(
        f'<circle cx="{x + cx:g}" cy="{cy:g}" r="{r}" fill="{ON_DATA}" fill-opacity="{opacity}"/>'
        for cx, cy in OBJECTS[phase]
        for r, opacity in ((5.5, 0.3), (3.4, 0.9))
    )


def _cross(x: float) -> str:
    cx, cy, arm = x + ASKED[0], ASKED[1], 7
    lines = f"M{cx - arm:g} {cy:g}h{2 * arm}M{cx:g} {cy - arm:g}v{2 * arm}"
    return f'<path d="{lines}" stroke="{TARGET}" stroke-width="1.6" fill="none"/>'


def _cloud(phase: str) -> str:
    colours, points = even_colours("viridis", ACROSS), []
    for i in range(ACROSS):
        for j in range(DOWN):
            k = i * DOWN + j
            if phase == "A":  # an even scatter without rows: multiples of the golden ratio
                x, y = 4 + 32 * (k * GOLDEN % 1), 4 + 32 * (k + 0.5) / (ACROSS * DOWN)
            else:  # a sheet, bent along its length
                x, y = 5 + 6 * i, 9 + 6.5 * j + 4 * math.sin(math.pi * i / (ACROSS - 1))
            mixed = int(ACROSS * (k * GOLDEN * GOLDEN * 5 % 1))
            points.append((x, y, colours[i if phase == "C" else mixed]))
    return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y, colour in points)
