"""The forest figures of the findings: a row for each main claim of P1's statements, and of the questions it leaves open; and
one with a row for each statement and question, that of the first claim which its answer names.

python -m docs.figures.forest        writes statements.svg, questions.svg and findings.svg in docs/pictures

Claims have different units, so each row has a scale of its own: the bar of every claim lies on one vertical line, and the
claim's side is to its right. A hollow diamond marks no effect, where a number means that. Ratios are on a logarithmic scale.
"""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Callable
from html import escape
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.studies import find_studies
from phasescope.studies.claims_file import RecordedClaim
from phasescope.views.facts import numbers
from phasescope.views.facts.verdicts import BEYOND, OPEN, SHORT, shown_verdict
from phasescope.views.web.findings import Asking, claims_about, read_asking

STUDIES = Path(__file__).parents[2] / "studies"
PICTURES = Path(__file__).parents[1] / "pictures"
FIGURES = {"statements": "S", "questions": "Q"}
"""name of the file -> the letter with which the keys of its rows begin"""

WIDTH, LINE, TOP, BOTTOM = 1345, 17, 52, 10
FURTHER = 13
"""from a line of a sentence to its next one"""
LABEL_X, BAR_X, HALF, NUMBER_X, VERDICT_X = 16, 620, 105, 740, 1040
LETTERS = {"heading": 150, "claim": 84, "verdict": 42, "answer": 70}
"""characters that fit into a line"""
OVERVIEW_LEFT = 90
"""by how much all but the labels, which are short there, lie further left in the figure of all statements"""
OVER = 1.05
"""of `HALF`: where an interval without an end is cut"""

STYLE = """
text { font: 11px system-ui, sans-serif; fill: #24292f; }
.heading { font-weight: 600; font-size: 12px; }
.quiet { fill: #57606a; }
.bar { stroke: #57606a; stroke-dasharray: 3 3; }
.interval { stroke-width: 2; }
.none { fill: none; stroke: #57606a; }
.beyond { stroke: #0b7a4b; fill: #0b7a4b; }
.short { stroke: #a8327f; fill: #a8327f; }
.open { stroke: #57606a; fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .quiet { fill: #9da7b1; }
  .bar, .none { stroke: #9da7b1; }
  .beyond { stroke: #3fb98a; fill: #3fb98a; }
  .short { stroke: #e07fbf; fill: #e07fbf; }
  .open { stroke: #9da7b1; fill: #9da7b1; }
}
"""


def figure(letter: str, asking: Asking) -> str:
    """Return the figure of the statements or questions whose keys begin with `letter`, as SVG."""
    lines: list[str] = []
    y = TOP

    for key in (key for key in asking.statements if key.startswith(letter)):
        y += 6
        lines.append(_text(LABEL_X - 10, y, f"{key}  {_cut(asking.statements[key], 'heading')}", "heading"))
        y += LINE
        for study, folder, claim in claims_about(key, asking):
            if isinstance(claim, RecordedClaim):
                link = f"../../studies/{folder.name}/README.md#{claim.name}"
                lines.append(_row(y, claim, study.base, link))
                y += LINE + FURTHER * (len(_wrapped(claim.sentence)) - 1)

    return _document(lines, y)


def overview(asking: Asking) -> str:
    """Return the figure of all statements and questions as SVG: a row each, with the first judged claim of those that its
    word follows from, or that its answer names."""
    lines: list[str] = []
    y = TOP

    for key, text in asking.statements.items():
        y += LINE + 3
        said = asking.page[key]
        named = [*said.get("for", ()), *said.get("opposed", ()), *said["claims"]]
        judged = next(filter(None, map(asking.claim, named)), None)
        if judged is None:
            raise UserError(f"`{named[0]}` (of {key}), or another claim that it names, must be judged")
        study, _, claim = judged
        words = said.get("word") or said["answer"]
        link = f"../../studies/README.md#{key.lower()}"
        label = f"{key}  {text.partition(':')[0]}"
        answer = _cut(words, "answer")
        lines.append(_row(y, claim, study.base, link, label=label, answer=answer, left=OVERVIEW_LEFT))

    return _document(lines, y + LINE, left=OVERVIEW_LEFT)


def _document(lines: list[str], y: int, left: int = 0) -> str:
    """Return the SVG of rows of which the last ends at `y`, below what their marks mean."""
    height = y + BOTTOM - LINE // 2
    heads = [
        _none(LABEL_X, 14),
        _text(
            LABEL_X + 10,
            14,
            "no effect, where a number means it; each row has its own scale",
            "quiet",
        ),
        *_legend(y=32),
        *_moved(
            left,
            [
                _text(BAR_X - HALF, 14, "short of the bar", "quiet"),
                _text(BAR_X, 14, "bar", "quiet", end="middle"),
                _text(BAR_X + HALF, 14, "beyond it", "quiet", end="end"),
                _text(BAR_X, 32, "the claim's own side; it may be the opposite of P1's", "quiet"),
                _text(NUMBER_X, 14, "estimate [97.5 % interval], bar, n, preset", "quiet"),
            ],
        ),
    ]
    title = "Estimates and intervals of the main claims, each on a scale of its own, with its bar on one line"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
            f"<style>{STYLE}</style>",
            *heads,
            *lines,
            "</svg>\n",
        ]
    )


def _row(
    y: int, claim: RecordedClaim, preset: str, link: str, *, label: str = "", answer: str = "", left: int = 0
) -> str:
    """Return a claim's row: its sentence in as many lines as it needs, or `label`; none, interval and estimate beside the
    bar, the numbers, and the verdict, or the answer in its place. All but the label lies further to the left by `left`."""
    outcome = shown_verdict(claim)
    # An interval that lies beyond the bar and one that lies short of it differ in colour and in side.
    kind = "beyond" if outcome in BEYOND.values() else "short" if outcome.startswith(SHORT) else OPEN
    words = _wrapped(label or claim.sentence)
    end = y + 4 + FURTHER * (len(words) - 1)
    place = _scale(claim)
    low, high = sorted((place(float(claim.low or 0)), place(float(claim.high or 0))))
    marks = [
        f'<line class="bar" x1="{BAR_X}" x2="{BAR_X}" y1="{y - 13}" y2="{end}"/>',
        f'<line class="interval {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y - 4}" y2="{y - 4}"/>',
    ]
    if (none := claim.no_effect) is not None:
        marks.append(_none(place(none), y))
    if claim.value is not None and math.isfinite(claim.value):
        marks.append(f'<circle class="{kind}" cx="{place(claim.value):.1f}" cy="{y - 4}" r="3.2"/>')

    number = f"{numbers.format_value(claim)} {numbers.format_interval(claim)}".replace(f" {claim.unit} ", " ")
    number = number.replace(" (by reading)", "")
    n = claim.counted or claim.n
    parts = [
        f"<title>{escape(claim.sentence)} Unit: {escape(claim.unit)}; bar {escape(numbers.criterion(claim))}</title>",
        *(_text(LABEL_X, y + FURTHER * k, line) for k, line in enumerate(words)),
        *_moved(
            left,
            [
                *marks,
                _text(NUMBER_X, y, f"{number}, {numbers.criterion(claim)}, {n}, {preset}", "quiet"),
                _text(VERDICT_X, y, answer or _cut(outcome, "verdict")),
            ],
        ),
    ]
    return f'<a href="{escape(link)}">{"".join(parts)}</a>'


def _moved(left: int, marks: list[str]) -> list[str]:
    """Return marks that lie further to the left."""
    return [f'<g transform="translate({-left} 0)">', *marks, "</g>"] if left else marks


def _legend(y: int) -> list[str]:
    """Return what the colours of an interval mean, on a line: where it lies, whichever side P1 is on."""
    kinds = {"beyond": "beyond its bar", "short": "short of it", "open": "open: the bar lies inside"}
    marks: list[str] = []
    for x, (kind, words) in zip((LABEL_X, LABEL_X + 130, LABEL_X + 235), kinds.items(), strict=True):
        marks.append(f'<line class="interval {kind}" x1="{x - 5}" x2="{x + 13}" y1="{y - 4}" y2="{y - 4}"/>')
        marks.append(f'<circle class="{kind}" cx="{x + 4}" cy="{y - 4}" r="3.2"/>')
        marks.append(_text(x + 20, y, words, "quiet"))
    return marks


def _scale(claim: RecordedClaim) -> Callable[[float], float]:
    """Return the function from a number of a claim to its x: the bar in the middle, the claim's side on the right."""
    in_logs = claim.unit.startswith("times") and not claim.log

    def measure(value: float) -> float:
        if not in_logs:
            return value
        return math.log(value) if value > 0 else -math.inf

    bar = measure(claim.threshold)
    points = [claim.value, claim.low, claim.high, claim.no_effect]
    distances = [abs(measure(float(point)) - bar) for point in points if point is not None]
    widest = max((distance for distance in distances if math.isfinite(distance)), default=0.0) or 1.0
    side = 1 if claim.direction == "above" else -1

    def place(value: float) -> float:
        away = side * (measure(value) - bar) / widest
        return BAR_X + HALF * min(max(away, -OVER), OVER)

    return place


def _none(x: float, y: float) -> str:
    """Return the mark of no effect on the line of text at `y`."""
    return f'<path class="none" d="M{x:.1f} {y - 9}l4.5 5l-4.5 5l-4.5 -5z"/>'


def _text(x: float, y: float, words: str, kind: str = "", end: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{end}">{escape(words)}</text>'


def _wrapped(sentence: str) -> list[str]:
    """Return a claim's sentence in lines: cut, two claims that differ in their ends would read alike."""
    return textwrap.wrap(sentence, LETTERS["claim"], break_on_hyphens=False)


def _cut(words: str, kind: str) -> str:
    """Return a text that fits into its line, cut between two words."""
    room = LETTERS[kind]
    return words if len(words) <= room else words[:room].rpartition(" ")[0] + " ..."


def figures(studies: Path = STUDIES) -> dict[Path, str]:
    """Return the text of each figure by its path."""
    asking = read_asking(find_studies(studies), studies)
    drawn = {name: figure(letter, asking) for name, letter in FIGURES.items()} | {
        "findings": overview(asking)
    }
    return {PICTURES / f"{name}.svg": text for name, text in drawn.items()}


def main() -> int:
    """Write the figures; print their paths."""
    for path, text in figures().items():
        path.write_text(text)
        print(path.relative_to(PICTURES.parents[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
