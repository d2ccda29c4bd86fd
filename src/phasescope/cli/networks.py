"""The commands that measure networks, intervene on them, and predict what they will learn; what they do is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

import phasescope
from phasescope.cli.arguments import SAMPLES, Json, Picture, Runs, RunWord, Step, Words


def predict(words: Words = (), /, patch: int | None = None, out: Picture = None, json: Json = False) -> int:
    """Predict how a run would learn, without training it: from its world, its objective and its network alone.

    Args:
        words: a YAML file and key=value words, as `train` takes them
        patch: side of the patch that the patch-local denoiser sees, px, odd; by default what the network sees, or 7
    """
    from phasescope.runs.config import load_words
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_prediction

    config = load_words(words)
    with counting("predicting"):
        prediction = phasescope.predict(config, patch)
    if out is not None:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.standing import ladder

        write_figure(ladder(prediction.told, prediction.sentence), out)
    print_prediction(prediction, as_json=json)
    return 0


def designs(words: Words = (), /, picture: bool = False, out: Picture = None, json: Json = False) -> int:
    """Show which labels a run would be trained on, on which it is tested, and the accuracy of nearest-neighbour baselines.

    Args:
        words: a YAML file and key=value words, as `train` takes them
        picture: draw the labels and some images of each split, as NAME.png
        out: FILE.png, FILE.svg or FILE.pdf for that picture, instead of NAME.png
    """
    from phasescope.runs.config import load_words
    from phasescope.runs.predicting import designed
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_design

    config = load_words(words)
    with counting("counting labels"):
        design = designed(config)
    print_design(design, as_json=json)
    if out is not None or picture:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.results import design_figure

        file = out or Path(f"{design.name}.png")
        write_figure(design_figure(design), file)
        if not json:
            print(f"picture: {file}")
    return 0


def measure(
    target: Positional[Annotated[str, arg(metavar="FILE.npz|RUN")]],
    /,
    only: str | None = None,
    latents: str = "latents",
    labels: str = "labels",
    names: str | None = None,
    periodic: str | None = None,
    span: str | None = None,
    categorical: str | None = None,
    step: Step = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> int:
    """Measure latents, each score with its interval and its baselines: a file's matrix, or a run's network.

    Args:
        target: an npz file with latents and labels, or a run's folder, name or hash
        only: measures, as in order,label_share; all without it
        latents: name of the file's (n, features), or (draws, n, features)
        labels: name of the file's (n, factors)
        names: of the file's factors, as in x,y
        periodic: those of them that are periodic; their span is then needed
        span: range of each factor, as in 32,32
        categorical: those whose values are names without an order
    """
    from phasescope.cli.parsing import listed, numbers
    from phasescope.runs.measuring import measure_file, measure_run
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_scores

    chosen = listed("--only", only)
    with counting("measuring") as tell:
        if target.endswith(".npz"):
            scores = measure_file(
                Path(target),
                latents,
                labels,
                listed("--names", names),
                listed("--periodic", periodic) or (),
                numbers("--span", span),
                chosen,
                listed("--categorical", categorical) or (),
                tell,
            )
        else:
            scores = measure_run(phasescope.find_run(target, runs), step, chosen, tell)
    print_scores(scores, as_json=json)
    return 0


def intervene(
    run: RunWord,
    /,
    tap: str,
    how: str = "patch",
    by: str | None = None,
    count: int = 64,
    step: Step = None,
    seed: int = 0,
    out: Annotated[Path | None, SAMPLES] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> int:
    """Change what is at a layer while a run's network samples, and read where the image goes: is the layer used?

    Args:
        tap: a layer of the network, as in mid
        how: patch (all of the layer from another label), part (what labels explain of it), steer (a step), ablate
        by: for steer, how far along each factor, as in 2,0
        count: images
        seed: of labels and noise
        out: FILE.png or FILE.npz for the images
    """
    from phasescope.cli.parsing import numbers
    from phasescope.views.samples import write_samples
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_scores

    steps = numbers("--by", by)
    with counting("sampling with a change"):
        result = phasescope.intervene(phasescope.find_run(run, runs), tap, how, steps, count, step, seed)
    if out is not None:
        write_samples(out, result.images, result.targets)
    print_scores(result.scores, as_json=json)
    return 0


def clones(
    run: RunWord,
    /,
    at: str | None = None,
    images: int = 32,
    each: int = 8,
    step: Step = None,
    seed: int = 0,
    out: Picture = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> int:
    """Add noise to training images up to level t and denoise them without a label: at which t is the image fixed?

    Args:
        at: noise levels, as in 100,200,300; evenly spread ones without it
        images: that are started from
        each: clones of each
        seed: of images and noise
    """
    from phasescope.cli.parsing import numbers
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_clones

    levels, source = numbers("--at", at), phasescope.find_run(run, runs)
    with counting("denoising clones") as tell:
        counted = phasescope.clones(source, levels, images, each, step, seed, tell)
    if out is not None:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.results import clones_figure

        write_figure(clones_figure(counted, source.name), out)
    print_clones(counted, as_json=json)
    return 0
