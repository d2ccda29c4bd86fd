"""Noise schedules and samplers of tests, by kind."""

from typing import Any

from phasescope.models.families import DiffusionConfig


def schedule_of(kind: str, **fields: Any) -> Any:
    tree = {"schedule": {"kind": kind, **fields}, "sampler": {"kind": "ddpm"}}
    return DiffusionConfig.from_tree(tree).schedule


def sampler_of(kind: str, **fields: Any) -> Any:
    return DiffusionConfig.from_tree({"sampler": {"kind": kind, **fields}}).sampler
