"""The verbs that make, show and measure runs; what they do is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from phasescope.cli.arguments import Runs, RunWord, Studies, Words

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
    """Train a run, or resume it: the same command goes on where it stopped.

    Args:
        words: a YAML file and key=value words, as in preset=small training.steps=500
        runs: folder of runs
        anew: drop what the run's folder holds, and train it from its start
        extend: a shorter run of the same configuration (folder, name or hash), from whose state this one begins
        tensorboard: folder for scalars and images as they come, as tensorboard --logdir takes it (extra `monitors`)
        wandb: project of Weights & Biases, logged to offline, in wandb/ (extra `monitors`)
    """
    from phasescope.runs.config import load_words

    config, monitors = load_words(words), []
    if tensorboard or wandb:
        from phasescope.views.monitors import TensorBoard, WandB

        monitors = [*([TensorBoard(tensorboard)] if tensorboard else []), *([WandB(wandb)] if wandb else [])]
    _train(config, runs, anew, monitors, extend)
    return 0


def demo(words: Words = (), /, runs: Runs = Path("runs")) -> int:
    """The whole way in a minute and a half: train the preset `demo`, then write its report.

    Args:
        words: key=value words that change the preset
        runs: folder of runs
    """
    from phasescope.runs.config import load_words

    config = load_words(["preset=demo", *words])
    if _train(config, runs):
        from phasescope.cli.studies import report

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
    """Observe a run's stored weights again by another plan, without training; prints the observation's folder.

    Args:
        run: a run's folder, name or hash
        words: fields of the plan, as in probing.taps=[up1] or latent_labels=1024
        runs: folder of runs
    """
    from phasescope.runs.observing import observe as observe_again
    from phasescope.store import find_run
    from phasescope.views.terminal.progress import counting

    with counting("observing") as tell:
        found = observe_again(find_run(run, runs), words, tell)
    print(found.path)
    return 0


def sample(
    run: RunWord,
    /,
    at: str | None = None,
    count: int = 16,
    step: int | None = None,
    seed: int = 0,
    out: Path = Path("samples.png"),
    runs: Runs = Path("runs"),
) -> int:
    """Paint images with a run's averaged weights; the end of --out chooses a PNG grid or an npz.

    Args:
        run: a run's folder, name or hash
        at: the label's factors, as in 12.5,20; without it labels are drawn from all over the world
        count: images
        step: snapshot to take the weights from; the last without it
        seed: of the noise, and of the labels where none is given
        out: FILE.png or FILE.npz
        runs: folder of runs
    """
    from phasescope import flags
    from phasescope.runs.sampling import paint
    from phasescope.store import find_run
    from phasescope.views.samples import check_out, write_samples
    from phasescope.views.terminal.progress import counting

    check_out(out)
    label, of = None if at is None else flags.numbers("--at", at), find_run(run, runs)
    with counting("painting"):
        painted = paint(of, label, count, step, seed)
    print(write_samples(out, *painted))
    return 0


def exec(run_dir: Positional[Annotated[Path, arg(metavar="RUN_DIR")]], /) -> int:
    """Execute one run's folder, as engines have it done, in one thread; what is done stays as it is.

    Exit code 75: another process executes it.

    Args:
        run_dir: a folder with a config.yaml, of the name that `train` would give it
    """
    from phasescope.runs.worker import work

    return work(run_dir)


def ls(runs: Runs = Path("runs"), where: str | None = None, json: bool = False) -> int:
    """List the runs of a folder.

    Args:
        runs: folder of runs
        where: a condition in SQL on fields and last metrics, as in "training.batch = 32 and state = 'done'"
        json: JSON instead of a table
    """
    from phasescope.store import list_runs
    from phasescope.views.terminal.progress import counting
    from phasescope.views.terminal.tables import print_runs, rows_of

    with counting(f"reading {runs}") as tell:
        rows = rows_of(list_runs(runs, where), tell)
    print_runs(rows, as_json=json)
    return 0


def show(run: RunWord, /, runs: Runs = Path("runs"), json: bool = False) -> int:
    """Show a run: its state, its phases and onsets, its snapshots.

    Args:
        run: a run's folder, name or hash
        runs: folder of runs
        json: JSON instead of tables
    """
    from phasescope.store import find_run
    from phasescope.views.terminal.tables import print_run

    print_run(find_run(run, runs), as_json=json)
    return 0


def tag(
    run: RunWord, text: Positional[Annotated[str, arg(metavar="TEXT")]], /, runs: Runs = Path("runs")
) -> int:
    """Append a line to a run's tags, which ls, show, the explorer and the report show.

    Args:
        run: a run's folder, name or hash
        text: one line
        runs: folder of runs
    """
    from phasescope.store import find_run
    from phasescope.store.tags import add_tag

    add_tag(find_run(run, runs).path, text)
    return 0


def explore(
    runs: Runs = Path("runs"),
    studies: Studies = None,
    host: str = "127.0.0.1",
    port: int = 8421,
    token: str | None = None,
) -> int:
    """Serve the explorer: runs, how each learnt, a pad to paint with them, and studies, in the browser.

    Args:
        runs: folder of runs
        studies: folder of studies; that of this folder or of the checkout without it
        host: address to bind; beyond this machine a token is asked for
        port: port; 0 takes any free one
        token: that visitors must have; made up where one is needed and none is given
    """
    from phasescope.studies.finding import studies_folder
    from phasescope.views.explorer.serve import serve

    serve(runs, studies_folder(studies), host, port, token)
    return 0
