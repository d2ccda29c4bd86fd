"""Words on a page that open what they mean: a button each, and a popover of the page's own.

Buttons are reached by keyboard and touch, and need no script. Where a browser knows no popovers it shows the explanations
where they stand, at the page's end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from phasescope.views.terms import TERMS, Term

if TYPE_CHECKING:
    from markupsafe import Markup

PASSAGES = {
    "Behaviour": "behaviour",
    "The representation": "representation",
    "undecided": "undecided",
    "ridge R²": "order",
    "P1's reading": "p1_order",
    "its null": "null",
}
"""what a verdict's sentences say, and the term that it is"""


class Explained:
    """The terms that a page has asked for so far."""

    def __init__(self) -> None:
        self.asked: dict[str, Term] = {}

    def term(self, name: str, text: str | None = None) -> Markup:
        """A button with `text`, by default the word itself, that opens what it means.

        Raises:
            KeyError: there is no such term.
        """
        from markupsafe import Markup

        self.asked[name] = TERMS[name]
        return Markup('<button type="button" class="term" popovertarget="term-{}">{}</button>').format(
            name, TERMS[name].word if text is None else text
        )

    def within(self, sentence: str, passages: Mapping[str, str] = PASSAGES) -> Markup:
        """`sentence`, in which each of the `passages` that it has is a button, where it first stands."""
        from markupsafe import Markup, escape

        found = Markup()
        seen: set[str] = set()
        pattern = "|".join(map(re.escape, passages))
        for part in re.split(f"({pattern})", sentence):
            fresh = part in passages and part not in seen
            seen.add(part)
            found += self.term(passages[part], part) if fresh else escape(part)
        return found
