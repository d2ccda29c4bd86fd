"""A sweep is what `train` would do, many times."""

import pytest

from phasescope import load_config
from phasescope.runs.config import PRESETS
from phasescope.studies import Cell, Study
from phasescope.studies.sweep import sweep_of


@pytest.mark.parametrize("preset", [*PRESETS, None])
def test_a_sweep_observes_as_train_with_the_same_preset_does(preset: str | None):
    words = ["training.steps=50"] + ([f"preset={preset}"] if preset else [])
    sweep = sweep_of([*words, "training.batch=4,5"])
    for cell, batch in zip(sweep.cells, (4, 5), strict=True):
        alone = load_config(overrides=[*words, f"training.batch={batch}"])
        observed = sweep.observed(cell, 0)
        assert observed.probing == alone.probing
        assert observed.digest() == alone.digest()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_study_observes_as_its_preset_says_for_studies(preset: str):
    cell = Cell("one", {})
    study = Study("own", "Does it?", preset, [cell], 1)
    snapshots = PRESETS[preset].studied["probing"]["snapshots"]
    assert study.observed(cell, 0).probing.snapshots.model_dump().items() >= snapshots.items()
