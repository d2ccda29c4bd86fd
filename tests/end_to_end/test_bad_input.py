"""What a user gets wrong: exit code 2, one line that names the field, its value and the rule, and nothing overwritten."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.tiny_run import assert_same_record, fingerprint
from phasescope import Run
from phasescope.runs.store import hold

TRAIN = {
    "unknown field": (["colour=red"], "`colour` (=red)", "is not a field", "world"),
    "unknown nested field": (["world.sigma=2"], "`world.sigma` (=2)", "is not a field", "sigma_px"),
    "field of another kind": (
        ["training.optimiser.momentum=0.9"], "`training.optimiser.momentum` (=0.9)", "is not a field", "lr",
    ),
    "unknown kind": (
        ["training.optimiser.kind=lion"], "`training.optimiser.kind` (=lion)", "must be one of", "adamw",
    ),
    "field below a number": (["name=a", "name.x=1"], "`name.x` (=1)", "`name` (=a) holds none"),
    "number where fields are due": (["world=7"], "`world` (=7)", "must be a mapping"),
    "text for a number": (["training.optimiser.lr=fast"], "`training.optimiser.lr` (=fast)", "valid number"),
    "dx = 0": (["world.design.dx=0"], "`world.design.dx` (=0)", "must be greater than 0"),
    "dx > canvas": (["world.design.dx=9"], "`world.design.dx` (=9.0)", "must be", "half of x's range (=8 px)"),
    "sigma = 0": (["world.sigma_px=0"], "`world.sigma_px` (=0)", "must be greater than or equal to 0.05"),
    "infinite learning rate": (
        ["training.optimiser.lr=.inf"], "`training.optimiser.lr` (=inf)", "must be a finite number",
    ),
    "canvas too small": (["world.canvas=2"], "`world.canvas` (=2)", "must be greater than or equal to 4"),
    "canvas not a multiple": (
        ["world.canvas=12", "network.widths=[8,8,8,8]"], "`world.canvas` (=12)", "multiple of 8",
    ),
    "width not a multiple": (["network.widths=[8,10]"], "`network.widths` (=10)", "multiples of", "groups"),
    "layer not there": (["probing.layers=[mid,down9]"], "`probing.layers` (=down9)", "must be in the network", "down1"),
    "timestep >= T": (["probing.t=[10,40,50]"], "`probing.t` (=50)", "from 0 to 49"),
    "negative timestep": (["probing.t=[-1]"], "`probing.t.0` (=-1)", "equal to 0"),
    "representation elsewhere": (
        ["probing.representation.layer=up1"], "`probing.representation.layer` (=up1)", "one of `probing.layers`",
    ),
    "attention block not there": (["network.attention=[down7]"], "`network.attention` (=down7)", "blocks"),
    "beta_end < beta_start": (
        ["family.schedule.beta_end=1e-5"], "`family.schedule.beta_end` (=1e-05)", "at least beta_start=0.0001",
    ),
    "sampler steps > T": (["family.sampler.steps=51"], "`family.sampler`", "51", "at most schedule.steps=50"),
    "warmup > steps": (["training.warmup=41"], "`training.warmup` (=41)", "at most `steps` (=40)"),
    "dropout above 1": (["training.label_dropout=1.5"], "`training.label_dropout` (=1.5)", "from 0 to 1"),
    "dropout of three factors": (
        ["training.label_dropout=[0,0,0]"], "`training.label_dropout` (=[0.0, 0.0, 0.0])", "one for each of x, y",
    ),
    "batch 0": (["training.batch=0"], "`training.batch` (=0)", "greater than or equal to 1"),
    "negative seed": (["seed=-1"], "`seed` (=-1)", "greater than or equal to 0"),
    "name with a slash": (["name=a/b"], "`name` (=a/b)", "must match pattern"),
    "no layers": (["probing.layers=[]"], "`probing.layers` (=[])", "at least one"),
    "more share labels than labels": (
        ["probing.variance_labels=65"], "`probing.variance_labels` (=65)", "at most `probing.latent_labels` (=64)",
    ),
    "unknown precision": (["training.precision=int8"], "`training.precision` (=int8)", "'float32'"),
    "unknown device": (["training.device=tpu"], "`training.device` (=tpu)", "must match pattern"),
    "device not there": (["training.device=cuda:77"], "`training.device` (=cuda:77)", "on this machine"),
    "unknown preset": (["preset=huge"], "`preset` (=huge)", "must be one of", "paper"),
    "key without =": (["seed"], "`seed`", "must be FILE.yaml or key=value"),
    "empty key": (["world..canvas=8"], "`world..canvas=8`", "must have the form key=value"),
    "value that is no YAML": (["network.widths=[8"], "`network.widths` (=[8)", "must be a YAML value"),
    "an option": (["--seed", "3"], "`--seed` must be written without dashes", "seed=3"),
    "a near field": (["training.optimizer.kind=adamw"], "`training.optimizer`", "the most similar one is optimiser"),
    "a field below": (["training.lr=1"], "`training.lr` (=1) is not a field", "below, there is optimiser.lr"),
    "a near kind": (["world.kind=stripe"], "`world.kind` (=stripe)", "the most similar one is stripes"),
    "a near preset": (["preset=smal"], "`preset` (=smal)", "the most similar one is small"),
    "a near block": (["network.attention=[mdi]"], "`network.attention` (=mdi)", "the most similar one is mid"),
}  # fmt: skip

FILES = {
    "a list": ("- 1\n- 2\n", "must hold a mapping", "list"),
    "no YAML": ("world: {canvas: 8\n", "is not YAML"),
    "binary": (b"\xff\xfe\x00", "is not YAML"),
    "deep brackets": ("a: " + "[" * 2000, "is not YAML"),
    "deep blocks": ("- " * 2000, "is not YAML"),
    "two documents": ("seed: 1\n---\nseed: 2\n", "expected a single document"),
    "a constructor's": ("a: !!bool maybe\n", "is not YAML"),
    "an empty number": ("a: !!int ''\n", "is not YAML"),
    "a tag of Python's": ("a: !!python/object/apply:os.system [id]\n", "is not YAML"),
    "a zero": ("a: \0\n", "is not YAML"),
    "a surrogate": (b"a: \xed\xa0\x80\n", "is not YAML"),
    "a number for a name": ("1: 2\n", "`1` (=2)", "is not a field"),
    "a number for a text": ("name: 1\n", "`name` (=1)", "must be a valid string"),
    "an unknown field": ("world: {canvass: 8}\n", "`world.canvass` (=8)", "is not a field"),
}

READ = {
    "show: missing run": (["show", "nothing"], "`RUN` (=nothing)", "must name a run"),
    "show: a name too long for any folder": (["show", "x" * 400], "`RUN`", "must name a run"),
    "report: missing folder": (["report", "tiny", "--out", "{tmp}/no/r.html"], "no/r.html`", "cannot be"),
    "sample: outside the canvas": (["sample", "tiny", "--at", "3,9"], "`--at` (=3,9)", "`y` (=9)", "0 to 8"),
    "sample: not a number": (["sample", "tiny", "--at", "nan,1"], "`--at` (=nan,1)", "`x` (=nan)", "0 to 8"),
    "sample: malformed": (
        ["sample", "tiny", "--at", "3,4;5"],
        "`--at` (=3,4;5)",
        "`y` (=4;5) must be a number",
    ),
    "sample: too few values": (["sample", "tiny", "--at", "3"], "`--at` (=3)", "x,y", "2 values"),
    "sample: an empty value": (["sample", "tiny", "--at", "3,"], "3, must be a label", "as in 12.5,20,red"),
    "sample: a seed that is no number": (["sample", "tiny", "--seed", "abc"], "--seed", "abc"),
    "show: an option of none": (["show", "tiny", "--seed", "3"], "Unknown option", "--seed"),
    "sample: unknown sampler": (["sample", "tiny", "--sampler", "eular"], "`sampler` (=eular)", "ddim, ddpm"),
    "sample: too many steps": (["sample", "tiny", "--steps", "10000"], "`steps` (=10000)", "from 1 to"),
    "sample: guidance": (["sample", "tiny", "--guidance", "2"], "`guidance` (=2)", "label_dropout"),
    "sample: patch": (
        ["sample", "tiny", "--patch", "mid"],
        "--patch",
        "a layer and a label, as in mid=12.5,20",
    ),
    "sample: patch twice": (
        ["sample", "tiny", "--patch", "mid=1,1", "--patch", "mid=2,2"],
        "--patch",
        "must name a layer once",
    ),
    "sample: patch outside": (["sample", "tiny", "--patch", "mid=99,1"], "(at mid)", "`x` (=99)", "0 to 8"),
    "sample: patch nowhere": (["sample", "tiny", "--patch", "nowhere=1,1"], "`layer` (=nowhere)", "mid"),
    "sample: count 0": (["sample", "tiny", "--count", "0"], "`--count` (=0)", "from 1"),
    "sample: wrong suffix": (["sample", "tiny", "--out", "{tmp}/s.jpg"], "s.jpg", ".png or .npz"),
    "sample: missing folder": (["sample", "tiny", "--out", "{tmp}/no/s.png"], "no/s.png", "folder"),
    "sample: a folder": (["sample", "tiny", "--out", "{tmp}/folder.png"], "folder.png", "must be a file"),
    "sample: unknown step": (["sample", "tiny", "--step", "7"], "`--step` (=7)", "0, 10, 20, 40"),
    "measure: missing file": (["measure", "{tmp}/no.npz"], "no.npz`", "cannot be read"),
    "measure: unknown measure": (["measure", "tiny", "--only", "beauty"], "`measure` (=beauty)", "probe_r2"),
    "ls: a file": (["ls", "--runs", "/dev/null"], "--runs", "/dev/null must be a folder of runs"),
}


def assert_refused(outcome, *fragments: str) -> None:
    assert outcome.code == 2, outcome
    lines = outcome.err.splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("phasescope: ")
    for fragment in fragments:
        assert fragment in lines[0], lines[0]


def copy_of(run: Run, tmp_path: Path) -> Run:
    runs = tmp_path / "runs"
    shutil.copytree(run.path, runs / run.name)
    return Run(runs / run.name)


@pytest.mark.parametrize("case", TRAIN)
def test_bad_configuration(case: str, cli, tiny: Path, tmp_path: Path):
    words, *fragments = TRAIN[case]
    assert_refused(cli("train", tiny, *words, "--runs", tmp_path / "runs"), *fragments)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("case", FILES)
def test_bad_file(case: str, cli, tmp_path: Path):
    content, *fragments = FILES[case]
    file = tmp_path / "run.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(cli("train", file, "--runs", tmp_path / "runs"), *fragments)
    assert not (tmp_path / "runs").exists()


@pytest.mark.some(8)
@pytest.mark.parametrize("case", READ)
def test_bad_words_for_a_run(case: str, cli, trained: Run, tmp_path: Path):
    words, *fragments = READ[case]
    (tmp_path / "folder.png").mkdir()
    before = fingerprint(trained.path)
    runs = [] if "--runs" in words else ["--runs", trained.path.parent]
    assert_refused(cli(*(word.format(tmp=tmp_path) for word in words), *runs), *fragments)
    assert fingerprint(trained.path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_ambiguous_run(cli, tmp_path: Path):
    for name in ("bumps-00000000", "bumps-11111111"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("name: bumps\n")
    assert_refused(
        cli("show", "bumps", "--runs", tmp_path), "`RUN` (=bumps)", "must name one run", "11111111"
    )


def test_file_where_the_folder_goes(cli, trained: Run, tiny: Path, tmp_path: Path):
    (tmp_path / trained.name).write_text("")
    assert_refused(cli("train", tiny, "--runs", tmp_path), trained.name, "must be a folder")


@pytest.mark.parametrize("change", ["seed=1", "network.widths=[8,16]", "training.optimiser.kind=muon"])
def test_checkpoint_of_another_run(change: str, cli, trained: Run, tiny: Path, tiny_config, tmp_path: Path):
    other = tiny_config(change)
    with hold(tmp_path / other.folder, other.tree()) as folder:
        shutil.copytree(trained.path / "checkpoint", folder.path / "checkpoint")
    before = fingerprint(tmp_path)
    outcome = cli("train", tiny, change, "--runs", tmp_path)
    assert_refused(outcome, "checkpoint", "must be this run's", "of another configuration", "--restart")
    assert fingerprint(tmp_path) == before


def test_run_that_another_process_holds(cli, tiny: Path, tiny_config, tmp_path: Path):
    config = tiny_config()
    with hold(tmp_path / config.folder, config.tree()):
        before = fingerprint(tmp_path)
        outcome = cli("train", tiny, "--runs", tmp_path)
        assert fingerprint(tmp_path) == before
    assert_refused(outcome, config.folder, "is being written by another process")


def test_no_permission_to_write(cli, tiny: Path):
    assert_refused(cli("train", tiny, "--runs", "/dev/null/runs"), "/dev/null/runs", "cannot be written")


def test_read_only_disk(cli, tiny: Path, tmp_path: Path):
    with mounted(tmp_path, "ro"):
        assert_refused(cli("train", tiny, "--runs", tmp_path / "runs"), "cannot be written", "Read-only")


def test_full_disk(cli, trained: Run, tiny: Path, tmp_path: Path):
    """Space ends within a later snapshot or checkpoint: the run stays resumable, to bitwise the same end."""
    words = ("train", tiny, "--runs", tmp_path)
    with mounted(tmp_path, "size=560k"):
        outcome = cli(*words)
        assert_refused(outcome, "cannot be written", "No space left on device")
        run = Run(tmp_path / trained.name)
        assert run.snapshots
        assert len(run.snapshots) < len(trained.snapshots)
        assert not list(tmp_path.rglob("*.aside"))
        subprocess.run(["mount", "-o", "remount,size=100m", str(tmp_path)], check=True)
        assert cli(*words).code == 0
        assert_same_record(run, trained)


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """A disk of its own at `path`; skips where none can be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_diverging_run_fails_and_says_why(cli, tiny: Path, tmp_path: Path):
    """A run's own failure is no fault of the input: exit code 1, and the status keeps the reason."""
    outcome = cli("train", tiny, "training.optimiser.lr=1e30", "--runs", tmp_path)
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 1
    assert "`loss`" in outcome.err
    (folder,) = tmp_path.iterdir()
    assert Run(folder).status["state"] == "failed"
    assert "must be finite" in Run(folder).status["error"]
