"""A vertical and a horizontal stripe: their images, and what reads them."""

from phasescope.worlds.stripes.mixed import Mixed
from phasescope.worlds.stripes.world import Stripes

__all__ = ["Mixed", "Stripes"]
