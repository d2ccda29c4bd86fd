"""The commands that make and show runs; what they do is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

import phasescope
from phasescope.cli.arguments import SAMPLES, Json, Runs, RunWord, Step, Studies, Words

if TYPE_CHECKING:
    from phasescope.runs.config import RunConfig
    from phasescope.runs.monitoring import Monitor


def train(
    words: Words = (),
    /,
    runs: Runs = Path("runs"),
    anew: bool = False,
    extend: str | None = None,
    tensorboard: Path | None = None,
    wandb: str | None = None,
) -> int:
    """Train a run, or resume it: the same command resumes it.

    Args:
        words: a YAML file and key=value words, as in preset=small training.steps=500
        anew: drop what the run's folder holds, and train it from its start
        extend: a shorter run of the same configuration (folder, name or hash), from whose state this one begins
        tensorboard: folder for scalars and images as they come, as tensorboard --logdir takes it (extra `monitors`)
        wandb: project of Weights & Biases, logged to offline, in wandb/ (extra `monitors`)
    """
    from phasescope.runs.config import load_words

    config, monitors = load_words(words), []
    if tensorboard:
        monitors.append(phasescope.TensorBoard(tensorboard))
    if wandb:
        monitors.append(phasescope.WandB(wandb))
    _train(config, runs, anew, monitors, extend)
    return 0


def demo(words: Words = (), /, runs: Runs = Path("runs")) -> int:
    """Train the preset `demo` in about two minutes and write its report.

    Args:
        words: key=value words that change the preset
    """
    from phasescope.cli.studies import report
    from phasescope.runs.config import load_words

    config = load_words(["preset=demo", *words])
    if _train(config, runs):
        report(str(runs / config.folder))
    return 0


def _train(
    config: RunConfig,
    runs: Path,
    anew: bool = False,
    monitors: Sequence[Monitor] = (),
    extend: str | None = None,
) -> bool:
    """Train to the end, or to a signal; whether it is done."""
    from contextlib import closing

    from phasescope.runs.execution import execute
    from phasescope.runs.monitoring import monitored
    from phasescope.stopping import Stop
    from phasescope.views.terminal.progress import follow

    with Stop().on_signals() as stop, closing(execute(config, runs, stop, anew, extend)) as events:
        return follow(monitored(events, monitors))


def observe(run: RunWord, words: Words = (), /, runs: Runs = Path("runs")) -> int:
    """Read a run's stored weights again by another plan, without training; prints the observation's folder.

    Args:
        words: fields of the plan, as in probing.taps=[up1] or latent_labels=1024
    """
    from phasescope.views.terminal.progress import counting

    with counting("observing") as tell:
        observation = phasescope.observe(phasescope.find_run(run, runs), words, tell)
    print(observation.path)
    return 0


def sample(
    run: RunWord,
    /,
    at: str | None = None,
    count: int = 16,
    step: Step = None,
    seed: int = 0,
    out: Annotated[Path, SAMPLES] = Path("samples.png"),
    runs: Runs = Path("runs"),
) -> int:
    """Sample images with a run's averaged weights; the end of --out chooses a PNG grid or an npz.

    Args:
        at: the label's factors, as in 12.5,20; without it labels are drawn from all over the world
        count: images
        seed: of the noise, and of the labels where none is given
        out: FILE.png or FILE.npz
    """
    from phasescope.cli.parsing import numbers
    from phasescope.runs.sampling import labels_for
    from phasescope.views.samples import write_samples
    from phasescope.views.terminal.progress import counting

    label, source = numbers("--at", at), phasescope.find_run(run, runs)
    with counting("sampling"):
        labels = labels_for(source, label, count, seed)
        images = source.sample(labels, step=step, seed=seed)
    print(write_samples(out, images, labels))
    return 0


def exec(run_dir: Positional[Annotated[Path, arg(metavar="RUN_DIR")]], /) -> int:
    """Execute one run's folder, as engines have it done, in one thread; what is done stays as it is.

    Exit code 75: another process executes it.

    Args:
        run_dir: a folder with a config.yaml, of the name that `train` would give it
    """
    from phasescope.runs.worker import work

    return work(run_dir)


def ls(runs: Runs = Path("runs"), where: str | None = None, json: Json = False) -> int:
    """List the runs of a folder.

    Args:
        where: a condition in SQL on fields and last metrics, as in "training.batch = 32 and state = 'done'"
    """
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.tables import print_runs, rows_of

    with counting(f"reading {runs}") as tell:
        rows = rows_of(phasescope.list_runs(runs, where), tell)
    print_runs(rows, as_json=json)
    return 0


def show(run: RunWord, /, runs: Runs = Path("runs"), json: Json = False) -> int:
    """Show a run: its state, its phases and onsets, its snapshots."""
    from phasescope.views.terminal.tables import print_run

    print_run(phasescope.find_run(run, runs), as_json=json)
    return 0


def tag(
    run: RunWord, text: Positional[Annotated[str, arg(metavar="TEXT")]], /, runs: Runs = Path("runs")
) -> int:
    """Append a line to a run's tags, which ls, show, the explorer and the report show.

    Args:
        text: one line
    """
    from phasescope.store.tags import add_tag

    add_tag(phasescope.find_run(run, runs).path, text)
    return 0


def explore(
    runs: Runs = Path("runs"),
    studies: Studies = None,
    host: str = "127.0.0.1",
    port: int = 8421,
    token: str | None = None,
) -> int:
    """Serve the explorer: runs, how each learned, a pad to sample from them, and studies, in the browser.

    Args:
        host: address to bind; beyond this machine a token is asked for
        port: port; 0 takes any free one
        token: that visitors must have; made up where one is needed and none is given
    """
    from phasescope.studies.finding import studies_folder
    from phasescope.views.explorer.serve import serve

    serve(runs, studies_folder(studies), host, port, token)
    return 0
