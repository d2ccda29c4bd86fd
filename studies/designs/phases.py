"""The systems whose samples are asked to pass P1's phases A, B and C."""

from phasescope.studies import Cell

OUTCOMES = ("none", "multiple", "malformed", "misplaced", "correct")
CELLS = (
    Cell("eps", {}, seeds=18),
    Cell("small", {"family": {"predict": "eps"}}, base="small", seeds=8),
    Cell("v", {"family": {"predict": "v"}}, base="small", seeds=10),
    Cell("fast", {"family": {"predict": "x"}}, base="fast", seeds=16),
)
SELECTED = "On a system chosen because it passes the phases, not on P1's own."
LOOKED_AT = "These runs had been looked at before the claim was preregistered."
