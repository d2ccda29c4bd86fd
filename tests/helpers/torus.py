"""On a torus whose images are all translates of one, their covariance is diagonal in Fourier's basis."""

import torch


def torus_spectrum(image: torch.Tensor) -> torch.Tensor:
    """The covariance's eigenvalues of all translates of an image (1, *spatial), in Fourier's order, (pixels,) float64.

    lambda_k = |sum_i image(i) exp(-2 pi sqrt(-1) k i / N)|^2 / pixels, and 0 at k = 0: the mean image has that mode.
    """
    (channel,) = image
    variances = (torch.fft.fftn(channel.double()).abs().square() / channel.numel()).flatten()
    variances[0] = 0
    return variances
