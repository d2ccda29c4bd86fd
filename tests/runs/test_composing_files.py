"""Configurations of several YAML files."""

import pytest

from phasescope import UserError, load_config
from phasescope.runs.config.reading import load_arguments


@pytest.fixture
def files(tmp_path):
    (tmp_path / "data.yaml").write_text(
        "preset: fast\nworld: {sigma_px: 2}\ntraining: {steps: 30, batch: 4}\n"
    )
    (tmp_path / "network.yaml").write_text("network: {heads: 2}\ntraining: {batch: 8}\n")
    return [tmp_path / "data.yaml", tmp_path / "network.yaml"]


def test_later_files_are_merged_into_earlier_ones_and_overrides_into_all(files):
    config = load_config(files, ["training.steps=40"])
    assert (config.training.steps, config.training.batch, config.network.heads) == (40, 8, 2)
    assert config.digest() == load_arguments([*map(str, files), "training.steps=40"]).digest()
    assert load_config(files[::-1]).training.batch == 4
    assert load_config(files[0]).digest() == load_config([files[0]]).digest()


def test_a_file_that_is_given_twice_is_refused(files):
    with pytest.raises(UserError, match=r"`FILE` \(=.*data.yaml\) must be given once"):
        load_arguments([str(files[0]), str(files[0])])
