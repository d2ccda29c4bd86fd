"""What a study is made of: cells, claims, figures, tables; how its runs are had, recorded and judged."""

from phasescope.studies.core.claim import Claim, Estimate, NotEnough, Verdict
from phasescope.studies.core.study import Cell, Curve, Figure, Panel, Reading, Study, Table

__all__ = [
    "Cell",
    "Claim",
    "Curve",
    "Estimate",
    "Figure",
    "NotEnough",
    "Panel",
    "Reading",
    "Study",
    "Table",
    "Verdict",
]
