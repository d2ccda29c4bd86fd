"""The configuration of a run: `RunConfig` is the YAML, the overrides, the axes of a sweep, and the run's identity."""

from phasescope.runs.config.forked import forked_tree
from phasescope.runs.config.presets import PRESETS, Preset, preset
from phasescope.runs.config.probing_config import ProbingConfig, SiteConfig, SnapshotPlanConfig
from phasescope.runs.config.reading import (
    changes_from,
    defaults,
    load_arguments,
    load_config,
    over_defaults,
    read_files,
    split_arguments,
    with_overrides,
)
from phasescope.runs.config.run_config import RunConfig

__all__ = [
    "PRESETS",
    "Preset",
    "ProbingConfig",
    "RunConfig",
    "SiteConfig",
    "SnapshotPlanConfig",
    "changes_from",
    "defaults",
    "forked_tree",
    "load_arguments",
    "load_config",
    "over_defaults",
    "preset",
    "read_files",
    "split_arguments",
    "with_overrides",
]
