"""A vertical and a horizontal stripe: their images, and what reads them."""

from phasescope.worlds.stripes.world import Mixed, Stripes

__all__ = ["Mixed", "Stripes"]
