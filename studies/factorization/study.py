"""Do latents factorize x and y (P2), or couple them (P1), and did training make it so?

Liang et al. 2024 (arXiv 2408.13256) judge by latents: moves along x are parallel wherever they start, and orthogonal
to moves along y, as on a Clifford torus and unlike on a torus in three dimensions. The factorization index
(`phasescope.measures.factorization`) combines both: 0 at the 3D torus, 1 at the Clifford torus of the same labels.
The label's encoding has index 1 and an untrained network passes it on, so the index is also compared with its
untrained value. Neither orthogonality (a 3D torus has it) nor the number of loops (none is found on a 3D torus of as
many labels) distinguishes the two: nothing is claimed of them.
"""

import phasescope.studies as ps
from phasescope.studies.readings.factorization import ASKED, MIDWAY, SITES, at, gain, index, read_code

SYSTEMS = {
    "open": "open bumps, lean",
    "torus": "periodic bumps, lean",
    "turns": "periodic bumps and encoding, lean",
    "fast_open": "open bumps, fast",
    "fast_torus": "periodic bumps, fast",
}
PERIODIC = {"world": {"boundary": "periodic"}}
TURNS = {**PERIODIC, "network": {"embedding": {"period": 32.0}}}
PREDICT_X = {"family": {"predict": "x"}}


def system(key: str, name: str, fields: dict, seeds: int = 8, base: str = "lean") -> ps.Cell:
    return ps.Cell(name, fields, {"system": SYSTEMS[key]}, base, seeds)


CELLS = (
    system("open", "eps", {}),
    system("torus", "eps, periodic", PERIODIC),
    system("turns", "eps, periodic, told by turns", TURNS),
    system("fast_open", "fast", PREDICT_X, 16, "fast"),
    system("fast_torus", "periodic", {**PREDICT_X, **PERIODIC}, 12, "fast"),
)
KINDS = {
    "factorized": 0.15,
    "factorized_more": 0.15,
    "parallel_more": 0.05,
}  # the least difference that matters
DETECTED = {8: 1.45, 12: 1.0, 16: 0.85}  # by runs: the difference that is detected with power 0.8, in spreads
SPREADS = {  # of each kind as observed between runs, rounded up, at t = 50 and at t = 600
    "open": ((0.26, 0.25, 0.11), (0.19, 0.13, 0.05)),
    "torus": ((0.28, 0.27, 0.1), (0.31, 0.39, 0.13)),
    "turns": ((0.11, 0.14, 0.05), (0.11, 0.15, 0.03)),
    "fast_open": ((0.12, 0.1, 0.05), (0.13, 0.12, 0.06)),
    "fast_torus": ((0.1, 0.1, 0.04), (0.11, 0.09, 0.04)),
}
UNTRAINED = {  # index and parallelism of untrained networks, at t = 50 and at t = 600
    "open": ((0.59, 0.88), (0.87, 0.98)),
    "torus": ((0.54, 0.88), (0.85, 0.98)),
    "turns": ((0.65, 0.91), (0.73, 0.94)),
    "fast_open": ((0.66, 0.9), (0.77, 0.94)),
    "fast_torus": ((0.61, 0.9), (0.76, 0.94)),
}


def claims_for(key: str, cell: ps.Cell) -> list[ps.Claim]:
    """Return the three claims about each of the two noise levels."""
    claims = []
    for site, (first, parallel), spreads in zip(ASKED, UNTRAINED[key], SPREADS[key], strict=True):
        axes = [f"code.{site}.parallelism.{axis}" for axis in "xy"]
        asked = {
            "factorized": (
                f"Latents at {at(site)} are nearer to a Clifford torus than to a 3D torus",
                ps.end(index(site)),
                MIDWAY,
                1 - MIDWAY,
                f"The untrained network's index is {first:g}: a value above {MIDWAY:g} need not come from training.",
            ),
            "factorized_more": (
                f"Training makes latents at {at(site)} more factorized",
                gain(index(site)),
                0.0,
                1 - first,
                f"The untrained network passes the label's encoding on and has {first:g}: {1 - first:.2g} is left "
                "to gain.",
            ),
            "parallel_more": (
                f"Training makes moves along a factor at {at(site)} more alike wherever they start",
                gain(*axes),
                0.0,
                1 - parallel,
                f"The untrained network's parallelism is {parallel:g}: {1 - parallel:.2g} is left to gain. Moves of "
                "all lengths count, long ones most.",
            ),
        }
        for spread, (kind, (words, number, level, room, limits)) in zip(spreads, asked.items(), strict=True):
            effect = max(KINDS[kind], round(DETECTED[cell.seeds or 8] * spread, 2))
            beyond = effect > room + 1e-9
            more = [f"Only a difference of {effect:g} or more is reliably detected with these runs."] * (
                effect > KINDS[kind]
            )
            more += [f"At most {room:.2g} can be added, so it could hardly be supported."] * beyond
            claims.append(
                ps.Claim(
                    name=f"{kind}_{key}_{site.t}",
                    sentence=f"{words}: {SYSTEMS[key]}.",
                    statistic=ps.Mean(),
                    numbers=number,
                    threshold=level,
                    effect=(min(effect, round(room, 2)), effect),
                    spread=spread,
                    unit="index",
                    where={"cell": cell.name},
                    source="P2",
                    limits=" ".join([limits, *more]),
                    unreachable=f"supported: at most {room:.2g} can be added" if beyond else "",
                )
            )
    return claims


STUDY = ps.Study(
    name="factorization",
    question="Do networks factorize x and y (P2), or couple them (P1), and is it training that makes it so?",
    base="lean",
    answers="Q4",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="factorized_more_open_50",
    readings=[ps.Reading("code", read_code, needs=())],
    claims=[claim for key, cell in zip(SYSTEMS, CELLS, strict=True) for claim in claims_for(key, cell)],
    plots=[
        ps.Courses(
            "index",
            "The factorization index through training",
            {at(site): index(site) for site in SITES},
            panels_by="system",
            ylabel="index (0: 3D torus, 1: Clifford torus)",
            level=MIDWAY,
            note="Noise can bring an index above 1.",
        ),
        *(
            ps.Scatter(
                f"gain_{site.t}",
                f"The index before and after training, {at(site)}",
                ps.start(index(site)),
                ps.end(index(site)),
                "index, untrained network",
                "index, at the end",
                by="system",
                level=MIDWAY,
            )
            for site in ASKED
        ),
    ],
    tables=[
        ps.Table(
            f"Latents at {at(site)}",
            {
                "index, untrained": ps.start(index(site)),
                "index": ps.end(index(site)),
                "parallelism of x": ps.end(f"code.{site}.parallelism.x"),
                "parallelism of y": ps.end(f"code.{site}.parallelism.y"),
                "overlap of x and y": ps.end(f"code.{site}.overlap"),
                "index of the images": ps.end("code.images.value"),
                "index of the encoding": ps.end("code.encoding.value"),
            },
            by=("system",),
        )
        for site in ASKED
    ],
)
