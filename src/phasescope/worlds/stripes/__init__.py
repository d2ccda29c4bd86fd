"""A vertical and a horizontal stripe: their images, their reader, and a world of stripes and of another object."""

from phasescope.worlds.stripes.mixed import Mixed
from phasescope.worlds.stripes.world import Stripes

__all__ = ["Mixed", "Stripes"]
