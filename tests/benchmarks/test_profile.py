"""Every operator's time is in one class, and the roofline statement is the arithmetic that it says it is."""

import json
from types import SimpleNamespace

import pytest

from benchmarks.profile import CLASSES, class_of, keep, profile, profiled_step, roofline

TINY = ["preset=small", "training.batch=4", "world.canvas=16"]


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_step_is_taken_apart_whole(optimiser):
    built = profiled_step([*TINY, f"training.optimiser.kind={optimiser}"], steps=2, device="cpu")
    shares = built.facts["shares"]
    assert set(shares) == {*CLASSES, "data and noise", "other"}
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for name, share in shares.items() if name != "compiled kernels")
    built.advance(1)


def test_work_belongs_to_the_marked_part_that_called_it():
    """Muon multiplies matrices too: these are the optimiser's, not the network's."""

    def event(name: str, caller: SimpleNamespace | None = None) -> SimpleNamespace:
        return SimpleNamespace(name=name, cpu_parent=caller)

    step = event("optimiser")
    assert class_of(event("aten::bmm", event("aten::matmul", step))) == "optimiser"
    assert class_of(event("aten::exp", event("data and noise"))) == "data and noise"
    assert class_of(event("aten::bmm", event("aten::matmul"))) == "linear and attention"
    assert class_of(step) == "optimiser"


def test_roofline():
    """10 GFLOP in 0.1 s, 40 % of it matrix work, where matrices multiply at 500 GFLOP/s."""
    shares = {
        "convolution forward": 0.1,
        "convolution backward": 0.25,
        "linear and attention": 0.05,
        "norm": 0.6,
    }
    found = roofline(10.0, 100.0, shares, {"median": 500.0})
    assert found["matrix_work_share"] == pytest.approx(0.4)
    assert found["matrix_work_gflop_per_s"] == pytest.approx(250.0)
    assert found["peak_share"] == pytest.approx(0.2)
    assert found["bound"] == pytest.approx(10 / (0.02 + 0.06) / 500)
    assert found["peak_share"] < found["bound"] < 1


def test_before_and_after_are_both_kept(tmp_path):
    path = tmp_path / "profile.json"
    base = {"words": ["a"], "precision": "float32", "batch": 1, "threads": 1, "device": "cpu", "cpu": "c"}
    for commit, value in (("one", 1), ("two", 2), ("one", 3)):
        keep(path, {**base, "git_commit": commit, "value": value})
    records = json.loads(path.read_text())["records"]
    assert [(record["git_commit"], record["value"]) for record in records] == [("two", 2), ("one", 3)]


@pytest.mark.slow
def test_profiled(tmp_path, capsys):
    record = profile(tmp_path, TINY, "bfloat16", rounds=2, steps=1, turn_s=0.0, threads=1, sizes=(64,))
    (kept,) = json.loads((tmp_path / "profile.json").read_text())["records"]
    assert kept["classes"].keys() == record["classes"].keys()
    fields = {"host", "cpu", "versions", "git_commit", "measured", "threads", "precision", "batch", "step_ms"}
    assert fields <= set(kept)
    total_ms = sum(spent["ms"] for spent in kept["classes"].values())
    assert total_ms == pytest.approx(kept["step_ms"]["median"])
    assert "ms a step" in capsys.readouterr().err
