"""Commands that answer are timed on copies of a run's records."""

import pytest

from benchmarks.pages import Settings, measure


@pytest.mark.slow
def test_every_command_is_timed(tmp_path):
    words = ("preset=fast", "training.steps=2", "probing.observe=[]", "family.sampler.steps=2")
    found = measure(tmp_path, Settings(rounds=1, runs=3, words=words))["commands"]
    assert [record["name"] for record in found] == [
        "phasescope --help",
        "phasescope claims",
        "phasescope ls, 3 runs",
        "phasescope report",
        "explorer, 3 runs: first rows",
        "explorer, 3 runs: all rows",
    ]
    assert all(record["wall_s"]["median"] > 0 for record in found)
    assert found[3]["megabytes"] > 0.1
