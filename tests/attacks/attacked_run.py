"""The run that is attacked: two snapshots, a second of training."""

from least import LEAST
from phasescope import RunConfig
from phasescope.runs.config import over_defaults

FIELDS = {
    "name": "attacked",
    "world": {"canvas": 8},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 2}},
    "network": {"widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
    "training": {"steps": 8, "batch": 16, "warmup": 2, "threads": 1, "device": "cpu"},
    "probing": {
        "snapshots": {"dense_until": 0, "every": 8},
        "layers": ["mid"],
        "t": [40],
        **LEAST,
        "p1": None,
    },
}


def config_of(**fields: object) -> RunConfig:
    return over_defaults(FIELDS, fields)
