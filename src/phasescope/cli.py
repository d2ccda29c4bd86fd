"""The command line: verbs only; what they do is elsewhere.

Exit codes: 0 done (a run stopped by a signal too: it has its checkpoint), 1 a run failed, 2 the user's input,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from phasescope.errors import RunFailed, UserError

if TYPE_CHECKING:
    from phasescope.run import RunConfig

Words = Positional[Annotated[tuple[str, ...], arg(metavar="[FILE.yaml] [key=value ...]")]]
Runs = Annotated[Path, arg(metavar="DIR")]
Parts = Positional[Annotated[tuple[str, ...], arg(metavar="[PART ...]")]]
RunWord = Positional[Annotated[str, arg(metavar="RUN")]]


def train(words: Words = (), /, runs: Runs = Path("runs")) -> int:
    """Train a run, or resume it: the same command goes on where it stopped.

    Args:
        words: a YAML file and key=value words, as in preset=small world.sigma_px=2
        runs: folder of runs
    """
    from phasescope.run import load_words

    _train(load_words(words), runs)
    return 0


def demo(words: Words = (), /, runs: Runs = Path("runs")) -> int:
    """The whole way in a minute and a half: train the preset `demo`, then write its report.

    Args:
        words: key=value words that change the preset
        runs: folder of runs
    """
    from phasescope.run import load_words

    config = load_words(["preset=demo", *words])
    if _train(config, runs):
        report(str(runs / config.folder))
    return 0


def _train(config: RunConfig, runs: Path) -> bool:
    """Train to the end, or to a signal; whether it is done."""
    from phasescope.execution import Stop, execute
    from phasescope.views.progress import follow

    with Stop().on_signals() as stop:
        return follow(execute(config, runs, stop))


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
        at: label x,y in px; without it labels are drawn off the grid
        count: images
        step: snapshot to take the weights from; the last without it
        seed: of the noise, and of the labels where none is given
        out: FILE.png or FILE.npz
        runs: folder of runs
    """
    from phasescope.sampling import paint
    from phasescope.store import find_run

    print(paint(find_run(run, runs), at, count, step, seed, out))
    return 0


def exec(run_dir: Positional[Annotated[Path, arg(metavar="RUN_DIR")]], /, expires_s: float = 60.0) -> int:
    """Execute one run's folder, as engines have it done: one thread, under a lease; what is done stays as it is.

    Exit code 75: another process executes it.

    Args:
        run_dir: a folder with a config.yaml, of the name that `train` would give it
        expires_s: seconds without a heartbeat after which another process may take the run over
    """
    from phasescope.worker import work

    return work(run_dir, expires_s)


def ls(runs: Runs = Path("runs"), where: str | None = None, json: bool = False) -> int:
    """List the runs of a folder.

    Args:
        runs: folder of runs
        where: a condition in SQL on fields and last metrics, as in "world.sigma_px = 2 and state = 'done'"
        json: JSON instead of a table
    """
    from phasescope.store import list_runs
    from phasescope.views.tables import print_runs

    print_runs(list_runs(runs, where), as_json=json)
    return 0


def show(run: RunWord, /, runs: Runs = Path("runs"), json: bool = False) -> int:
    """Show a run: its state, its phases and onsets, its snapshots.

    Args:
        run: a run's folder, name or hash
        runs: folder of runs
        json: JSON instead of tables
    """
    from phasescope.store import find_run
    from phasescope.views.tables import print_run

    print_run(find_run(run, runs), as_json=json)
    return 0


def report(
    target: Annotated[str, arg(metavar="RUN|STUDY")],
    /,
    out: Path | None = None,
    pictures: Path | None = None,
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
) -> int:
    """Write the report of a run, or of a study: one self-contained page.

    Args:
        target: a run's folder, name or hash; or a study's name, or that of its folder of results
        out: file to write; without it report.html in the run's folder, or in the study's results
        pictures: folder for the figures of a run's report as PNG files; none without it
        runs: folder of runs
        results: folder of studies' results
    """
    from phasescope.studies import STUDIES, of_results

    one = of_results(target)
    if one and (target in STUDIES or (results / target).is_dir()):
        from phasescope.views.results_page import write_html

        print(write_html(one, results / target, out))
        return 0
    from phasescope.store import find_run
    from phasescope.views.pictures import write_pictures
    from phasescope.views.report import write_report

    found = find_run(target, runs)
    print(write_report(found, out))
    for path in write_pictures(found, pictures) if pictures else ():
        print(path)
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
        step: snapshot of the run; the last without it
        runs: folder of runs
        json: JSON instead of a table
    """
    from phasescope import flags
    from phasescope.measuring import measure_file, measure_run
    from phasescope.store import find_run
    from phasescope.views.measured import print_scores

    chosen = flags.words(only) if only else None
    if target.endswith(".npz"):
        found = measure_file(
            Path(target),
            latents,
            labels,
            flags.words(names) if names else None,
            flags.words(periodic) if periodic else (),
            flags.numbers("--span", span) if span else None,
            chosen,
        )
    else:
        found = measure_run(find_run(target, runs), step, chosen)
    print_scores(found, as_json=json)
    return 0


def explore(
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
    host: str = "127.0.0.1",
    port: int = 8421,
    token: str | None = None,
) -> int:
    """Serve the explorer: runs, how each learnt, a pad to paint with them, and studies, in the browser.

    Args:
        runs: folder of runs
        results: folder of studies' results
        host: address to bind; beyond this machine a token is asked for
        port: port; 0 takes any free one
        token: that visitors must have; made up where one is needed and none is given
    """
    from phasescope.views.explorer.serve import serve

    serve(runs, results, host, port, token)
    return 0


def study(
    name: Positional[Annotated[str, arg(metavar="NAME")]],
    /,
    seeds: int | None = None,
    preset: str | None = None,
    engine: Literal["local", "slurm", "ray"] = "local",
    dry_run: bool = False,
    runs: Runs = Path("runs"),
    results: Runs = Path("results"),
    json: bool = False,
) -> int:
    """Run what is missing of a study, judge its claims, draw its figures; the same command goes on where it stopped.

    Args:
        name: phases, order_and_accuracy, density, imbalance or factorization
        seeds: runs a cell; the study's own number without it
        preset: of all cells, in place of their own; its results have a folder of their own
        engine: what executes runs
        dry_run: print the runs, their cost and what is there, and run nothing
        runs: folder of runs
        results: folder of studies' results
        json: JSON instead of a table, for --dry-run
    """
    from phasescope.studies import find_study
    from phasescope.studies.running import survey
    from phasescope.views.study_tables import conduct, print_survey

    found = survey(find_study(name), seeds, preset, runs, results)
    if dry_run:
        print_survey(found, as_json=json)
        return 0
    return conduct(found, engine)


def claims(results: Runs = Path("results"), page: Path | None = None, json: bool = False) -> int:
    """Print every claim of the studies: verdict, statistic, interval, n.

    Args:
        results: folder of studies' results
        page: file to write as well: the page of results, with all claims judged anew and all figures drawn anew
        json: JSON instead of tables
    """
    from phasescope.studies import STUDIES
    from phasescope.studies.records import read_claims
    from phasescope.views.claim_tables import print_claims

    if page:
        from phasescope.views.results_page import calibrate_and_draw, judge_and_draw, write_markdown

        for one in STUDIES.values():
            judge_and_draw(one, results / one.name)
        calibrate_and_draw(results)
        write_markdown(list(STUDIES.values()), results, page)
    print_claims([(one, read_claims(results / one.name)) for one in STUDIES.values()], as_json=json)
    return 0


def bench(
    parts: Parts = (),
    /,
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/speed"),
    profile: bool = False,
) -> int:
    """Measure speed, here and against peers, and write the page of results; the same command goes on where it stopped.

    Args:
        parts: of throughput, order, scaling, history, page; without any throughput, order, scaling, page
        out: folder of results
        profile: where the time of a training step goes, after the parts that are named
    """
    from phasescope.benchmarks.bench import run_parts

    print(run_parts(parts, out, with_profile=profile))
    return 0


VERBS = (demo, train, exec, sample, ls, show, report, study, claims, explore, measure, bench)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `phasescope`; returns its exit code."""
    app = tyro.extras.SubcommandApp()
    for verb in VERBS:
        app.command(verb)
    try:
        code = app.cli(
            args=argv,
            prog="phasescope",
            description="Watch small generative models learn.",
            use_underscores=False,
            config=(FlagCreatePairsOff,),
        )
        sys.stdout.flush()
    except UserError as error:
        return _fail(2, str(error))
    except RunFailed as error:
        return _fail(1, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(2, f"`{error.filename or 'output'}` cannot be used: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    return code


def _fail(code: int, why: str) -> int:
    print(f"phasescope: {why}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
