"""A network that cannot tell a place from one some px away says so, and does so exactly."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope import Factors
from phasescope.models.networks import UNetConfig

CANVAS, BATCH = 16, 2
SHAPE = (1, CANVAS, CANVAS)
FACTORS = Factors.named(["x", "y"], [16.0, 16.0], periodic=["x", "y"])


def answers(config: UNetConfig, shift: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The answer to a shifted image, and the shifted answer; float64."""
    torch.manual_seed(0)
    network = config.build(SHAPE, FACTORS).double().eval()
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(BATCH, 1, CANVAS, CANVAS, generator=generator, dtype=torch.float64)
    t, labels = torch.tensor([10, 600]), torch.tensor([[3.0, 4.0], [11.5, 0.2]], dtype=torch.float64)
    with torch.no_grad():
        moved = network(torch.roll(x_t, shift, (2, 3)), t, labels)
        return moved, torch.roll(network(x_t, t, labels), shift, (2, 3))


def of_depth(depth: int, patch: int = 1, **fields) -> UNetConfig:
    return UNetConfig.from_tree(
        {
            "widths": [8] * (depth + 1), "patch": patch, "groups": 4, "padding": "circular",
            "embedding": {"width": 8}, **fields,
        }
    )  # fmt: skip


@pytest.mark.slow
@given(
    depth=st.integers(0, 3),
    patch=st.sampled_from([1, 2]),
    attention=st.sampled_from([[], ["mid"]]),
    times=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    modulation=st.sampled_from(["added", "scale_shift"]),
    input_skip=st.booleans(),
)
def test_with_circular_padding_a_shift_shifts_the_answer(
    depth, patch, attention, times, modulation, input_skip
):
    config = of_depth(
        depth,
        patch,
        attention=attention,
        embedding={"width": 8, "modulation": modulation},
        input_skip=input_skip,
    )
    f = config.commutes_with(SHAPE)
    assert f == patch * 2**depth // (2 if patch * 2**depth == CANVAS else 1)
    moved, expected = answers(config, (times[0] * f, times[1] * f))
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("depth", "patch"), [(0, 2), (2, 1), (3, 2)])
def test_a_shift_by_a_cell_does_and_a_bottleneck_of_one_cell_adds_nothing(depth, patch):
    """A bottleneck of one cell is a mean over the canvas: it knows no more of the place than the level above it."""
    config = of_depth(depth, patch)
    f = config.commutes_with(SHAPE)
    assert f == {(0, 2): 2, (2, 1): 4, (3, 2): 8}[depth, patch]
    moved, expected = answers(config, (f, 0))
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("depth", "patch"), [(1, 1), (2, 1), (3, 1), (0, 2), (1, 2), (3, 2)])
def test_a_shift_by_half_a_cell_does_not(depth, patch):
    config = of_depth(depth, patch)
    half = config.commutes_with(SHAPE) // 2
    for shift in ((half, 0), (0, half)):
        moved, expected = answers(config, shift)
        assert (moved - expected).abs().max() > 1e-3


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize(
    "fields",
    [{"padding": "zeros"}, {"padding": "reflect"}, {"padding": "replicate"}, {"coordinates": True}],
    ids=str,
)
def test_what_tells_the_place_breaks_the_symmetry(depth, fields):
    config = of_depth(depth, **fields)
    assert config.commutes_with(SHAPE) is None
    moved, expected = answers(config, (4, 8))
    assert (moved - expected).abs().max() > 1e-3
