"""Counts of objects and their Fano factor: known answers."""

import math

import numpy as np
import pytest

from studies.local.objects import counts


def test_counts_by_chance_have_a_fano_factor_of_one_and_just_one_object_has_none():
    rng = np.random.default_rng(0)
    by_chance = counts(rng.poisson(1.0, 20_000).astype(float))
    assert by_chance == pytest.approx({"objects": 1.0, "fano": 1.0, "one": math.exp(-1)}, abs=0.05)
    assert counts(np.ones(100)) == {"objects": 1.0, "fano": 0.0, "one": 1.0}


def test_an_image_that_cannot_be_read_is_no_image_with_one_object():
    assert counts(np.array([1.0, np.nan, 3.0])) == {"objects": 2.0, "fano": 1.0, "one": pytest.approx(1 / 3)}
    assert counts(np.zeros(5)) == {"objects": 0.0, "fano": 0.0, "one": 0.0}
    assert math.isnan(counts(np.array([1.0, np.nan]))["fano"])
