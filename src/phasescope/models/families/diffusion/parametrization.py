"""Parametrizations: the network's target given x_t = alpha_t x_0 + sigma_t eps, and the weight of its error.

    eps    the noise (Ho et al. 2020, arXiv 2006.11239)
    x      the image x_0
    v      alpha_t eps - sigma_t x_0 (Salimans & Ho 2022, arXiv 2202.00512), where alpha_t^2 + sigma_t^2 = 1
    u      eps - x_0, the velocity of x_t as t grows from 0 to 1, where alpha_t = 1 - t and sigma_t = t: flow matching
           (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023, arXiv 2209.03003)

Given x_t, each determines the others; their squared errors are in the ratio

    x : eps : v : u  =  1 : SNR_t : SNR_t + 1 : (sqrt(SNR_t) + 1)^2,    SNR_t = alpha_t^2 / sigma_t^2,

so with the weights 1, 1/SNR, ... they are one and the same loss. Min-SNR (Hang et al. 2023, arXiv
2303.09556) gives the error of x_0 the weight min(SNR_t, gamma).

`alpha` and `sigma` are tensors that broadcast with the images, such as (B, 1, 1, 1).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.models.families.diffusion import Predict

Images = Float[Tensor, "B C H W"]
Scale = Float[Tensor, "#B 1 1 1"]
Weighting = Callable[[Predict, Float[Tensor, " T"]], Float[Tensor, " T"]]


def prediction_of(predict: Predict, x_0: Images, eps: Images, alpha: Scale, sigma: Scale) -> Images:
    """Return the prediction of a perfect network for image `x_0` and noise `eps`."""
    match predict:
        case "eps":
            return eps
        case "x":
            return x_0
        case "v":
            return alpha * eps - sigma * x_0
        case "velocity":
            return eps - x_0


def x_0_of(predict: Predict, prediction: Images, x_t: Images, alpha: Scale, sigma: Scale) -> Images:
    """Return the image that `prediction` at `x_t` means."""
    match predict:
        case "eps":
            return (x_t - sigma * prediction) / alpha
        case "x":
            return prediction
        case "v":
            return alpha * x_t - sigma * prediction
        case "velocity":
            return (x_t - sigma * prediction) / (alpha + sigma)


def eps_of(predict: Predict, prediction: Images, x_t: Images, alpha: Scale, sigma: Scale) -> Images:
    """Return the noise that `prediction` at `x_t` means."""
    match predict:
        case "eps":
            return prediction
        case "x":
            return (x_t - alpha * prediction) / sigma
        case "v":
            return sigma * x_t + alpha * prediction
        case "velocity":
            return (x_t + alpha * prediction) / (alpha + sigma)


def error_ratio(predict: Predict, snr: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """Return the squared error of the prediction over that of the x_0 that it means."""
    match predict:
        case "eps":
            return snr
        case "x":
            return torch.ones_like(snr)
        case "v":
            return snr + 1
        case "velocity":
            return (snr.sqrt() + 1).square()


def plain_weight(predict: Predict, snr: Float[Tensor, " T"]) -> Float[Tensor, " T"]:
    """Return 1 for the squared error of whatever is predicted."""
    return torch.ones_like(snr)


def min_snr_weight(predict: Predict, snr: Float[Tensor, " T"], gamma: float) -> Float[Tensor, " T"]:
    """Return the weight of the prediction's squared error such that the error of x_0 weighs min(SNR, gamma)."""
    return snr.clamp(max=gamma) / error_ratio(predict, snr)
