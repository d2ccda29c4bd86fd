"""What records hold beside numbers that are read of a network: what a run is, times, what training reports, phases."""

from phasescope.measures.columns import Column, declare
from phasescope.runs.probing import behaviour, image_baselines  # noqa: F401  declare what is read of images

for name, words in (
    ("digest", "identity of the run"),
    ("name", "its name"),
    ("seed", "its seed"),
    ("cells", "cells of a study to which the run belongs, JSON (records only)"),
    ("config", "`.KEY`: the configuration: [every key](configuration.md)"),
    ("images", "number of training images"),
    ("parameters", "number of trainable parameters"),
    ("host", "`.name`, `.cpu`, `.cores`: where it was computed"),
    ("threads", "threads that torch had"),
    ("device", "device on which it was computed"),
    ("git_commit", "commit of phasescope"),
    ("versions", "of Python and libraries"),
    ("started", "when it began"),
    ("updated", "when it was last written to"),
    ("sources", "SHA-256 of your own sources, JSON (records only)"),
    ("readings", "further readings that a study took of it, JSON (records only)"),
):
    declare(Column(name=name, words=words, at="run", section="run", core=True))

for name, words, unit in (
    ("step", "gradient steps up to the snapshot", ""),
    ("images_seen", "images seen up to the snapshot", ""),
    ("epochs", "passes over the training set up to the snapshot", ""),
    ("loss", "mean training loss since the last snapshot", ""),
    ("learning_rate", "learning rate of the last step", ""),
    ("gradient_norm", "gradient norm of the last step, before clipping", ""),
    ("wall_s", "wall time since the start of the run", "s"),
    ("cpu_s", "CPU time since the start of the run", "s"),
    ("observing_s", "wall time of these spent on observation", "s"),
):
    declare(
        Column(
            name=name,
            words=words,
            unit=unit,
            low=0.0 if name != "loss" else float("-inf"),
            at="snapshot",
            section="run",
            needs=frozenset({"training"}),
            core=name not in ("learning_rate", "gradient_norm"),
        )
    )

declare(
    Column(
        name="phase",
        words="phase",
        meaning="A, B, C or undecided: `.behaviour` of generated images, `.sheet` of the sheet of the activations, "
        "`.representation_p1` by P1's reading; `.representation`, in runs of earlier versions alone, by the ridge probe, a "
        "rule that is retired",
        at="snapshot",
        section="phase",
        needs=frozenset({"images", "latents"}),
        core=True,
    )
)

declare(
    Column(
        name="meter",
        words="condition meter",
        meaning="`run.meter()`, a table of its own, `meter.jsonl` of the run, with a row for each reading and band of log "
        "SNR (`probing.meter`): `step`, `images_seen`, `.pairs`, `.exchanged`, `.low`, `.high`, `.deciding`, and `.loss`, "
        "`.advantage`, `.alignment`, `.use`, `.removable`, `.over_none`, `.label_gradient`, each with `_se`, `_low` and "
        "`_high`, and `.nats` with `.nats_se`: "
        "[the condition meter](../condition_meter.md)",
        at="band",
        section="denoising",
        panel=False,
    )
)
