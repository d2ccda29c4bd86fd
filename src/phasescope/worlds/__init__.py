"""Worlds: a factor space, a renderer and a design of the training labels."""

from typing import TYPE_CHECKING, Any

from phasescope.core.built_in_kinds import built_in_kinds
from phasescope.core.kinds import open_union
from phasescope.worlds.base import LEAST_LABELS, Outcome, Reader, World, some_of
from phasescope.worlds.bump import GaussianBump
from phasescope.worlds.designs import AnyDesign, Grid
from phasescope.worlds.images import ImageWorld
from phasescope.worlds.stripes import Mixed, Stripes
from phasescope.worlds.trial import check_world

__all__ = [
    "LEAST_LABELS",
    "USUAL",
    "AnyDesign",
    "AnyWorld",
    "GaussianBump",
    "Grid",
    "ImageWorld",
    "Mixed",
    "Outcome",
    "Reader",
    "Stripes",
    "World",
    "check_world",
    "some_of",
]

AnyWorld: Any = World if TYPE_CHECKING else open_union(built_in_kinds(__name__, World, GaussianBump), World)
"""the annotation of a configuration's world: any that lies in this folder, or one of your own"""
USUAL: World = GaussianBump()
"""the default world"""
