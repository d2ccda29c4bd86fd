import pytest
import torch

CANVAS = 16


def render_bumps(labels: torch.Tensor) -> torch.Tensor:
    """Dark bumps of width 1 px on white, (B, 1, 16, 16), at `labels` (B, 2)."""
    pixel = torch.arange(1, CANVAS + 1, dtype=labels.dtype, device=labels.device)
    x, y = labels[:, :1, None], labels[:, 1:, None]
    r_2 = (pixel[None, None, :] - x) ** 2 + (pixel[None, :, None] - y) ** 2
    return (1 - 2 * torch.exp(-r_2 / 2))[:, None]


@pytest.fixture(scope="session")
def render():
    return render_bumps


@pytest.fixture(scope="session")
def grid() -> torch.Tensor:
    """Every whole-pixel label, (256, 2)."""
    axis = torch.arange(1.0, CANVAS + 1)
    return torch.cartesian_prod(axis, axis)


@pytest.fixture(scope="session")
def labels() -> torch.Tensor:
    """Labels on and off the grid, (5, 2)."""
    return torch.tensor([[1.0, 1.0], [8.0, 5.0], [3.3, 11.7], [15.95, 0.4], [7.5, 7.5]])
