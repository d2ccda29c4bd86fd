"""A measure of one's own: how far latents lie from their mean, in units of their largest distance."""

import numpy as np

from phasescope.measures import Score


def roundness(latents, labels):
    far = np.linalg.norm(latents - latents.mean(axis=0), axis=1)
    value = float(far.mean() / far.max())
    return Score(value, value, value, len(far), "mean over largest distance", {"sphere": 1.0})
