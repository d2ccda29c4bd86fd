"""How labels enter the network: does a two-layer network on their encodings bring back P1's phases of the activations?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305) gives positional encodings of x and y to every block, and does not say whether
a small network transforms them first, as most diffusion models do. Without it (`network.embedding.hidden: null`, as in all
earlier studies) an untrained network passes the encodings on, and its activations are ordered at t = 600 before any
training. With it (256 units) they are not: P1's state A.

Everything else is equal: `lean` at constant learning rates, AdamW's .001 instead of .006. At `lean`'s own rates the network
with 256 units never used its label in two pilots (6,000 steps of a decaying rate, 20,000 of a constant one: 0 % correct,
91 and 98 % misplaced). With .001 a third of the samples were correct after 6,000 steps, and without the two-layer network
half of them after 2,100; with .006 after 2,850. These pilots chose rate and lengths.
"""

from functools import partial

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Difference,
    Mean,
    OnsetRatio,
    PhaseGrid,
    Reading,
    Share,
    Study,
    Table,
    end,
    onset,
    start,
)
from studies.designs import stages
from studies.designs.condition import log_error_of_use
from studies.designs.sequences import has_sequence, mean_while
from studies.entry import readings

HIDDEN = 256
STEPS = {0: 4_000, HIDDEN: 12_000}
EVERY = {0: 100, HIDDEN: 250}
"""steps between snapshots: a tenth of a phase that lasts a third of the way, or less"""
LOOKED = "Five pilots (seeds 900, 901) were looked at: their samples, and of one, which never used its label, activations."
SEEN = "256 labels of each run's own, under two noise draws. A stage shorter than two snapshots is not seen."
UNDECIDED = "Snapshots at which either side is undecided are not counted."
RATE = 0.001
"""of AdamW, which trains all but the convolutions that Muon trains"""
SELECTED = "`lean` was chosen because its samples pass A, B and C without the two-layer network."


def cell(hidden: int) -> Cell:
    """Return the cell with a two-layer network of a width; 0: none."""
    probing = {
        "observe": ["sheet"],
        "snapshots": {"dense_every": 50, "dense_until": 500, "every": EVERY[hidden]},
        "images": {"grid": 128, "off_grid": 0},
        "layers": ["mid"],
        "t": [600],
        "latent_labels": 128,
        "variance_labels": 128,
        "variance_draws": 2,
        "crossed_labels": 0,
        "p1": None,
    }

    fields = {
        "seed": 3000,
        "network": {"embedding": {"hidden": hidden or None}},
        "training": {"steps": STEPS[hidden], "decay": "constant", "optimiser": {"rest": {"lr": RATE}}},
        "probing": probing,
    }
    return Cell(f"hidden={hidden}", fields, {"hidden": hidden})


SHOWN = {
    "label variance": "label_variance",
    "order": "order",
    "P1's R²": "umap_r2",
}
RULES = {"sheet": "phase", "p1": "p1_phase"}
SITES = [f"{layer}.{t}" for layer, t in readings.SITES]

FITTED = (
    "Onsets of one cell differ by a third, and the line is fitted to seven runs: a reading that said a little would not be seen. "
    "Asked when the runs' other numbers had been seen, these not."
)
AGREES_WITH_CLOCK = "the clock agrees with the samples at kappa .93, so that no reading could be better by as much as was asked"
NEVER_ORDERED = "runs whose activations never become ordered before accuracy count as long stages; `sequence` asks for the order"
AFTER_AN_AUDIT = "Asked after an audit of these runs had counted it."
WHEN = {False: "over the whole run", True: "before half of the samples are correct"}
NO_CAUSE = "Which comes first says nothing of cause."

# Asked: five pilots. The last two claims were added when the runs had been looked at (2026-12-02).


def sequence(layer: str, hidden: int, until_accuracy: bool) -> Claim:
    """Return the claim that runs pass P1's three states in their order, by P1's reading."""
    way = "With a two-layer network on the encodings" if hidden else "Without one"
    return Claim(
        name=f"sequence_{layer}_{hidden}_{'before' if until_accuracy else 'run'}",
        asked=Asked.AFTER,
        sentence=f"{way}, activations at {layer}, t = 600, pass P1's three states by P1's reading, no manifold, an unordered one, an "
        f"ordered one, {WHEN[until_accuracy]}.",
        statistic=Share(),
        numbers=has_sequence(f"sites.{layer}.600.p1_phase", until_accuracy=until_accuracy),
        threshold=0.5,
        effect=0.48,
        where={"hidden": hidden},
        source="P1",
        caveats=(SELECTED, AFTER_AN_AUDIT, SEEN),
    )


STUDY = Study(
    name="entry",
    question="How labels enter: does a two-layer network on their encodings bring P1's phases of the activations?",
    base="lean",
    answers="S2",
    cells=(cell(0), cell(HIDDEN)),
    seeds=8,
    more=8,
    headline=f"unordered_p1_600_{HIDDEN}",
    claims=[
        Claim(
            name="unordered_sheet_50_0",
            asked=Asked.AFTER_OTHERS,
            sentence="Without one, activations at down3, t = 50, are low-dimensional but unordered for a while before samples are correct, by the sheet's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.50.phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 0},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_sheet_600_0",
            asked=Asked.AFTER_OTHERS,
            sentence="Without one, activations at down3, t = 600, are low-dimensional but unordered for a while before samples are correct, by the sheet's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.600.phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 0},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_p1_50_0",
            asked=Asked.AFTER_OTHERS,
            sentence="Without one, activations at down3, t = 50, are low-dimensional but unordered for a while before samples are correct, by P1's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.50.p1_phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 0},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_p1_600_0",
            asked=Asked.AFTER_OTHERS,
            sentence="Without one, activations at down3, t = 600, are low-dimensional but unordered for a while before samples are correct, by P1's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.600.p1_phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 0},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_sheet_50_256",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 50, are low-dimensional but unordered for a while before samples are correct, by the sheet's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.50.phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 256},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_sheet_600_256",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 600, are low-dimensional but unordered for a while before samples are correct, by the sheet's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.600.phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 256},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_p1_50_256",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 50, are low-dimensional but unordered for a while before samples are correct, by P1's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.50.p1_phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 256},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="unordered_p1_600_256",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 600, are low-dimensional but unordered for a while before samples are correct, by P1's rule.",
            statistic=Share(),
            numbers=stages.has_stage("sites.down3.600.p1_phase"),
            threshold=0.5,
            effect=0.48,
            where={"hidden": 256},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="together_sheet",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, phases of the activations at down3, t = 600, go with phases of the samples, beyond the clock and beyond another run, by the sheet's rule.",
            statistic=Mean(),
            numbers=partial(stages.agreement, samples="phase.behaviour", sheet="sites.down3.600.phase"),
            unit="kappa beyond the better foil",
            threshold=0.0,
            effect=0.22,
            spread=0.15,
            where={"hidden": HIDDEN},
            uninformative=AGREES_WITH_CLOCK,
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
                UNDECIDED,
            ),
        ),
        Claim(
            name="together_p1",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, phases of the activations at down3, t = 600, go with phases of the samples, beyond the clock and beyond another run, by P1's rule.",
            statistic=Mean(),
            numbers=partial(stages.agreement, samples="phase.behaviour", sheet="sites.down3.600.p1_phase"),
            unit="kappa beyond the better foil",
            threshold=0.0,
            effect=0.22,
            spread=0.15,
            where={"hidden": HIDDEN},
            uninformative=AGREES_WITH_CLOCK,
            source="P1",
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
                UNDECIDED,
            ),
        ),
        Claim(
            name="longer_sheet",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 600, are unordered for a larger share of the steps to accuracy than without one, by the sheet's rule.",
            statistic=Difference(by="hidden", first=HIDDEN, second=0),
            numbers=stages.stage_length("sites.down3.600.phase"),
            unit="of the steps to accuracy",
            threshold=0.0,
            effect=0.16,
            uninformative=NEVER_ORDERED,
            spread=0.08,
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="longer_p1",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, activations at down3, t = 600, are unordered for a larger share of the steps to accuracy than without one, by P1's rule.",
            statistic=Difference(by="hidden", first=HIDDEN, second=0),
            numbers=stages.stage_length("sites.down3.600.p1_phase"),
            unit="of the steps to accuracy",
            threshold=0.0,
            effect=0.16,
            uninformative=NEVER_ORDERED,
            spread=0.08,
            caveats=(
                SELECTED,
                LOOKED,
                SEEN,
            ),
        ),
        Claim(
            name="order_first_p1",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, order at down3, t = 600, by P1's reading, comes before half of the samples are correct, by a quarter of the steps or more.",
            statistic=OnsetRatio(),
            numbers=partial(stages.order_and_accuracy, order="sites.down3.600.umap_r2", level=0.6),
            threshold=1.25,
            effect=(1.4, 0.85),
            spread=0.3,
            where={"hidden": HIDDEN},
            caveats=(
                SELECTED,
                LOOKED,
                NO_CAUSE,
            ),
        ),
        Claim(
            name="order_first_sheet",
            asked=Asked.AFTER_OTHERS,
            sentence="With a two-layer network on the encodings, order of the label means at mid, t = 600, comes before half of the samples are correct, by a quarter of the steps or more.",
            statistic=OnsetRatio(),
            numbers=partial(stages.order_and_accuracy, order="sites.mid.600.order", level=0.91),
            threshold=1.25,
            effect=(1.4, 0.85),
            spread=0.3,
            where={"hidden": HIDDEN},
            caveats=(
                SELECTED,
                LOOKED,
                NO_CAUSE,
            ),
        ),
        Claim(
            name="delays",
            asked=Asked.AFTER_OTHERS,
            sentence="A two-layer network on the encodings makes accuracy later, by more than a factor of 2.",
            statistic=OnsetRatio(by="hidden", first=HIDDEN, second=0),
            numbers=onset(stages.CORRECT, 0.5),
            threshold=2.0,
            effect=(1.6, 1.0),
            spread=0.3,
            caveats=(
                SELECTED,
                LOOKED,
            ),
        ),
        Claim(
            name="adds_order",
            asked=Asked.AFTER,
            sentence="With a two-layer network on the encodings, order of the label means at mid, t = 600, adds to a forecast of "
            "accuracy from use of the condition and the step.",
            statistic=Mean(),
            numbers=partial(readings.added_to_forecast, column="sites.mid.600.order"),
            unit="log error over that with another run's",
            threshold=0.0,
            effect=0.5,
            spread=0.3,
            direction="below",
            where={"hidden": HIDDEN},
            source="P1",
            caveats=(
                SELECTED,
                FITTED,
            ),
        ),
        Claim(
            name="adds_p1",
            asked=Asked.AFTER,
            sentence="With a two-layer network on the encodings, order at down3, t = 600, by P1's reading, adds to a forecast of "
            "accuracy from use of the condition and the step.",
            statistic=Mean(),
            numbers=partial(readings.added_to_forecast, column="sites.down3.600.umap_r2"),
            unit="log error over that with another run's",
            threshold=0.0,
            effect=0.5,
            spread=0.3,
            direction="below",
            where={"hidden": HIDDEN},
            source="P1",
            caveats=(
                SELECTED,
                FITTED,
            ),
        ),
        *(
            sequence(layer, hidden, until_accuracy)
            for layer in readings.LAYERS
            for hidden in STEPS
            for until_accuracy in WHEN
        ),
    ],
    readings=[
        Reading("sites", readings.read_sites, needs=()),
        Reading("condition", readings.read_condition, needs=()),
        Reading("halves", readings.read_halves, needs=()),
    ],
    plots=[
        PhaseGrid("samples", "Phase of the samples in every run", column="phase.behaviour"),
        PhaseGrid(
            "sheet",
            "Phase of the activations at down3, t = 600, by the sheet",
            column="sites.down3.600.phase",
        ),
        PhaseGrid(
            "p1",
            "Phase of the activations at down3, t = 600, by P1's reading",
            column="sites.down3.600.p1_phase",
        ),
        Courses(
            "readings",
            "Activations at down3, t = 600, the condition's use, and the samples",
            {
                "label variance": "sites.down3.600.label_variance",
                "order of the label means": "sites.down3.600.order",
                "P1's reading, R²": "sites.down3.600.umap_r2",
                "use of the condition": "condition.deciding.use",
                "samples correct": stages.CORRECT,
                "one misplaced bump": "outcomes.grid.misplaced",
            },
            panels_by="cell",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
    ],
    tables=[
        Table(
            "Before training",
            {
                f"{name}, {site}": start(f"sites.{site}.{column}")
                for site in SITES
                for name, column in SHOWN.items()
            },
            interval=True,
        ),
        Table(
            "Unordered for a share of the steps to accuracy",
            {
                f"{site}, by {'P1' if rule == 'p1' else 'the sheet'}": stages.stage_length(
                    f"sites.{site}.{column}"
                )
                for site in SITES
                for rule, column in RULES.items()
            },
            interval=True,
        ),
        Table(
            "Order of the label means (trustworthiness) while P1's reading says unordered",
            {site: mean_while(f"sites.{site}.p1_phase", "B", f"sites.{site}.order") for site in SITES},
            interval=True,
        ),
        Table(
            "Use in the noisier of the two bands that the label decides",
            {"log of its error over the clock's": partial(log_error_of_use, use="condition.band3.use")},
            interval=True,
        ),
        Table(
            "Samples and the condition",
            {
                "peak share of misplaced bumps, cross-fitted": readings.peak_misplaced,
                "half of the samples correct (step)": onset(stages.CORRECT, 0.5),
                "correct at the end": end(stages.CORRECT),
                "the condition's advantage above its noise (step)": readings.advantage_onset,
                "use of the condition in the deciding band, at the end": end("condition.deciding.use"),
            },
            interval=True,
        ),
        Table(
            "Absolute error of the logarithm of the steps to accuracy, of forecasts by half of them",
            {
                "from use and step": readings.error_from_use,
                **{
                    f"and {name}, {site}": partial(readings.error_beside_use, column=f"sites.{site}.{column}")
                    for site in ("mid.600", "down3.600")
                    for name, column in SHOWN.items()
                },
            },
            interval=True,
        ),
    ],
)
