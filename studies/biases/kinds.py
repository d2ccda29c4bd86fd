"""U-Nets that are biased towards factorizing x and y: by what they can output, or by what their convolutions see."""

from typing import Any, Literal

import torch
from torch import nn

from phasescope import networks

REACH = 9  # pixels that an axial kernel sees along its axis: as many weights as 3 x 3


class HeadUNet(networks.UNetConfig):
    """A U-Net that says what an image is by one profile along x and one along y, the means of two channels.

    With `product` the contrast is their outer product, of rank 1, as that of a bump; with `sum` their sum, whose mixed
    second difference is 0, as that of two stripes. It predicts the image, on a white background.
    """

    kind: str = ""  # of a U-Net it can only be `unet`  # pyrefly: ignore[bad-override]
    head: Literal["product", "sum"] = "product"

    def build(self, shape: Any, factors: Any) -> nn.Module:
        return _Head(super().build((2, *shape[1:]), factors), self.head)


class _Head(nn.Module):
    def __init__(self, unet: nn.Module, head: str):
        super().__init__()
        self.unet, self.head = unet, head

    def tap(self, name: str) -> nn.Module:
        return self.unet.tap(name)  # type: ignore[operator]

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        by_x, by_y = self.unet(x_t.expand(-1, 2, -1, -1), t, labels).unbind(1)
        by_x, by_y = by_x.mean(1)[:, None, None, :], by_y.mean(2)[:, None, :, None]
        return 1 - 2 * (by_x * by_y if self.head == "product" else by_x + by_y)


class AxialUNet(networks.UNetConfig):
    """A U-Net whose residual layers see a row, then a column: kernels of 1 x 9 and 9 x 1 instead of 3 x 3 twice."""

    kind: str = ""  # pyrefly: ignore[bad-override]

    def build(self, shape: Any, factors: Any) -> nn.Module:
        unet = super().build(shape, factors)
        for layer in [module for module in unet.modules() if hasattr(module, "conv2")]:
            for name, kernel in (("conv1", (1, REACH)), ("conv2", (REACH, 1))):
                conv = getattr(layer, name)
                setattr(layer, name, nn.Conv2d(conv.in_channels, conv.out_channels, kernel, padding="same"))
        return unet
