"""What a study is made of: cells, claims, figures, tables; how its runs are had, recorded and judged."""

from phasescope.studies.core.claim import Claim, Controls, Estimate, NotEnough, Verdict
from phasescope.studies.core.study import Amendment, Cell, Curve, Figure, Panel, Reading, Study, Table

__all__ = [
    "Amendment",
    "Cell",
    "Claim",
    "Controls",
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
