"""Known answers: each exact optimum is closest to its own reference."""

import math

import numpy as np
import pytest
import torch

from helpers.answers import ANALYSIS, BEST, COMPARISON, WORLD, answering
from phasescope.models.families import DiffusionConfig, Examples, Task
from phasescope.models.families.diffusion.exact.closest_reference import ALIKE
from phasescope.worlds import GaussianBump


@pytest.mark.parametrize(
    "reference", ANALYSIS.reference_denoisers.denoisers, ids=lambda reference: reference.name
)
def test_an_exact_optimum_is_closest_to_itself(reference):
    """Or, where its answer is another's that knows less, on that one."""

    def x_0(x_t, alpha, sigma, labels):
        hidden = labels.clone()
        hidden[:, list(reference.hidden)] = torch.nan
        return reference.optimum.x_0(x_t, alpha, sigma, hidden)

    own = COMPARISON.names.index(reference.name)
    for level, found in enumerate(COMPARISON.closest(answering(x_0))):
        if COMPARISON.distinct[own, level]:
            assert found["reference"] == reference.name, found
            assert found["r2"] == pytest.approx(1, abs=1e-3)  # the patch-local optimum is float32
        else:
            other = COMPARISON.names.index(found["reference"])
            assert other < own
            assert found["r2"] > 1 - ALIKE
    assert COMPARISON.distinct[own].any() or reference.name == "posterior mean"


def test_every_rung_can_be_told_apart_somewhere():
    assert COMPARISON.distinct[COMPARISON.names.index("posterior mean")].any()
    assert COMPARISON.distinct[0].all(), "nothing knows less than the mean image"


def test_error_is_that_of_the_images():
    mean_image = ANALYSIS.reference_denoisers.denoisers[0].optimum
    told = COMPARISON.closest(answering(mean_image.x_0))
    assert np.mean([one["error"] for one in told]) == pytest.approx(1, rel=0.05)
    perfect = COMPARISON.closest(answering(BEST.x_0))
    assert max(one["error"] for one in perfect) == pytest.approx(0, abs=1e-6)


def examine(withheld: str, world: GaussianBump = WORLD) -> dict:
    task = Task.from_world(world, withheld=withheld)
    labels = task.training[:8].reshape(2, 4, -1)
    examples = Examples(task, world.shape, labels, 0, torch.device("cpu"))
    analysis = DiffusionConfig().analysis(task)
    known = analysis.references(examples)
    again = DiffusionConfig().analysis(
        task
    )  # after a resumption: the references are read, the denoisers answer
    network = lambda x_t, t, labels: torch.zeros_like(x_t)  # noqa: E731
    found = analysis.examine(network, examples, known)
    recorded = again.examine(network, examples, known)
    assert recorded.keys() == found.keys()
    for name in {"denoising", "closest_reference"} & found.keys():
        assert [pytest.approx(one) for one in found[name]] == recorded[name]
    for name, nats in found.get("nats", {}).items():
        assert recorded["nats"][name] == pytest.approx(nats)
    return {**found, "known": known["reference_denoisers"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("withheld", "names"), [("never", None), ("label", {"label"}), ("factors", {"label", "x", "y"})]
)
def test_nats_are_told_of_what_was_left_out(withheld, names):
    found = examine(withheld)
    assert len(found["closest_reference"]) == 12
    if names is None:
        assert "nats" not in found
    else:
        assert set(found["nats"]) == names
        assert all(one["value"] == pytest.approx(0, abs=1e-9) for one in found["nats"].values())


def test_some_training_images_alone_leave_factors_untold():
    world = GaussianBump(canvas=16, design={"kind": "grid", "keep": 100})
    found = examine("factors", world)
    assert set(found["known"]["left_out"]) == {"x known", "y known"}
    assert found["known"]["nats"]["label"] == pytest.approx(math.log(100))
    known = {"mean image", "Wiener", "label", "posterior mean", "patch-local optimum, 7 px"}
    assert {level["reference"] for level in found["closest_reference"]} <= known


def test_a_world_without_references_is_still_examined():
    wide = GaussianBump(canvas=65, design={"kind": "grid", "dx": 8.0, "dy": 8.0})
    found = examine("never", wide)
    assert "at most 4096" in found["known"]["left_out"]["closest_reference"]
    assert "closest_reference" not in found


def test_a_run_without_recorded_references_resumes_without():
    task = Task.from_world(WORLD)
    examples = Examples(task, WORLD.shape, task.training[:8].reshape(2, 4, -1), 0, torch.device("cpu"))
    found = (
        DiffusionConfig()
        .analysis(task)
        .examine(lambda x_t, t, labels: x_t, examples, {"unconditional": [1.0, 1.0]})
    )
    assert set(found) == {"denoising"}
