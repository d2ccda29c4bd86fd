"""What a snapshot records of a diffusion model as a denoiser, beside exact denoisers."""

from phasescope.measures.columns import Column, declare

declare(
    Column(
        name="denoising",
        words="denoising error",
        meaning="`.BAND.network`, `.floor`, `.unconditional`, `.low`, `.high`: mean squared error of the noise in a band of "
        "t, of the network, of the exact optimum, of the optimum without the label; the band",
        unit="MSE",
        low=0.0,
        better="lower",
        at="band",
        section="denoising",
        needs=frozenset({"references"}),
        baselines=("unconditional", "floor"),
    ),
    Column(
        name="closest_reference",
        words="closest reference denoiser",
        meaning="`.I.t`, `.reference`, `.r2`, `.error`: the closest reference denoiser at a noise level: "
        "[theory](../theory.md)",
        at="band",
        section="denoising",
        needs=frozenset({"references"}),
    ),
    Column(
        name="nats",
        words="nats of the label",
        meaning="`.FACTOR`: information about the label that the network has learned, if it was trained with labels left "
        "out",
        unit="nats",
        better="higher",
        at="snapshot",
        section="denoising",
        needs=frozenset({"references"}),
    ),
)
