"""Every operator's time is in one class, and the roofline statement is the arithmetic that it says it is."""

import json
from types import SimpleNamespace

import pytest
import torch

from benchmarks.profile import (
    CLASSES,
    class_of,
    class_of_name,
    keep,
    marked,
    profile,
    profiled_step,
    roofline,
)

TINY = ["preset=small", "training.batch=4", "world.canvas=16"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aten::mkldnn_convolution", "convolution forward"),
        ("aten::convolution_backward", "convolution backward"),
        ("autograd::engine::evaluate_function: ConvolutionBackward0", "convolution backward"),
        ("aten::_slow_conv2d_backward", "convolution backward"),
        ("aten::_slow_conv2d_forward", "convolution forward"),
        ("aten::native_group_norm_backward", "norm"),
        ("aten::addmm", "linear and attention"),
        ("aten::bmm", "linear and attention"),
        ("aten::linear", "linear and attention"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "linear and attention"),
        ("aten::linalg_vector_norm", "optimiser"),
        ("aten::_fused_adamw_", "optimiser"),
        ("aten::silu_backward", "activation"),
        ("aten::upsample_bilinear2d", "resampling"),
        ("aten::avg_pool2d_backward", "resampling"),
        ("aten::pixel_unshuffle", "resampling"),
        ("aten::lerp_", "averaging"),
        ("aten::_to_copy", "casts and copies"),
        ("aten::add", "other"),
        ("aten::addcmul", "other"),
    ],
)
def test_class_of_an_operator(name, expected):
    assert class_of_name(name) == expected


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


def test_what_is_marked_acts_as_before():
    class Adder:
        base = 1

        def add(self, number: int, twice: bool = False) -> int:
            return self.base + number * (1 + twice)

    with torch.profiler.profile() as profiler:
        adder = marked(Adder(), "data and noise", "add")
        assert (adder.add(2), adder.add(2, twice=True), adder.base) == (3, 5, 1)
    assert [event.name for event in profiler.events() or ()].count("data and noise") == 2


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


def test_no_time_outside_matrix_work_leaves_no_bound_below_the_peak():
    found = roofline(10.0, 100.0, {"convolution forward": 1.0}, {"median": 500.0})
    assert found["bound"] == pytest.approx(1)


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
