"""Diffusions: noise schedule, parametrization, weighting, sampler; their exact optima."""

from typing import Literal

Predict = Literal["eps", "x", "v"]
Times = Literal["independent", "stratified"]
"""what a network predicts: the noise, the image, or v = alpha eps - sigma x_0"""
