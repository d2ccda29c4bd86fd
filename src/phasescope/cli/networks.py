"""The commands that measure networks, intervene on them, and predict what they will learn; what they do is elsewhere."""

from pathlib import Path
from typing import Any

import phasescope
from phasescope.cli import arguments as arg
from phasescope.core.errors import UserError
from phasescope.views.terminal.printing import Result


def predict(
    *overrides: arg.Overrides,
    patch: arg.Whole | None = None,
    out: arg.Picture = None,
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Predict how a run would learn, without training it: from its world, its objective and its network alone.

    Args:
        patch: side of the patch that the patch-local denoiser sees, px, odd; by default what the network sees, or 7
    """
    from phasescope.runs.config import load_arguments
    from phasescope.views.terminal.results import prediction

    return prediction(phasescope.predict(load_arguments(overrides), patch)).to(json, out)


def designs(
    *overrides: arg.Overrides, out: arg.Picture = None, json: arg.Json = False, notify: arg.Notify
) -> Result:
    """Show which labels a run would be trained on, on which it is tested, and the accuracy of nearest-neighbour baselines.

    Args:
        out: FILE.png, FILE.svg or FILE.pdf for a picture of the labels and of some images of each split
    """
    from phasescope.runs.config import load_arguments
    from phasescope.runs.trained.design import designed
    from phasescope.views.terminal.results import design

    return design(designed(load_arguments(overrides))).to(json, out)


def measure(
    target: arg.Measured,
    /,
    *,
    only: arg.Names = None,
    latents: str = "latents",
    labels: str = "labels",
    names: arg.Names = None,
    periodic: arg.Names = None,
    span: arg.Numbers = None,
    categorical: arg.Names = None,
    step: arg.Step = None,
    runs: arg.Runs = Path("runs"),
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Measure activations, each score with its interval and its baselines: a file's matrix, or a run's network.

    Args:
        target: an npz file with activations and labels, or a run's folder, name or hash
        only: measures to compute, as in probe_r2,label_variance; by default all
        latents: name of the file's array of activations, (n, features) or (draws, n, features)
        labels: name of the file's array of labels, (n, factors)
        names: names of the file's factors, as in x,y
        periodic: names of the periodic factors; they need a span
        span: range of each factor, as in 32,32
        categorical: names of the factors whose values are classes without an order
    """
    from phasescope.runs.trained.measure import measure_file, measure_run
    from phasescope.views.facts.record import Record
    from phasescope.views.terminal.results import scores

    of_file = {
        "latents": None if latents == "latents" else latents,
        "labels": None if labels == "labels" else labels,
        "names": names,
        "periodic": periodic,
        "span": span,
        "categorical": categorical,
    }
    if target.endswith(".npz"):
        _leave_out("a file: it chooses a snapshot of a run", step=step)
        file, columns = Path(target), (names, periodic or (), span)
        table = measure_file(file, latents, labels, *columns, only, categorical or (), notify)
        return scores(table, phasescope.Factors()).to(json)
    _leave_out("a run: it describes a file's arrays", **of_file)
    run = phasescope.find_run(target, runs)
    return scores(measure_run(run, step, only, notify), Record(run).factors).to(json)


def _leave_out(why: str, **options: Any) -> None:
    """Raise UserError if one of the options is given, which would be ignored."""
    for name, value in options.items():
        if value is not None:
            shown = ",".join(map(str, value)) if isinstance(value, list) else value
            raise UserError(f"`--{name}` (={shown}) must be left out for {why}")


def intervene(
    run: arg.RunName,
    /,
    *,
    layer: str,
    how: str = "patch",
    by: arg.Numbers = None,
    count: arg.Count = 64,
    step: arg.Step = None,
    seed: arg.Seed = 0,
    out: arg.Samples | None = None,
    runs: arg.Runs = Path("runs"),
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Change what is at a layer while a run's network samples, and read where the image goes: is the layer used?

    Args:
        layer: a layer of the network, as in mid
        how: patch (all of the layer from another label), part (what labels explain of it), steer (a step), ablate
        by: for steer, how far along each factor, as in 2,0
    """
    from phasescope.views.pixels import write_samples
    from phasescope.views.terminal.results import scores

    result = phasescope.intervene(phasescope.find_run(run, runs), layer, how, by, count, step, seed)
    if out is not None:
        write_samples(out, result.images, result.targets)
    return scores(result.scores, phasescope.Factors()).to(json)


def clones(
    run: arg.RunName,
    /,
    *,
    at: arg.Numbers = None,
    images: arg.Whole = 32,
    each: arg.Whole = 8,
    step: arg.Step = None,
    seed: arg.Seed = 0,
    runs: arg.Runs = Path("runs"),
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result:
    """Add noise to training images up to level t and denoise them without a label: at which t is the image fixed?

    Args:
        at: noise levels, as in 100,200,300; by default evenly spread
        images: how many training images noise is added to
        each: how many clones of each image
    """
    from phasescope.views.terminal.results import clones

    source = phasescope.find_run(run, runs)
    return clones(phasescope.clones(source, at, images, each, step, seed, notify)).to(json)
