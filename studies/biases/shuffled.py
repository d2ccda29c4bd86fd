"""A foil of modulation by axis, in which the encodings of columns and rows do not tell where these are."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from studies.biases.axis import ByAxisUNet


class ShuffledUNet(ByAxisUNet):
    """As `ByAxisUNet`, but each column, and each row, is encoded as another's place is, by one permutation for each size."""

    def build(self, shape: Any, factors: Any) -> torch.nn.Module:
        unet = super().build(shape, factors)
        for layer in [module for module in unet.modules() if hasattr(module, "places")]:
            layer.places = partial(shuffled, layer.places)
        return unet


def shuffled(places: Callable[[int], torch.Tensor], size: int) -> torch.Tensor:
    return places(size)[torch.randperm(size, generator=torch.Generator().manual_seed(size))]
