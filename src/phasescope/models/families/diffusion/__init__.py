"""Diffusions, flow matching among them: noise schedule, parametrization, weighting, sampler; their exact optima."""

from typing import Literal

Predict = Literal["eps", "x", "v", "velocity"]
"""what a network predicts: the noise, the image, v = alpha eps - sigma x_0, or the velocity eps - x_0"""
Times = Literal["independent", "stratified"]
