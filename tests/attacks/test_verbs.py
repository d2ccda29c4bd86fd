"""Every verb, with a hostile value for each of its flags and words, read off its signature."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.commands import assert_civil, call, only_written
from phasescope.cli import COMMANDS

HOSTILE = [
    "", " ", ",", ",,x", "-", "--", "-1", "0", "7", "99999999999999999999", "9" * 5000, "1e400", "nan", "-inf", "inf",
    "0x_", "None", "null", "true", "[]", "{}", "x=1", "=", "a:b", "..", "../../..", "/", "~", "*", "%s%n{0}", "$(id)",
    "`id`", "';--", "a\nb", "\x1b[2J\x07", "\u202e", "\udcff", "é" * 200, "x" * 5000, "a/" * 2000, "1,2,3,4,5,6,7",
    "nan,nan", "1;2", "\t", "here.npz", "folder", "fifo", "loop", "here.npz/x", "no/such/folder/x.png", "--help=x",
    "-h=1", "│", "╭─",
]  # fmt: skip
WRITTEN = ("--out", "--page", "--figures", "--tables", "--archive")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a run with one configuration, a small npz file, and what is no file."""
    folder = tmp_path_factory.mktemp("there")
    for name in ("run", "other"):
        run = folder / "runs" / f"{name}-44136fa3"
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(f"name: {name}\n")
        (run / "status.json").write_text('{"state": "done", "step": 0, "steps": 1}')
    rng = np.random.default_rng(0)
    labels = rng.random((30, 2))
    np.savez(folder / "here.npz", latents=labels @ rng.random((2, 3)), labels=labels)
    (folder / "study.py").write_text(STUDY)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    return folder


STUDY = """
from phasescope.studies import Cell, Study

STUDY = Study("mine", "Does it?", "fast", [Cell("one", {})], 1)
"""
FEW = ["world.design.dx=8", "world.design.dy=8"]
"""words of a world of sixteen images"""
BASES = {
    "demo": ["training.steps=0"], "train": ["training.steps=0"], "predict": ["training.steps=0", *FEW],
    "designs": ["training.steps=0", *FEW], "observe": ["run", "latent_labels=1"],
    "exec": ["runs/run-44136fa3"], "sample": ["run", "--out", "s.png"], "ls": [], "show": ["run"], "tag": ["run", "seen"],
    "compare": ["run", "other"], "report": ["run"], "study": ["study.py", "--dry-run"],
    "sweep": ["training.batch=8,16", "--dry-run"],
    "fork": ["run", "--at", "0", "seed.data=1", "--dry-run"],
    "claims": ["--studies", "folder"], "intervene": ["run", "--layer", "mid", "--count", "8"],
    "clones": ["run", "--images", "8", "--each", "1"], "explore": [], "import": ["here.npz"],
    "measure": ["here.npz", "--only", "participation_ratio"], "export": ["run", "--archive", "a.zip"],
}  # fmt: skip
"""what each verb is asked beside the hostile value, so that no time is lost where the value is let pass"""


@pytest.mark.some(1)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_value_of_a_flag_or_word_is_answered_by_more_than_a_line(name, there: Path, monkeypatch):
    monkeypatch.chdir(there)
    monkeypatch.setattr("phasescope.cli.runs._train", lambda *given, **how: False)
    monkeypatch.setattr("phasescope.views.web.serve.serve", lambda *given: None)
    monkeypatch.setattr("phasescope.views.web.report.render_report", lambda *given: "a page")
    monkeypatch.setattr("phasescope.views.figures.export._write_figures", lambda *given, **more: [])
    monkeypatch.setattr("phasescope.studies.study.MOST_SEEDS", 9)
    monkeypatch.setattr("phasescope.runs.engines.cost.timed", lambda config: 0.001)
    base, parameters = BASES[name], inspect.signature(COMMANDS[name]).parameters.values()
    positional = [each for each in parameters if each.kind is each.POSITIONAL_ONLY]
    flags = [f"--{each.name.replace('_', '-')}" for each in parameters if each.kind is each.KEYWORD_ONLY]
    flags.remove("--tell") if "--tell" in flags else None
    asked = {"report": there / "runs" / "run-44136fa3" / "report.html", "export": there / "a.zip"}
    for number, value in enumerate(HOSTILE):  # each meets a fifth of the flags
        some = [flag for i, flag in enumerate(flags) if (i + number) % 5 == 0]
        lines = [[name, *base, *([flag, value] if number % 2 else [f"{flag}={value}"])] for flag in some]
        others = [[name, *base, value], [name, value], [value, *base], [name, value, *base[1:]]]
        lines.append(others[number % (3 + bool(positional))])  # and one of what is no flag
        for words in lines:
            with only_written(
                there,
                *asked.values(),
                *([there / value] if {*WRITTEN} & {w.partition("=")[0] for w in words} else []),
            ):
                assert_civil(words, call(words))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_every_flag(name):
    parameters = inspect.signature(COMMANDS[name]).parameters.values()
    flags = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "notify"]
    shown = call([name, "--help"]).out
    for flag in flags:
        assert re.search(rf"--{flag.replace('_', '-')}( [A-Z]\S*)?  +\w", shown), flag


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("", "`COMMAND` (=nothing) must be given: one of demo, "),
        ("trian", 'Unknown command "trian". Did you mean "train"?'),
        ("sample x --cuont 3", "Unknown option: --cuont. Did you mean --count?"),
        ("sample x --count many", 'Invalid value for --count: unable to convert "many"'),
        ("sample", 'Command "sample" parameter RUN requires an argument'),
        ("ls --runs=", "`--runs` (=) must not be empty"),
        ("report run --out folder", 'Invalid value "folder" for --out. folder must be a file'),
        ("measure here.npz --only ,", "Invalid value for --only: , must be words"),
        ("train seed=1 seed=2", "`seed` (=2 times) must be given once"),
    ],
)
def test_what_is_wrong_with_words_is_said_in_a_line(words: str, error: str, there: Path, monkeypatch):
    monkeypatch.chdir(there)
    outcome = call(words.split())
    assert outcome.code == 2, outcome
    assert outcome.err.startswith(f"phasescope: {error}"), outcome.err
    assert outcome.err.count("\n") == 1


def test_the_module_is_the_command():
    for words, code, told in (
        ([], 2, "`COMMAND`"),
        (["--help"], 0, "Usage: phasescope "),
        (["trian"], 2, 'Did you mean "train"?'),
    ):
        command = [sys.executable, "-m", "phasescope", *words]
        end = subprocess.run(command, capture_output=True, text=True, check=False)
        assert end.returncode == code
        assert told in end.stdout + end.stderr
        assert "Traceback" not in end.stderr


@pytest.mark.slow
def test_a_path_that_the_terminal_cannot_show_is_shown_escaped(tmp_path: Path):
    there = tmp_path
    (there / os.fsdecode(b"\xff")).mkdir()
    command = [sys.executable, "-m", "phasescope", "ls", "--runs", os.fsdecode(b"\xff")]
    end = subprocess.run(command, capture_output=True, cwd=there, check=False)
    assert (end.returncode, end.stderr) == (0, b"")


@pytest.mark.parametrize(
    "words",
    [
        ["report", "attacked", "--out", "{run}/config.yaml"],
        ["report", "attacked", "--out", "{run}/status.json"],
        ["claims", "--page", "{run}/about.json"],
        ["sample", "attacked", "--out", "{run}/snapshots/00000008/samples.npz"],
        ["sample", "attacked", "--out", "{run}/world.npz"],
        ["export", "attacked", "--tables", "{run}/snapshots"],
        ["export", "attacked", "--figures", "{run}/checkpoint/figures"],
    ],
    ids=" ".join,
)
def test_no_result_is_written_over_a_record_of_a_run(words, whole, tmp_path):
    run = Path(shutil.copytree(whole.path, tmp_path / "runs" / whole.name))
    with only_written(tmp_path):
        where = [] if words[0] == "claims" else ["--runs", str(run.parent)]
        outcome = call([*(word.format(run=run) for word in words), *where])
    assert outcome.code == 2
    assert f"belongs to the records of `{run.name}`" in outcome.err, outcome.err


def test_a_run_s_own_page_and_what_is_none_of_its_records_may_lie_in_its_folder(whole, tmp_path):
    run = Path(shutil.copytree(whole.path, tmp_path / "runs" / whole.name))
    for words in (
        ["report", str(run), "--out", f"{run}/report.html"],
        ["export", str(run), "--tables", f"{run}/tables"],
    ):
        assert call(words).code == 0


def test_whatever_own_code_raises_is_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("raising.py").write_text("class Odd(BaseException): pass\nraise Odd('of its own')\n")
    Path("leaving.py").write_text("raise GeneratorExit\n")
    for name in ("raising", "leaving"):
        outcome = call(["train", f"network.kind={name}.py:Net"])
        assert outcome.code == 1, outcome
        assert outcome.err.startswith("phasescope: your own code raised "), outcome.err
        assert outcome.err.count("\n") == 1


def test_a_folder_that_is_gone_is_a_line(tmp_path):
    (tmp_path / "gone").mkdir()
    code = "import os, sys; from phasescope.cli import main; os.rmdir(os.getcwd()); sys.exit(main(['train']))"
    end = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert end.returncode == 2
    assert end.stderr == "phasescope: the working folder must exist, and was removed\n"


def test_overrides_may_stand_behind_flags(there: Path, monkeypatch):
    monkeypatch.chdir(there)
    trained = []
    monkeypatch.setattr("phasescope.cli.runs._train", lambda config, *given, **how: trained.append(config))
    assert call(["train", "preset=fast", "--runs", "elsewhere", "name=x"]).code == 0
    assert trained[0].name == "x"
