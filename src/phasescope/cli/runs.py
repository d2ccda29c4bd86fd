"""The commands that make, show, compare, export and import runs; what they do is elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import phasescope
from phasescope.cli import arguments as arg
from phasescope.core.errors import UserError, writing
from phasescope.views.terminal.printing import Result

if TYPE_CHECKING:
    from phasescope.runs.config import RunConfig


def train(
    *overrides: arg.Overrides,
    print_config: bool = False,
    runs: arg.Runs = Path("runs"),
    restart: bool = False,
    extend: str | None = None,
    tensorboard: arg.TensorBoard = None,
    wandb: arg.WandB = None,
    notify: arg.Notify,
) -> Result | None:
    """Train a run, or resume it: the same command resumes it.

    Args:
        print_config: print the whole configuration as YAML, each field with its meaning, and train nothing
        restart: drop what the run's folder holds, and train it from its start
        extend: a shorter run of the same configuration (folder, name or hash), from whose state this one begins
    """
    from phasescope.runs.config import load_arguments
    from phasescope.views.monitors import Logs

    config = load_arguments(overrides)
    if print_config:
        from phasescope.views.terminal.results import configuration

        return configuration(config)
    shorter = phasescope.find_run(extend, runs) if extend else None
    monitors = Logs(tensorboard, wandb).monitors()
    _train(config, runs, notify, monitors=monitors, restart=restart, extend=shorter)
    return None


def demo(*overrides: arg.Overrides, runs: arg.Runs = Path("runs"), notify: arg.Notify) -> Result | None:
    """Train the preset `demo` in about two minutes and write its report."""
    from phasescope.runs.config import load_arguments
    from phasescope.views.web.report import write_report

    config = load_arguments(["preset=demo", *overrides])
    if not _train(config, runs, notify):
        return None
    return Result([write_report(phasescope.Run(runs / config.folder))])


def _train(config: RunConfig, runs: Path, notify: arg.Notify, **how: Any) -> bool:
    """Train to the end or until a signal, and return whether the run is done."""
    from contextlib import closing

    from phasescope.runs.training.execution import execute
    from phasescope.runs.training.stopping import Stop
    from phasescope.views.terminal.progress import follow

    with Stop().on_signals() as stop, closing(execute(config, runs, stop, **how)) as events:
        return follow(events, phasescope.Run(runs / config.folder), notify)


def fork(
    run: arg.RunName,
    /,
    *overrides: arg.OtherOverrides,
    at: arg.Steps,
    children: int = 1,
    dry_run: arg.DryRun = False,
    runs: arg.Runs = Path("runs"),
    json: arg.Json = False,
    notify: arg.Notify,
) -> Result | None:
    """Continue a run from a state that it kept, with something changed, beside the unchanged child, which must be
    bitwise equal to the run; the same command resumes it.

    Args:
        overrides: what is changed, as in training.optimiser.lr=1e-3, seed.data=1..8 or network.reset=[mid]; several values
            make several children
        at: steps whose states the run kept (`training.states`), its last one, or 0
        children: how many of each, each with an order of images and noise of its own, and a twin in which only these differ
    """
    from itertools import product

    from phasescope.runs.config import changes_from, split_arguments
    from phasescope.runs.training.forking import check_equal, plan_fork
    from phasescope.studies.points import values_of
    from phasescope.views.terminal.forks import forked, planned

    parent = phasescope.find_run(run, runs)
    files, words = split_arguments(overrides)
    if files:
        raise UserError(f"`FILE` (={files[0]}) must be left out: a fork changes single fields of its parent")
    points = product(*([*values_of(word)] for word in words))
    changes = [changes_from(point, parent.config) for point in points]
    plans = [plan_fork(parent, step, changes, children, runs) for step in at]
    if dry_run:
        return planned(parent, plans).to(json)

    for plan in plans:
        if not _train(plan.control, runs, notify, extend=parent):
            return None
        check_equal(parent, phasescope.Run(runs / plan.control.folder), plan.step)
        for child in (*plan.twins, *plan.children):
            if not _train(child, runs, notify, extend=parent):
                return None
    return forked(parent, plans, runs).to(json)


def observe(
    run: arg.RunName, /, *overrides: arg.OtherOverrides, runs: arg.Runs = Path("runs"), notify: arg.Notify
) -> Result:
    """Read a run's stored weights again by another plan, without training; prints the observation's folder.

    Args:
        overrides: keys of `probing`, as in probing.layers=[up1] or latent_labels=1024
    """
    return Result([phasescope.observe(phasescope.find_run(run, runs), overrides, notify).path])


def sample(
    run: arg.RunName,
    /,
    *,
    at: arg.Label = None,
    count: arg.Count = 16,
    step: arg.Step = None,
    seed: arg.Seed = 0,
    sampler: str | None = None,
    steps: arg.Whole | None = None,
    guidance: float = 0.0,
    patch: arg.AtLayers = None,
    out: arg.Samples = Path("samples.png"),
    runs: arg.Runs = Path("runs"),
    notify: arg.Notify,
) -> Result:
    """Sample images with a run's averaged weights; the end of --out chooses a PNG grid or an npz.

    Args:
        at: the label's factors, as in 12.5,20 or 12.5,20,red; by default labels are drawn from the whole world
        sampler: ddim, ddpm, dpm_solver, euler, heun; by default the run's own
        steps: of the sampler; by default as many as the run's own takes, and for ddpm one for every t
        guidance: weight w of classifier-free guidance, none + (1 + w) (label - none)
        patch: a layer and the label under which its output is put in, as in mid=12.5,20; more than one may be given
    """
    from phasescope.runs.trained.labels import labels_for
    from phasescope.views.pixels import write_samples

    source = phasescope.find_run(run, runs)
    labels = labels_for(source, at, count, seed)
    images = source.sample(
        labels,
        step=step,
        seed=seed,
        sampler=sampler,
        steps=steps,
        guidance=guidance,
        patch=arg.at_layers(patch or ()),
    )
    return Result([write_samples(out, images, labels)])


def exec(
    run_dir: arg.RunFolder, /, *, tensorboard: arg.TensorBoard = None, wandb: arg.WandB = None
) -> Result:
    """Execute one run's folder, as engines have it done, in one thread; what is done stays as it is.

    Exit code 75: another process executes it.

    Args:
        run_dir: a folder with a config.yaml, of the name that `train` would give it
    """
    from phasescope.runs.engines.worker import work
    from phasescope.views.monitors import Logs

    return Result([], code=work(run_dir, Logs(tensorboard, wandb).monitors()))


def ls(
    *, runs: arg.Runs = Path("runs"), where: str | None = None, json: arg.Json = False, notify: arg.Notify
) -> Result:
    """List the runs of a folder.

    Args:
        where: a condition in SQL on fields and last metrics, as in "training.batch = 32 and state = 'done'"
    """
    from phasescope.views.terminal.runs import runs_table

    listed = phasescope.list_runs(runs, where, notify)
    left_out = 0 if where is None or listed else len(phasescope.list_runs(runs))
    return runs_table(listed, notify, left_out).to(json)


def show(run: arg.RunName, /, *, runs: arg.Runs = Path("runs"), json: arg.Json = False) -> Result:
    """Show a run: its state, its phases and onsets, its snapshots."""
    from phasescope.views.terminal.runs import run_summary

    return run_summary(phasescope.find_run(run, runs)).to(json)


def tag(run: arg.RunName, text: arg.Text, /, *, runs: arg.Runs = Path("runs")) -> None:
    """Append a line to a run's tags, which ls, show, the report and the explorer show.

    Args:
        text: one line, at most 200 characters
    """
    if not (line := text.strip()) or len(line) > 200 or not line.isprintable():
        raise UserError(f"`TEXT` (={line[:40]!r}) must be one printable line of 1 to 200 characters")
    path, no_link = phasescope.find_run(run, runs).path / "tags.txt", os.O_NOFOLLOW | os.O_NONBLOCK
    with (
        writing(path),
        open(path, "ab", opener=lambda path, flags: os.open(path, flags | no_link, 0o644)) as file,
    ):
        # In one piece, so that two writers never mix; the first newline ends a line that was left without its own.
        file.write(f"\n{line}\n".encode())


def explore(
    *, runs: arg.Runs = Path("runs"), studies: arg.Studies = None, port: arg.Whole = 8421, trust: bool = False
) -> None:
    """Serve the explorer on this machine: runs, how each learned, a pad to sample from them, and studies, in the browser.

    Args:
        port: port; 0 takes any free one
        trust: load networks with sources of your own, too: this executes them, if they are as the run recorded them
    """
    from phasescope.studies.finding import studies_folder
    from phasescope.views.web.serve import serve

    serve(runs, studies_folder(studies), port, trust)


def compare(
    *names: arg.RunNames, runs: arg.Runs = Path("runs"), json: arg.Json = False, notify: arg.Notify
) -> Result:
    """Compare runs: what differs in their configurations, and how far each came. The explorer draws their curves.

    Args:
        names: two runs at least, each a folder, name or hash
    """
    from phasescope.views.terminal.comparison import comparison

    return comparison([phasescope.find_run(name, runs) for name in names]).to(json)


def export(
    target: arg.Target,
    /,
    *,
    figures: arg.Folder = None,
    tables: arg.Folder = None,
    archive: arg.Archive = None,
    svg: bool = False,
    parquet: bool = False,
    runs: arg.Runs = Path("runs"),
    studies: arg.Studies = None,
    notify: arg.Notify,
) -> Result:
    """Write a run or a study for other programs: figures, tables, one archive.

    Args:
        figures: folder for the figures, PDF with TrueType fonts, and captions.md
        tables: folder for the tables, CSV: of a run snapshots, readings, scalars, meter; of a study records, claims, tables
        archive: FILE.zip for all that a run recorded, which `import` takes
        svg: figures as SVG
        parquet: tables as Parquet
    """
    from phasescope.runs.store.archive import write_archive
    from phasescope.studies.sweep import study_or_sweep
    from phasescope.views.figures.export import run_files, study_files

    if not (figures or tables or archive):
        raise UserError("`--figures` (=nothing) must be given, or --tables or --archive")
    if svg and not figures:
        raise UserError("`--svg` (=True) must be given with --figures")
    if parquet and not tables:
        raise UserError("`--parquet` (=True) must be given with --tables")
    kind, form = "svg" if svg else "pdf", "parquet" if parquet else "csv"
    if study := study_or_sweep(target, studies):
        if archive:
            raise UserError(f"`--archive` (={archive}) must be of a run, and `{target}` is a study")
        return Result(study_files(*study, figures, kind, tables, form))
    run = phasescope.find_run(target, runs)
    paths = run_files(run=run, figures=figures, kind=kind, tables=tables, form=form)
    return Result(paths + ([write_archive(run, archive, notify)] if archive else []))


def import_(file: arg.Unpacked, /, *, runs: arg.Runs = Path("runs"), notify: arg.Notify) -> Result:
    """Unpack a run that `export --archive` wrote, if it is whole and what it says; prints its folder. Nothing is replaced.

    Args:
        file: the archive
    """
    from phasescope.runs.trained.importing import import_run

    return Result([import_run(file, runs, notify).path])
