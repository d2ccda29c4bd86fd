"""Images that their owner has: a folder, an npz file, arrays, a data set."""

from phasescope.worlds.images.world import ImageWorld

__all__ = ["ImageWorld"]
