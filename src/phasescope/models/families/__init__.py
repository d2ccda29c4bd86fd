"""Families: ways to learn and to generate images."""

from typing import TYPE_CHECKING, Any

from phasescope.core.kinds import open_union
from phasescope.models.families.base import Clones, Examples, Family, FamilyConfig, Network, Task
from phasescope.models.families.diffusion.config import DiffusionConfig

__all__ = [
    "USUAL",
    "AnyFamily",
    "Clones",
    "DiffusionConfig",
    "Examples",
    "Family",
    "FamilyConfig",
    "Network",
    "Task",
]

AnyFamily: Any = FamilyConfig if TYPE_CHECKING else open_union(DiffusionConfig, FamilyConfig)
"""the annotation of a configuration's family"""
USUAL: FamilyConfig = DiffusionConfig()
"""the default family"""
