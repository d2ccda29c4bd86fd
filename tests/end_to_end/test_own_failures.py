"""Your own code that fails, and unusual surroundings: one line with the file and its line, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
import yaml

import phasescope
from helpers.attacked_run import FIELDS
from phasescope import Run
from phasescope.cli import main

OWN = """
import torch
from torch import nn
from phasescope.models.training.base import LossConfig


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


class Net(nn.Module):
    def __init__(self, channels, how="well"):
        super().__init__()
        self.mid = nn.Conv2d(channels, channels, 3, padding=1)
        self.how = how

    def forward(self, x, t, labels):
        if self.how == "batch":
            return self.mid(x)[:1]
        if self.how == "untried" or (self.how == "late" and self.training):
            raise Silent
        if self.how == "exit" and self.training:
            raise SystemExit(0)
        return self.mid(x)


class Loss(LossConfig):
    how: str

    def __call__(self, network, family, batch):
        loss = super().__call__(network, family, batch)
        found = {"vector": loss.expand(3), "detached": loss.detach(), "number": 3.0}
        if self.how == "fails":
            return {}["nothing"]
        return found[self.how]


def measure(latents, labels):
    return latents.nothing
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(FIELDS))
    return tmp_path


def net(how: str) -> str:
    return f"network={{kind: 'own.py:Net', how: {how}}}"


def loss(how: str) -> str:
    return f"training.loss={{kind: 'own.py:Loss', how: {how}}}"


@pytest.mark.parametrize(
    ("word", "code", "told"),
    [
        (net("batch"), 2, "must return the shape (2, 1, 8, 8), not (1, 1, 8, 8)"),
        (net("untried"), 1, "Silent: its message cannot be read, for __str__ raises ValueError (own.py:22)"),
        (net("late"), 1, "your own code raised Silent: its message cannot be read"),
        (net("exit"), 1, "your own code raised SystemExit: 0 (own.py:24); --traceback shows the rest"),
        (loss("vector"), 2, "`training.loss` (=own.py:Loss) must be one number with a gradient, and is of shape (3,)"),
        (loss("detached"), 2, "must be one number with a gradient, and is of shape ()"),
        (loss("number"), 2, "must be one number with a gradient, and is float"),
        (loss("fails"), 1, "your own code raised KeyError: 'nothing' (own.py:35)"),
        ("probing.measures=['own.py:measure']", 1, "your own code raised AttributeError: "),
        ("training.optimiser={kind: muon, lr: 1e300}", 2, "`training.optimiser.lr` (=1e+300) must be less than or equal"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line_with_its_place(word: str, code: int, told: str, capsys):
    times = ["probing.t=usual"] if "network" in word else []
    assert main(["train", "tiny.yaml", word, *times]) == code
    printed = capsys.readouterr().err
    assert told in printed
    assert printed.count("\n") == 1
    assert printed.startswith("phasescope: ")


def test_traceback_shows_the_rest(capsys):
    with pytest.raises(KeyError):
        main(["train", "tiny.yaml", loss("fails"), "--traceback"])
    (Path.cwd() / "torn.py").write_text("1 / 0")
    assert main(["train", "--traceback", "world.kind=torn.py:W"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_source_that_exits_with_0_is_an_error(here: Path, capsys):
    (here / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    assert main(["train", "tiny.yaml", "network.kind=leaving.py:Net"]) == 1
    assert "`leaving.py:Net` cannot be imported: SystemExit: 0 (leaving.py:2)" in capsys.readouterr().err
    assert main(["study", "leaving.py"]) == 1
    with pytest.raises(phasescope.RunFailed):
        phasescope.load_config(overrides=["world.kind=leaving.py:W"])


@pytest.mark.some(1)
@pytest.mark.parametrize("steps", [2, 3, 9])
def test_a_family_of_few_noise_levels_is_trained_at_its_usual_timesteps(steps: int):
    words = [f"family.schedule.steps={steps}", "probing.t=usual", "probing.bands=10", "probing.band_images=4"]
    run = phasescope.train(phasescope.load_config("tiny.yaml", words))
    assert len(run.metrics[-1]["denoising"]) == steps
    assert main(["report", run.name]) == 0


@pytest.mark.slow
def test_gradients_that_were_disabled_before_are_enabled_for_training():
    run = phasescope.train(phasescope.load_config("tiny.yaml"), "enabled")
    torch.set_grad_enabled(False)
    try:
        other = phasescope.train(phasescope.load_config("tiny.yaml"), "disabled")
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    for name, weights in run.snapshots[-1].weights().items():
        assert weights.tobytes() == other.snapshots[-1].weights()[name].tobytes()


class Interrupting:
    def update(self, run):
        if run.metrics:
            raise KeyboardInterrupt

    def close(self):
        pass


def test_an_interrupt_in_a_monitor_gives_the_run_back():
    config = phasescope.load_config("tiny.yaml")
    with pytest.raises(KeyboardInterrupt) as caught:
        phasescope.train(config, monitors=[Interrupting()])
    assert caught.tb  # it keeps the frames of the call alive
    assert phasescope.open_run(Path("runs") / config.folder).status["state"] == "stopped"
    assert phasescope.train(config).status["state"] == "done"


def of_shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    line = command.replace("phasescope", f"{sys.executable} -m phasescope")
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, env={**os.environ, **environment}, check=False
    )


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
SURROUNDINGS: dict[str, Callable[[str], subprocess.CompletedProcess[bytes]]] = {
    "a closed output": lambda words: of_shell(f"phasescope {words} >&-"),
    "closed errors": lambda words: of_shell(f"phasescope {words} 2>&-"),
    "latin-1": lambda words: of_shell(f"phasescope {words}", PYTHONIOENCODING="latin-1"),
    "ASCII": lambda words: of_shell(f"phasescope {words}", **ASCII),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return phasescope.train(FIELDS, tmp_path_factory.mktemp("plain"))


ALWAYS = ("a closed output", "show"), ("ASCII", "report")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("surroundings", "command"),
    [
        pytest.param(*case, marks=[] if case in ALWAYS else pytest.mark.slow)
        for case in product(SURROUNDINGS, ("show", "report"))
    ],
)
def test_unusual_surroundings_change_nothing(surroundings: str, command: str, plain: Run):
    ended = SURROUNDINGS[surroundings](f"{command} {plain.path}")
    assert ended.returncode == 0, ended.stderr
    assert b"Error" not in ended.stderr
    assert command == "show" or (plain.path / "report.html").read_bytes().decode("utf-8")


def test_an_exception_that_nobody_expects_is_one_line_with_its_place(here: Path, monkeypatch, capsys):
    (here / "runs").mkdir(exist_ok=True)
    (here / "runs" / "some").mkdir()
    monkeypatch.setattr("phasescope.runs.trained.catalogue.is_run", None)
    assert main(["ls"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("phasescope: TypeError: 'NoneType' object is not callable: ")
    assert "--traceback shows where" in line
    with pytest.raises(TypeError):
        main(["ls", "--traceback"])
