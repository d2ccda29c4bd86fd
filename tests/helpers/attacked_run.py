"""The run that is attacked: two snapshots, a second of training."""

from helpers.training_runs import TINY, run_config
from phasescope import RunConfig
from phasescope.studies import merge

CHANGES = {
    "name": "attacked",
    "family": {"sampler": {"steps": 2}},
    "training": {"steps": 8, "warmup": 2},
    "probing": {"snapshots": {"every": 8}},
}
FIELDS = merge(TINY, CHANGES)


def config_of(**fields: object) -> RunConfig:
    return run_config(FIELDS, fields)
