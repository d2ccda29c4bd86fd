"""Families: ways to learn and to generate images."""

from typing import TYPE_CHECKING, Any

from phasescope.core.built_in_kinds import built_in_kinds
from phasescope.core.kinds import open_union
from phasescope.models.families.analysis import Analysis, Clones
from phasescope.models.families.base import Family, FamilyConfig
from phasescope.models.families.diffusion.config import DiffusionConfig
from phasescope.models.families.diffusion.exact import columns as _columns  # noqa: F401  declares what is recorded
from phasescope.models.families.task import Examples, Network, Task

__all__ = [
    "USUAL",
    "Analysis",
    "AnyFamily",
    "Clones",
    "DiffusionConfig",
    "Examples",
    "Family",
    "FamilyConfig",
    "Network",
    "Task",
]

AnyFamily: Any = (
    FamilyConfig
    if TYPE_CHECKING
    else open_union(built_in_kinds(__name__, FamilyConfig, DiffusionConfig), FamilyConfig)
)
"""the annotation of a configuration's family: any that lies in this folder, or one of your own"""
USUAL: FamilyConfig = DiffusionConfig()
"""the default family"""
