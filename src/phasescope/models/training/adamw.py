"""AdamW (Loshchilov & Hutter 2019) on flat parameters."""

from __future__ import annotations

import torch
from torch.optim.adamw import adamw

from phasescope.models.training.config import AdamWConfig
from phasescope.models.training.flat import FlatParameters
from phasescope.models.training.update import Update

# AdamW's least root mean square of a gradient, as torch's default.
EPS = 1e-8


class AdamW(Update):
    """AdamW on one tensor for all parameters: the fused update walks the memory, which must have no gaps.

    The function, not the class: `torch.optim.AdamW` imports the compiler, a second, whether or not one compiles.
    """

    ENTRIES = ("step", "exp_avg", "exp_avg_sq")

    def __init__(self, flat: FlatParameters, names: list[str], config: AdamWConfig, weight_decay: float):
        super().__init__(flat, names)
        self.config, self.weight_decay = config, weight_decay

    @torch.no_grad()
    def step(self, lr_factor: float) -> None:
        self.begin()
        beta1, beta2 = self.config.betas

        adamw(
            [self.weights],
            [self.gradients],
            [self.moments["exp_avg"]],
            [self.moments["exp_avg_sq"]],
            max_exp_avg_sqs=[],
            state_steps=[self.moments["step"]],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=self.config.lr * lr_factor,
            weight_decay=self.weight_decay,
            eps=EPS,
            maximize=False,
        )
