"""When does a VAE use its code, and does theory say so?

A beta-VAE that minimises D / 2 + B KL on bumps of sigma 1 px on a torus has two thresholds. Below B = 0.148, the largest
eigenvalue of the images' covariance, a code that is not used is unstable (as for probabilistic PCA: Lucas et al. 2019, arXiv
1911.02469). Above B = 0.91 no code is worth its nats (rate-distortion function, by Blahut-Arimoto). Between them runs from
scratch should stay without a code, and runs in which B rises from a small value should keep theirs. If the decoder is given
the label, it needs no code: that it has none checks the instrument. Such a decoder computes one image of each label, and can
err by a blurred image but hardly by a well-formed bump in a wrong place, the failure of phase B.
"""

import numpy as np
import torch

import phasescope.studies as ps
from phasescope.studies.readings.outcomes import formed
from studies.codes.kinds import nats
from studies.designs.likelihoods import PLAN, TRAINING

KINDS = "studies/codes/kinds.py"
USED, LEAST = 1.0, 0.05  # nats of a code that is used (all 1,024 places have 6.9), and of one of its units
LIMITS = "A perceptron of two hidden layers on either side, a code of 8, 4,000 steps of AdamW."


def cell(start: str, B: float, conditional: bool = False) -> ps.Cell:
    rising = {"first": 0.02, "anneal": 2500} if start == "annealed" else {}
    family = {"kind": f"{KINDS}:BetaVAE", "B": B} | rising
    network = {"kind": f"{KINDS}:Autoencoder"} | ({"conditional": True} if conditional else {})
    world, plan = {"boundary": "periodic"}, PLAN | {"t": "usual", "p1": None}
    fields = {"world": world, "family": family, "network": network, "training": TRAINING, "probing": plan}
    name = f"{start}, with the label, B = {B:g}" if conditional else f"{start}, B = {B:g}"
    return ps.Cell(name, {"seed": 9000, **fields}, {"B": B, "start": start, "label": conditional})


def read_code(run) -> list[dict]:
    """Return at each snapshot the KL divergence of the code in nats, the units that have more than `LEAST`, and the squared
    error of images that are decoded from the code's mean; over all training labels."""
    rows = []
    for snapshot in run.snapshots:
        loaded = ps.load_network(run, snapshot)
        labels = torch.from_numpy(loaded.config.world.training_labels())
        images = loaded.config.world.render(labels)
        with torch.no_grad():
            code = loaded.network.encode(images)
            by_unit = nats(*code).mean(0)
            off = (loaded.network.decode(code[0], labels) - images).square().flatten(1).sum(1).mean()
        row = {"nats": by_unit.sum(), "units": (by_unit > LEAST).sum(), "distortion": off}
        rows.append({"step": snapshot.step} | {name: float(value) for name, value in row.items()})
    return rows


@ps.reads("code.nats")
def used(runs: ps.Runs) -> np.ndarray:
    return runs.end("code.nats") > USED


# Asked: 0 runs existed, and no pilot is known.
STUDY = ps.Study(
    name="codes",
    question="When does a VAE use its code, and do thresholds that are known before training say so?",
    base="fast",
    answers="Q5",
    cells=[
        *(cell("scratch", B) for B in (0.1, 0.22, 0.45)),
        *(cell("annealed", B) for B in (0.22, 0.45, 1.4)),
        cell("scratch", 0.1, conditional=True),
    ],
    seeds=8,
    more=8,
    headline="hysteresis",
    claims=[
        ps.Claim(
            name="unstable",
            asked=ps.Asked.BEFORE,
            sentence="Below the first threshold (B = 0.1, of 0.148) most runs use their code.",
            statistic=ps.Share(),
            numbers=used,
            threshold=0.5,
            effect=0.49,
            direction="above",
            where={"B": 0.1, "start": "scratch", "label": False},
            limits=LIMITS,
        ),
        ps.Claim(
            name="stable",
            asked=ps.Asked.BEFORE,
            sentence="Above it (B = 0.22) most runs from scratch do not use their code.",
            statistic=ps.Share(),
            numbers=used,
            threshold=0.5,
            effect=0.49,
            direction="below",
            where={"B": 0.22, "start": "scratch", "label": False},
            limits=LIMITS,
        ),
        ps.Claim(
            name="hysteresis",
            asked=ps.Asked.BEFORE,
            sentence="Between them (B = 0.45) runs in which B rises slowly have more than a nat more than runs from scratch.",
            statistic=ps.Difference("start", "annealed", "scratch"),
            numbers=ps.end("code.nats"),
            unit="nats",
            threshold=1.0,
            effect=0.6,
            spread=0.3,
            where={"B": 0.45},
            limits=LIMITS,
        ),
        ps.Claim(
            name="empty",
            asked=ps.Asked.BEFORE,
            sentence="If the decoder is given the label, the code holds less than 0.05 nats.",
            statistic=ps.Mean(),
            numbers=ps.end("code.nats"),
            unit="nats",
            threshold=LEAST,
            direction="below",
            effect=0.04,
            spread=0.02,
            where={"label": True},
            check=True,
            limits=LIMITS,
        ),
        ps.Claim(
            name="no_phase_b",
            asked=ps.Asked.BEFORE,
            sentence="If the decoder is given the label, phase B (mostly one misplaced bump) is left out.",
            statistic=ps.Share(),
            numbers=ps.ever("phase.behaviour", "B"),
            threshold=0.5,
            direction="below",
            effect=0.49,
            where={"label": True},
            caveats=(
                LIMITS,
                "Read every 200 steps, on 64 labels.",
            ),
        ),
        ps.Claim(
            name="worthless",
            asked=ps.Asked.BEFORE,
            sentence="Above the second (B = 1.4, of 0.91) most runs lose their code.",
            statistic=ps.Share(),
            numbers=used,
            threshold=0.5,
            effect=0.49,
            direction="below",
            where={"B": 1.4, "start": "annealed", "label": False},
            limits=LIMITS,
        ),
    ],
    readings=[ps.Reading("code", read_code, needs=())],
    plots=[
        ps.Courses(
            "courses",
            "The code through training",
            {"nats": "code.nats"},
            panels_by="cell",
            ylabel="KL (nats)",
        )
    ],
    tables=[
        ps.Table(
            "At the end",
            {
                "KL (nats)": ps.end("code.nats"),
                "units used": ps.end("code.units"),
                "squared error": ps.end("code.distortion"),
                "samples with one well-formed bump": formed,
                "samples correct": ps.share("grid", "correct").end(),
            },
        )
    ],
)
