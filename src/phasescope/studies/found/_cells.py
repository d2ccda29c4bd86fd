"""The cells that studies share: a configuration that two studies name is trained once.

The numbers of seeds were raised once, after a first look, where intervals held their thresholds: of `V` from 6 to 10, of `X`
from 8 to 16, of `PERIODIC` and of each cell of `COARSE` from 6 to 12. Thresholds stayed.
"""

from __future__ import annotations

from phasescope.studies.core.study import Cell

EPS = Cell("eps", {"family": {"predict": "eps"}}, preset="small", seeds=8)
V = Cell("v", {"family": {"predict": "v"}}, preset="small", seeds=10)
X = Cell("x", {"family": {"predict": "x"}}, preset="fast", seeds=16)
"""x-prediction on the network that knows its pixels' coordinates: another system than the other two"""

INCREMENTS_PX = (0.25, 0.5, 1.0, 2.0, 4.0)
SIGMAS_PX = (0.5, 1.0, 2.0)


def grid(dx: float, dy: float, sigma_px: float = 1.0, seeds: int | None = None) -> Cell:
    """Bumps of width sigma on a grid with increments dx, dy, in px."""
    world = {"design": {"dx": dx, "dy": dy}, "sigma_px": sigma_px}
    return Cell(f"d=({dx:g}, {dy:g}), sigma={sigma_px:g}", {"world": world}, preset="fast", seeds=seeds)


def increments(cell: Cell) -> tuple[float, float]:
    """(dx, dy) of a cell that `grid` made, px."""
    design = cell.tree["world"]["design"]
    return design["dx"], design["dy"]


def shown(cell: Cell) -> str:
    """``(0.1, 1)``: the increments of a cell that `grid` made, px."""
    return "({:g}, {:g})".format(*increments(cell))


def sigma_of(cell: Cell) -> float:
    """Of a cell that `grid` made, px."""
    return cell.tree["world"]["sigma_px"]


EPOCHS_OF_DENSER_DATA = (
    "An epoch of denser data holds more images: counted so, what takes the same images is sooner."
)
"""what a claim that is counted in epochs does not show"""

PHASES = (EPS, V, X)

DENSITY = tuple(grid(d, d, sigma) for sigma in SIGMAS_PX for d in INCREMENTS_PX)

BALANCED = (grid(0.1, 0.1, seeds=6), *(grid(d, d, seeds=5) for d in (0.25, 0.5, 1.0, 4.0)))
FINE = tuple(grid(*steps) for steps in ((0.5, 1.0), (0.25, 1.0), (0.1, 1.0), (1.0, 0.1)))
"""imbalanced; both axes so fine that a copier of the nearest training image is within 1 px"""
TENFOLD = tuple(cell for cell in FINE if 0.1 in increments(cell))
COARSE = tuple(grid(*steps, seeds=12) for steps in ((1.0, 4.0), (4.0, 1.0), (0.5, 4.0)))
"""imbalanced; one axis so coarse that only interpolation is within 1 px between its values"""

PERIODIC = Cell(
    "periodic", {"family": {"predict": "x"}, "world": {"boundary": "periodic"}}, preset="fast", seeds=12
)
