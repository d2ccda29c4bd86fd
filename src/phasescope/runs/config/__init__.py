"""The configuration of a run, from presets, YAML and `key=value` overrides."""

from phasescope.runs.config.run_config import (
    PRESETS,
    RunConfig,
    defaults,
    load_arguments,
    load_config,
    over_defaults,
    preset,
    split_arguments,
    with_overrides,
)

__all__ = [
    "PRESETS",
    "RunConfig",
    "defaults",
    "load_arguments",
    "load_config",
    "over_defaults",
    "preset",
    "split_arguments",
    "with_overrides",
]
