"""Presets: named sets of defaults, which presets.yaml explains."""

from dataclasses import dataclass
from pathlib import Path

from phasescope.core.config import Tree, read_yaml
from phasescope.core.errors import UserError, similar


@dataclass(frozen=True)
class Preset:
    """A named set of defaults, and what studies change of it; presets.yaml explains the fields."""

    fields: Tree
    studied: Tree


PRESETS = {
    name: Preset(**{"studied": {}} | tree)
    for name, tree in read_yaml(Path(__file__).with_name("presets.yaml")).items()
}


def preset(name: str) -> Preset:
    """Return the preset of a name.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}{similar(name, PRESETS)}")
    return PRESETS[name]
