"""Does the order of latents go with the accuracy of samples, and is what is ordered used?

P1 says that the more ordered the latents, the more accurate the samples. Everything that rises during training
correlates, so a run's probe R² is set against two foils: the step number, and the probe R² of another run of the same
cell, which shares nothing but the schedule. Order that is there may not be used. So activations of another label are
put in at a layer during sampling: does the bump go where that label has it?
"""

from dataclasses import replace

from phasescope.studies import Cell, Claim, Courses, Ends, Mean, Rank, Reading, Scatter, Study, Table
from studies.order_and_accuracy import readings
from studies.phases.study import CELLS as SYSTEM_CELLS
from studies.phases.study import LOOKED_AT, SELECTED, SYSTEMS
from studies.sampler.readings import in_phase

PROBE, INPUT_PROBE = "probe_r2.mid.600.value", "input_probe_r2.mid.50.value"
READ = {
    "all": ("probe R² at mid, t = 600", PROBE),
    "seen": ("probe R² of the label of the noisy input at mid, t = 50", INPUT_PROBE),
}
EPS, SMALL, V = (replace(cell, axes={"system": cell.name}) for cell in SYSTEM_CELLS[:3])
FAST = [
    Cell(
        f"d=({d:g}, {d:g}), sigma={sigma:g}",
        {"world": {"design": {"dx": d, "dy": d}, "sigma_px": sigma}},
        {"system": "fast", "d": d, "sigma": sigma},
        base="fast",
        seeds=5,
    )
    for sigma in (0.5, 1.0, 2.0)
    for d in (0.25, 0.5, 1.0, 2.0, 4.0)
]
LIMITS = {
    "eps": SELECTED,
    "small": f"{SELECTED} {LOOKED_AT}",
    "v": f"Not P1's objective. {LOOKED_AT}",
    "fast": f"Not P1's objective. {LOOKED_AT}",
}
LEFT = {"eps": 0.02, "small": 0.02, "v": 0.06, "fast": 0.09}  # 1 minus the larger of the foils' correlations
CONDITION = (
    "The probe finds a faint label in noise, which every block receives: no fair reading of a manifold."
)


def claims_of(
    system: str, which: str, effect: tuple[float, float], spread: tuple[float, float]
) -> list[Claim]:
    words, column = READ[which]
    common = {"threshold": 0.0, "where": {"system": system}, "source": "P1"}
    return [
        Claim(
            f"rise_together_{which}_{system}",
            f"During training {words} goes with accuracy more closely than the step number and another run's do: "
            f"{SYSTEMS[system]}.",
            Mean(strata="cell"), readings.beyond_foils(column),
            unit="correlation beyond the foils", effect=effect[0], spread=spread[0], **common,
            limits=f"{LIMITS[system]} {CONDITION} Accuracy rises so steadily that even a perfect reading would be only "
            f"{LEFT[system]:g} above the foils, less than the effect that is detected with power 0.8.",
        ),
        Claim(
            f"beyond_other_run_{which}_{system}",
            f"Given images seen and loss, a run's own {words} goes with its accuracy more closely than another run's: "
            f"{SYSTEMS[system]}.",
            Mean(strata="cell"), readings.beyond_other_run(column),
            unit="correlation beyond another run", effect=effect[1], spread=spread[1], **common,
            limits=f"{LIMITS[system]} {CONDITION} Runs that differ little cannot show what differs between them.",
        ),
    ]  # fmt: skip


STUDY = Study(
    name="order_and_accuracy",
    question="Does the order of latents go with the accuracy of samples, and is what is ordered used?",
    base="lean",
    answers="S4",
    cells=[replace(EPS, seeds=8), SMALL, V, *FAST],
    seeds=8,
    more=8,
    headline="beyond_other_run_all_eps",
    summary="While a network trains, probe R² rises, and so does accuracy; but the step number and another run's probe R² "
    "go with a run's accuracy at least as closely as its own does, on every system. Across seeds on the same data a small "
    "correlation is left. So this study does not show that the order of latents goes with accuracy. Nor does it refute "
    "it: its probe reads the label that every block receives, not the manifold.",
    claims=[
        # Pairs of effects and spreads: beyond both foils, and beyond another run.
        *claims_of("eps", "all", (0.15, 0.3), (0.1, 0.19)),
        *claims_of("eps", "seen", (0.75, 0.6), (0.5, 0.38)),
        *claims_of("small", "all", (0.45, 0.65), (0.3, 0.42)),
        *claims_of("v", "all", (0.45, 0.45), (0.38, 0.33)),
        *claims_of("fast", "all", (0.25, 0.25), (0.45, 0.5)),
        Claim(
            "across_seeds_fast",
            "Of runs on the same data, those of higher probe R² are more accurate: preset fast, all densities and widths.",
            Rank(by="probe", kind="spearman"), readings.within_cells, threshold=0.0, effect=0.4, where={"system": "fast"},
            source="P1", minimum_n=30,
            limits=f"Cells in which no run is ever correct were left out after the runs had been looked at; with them "
            f"the claim was undecided. Seeds differ little. {LIMITS['fast']}",
        ),
        *(
            Claim(
                f"used_{how}_up1",
                f"In phase C, if {words} at up1 is that of another label, most bumps go where that label has them.",
                Mean(), in_phase(f"use.up1.{how}.follows", "C"), unit="of bumps", threshold=0.5, effect=0.25, spread=0.16,
                where={"system": "eps"},
                limits=f"{SELECTED} Blocks beside and after the layer still receive the condition.",
            )
            for how, words in (("part", "what labels explain"), ("patch", "everything"))
        ),
    ],
    readings=[Reading("use", readings.read_use, where={"cell": "eps"}, needs=())],
    plots=[
        Ends(
            "foils", "Rank correlation with accuracy over training",
            {
                "probe R² at mid, t = 600": readings.own(PROBE),
                "probe R² of another run": readings.other_run(PROBE),
                "step number": readings.own("step"),
            },
            by="system", ylim=(-1.05, 1.05), level=0.0, note="Runs in which either does not vary are left out.",
        ),
        Courses(
            "courses", "Which comes first",
            {"probe R² at mid, t = 600": PROBE, "of the input's label, t = 50": INPUT_PROBE,
             "samples correct": readings.ACCURACY},
            panels_by="cell", ylabel="R², or share", ylim=(-0.1, 1.02), where={"cell": ("eps", "small", "v")},
        ),
        Scatter(
            "across", "Probe R² and accuracy of runs, means over training", readings.mean_over_training(PROBE),
            readings.mean_over_training(readings.ACCURACY), "probe R² at mid, t = 600", "samples correct", "sigma",
            where={"system": "fast"},
        ),
    ],
    tables=[
        Table(
            "Where a bump goes if everything at a layer is another label's, in phase C",
            {
                f"{layer}: {words}": in_phase(f"use.{layer}.patch.{name}", "C")
                for layer in readings.LAYERS
                for name, words in (("follows", "follow"), ("moved.x", "px per px"))
            },
            where={"cell": "eps"}, interval=True,
            note="`follow`: share of samples whose bump is within 1 px of where that label has it; `px per px`: px moved "
            "along x per px asked.",
        )
    ],
)  # fmt: skip
