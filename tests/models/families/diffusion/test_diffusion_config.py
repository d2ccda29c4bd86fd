import subprocess
import sys

import pytest

from phasescope import UserError
from phasescope.models.families import DiffusionConfig


def test_defaults_are_those_of_ho_2020():
    config = DiffusionConfig()
    assert config.schedule.tree() == {"kind": "linear", "steps": 1000, "beta_start": 1e-4, "beta_end": 0.02}
    assert config.predict == "eps"
    assert config.weighting.kind == "plain"


def test_a_bare_kind_is_that_kind_with_its_defaults():
    bare = DiffusionConfig.from_tree({"weighting": "min_snr", "schedule": "cosine", "sampler": "ddpm"})
    full = {"weighting": {"kind": "min_snr"}, "schedule": {"kind": "cosine"}, "sampler": {"kind": "ddpm"}}
    assert bare == DiffusionConfig.from_tree(full)
    assert bare.weighting.tree() == {"kind": "min_snr", "gamma": 5.0}
    assert bare.digest() == DiffusionConfig.from_tree(full).digest()


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("weighting", ["plain", "min_snr"])
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm_solver"])
@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_every_combination_builds_and_survives_its_own_yaml(schedule, weighting, sampler, predict):
    config = DiffusionConfig.from_tree(
        {"schedule": schedule, "weighting": weighting, "sampler": sampler, "predict": predict}
    )
    assert DiffusionConfig.from_tree(config.tree()) == config
    diffusion = config.build()
    assert diffusion.schedule.steps == config.schedule.steps
    assert diffusion.predict == predict


@pytest.mark.parametrize(
    ("tree", "field", "value", "rule"),
    [
        ({"predict": "noise"}, "predict", "noise", "'eps', 'x', 'v' or 'velocity'"),
        ({"schedule": "sigmoid"}, "schedule.kind", "sigmoid", "'linear', 'scaled_linear', 'cosine'"),
        ({"schedule": {"kind": "linear", "steps": 1}}, "schedule.steps", "1", "greater than or equal to 2"),
        ({"schedule": {"kind": "linear", "beta_start": 0}}, "schedule.beta_start", "0", "greater than"),
        ({"schedule": {"kind": "linear", "beta_end": 1}}, "schedule.beta_end", "1", "less than 1"),
        (
            {"schedule": {"kind": "linear", "beta_end": 1e-5}},
            "schedule.beta_end",
            "1e-05",
            "beta_start=0.0001",
        ),
        (
            {"schedule": {"kind": "linear", "beta_start": 0.05}},
            "schedule.beta_end",
            "0.02",
            "beta_start=0.05",
        ),
        ({"schedule": {"kind": "linear", "steps": 50_000}}, "schedule.beta_end", "0.02", "steps=50000"),
        ({"schedule": {"kind": "cosine", "offset": -1}}, "schedule.offset", "-1", "greater than"),
        ({"weighting": "snr"}, "weighting.kind", "snr", "'plain', 'min_snr'"),
        ({"weighting": {"kind": "min_snr", "gamma": 0}}, "weighting.gamma", "0", "greater than 0"),
        ({"weighting": {"kind": "plain", "gamma": 5}}, "weighting.gamma", "5", "not a field"),
        ({"sampler": {"kind": "ddim", "steps": 0}}, "sampler.steps", "0", "greater than or equal to 1"),
        ({"sampler": {"kind": "ddim", "eta": 1.5}}, "sampler.eta", "1.5", "less than or equal to 1"),
        ({"sampler": {"kind": "ddim", "steps": 2000}}, "sampler", "2000", "schedule.steps=1000"),
        ({"schedule": {"kind": "linear", "steps": 10}}, "sampler", "25", "schedule.steps=10 "),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_the_rule(tree, field, value, rule):
    with pytest.raises(UserError) as error:
        DiffusionConfig.from_tree(tree)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"`{field}`")
    assert value in line
    assert rule in line


def test_ancestral_sampling_takes_any_schedule():
    config = DiffusionConfig.from_tree({"schedule": {"kind": "linear", "steps": 10}, "sampler": "ddpm"})
    assert config.build().schedule.steps == 10


def test_configuration_imports_no_torch():
    code = (
        "import sys; from phasescope.models.families.diffusion.config import DiffusionConfig; DiffusionConfig(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
