"""Draw the figures of docs/measures, from the repository's root.

python -m docs.figures [NAME ...]        dimension, disentanglement, factorization, geometry, learning
                                         (default: all; minutes, on one core)
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "measures"
DRAWERS = ("dimension", "disentanglement", "factorization", "geometry", "learning")
"""modules, each with `draw(folder)`, which gives the paths of what it drew"""


def main(names: list[str]) -> int:
    """Draw, and print each file's path; 2 where there is no drawer of a name."""
    for name in names:
        if name not in DRAWERS:
            print(f"docs.figures: `NAME` (={name}) must be one of {', '.join(DRAWERS)}", file=sys.stderr)
            return 2
    for name in names or DRAWERS:
        for path in import_module(f"docs.figures.{name}").draw(FOLDER):
            print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
