"""Presets: named sets of defaults in presets.yaml; `preset=small training.steps=500` changes one of its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from phasescope.config import Tree, read_yaml
from phasescope.errors import UserError


@dataclass(frozen=True)
class Preset:
    """A named set of defaults; presets.yaml says what its fields mean."""

    fields: Tree
    studied: Tree = field(default_factory=dict)


PRESETS = {name: Preset(**tree) for name, tree in read_yaml(Path(__file__).with_name("presets.yaml")).items()}


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}")
    return PRESETS[name]
