"""A toy family without noise levels: a decoder that paints at once, from noise and the label."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from phasescope import Family, FamilyConfig, SamplingState


class Decoder(FamilyConfig, Family):
    noise: float = Field(0.1, ge=0)
    """standard deviation of the noise that the network starts from"""

    def draw(self, x_0, generator):
        noise = torch.randn(x_0.shape, generator=generator, device=generator.device)
        return (noise.to(x_0.device),)

    def loss_at(self, network, x_0, labels, noise):
        return (self._painted(network, noise, labels) - x_0).square().flatten(1).mean(1)

    def trajectory(self, network, labels, shape, generator):
        noise = torch.randn((len(labels), *shape), generator=generator, device=generator.device)
        image = self._painted(network, noise.to(labels.device), labels).clamp(-1, 1)
        yield SamplingState(0, -1, image, image)

    def inputs(self, x_0, labels, t, noise):
        return self.noise * noise, torch.zeros(len(labels), dtype=torch.int64, device=labels.device), labels

    def examine(self, network, examples, references) -> dict[str, Any]:
        labels = torch.from_numpy(examples.labels.reshape(-1, examples.labels.shape[-1])).to(examples.device)
        x_0 = examples.task.render(labels)
        with torch.no_grad():
            return {
                "pixel_error": float(
                    (self._painted(network, torch.zeros_like(x_0), labels) - x_0).square().mean()
                )
            }

    def _painted(self, network, noise, labels):
        return network(*self.inputs(noise, labels, None, noise))
