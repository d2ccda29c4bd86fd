import numpy as np
import pytest

from phasescope import RunConfig
from phasescope.core.git import commit_of, git
from phasescope.runs.training.description import MOST_LABELS, describe


def told(hold_out: dict | None, step: float = 1.0) -> tuple[RunConfig, dict]:
    design = {"kind": "grid", "dx": step, "dy": step, "hold_out": hold_out}
    config = RunConfig.from_tree({"world": {"kind": "gaussian_bump", "canvas": 32, "design": design}})
    return config, describe(config, config.plan_of(config.network.layer_names, ("mid",)))


@pytest.mark.parametrize("step", [1.0, 0.25])
def test_labels_held_out_are_told_by_split_and_by_their_values_where_they_are_too_many(step):
    config, found = told({"kind": "cross", "x": [13, 19], "y": [13, 19]}, step)
    held = config.world.held_out()
    assert list(found["held_out"]) == list(held) == ["x_arm", "y_arm", "intersection"]
    few = sum(map(len, held.values())) <= MOST_LABELS
    assert few == (step == 1.0)
    for split, labels in held.items():
        one = found["held_out"][split]
        assert one["count"] == len(labels)
        assert (one["labels"] is not None) == few
        if few:
            np.testing.assert_allclose(one["labels"], labels)
        for values, column in zip(one["values"], labels.T, strict=True):
            np.testing.assert_allclose(values, np.unique(column))


def test_a_design_that_holds_nothing_out_tells_none():
    assert told(None)[1]["held_out"] == {}


def test_a_commit_is_dirty_if_python_files_differ_from_it_and_not_if_records_do(tmp_path):
    assert commit_of(tmp_path) == ""
    (tmp_path / "study.py").write_text("1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", "study.py")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "one")
    (tmp_path / "records.parquet").write_bytes(b"")
    assert len(clean := commit_of(tmp_path)) == 12
    (tmp_path / "study.py").write_text("2\n")
    assert commit_of(tmp_path) == f"{clean}-dirty"
