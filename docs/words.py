"""docs/glossary.md and the pictograms of A, B and C, from the same words and code as those of report and explorer.

python -m docs.words        from the repository's root
"""

from __future__ import annotations

from pathlib import Path

from phasescope.views.facts.terms import OF, PHASES, SECTIONS, pictogram

HERE = Path(__file__).parent
PAGE, PICTURES = HERE / "glossary.md", HERE / "pictures"
INTRODUCTION = """# Glossary

The terms of report, explorer and these pages. `python -m docs.words` writes this page from
`src/phasescope/views/facts/terms.toml`.

## Phases A, B and C

The phase is determined twice, independently: from samples (generated images) alone, and from the network's activations
alone. The two can be in different phases at the same time.
"""


def picture_of(phase: str, of: str) -> Path:
    """Where a pictogram lies."""
    return PICTURES / f"{phase}-{of}.svg"


def alternative(phase: str, of: str) -> str:
    """What a pictogram shows, for those who do not see it."""
    return pictogram(phase, of).partition(f'aria-label="{phase}, {of}: ')[2].partition('"')[0]


def glossary() -> str:
    """The page."""
    lines = [INTRODUCTION, "| | samples | activations |", "|---|---|---|"]
    for phase, words in PHASES.items():
        shown = [
            f"![{alternative(phase, of)}](pictures/{picture_of(phase, of).name}) {words[of]}" for of in OF
        ]
        lines.append(f"| **{phase}** | {' | '.join(shown)} |")
    for heading, section in SECTIONS.items():
        lines += ["", f"## {heading}", ""]
        lines += [f"- **{term.word}**: {' '.join(filter(None, term[1:]))}" for term in section.values()]
    return "\n".join(lines) + "\n"


def pictures() -> dict[Path, str]:
    """The text of each pictogram's file."""
    return {picture_of(phase, of): pictogram(phase, of) + "\n" for phase in PHASES for of in OF}


def write() -> list[Path]:
    """Write the page and the pictograms; gives their paths."""
    files = {PAGE: glossary(), **pictures()}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


if __name__ == "__main__":
    for path in write():
        print(path.relative_to(HERE.parent))
