"""Modules of the working folder that nobody named, and a repository's own settings: no command executes them."""

import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from helpers.attacked_run import FIELDS
from phasescope import Run
from phasescope.cli import COMMANDS, main
from phasescope.core.git import commit_of

NETWORK = """
import torch
import yaml
from beside import WIDTH
from torch import nn


class Net(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.enter = nn.Conv2d(channels, WIDTH, 3, padding=1)
        self.leave = nn.Conv2d(WIDTH, channels, 3, padding=1)

    def forward(self, x_t, t, labels):
        import scipy.stats  # found by the path as it is when the network is called
        return self.leave(torch.tanh(self.enter(x_t)))
"""
STUDY = """
from phasescope.studies import Cell, Study

STUDY = Study("own", "Does it?", "defaults", [Cell("one", {})], 1)
"""
FEW_STEPS = ["training.steps=2", "training.warmup=1"]
OWN = ["tiny.yaml", "network={kind: nets.py:Net}", "probing.layers=[enter]"]


@pytest.fixture
def folder(whole: Run, tmp_path: Path) -> Path:
    """A user's folder: a run, a study and a network of their own, among modules named like all that Python can import."""
    here = tmp_path / "here"
    (here / "runs").mkdir(parents=True)
    shutil.copytree(whole.path, here / "runs" / whole.name)
    (here / "tiny.yaml").write_text(yaml.safe_dump(FIELDS))
    (here / "nets.py").write_text(NETWORK)
    (here / "beside.py").write_text("WIDTH = 4\n")
    fields = {**FIELDS, "training": {**FIELDS["training"], "steps": 2, "warmup": 1}}
    (here / "own.py").write_text(STUDY.replace("{}", repr(fields)))

    marking = f"open({str(here / 'executed')!r}, 'a').write(__name__ + '\\n')\n"
    for name in (importable() | required()) - {"__main__", "phasescope"}:
        (here / f"{name}.py").write_text(marking)
    return here


def importable() -> set[str]:
    """Names of what is installed here, and of Python's own library."""
    names = {*packages_distributions(), *sys.stdlib_module_names}
    return {name for name in names if name.isidentifier() and PathFinder.find_spec(name) is not None}


MODULES = {
    "markdown_it_py": "markdown_it",
    "pot": "ot",
    "pyyaml": "yaml",
    "scikit_learn": "sklearn",
    "scikit_dimension": "skdim",
    "umap_learn": "umap",
}
"""modules of those requirements that have another name"""


def required() -> set[str]:
    """Names of the modules of all requirements of phasescope, also of extras that are not installed here."""
    names = [re.split(r"[^\w.-]", line)[0] for line in requires("phasescope") or ()]
    names = [name.lower().replace("-", "_") for name in names]
    return {MODULES.get(name, name) for name in names}


def executed(folder: Path) -> str:
    return (folder / "executed").read_text() if (folder / "executed").exists() else ""


def phasescope(folder: Path, *words: str, launcher: str = "installed") -> subprocess.CompletedProcess[str]:
    """A command, in a process of its own in this folder."""
    return subprocess.run(
        [*LAUNCHERS[launcher], *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def commands(run: str) -> list[list[str]]:
    return [
        ["train", "tiny.yaml", "name=mine", *FEW_STEPS, "training.label_dropout=0.5"],
        ["train", *OWN, "name=owned", *FEW_STEPS],
        ["demo", "tiny.yaml", "name=shown", *FEW_STEPS],
        ["fork", "mine", "--at", "0", "seed.data=1"],
        ["predict", "tiny.yaml"],
        ["designs", "tiny.yaml"],
        ["ls", "--where", "seed = 0"],
        ["show", run],
        ["tag", run, "seen"],
        ["compare", run, "mine"],
        ["observe", run, "latent_labels=100"],
        ["exec", f"runs/{run}"],
        ["sample", "owned", "--count", "1"],
        ["measure", run, "--only", "probe_r2"],
        ["intervene", run, "--layer", "mid", "--count", "8"],
        ["clones", "mine", "--images", "8", "--each", "1"],
        ["sweep", *OWN, "training.batch=4,5", *FEW_STEPS, "--name", "swept"],
        ["study", "own.py"],
        ["claims", "--study", "own.py"],
        ["report", run],
        ["export", run, "--figures", "figures", "--tables", "tables", "--archive", "out.zip"],
        ["import", "out.zip", "--runs", "elsewhere"],
        ["explore", "--port", "-1"],
    ]


LAUNCHERS = {
    "installed": [str(Path(sys.executable).with_name("phasescope"))],
    "module": [sys.executable, "-P", "-m", "phasescope"],
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_no_command_executes_a_module_of_the_folder_that_is_named_like_a_dependency(
    launcher: str, folder: Path, whole: Run
):
    """Each command in a process of its own, so that none finds imported what it would import."""
    asked = commands(whole.name)
    assert {words[0] for words in asked} == {*COMMANDS}
    for words in asked:
        end = phasescope(folder, *words, launcher=launcher)
        assert executed(folder) == "", words
        assert end.returncode == (2 if "explore" in words else 0), (words, end.stderr)


@pytest.mark.slow  # two commands and two trainings in processes of their own
def test_the_installed_command_does_not_execute_them_either(folder: Path):
    """Of the commands that the slow test above asks, the one that starts others."""
    swept = ["sweep", *OWN, *FEW_STEPS, "seed=0,1", "--name", "swept"]
    for words in (["ls"], swept):
        end = phasescope(folder, *words)
        assert executed(folder) == "", words
        assert end.returncode == 0, end.stderr


@pytest.mark.slow
def test_the_explorer_does_not_execute_them(folder: Path, whole: Run):
    command = [str(Path(sys.executable).with_name("phasescope")), "explore", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = server.stdout.readline().split("/   ")[0]
        for path in (
            "/",
            "/api/runs",
            f"/api/runs/{whole.name}",
            f"/api/runs/{whole.name}/generate?label=2,3",
        ):
            with urlopen(address + path) as answer:
                assert answer.status == 200
        server.terminate()
    assert executed(folder) == ""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["slurm", "ray"])
def test_jobs_of_a_cluster_do_not_execute_them(engine: str, folder: Path):
    words = ["training.batch=4,5", *FEW_STEPS, "--name", "swept"]
    end = phasescope(folder, "sweep", *OWN, *words, "--engine", engine, "--workers", "2")
    assert executed(folder) == ""
    assert end.returncode == 0, end.stderr + end.stdout[-2000:]


@pytest.mark.slow  # two exports of all figures
def test_figures_ignore_settings_in_the_folder(folder: Path, whole: Run):
    words = ["export", whole.name, "--figures"]
    assert main([*words, str(folder / "plain"), "--runs", str(folder / "runs")]) == 0
    (folder / "matplotlibrc").write_text("lines.linewidth: 9\ntext.usetex: True\nbackend: module://torch\n")
    assert phasescope(folder, *words, "others").returncode == 0
    assert executed(folder) == ""
    for path in (folder / "plain").iterdir():
        assert path.read_bytes() == (folder / "others" / path.name).read_bytes(), path.name


@pytest.mark.slow  # kernels are compiled
def test_numba_unpickles_no_compiled_functions_of_the_folder(tmp_path: Path):
    (tmp_path / ".numba_config.yaml").write_text("cache_dir: ./compiled\n")
    embedding = (
        "import numpy; from phasescope.measures.latents.p1_r2 import umap; umap(numpy.eye(32), 15, 5, 0)"
    )
    subprocess.run([sys.executable, "-P", "-c", embedding], cwd=tmp_path, check=True)
    assert not (tmp_path / "compiled").exists()


# What a repository's own settings may have a git command execute.
SETTINGS = {
    "core.fsmonitor": "",
    "core.hooksPath": "hooks",
    "core.sshCommand": "",
    "core.gitProxy": "",
    "core.pager": "",
    "core.editor": "",
    "core.askPass": "",
    "credential.helper": "",
    "gpg.program": "",
    "log.showSignature": "true",
    "diff.external": "",
    "diff.own.textconv": "",
    "diff.own.command": "",
    "filter.own.clean": "",
    "filter.own.smudge": "",
    "filter.long.process": "",
    "filter.long.required": "true",
    "merge.own.driver": "",
    "uploadpack.packObjectsHook": "",
    "protocol.ext.allow": "always",
    "remote.origin.url": "ext::{script}",
    "remote.origin.promisor": "true",
    "remote.origin.uploadpack": "",
    "extensions.partialClone": "origin",
    "submodule.recurse": "true",
    "alias.status": "!{script}",
    "alias.ls-tree": "!{script}",
}


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def hostile_repository(folder: Path) -> None:
    """Make the folder a repository of one commit, whose settings, hooks and attributes all name one script."""
    script = folder.parent / "script.sh"
    script.write_text(f"#!/bin/sh\necho git >> {folder / 'executed'}\nexit 1\n")
    script.chmod(0o755)
    git(folder, "init", "-q")
    (folder / ".gitattributes").write_text("*.py filter=own diff=own\n*.yaml filter=long\n")
    (folder / ".gitignore").write_text("*\n")
    git(folder, "add", "--force", "nets.py", "own.py", "tiny.yaml", ".gitattributes")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")

    for hooks in (folder / "hooks", folder / ".git" / "hooks"):
        hooks.mkdir(exist_ok=True)
        for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"):
            shutil.copy(script, hooks / name)
    for name, value in SETTINGS.items():
        git(folder, "config", name, value.format(script=script) or str(script))
    os.utime(folder / "nets.py")  # so that git has to look at what it holds
    (folder / "tiny.yaml").write_text((folder / "tiny.yaml").read_text() + "\n")


def test_no_setting_of_the_folders_repository_is_executed(folder: Path):
    hostile_repository(folder)
    git_status = ["git", "-C", str(folder), "status", "--porcelain"]
    subprocess.run(git_status, capture_output=True, timeout=60)
    assert executed(folder)  # the attack itself works
    (folder / "executed").unlink()

    clean = commit_of(folder)
    assert executed(folder) == ""
    assert len(clean) == 12
    (folder / "nets.py").write_text("another = 1\n")
    assert commit_of(folder) == f"{clean}-dirty"

    tree = subprocess.check_output(["git", "-C", str(folder), "rev-parse", "HEAD^{tree}"], text=True).strip()
    (folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    subprocess.run(["git", "-C", str(folder), "ls-tree", "HEAD"], capture_output=True, timeout=60)
    assert executed(folder)  # a missing object is fetched from where the settings say
    (folder / "executed").unlink()
    commit_of(folder)
    assert executed(folder) == ""
