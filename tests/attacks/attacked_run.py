"""The run that is attacked: two snapshots, a second of training."""

from phasescope import RunConfig
from phasescope.studies import merge
from training_runs import TINY, run_config

CHANGES = {
    "name": "attacked",
    "family": {"sampler": {"steps": 2}},
    "training": {"steps": 8, "warmup": 2},
    "probing": {"snapshots": {"every": 8}},
}
FIELDS = merge(TINY, CHANGES)


def config_of(**fields: object) -> RunConfig:
    return run_config(FIELDS, fields)
