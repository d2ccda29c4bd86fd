"""A process's settings of torch change nothing that phasescope computes, and phasescope changes none of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import phasescope
from helpers.training_runs import TINY, run_config
from phasescope.worlds import GaussianBump, check_world


@contextmanager
def hostile(threads: int = 1) -> Iterator[None]:
    """Set what a notebook may set, check that it is so afterwards, and put back the usual."""
    torch.set_float32_matmul_precision("medium")
    torch.backends.mkldnn.conv.fp32_precision = "bf16"
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(threads)
    try:
        with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
            yield
            assert torch.is_autocast_enabled("cpu")
            assert not torch.is_grad_enabled()
        assert torch.get_float32_matmul_precision() == "medium"
        assert torch.backends.mkldnn.conv.fp32_precision == "bf16"
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_num_threads() == threads
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        for place in (torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul, torch.backends.cuda.matmul):
            place.fp32_precision = "none"
        torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> phasescope.Run:
    torch.set_num_threads(1)
    return phasescope.train(run_config(TINY), tmp_path_factory.mktemp("usual"))


def test_training_ends_with_the_same_weights_and_metrics(trained, tmp_path):
    with hostile(threads=2):  # the run has one
        run = phasescope.train(run_config(TINY), tmp_path)
    for mine, other in zip(run.snapshots, trained.snapshots, strict=True):
        weights, expected = mine.weights(), other.weights()
        assert all(np.array_equal(weights[name], expected[name]) for name in expected)
    spent = ("wall_s", "cpu_s", "observing_s")
    lines = [
        [{k: v for k, v in line.items() if k not in spent} for line in r.metrics] for r in (run, trained)
    ]
    assert lines[0] == lines[1]


def test_a_run_is_sampled_read_and_measured_the_same(trained):
    def readings() -> list:
        return [
            trained.sample([[4.0, 4.0]], n=2),
            trained.activations(phasescope.Site("mid", 40), np.array([[4.0, 4.0]])),
            phasescope.intervene(trained, "mid", count=16).images,
        ]

    expected = readings()
    with hostile():
        found = readings()
    for mine, other in zip(found, expected, strict=True):
        assert np.array_equal(mine, other)


class Passing(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 3, padding=1, dtype=torch.float32)
        self.out = nn.Conv2d(4, 1, 1, dtype=torch.float32)

    def forward(self, x_t, t, labels):
        return self.out(torch.relu(self.layer(x_t)) + labels[:, :1, None, None])


def test_a_watched_network_is_recorded_the_same_and_so_is_a_probed_one(tmp_path):
    torch.manual_seed(0)
    network, world = Passing(), GaussianBump.from_tree({"canvas": 8})
    plan = {**TINY["probing"], "p1": None}
    plan = {
        name: plan[name]
        for name in ("latent_labels", "variance_labels", "variance_draws", "bands", "band_images")
    }

    def record(folder: Path) -> dict:
        watcher = phasescope.watch(world, ["layer"], folder=folder, batch=4, t=[40], **plan, p1=None)
        return watcher.record(network, 0)

    def probed() -> dict:
        return phasescope.probe(network, world, ["layer"], [40], labels=64, shared=16, crossed=0).latents

    line, latents = record(tmp_path / "usual"), probed()
    with hostile():
        assert record(tmp_path / "hostile") == line
        found = probed()
    assert all(np.array_equal(found[site], latents[site]) for site in latents)


def test_a_world_of_your_own_is_tried_out_in_float32(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("shades.py").write_text(
        "import numpy as np\nimport torch\nfrom phasescope import Factor, Factors, World\n\n\n"
        "class Shades(World):\n"
        "    factors = property(lambda self: Factors((Factor('grey', 0.0, 1.0),)))\n"
        "    shape = property(lambda self: (1, 8, 8))\n\n"
        "    def training_labels(self):\n        return np.linspace(0, 1, 30, dtype=np.float32)[:, None]\n\n"
        "    def render(self, labels):\n        return (2 * labels - 1)[:, :, None, None] * torch.ones(1, 8, 8)\n"
    )
    with hostile():
        phasescope.load_config(overrides=["world.kind=shades.py:Shades", "network.widths=[8, 8]"])
        check_world(
            phasescope.load_config(overrides=["world.kind=shades.py:Shades", "network.widths=[8, 8]"]).world
        )
