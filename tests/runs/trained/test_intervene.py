"""Interventions on a run that is on disk: by Python and by the command, and in a line what is wrong."""

import json

import numpy as np
import pytest

from phasescope import Run, UserError, intervene
from phasescope.cli import main


@pytest.mark.parametrize(
    ("how", "by"), [("patch", None), ("part", None), ("steer", (2.0, 0.0)), ("ablate", None)]
)
def test_every_way_gives_its_scores_and_the_same_again(how, by, run: Run):
    found, again = (intervene(run, "mid", how, by, count=16) for _ in range(2))
    np.testing.assert_array_equal(found.images, again.images)
    assert found.images.shape == found.untouched.shape == (16, 1, 8, 8)
    readers = ("matched", "darkest", "refined")
    names = {*(f"{reader}.stays" for reader in readers), "loss", "loss.conditioned"}
    if how != "ablate":
        names |= {f"{reader}.{what}" for reader in readers for what in ("follows", "moved.x")}
    if how in ("patch", "part"):
        names |= {f"{reader}.moved.y" for reader in readers}
    assert set(found.scores) == names
    for name, score in found.scores.items():
        assert score.low <= score.value <= score.high, name
        assert name.startswith("loss") or "untouched" in score.baselines
    if by is not None:
        np.testing.assert_allclose(found.targets - found.labels, np.tile(by, (16, 1)), atol=1e-5)


def test_the_command_prints_a_table_or_json_and_writes_images(run: Run, tmp_path, capsys):
    words = ["intervene", str(run.path), "--layer", "mid", "--count", "8", "--how", "steer", "--by", "1,0"]
    assert main([*words, "--out", str(tmp_path / "there.npz")]) == 0
    assert "matched.moved.x" in capsys.readouterr().out
    with np.load(tmp_path / "there.npz") as arrays:
        assert arrays["images"].shape == (8, 1, 8, 8)
    assert main([*words, "--json"]) == 0
    assert {"value", "low", "high", "n", "baselines"} <= set(
        json.loads(capsys.readouterr().out)["matched.follows"]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "nowhere"}, "`layer`"),
        ({"how": "paint"}, "`how`"),
        ({"how": "steer"}, "`by`"),
        ({"by": (1.0, 0.0)}, "`by`"),
        ({"how": "steer", "by": (1.0,)}, "2 numbers"),
        ({"how": "steer", "by": (0.0, 0.0)}, "not all 0"),
        ({"how": "steer", "by": (float("nan"), 1.0)}, "must be finite"),
        ({"how": "steer", "by": (500.0, 0.0)}, "must lead from some labels of the world"),
        ({"count": 3}, "`count`"),
        ({"count": 10**9}, "`count`"),
        ({"step": 7}, "snapshots"),
    ],
)
def test_bad_input_is_a_line(change, message, run: Run):
    with pytest.raises(UserError, match=message) as caught:
        intervene(run, **{"layer": "mid", **change})
    assert "\n" not in str(caught.value)
