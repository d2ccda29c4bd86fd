"""One Gaussian bump at (x, y): its images, and what reads them."""

from phasescope.worlds.bump.world import GaussianBump

__all__ = ["GaussianBump"]
