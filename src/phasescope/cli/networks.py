"""The verbs that tell what networks hold, and what they will; what they do is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from phasescope.cli.arguments import Runs, RunWord, Words

DRAWN = (".png", ".svg", ".pdf")
"""ends of a picture's name"""


def predict(
    words: Words = (), /, patch: int | None = None, out: Path | None = None, json: bool = False
) -> int:
    """Foretell how a run would learn, without training it: from its world, its objective and its network alone.

    Args:
        words: a YAML file and key=value words, as `train` takes them
        patch: side of the patch that the local machine sees, px, odd; by default what the network sees, or 7
        out: FILE.png, FILE.svg or FILE.pdf for a picture of the ladder
        json: JSON instead of tables
    """
    from phasescope.runs.config import load_words
    from phasescope.runs.predicting import predict as foretell
    from phasescope.views.samples import check_out
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_prediction

    if out is not None:
        check_out(out, DRAWN)
    config = load_words(words)
    with counting("foretelling"):
        found = foretell(config, patch)
    if out is not None:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.standing import ladder

        write_figure(ladder(found.told, found.sentence), out)
    print_prediction(found, as_json=json)
    return 0


def designs(words: Words = (), /, picture: bool = False, out: Path | None = None, json: bool = False) -> int:
    """Show which labels a run would be trained on, which it would be tested on, and what copiers would get right.

    Args:
        words: a YAML file and key=value words, as `train` takes them
        picture: draw the labels and some images of each split, as NAME.png
        out: FILE.png, FILE.svg or FILE.pdf for that picture, in the place of NAME.png
        json: JSON instead of tables
    """
    from phasescope.runs.config import load_words
    from phasescope.runs.designing import designed
    from phasescope.views.samples import check_out
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_design

    if out is not None:
        check_out(out, DRAWN)
    config = load_words(words)
    with counting("counting labels"):
        found = designed(config)
    print_design(found, as_json=json)
    if out is not None or picture:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.results import design_figure

        file = out or Path(f"{found.name}.png")
        write_figure(design_figure(found), file)
        if not json:
            print(f"picture: {file}")
    return 0


def measure(
    target: Annotated[str, arg(metavar="FILE.npz|RUN")],
    /,
    only: str | None = None,
    latents: str = "latents",
    labels: str = "labels",
    names: str | None = None,
    periodic: str | None = None,
    span: str | None = None,
    categorical: str | None = None,
    step: int | None = None,
    runs: Runs = Path("runs"),
    json: bool = False,
) -> int:
    """Measure latents, each score with its interval and its nulls: a file's matrix, or a run's network.

    Args:
        target: an npz file with latents and labels, or a run's folder, name or hash
        only: measures, as in order,label_share; all without it
        latents: name of the file's (n, features), or (draws, n, features)
        labels: name of the file's (n, factors)
        names: of the file's factors, as in x,y
        periodic: those of them that come round; their span is then needed
        span: range of each factor, as in 32,32
        categorical: those whose values are names without an order
        step: snapshot of the run; the last without it
        runs: folder of runs
        json: JSON instead of a table
    """
    from phasescope import flags
    from phasescope.runs.measuring import measure_file, measure_run
    from phasescope.store import find_run
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_scores

    def some(flag: str, text: str | None) -> list[str] | None:
        return None if text is None else flags.words(flag, text)

    chosen = some("--only", only)
    with counting("measuring") as tell:
        if target.endswith(".npz"):
            found = measure_file(
                Path(target),
                latents,
                labels,
                some("--names", names),
                some("--periodic", periodic) or (),
                None if span is None else flags.numbers("--span", span),
                chosen,
                some("--categorical", categorical) or (),
                tell,
            )
        else:
            found = measure_run(find_run(target, runs), step, chosen, tell)
    print_scores(found, as_json=json)
    return 0


def intervene(
    run: RunWord,
    /,
    tap: str,
    how: str = "patch",
    by: str | None = None,
    count: int = 64,
    step: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    runs: Runs = Path("runs"),
    json: bool = False,
) -> int:
    """Change what is at a tap while a run's network paints, and read where what it paints goes: is the tap used?

    Args:
        run: a run's folder, name or hash
        tap: a tap of the network, as in mid
        how: patch (all of the tap from another label), part (what labels explain of it), steer (a step), ablate
        by: for steer, how far along each factor, as in 2,0
        count: images
        step: snapshot to take the weights from; the last without it
        seed: of labels and noise
        out: FILE.png or FILE.npz for what was painted
        runs: folder of runs
        json: JSON instead of a table
    """
    from phasescope import flags
    from phasescope.runs.intervening import intervene as intervene_on
    from phasescope.store import find_run
    from phasescope.views.samples import check_out, write_samples
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_scores

    if out is not None:
        check_out(out)
    steps = None if by is None else flags.numbers("--by", by)
    with counting("painting with a change"):
        found = intervene_on(find_run(run, runs), tap, how, steps, count, step, seed)
    if out is not None:
        write_samples(out, found.images, found.targets)
    print_scores(found.scores, as_json=json)
    return 0


def clones(
    run: RunWord,
    /,
    at: str | None = None,
    images: int = 32,
    each: int = 8,
    step: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    runs: Runs = Path("runs"),
    json: bool = False,
) -> int:
    """Paint training images again from where they are noisy, told nothing: where is it decided what is painted?

    Args:
        run: a run's folder, name or hash
        at: noise levels, as in 100,200,300; evenly spread ones without it
        images: that are started from
        each: clones of each
        step: snapshot to take the weights from; the last without it
        seed: of images and noise
        out: FILE.png, FILE.svg or FILE.pdf for a picture
        runs: folder of runs
        json: JSON instead of a table
    """
    from phasescope import flags
    from phasescope.runs.cloning import clones as clones_of
    from phasescope.store import find_run
    from phasescope.views.samples import check_out
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.results import print_clones

    if out is not None:
        check_out(out, DRAWN)
    levels, of = None if at is None else flags.numbers("--at", at), find_run(run, runs)
    with counting("painting again") as tell:
        found = clones_of(of, levels, images, each, step, seed, tell)
    if out is not None:
        from phasescope.views.figures.axes import write_figure
        from phasescope.views.figures.results import clones_figure

        write_figure(clones_figure(found, of.name), out)
    print_clones(found, as_json=json)
    return 0
