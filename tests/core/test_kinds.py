"""Kinds of one's own: found by reference, refused in one line, resumed with the source that they began with alone."""

import hashlib
import os
import subprocess
import sys

import pytest
import torch

from helpers import training_runs
from helpers.training_runs import LEAST, run_config, stop_after
from phasescope import RunConfig, RunFailed, UserError, train
from phasescope.core.kinds import is_reference, load, reference_to, references, source_digests

MINE = '''
import torch
from pydantic import Field
from torch import nn
from beside import DEPTH
from phasescope import NetworkConfig
from phasescope.models.training.base import LossConfig


class Net(nn.Module):
    """Two convolutions that are told the mean label."""

    def __init__(self, channels, width=4, depth=DEPTH):
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.leave = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, x_t, t, labels):
        told = labels.nan_to_num(0.0).mean(1).view(-1, 1, 1, 1) / 8
        return self.leave(torch.tanh(self.enter(x_t) + told))


class Wide(NetworkConfig):
    width: int = Field(6, ge=1)

    @property
    def layer_names(self):
        return ("enter",)

    def build(self, shape, factors):
        return Net(shape[0], self.width)


class Unfinished(NetworkConfig):
    width: int = 6


class Absolute(LossConfig):
    power: float = Field(1.0, gt=0)

    def __call__(self, network, family, batch):
        t, noise = batch.drawn
        answer = network(family.noisy(batch.x_0, t, noise), t, batch.labels)
        return (answer - noise).abs().pow(self.power).mean()


class Nothing:
    pass


class Inner:
    class Wide(Wide):
        pass


def function():
    pass


NUMBER = 3
'''
TINY = {
    **training_runs.TINY,
    "network": {"kind": "mine.py:Net"},
    "training": {"steps": 6, "batch": 8, "warmup": 2, "threads": 1, "device": "cpu"},
    "probing": {"snapshots": {"dense_until": 0, "every": 3}, "t": [40], **LEAST},
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A user's folder, in which the command runs."""
    place = tmp_path / "mine"
    place.mkdir()
    (place / "mine.py").write_text(MINE)
    (place / "beside.py").write_text("DEPTH = 2\n")
    monkeypatch.chdir(place)
    yield place
    for name in [name for name in sys.modules if name == "beside" or name.startswith("phasescope_own_")]:
        del sys.modules[name]


def forget_sources():
    """As in another process."""
    for name in [name for name in sys.modules if name.startswith("phasescope_own_")]:
        del sys.modules[name]


def config_of(**fields):
    return run_config(TINY, fields)


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        ("mine.py:Net", True),
        ("torch.optim:SGD", True),
        ("adamw", False),
        ("", False),
        (None, False),
        (3, False),
    ],
)
def test_a_reference_has_a_colon(kind, is_one):
    assert is_reference(kind) == is_one


def test_references_are_found_in_order_without_importing(folder):
    tree = {
        "world": {"kind": "gone.py:World", "design": {"kind": "grid"}},
        "network": {"kind": "mine.py:Net", "inner": [{"kind": "mine.py:Net"}]},
        "probing": {"measures": ["gone.py:radius", "plain"], "layers": ["a:b"]},
    }
    assert references(tree) == ["gone.py:World", "mine.py:Net", "gone.py:radius"]
    assert references({"name": "mine.py:Net"}) == []
    assert not [name for name in sys.modules if name.startswith("phasescope_own_")]


def test_a_file_is_imported_once_with_what_lies_beside_it(folder):
    assert load("mine.py:Net") is load(f"{folder}/mine.py:Net")
    assert load("mine.py:Inner.Wide").__qualname__ == "Inner.Wide"
    assert load("torch.optim:SGD") is torch.optim.SGD


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("none.py:Net", r"`none.py:Net` must be a file: there is none in"),
        ("mine.py:Nett", r"`mine.py:Nett` must name something in `mine.py`: it has no `Nett`"),
        ("no_such_module_at_all:Net", r"cannot be imported: ModuleNotFoundError"),
        ("torn.py:Net", r"`torn.py:Net` cannot be imported: SyntaxError.*\(torn.py:1\)"),
        ("failing.py:Net", r"`failing.py:Net` cannot be imported: ZeroDivisionError.*\(failing.py:1\)"),
        ("leaving.py:Net", r"`leaving.py:Net` cannot be imported: SystemExit: 0 \(leaving.py:2\)"),
    ],
)
def test_what_cannot_be_found_is_told_in_one_line(reference, message, folder):
    (folder / "torn.py").write_text("class Net(:\n")
    (folder / "failing.py").write_text("1 / 0\n")
    (folder / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    raised = RunFailed if reference in ("torn.py:Net", "failing.py:Net", "leaving.py:Net") else UserError
    with pytest.raises(raised, match=message) as caught:
        load(reference)
    assert "\n" not in str(caught.value)
    with pytest.raises(raised, match=reference.partition(":")[0]) as caught:
        config_of(network={"kind": reference})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "kind", "message"),
    [
        ("network", "mine.py:Nothing", r"`network.kind` .*must derive from NetworkConfig or torch.nn:Module"),
        ("network", "mine.py:function", r"`network.kind` .*must be a class, not a function"),
        ("network", "mine.py:NUMBER", r"`network.kind` .*must be a class, not a int"),
        ("world", "mine.py:Nothing", r"`world.kind` .*must derive from World, and does not"),
        ("world", "mine.py:Wide", r"`world.kind` .*must derive from World"),
        ("family", "mine.py:Net", r"`family.kind` .*must derive from FamilyConfig"),
        ("network", "mine.py:Unfinished", r"`network.kind` .*must define build"),
    ],
)
def test_what_is_no_such_kind_is_told(field, kind, message):
    with pytest.raises(UserError, match=message):
        config_of(**{field: {"kind": kind}})


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"kind": "mine.py:Net", "widht": 3},
            r"`network.widht` \(=3\) is not an argument of mine.py:Net: .* width, depth",
        ),
        (
            {"kind": "mine.py:Net", "layer_names": "enter"},
            r"`network.layer_names` \(=enter\) must be a list of names",
        ),
        ({"kind": "mine.py:Wide", "width": 0}, r"`network.width` \(=0\) must be greater than or equal to 1"),
        ({"kind": "mine.py:Wide", "depth": 1}, r"`network.depth` \(=1\) is not a field"),
    ],
)
def test_fields_of_ones_own_are_checked_as_ours_are(network, message):
    with pytest.raises(UserError, match=message):
        config_of(network=network)


def test_an_argument_at_its_constructors_default_is_no_part_of_the_identity():
    plain = config_of()
    assert config_of(network={"kind": "mine.py:Net", "width": 4, "depth": 2}).digest() == plain.digest()
    assert config_of(network={"kind": "mine.py:Net", "width": 5}).digest() != plain.digest()
    assert config_of(network={"kind": "mine.py:Wide", "width": 6}).identity()["network"] == {
        "kind": "mine.py:Wide"
    }


def test_in_python_a_class_is_named_by_where_it_stands(folder):
    Net = load("mine.py:Net")
    assert reference_to(Net) == "mine.py:Net"
    assert RunConfig.from_tree(config_of().tree()).with_kinds(network=Net).network.kind == "mine.py:Net"
    assert reference_to(torch.optim.SGD).endswith(":SGD")

    class Local:
        pass

    with pytest.raises(UserError, match="must be at the top level of a file"):
        reference_to(Local)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [None, {"kind": "mine.py:Absolute", "power": 2.0}])
@pytest.mark.parametrize(
    "optimiser",
    [
        {"kind": "torch.optim:SGD", "lr": 0.1, "momentum": 0.9},
        {"kind": "torch.optim:Adam", "lr": 0.01, "betas": [0.8, 0.9]},
        {"kind": "torch.optim:RMSprop", "lr": 0.01},
    ],
    ids=lambda optimiser: optimiser["kind"],
)
def test_a_run_of_own_kinds_that_is_stopped_ends_with_bitwise_the_same_weights(optimiser, loss, tmp_path):
    config = config_of(training={"optimiser": optimiser, **({"loss": loss} if loss else {})})
    whole = train(config, tmp_path / "whole")
    stop_after(4, config, tmp_path / "parts")
    parts = train(config, tmp_path / "parts")
    assert parts.status["state"] == "done"
    assert parts.about["layers"] == ["enter", "leave"]
    mine, its = (run.snapshots[-1].weights() for run in (parts, whole))
    for name, weights in mine.items():
        assert weights.tobytes() == its[name].tobytes(), name
    assert mine["enter.weight"].tobytes() != whole.snapshots[0].weights()["enter.weight"].tobytes()


@pytest.mark.slow
def test_a_loss_of_ones_own_is_what_is_minimised(tmp_path):
    family = train(config_of(), tmp_path)
    own = train(config_of(training={"loss": {"kind": "mine.py:Absolute"}}), tmp_path)
    assert own.metrics[-1]["loss"] != family.metrics[-1]["loss"]
    with pytest.raises(UserError, match=r"`training.loss.power` \(=0\) must be greater than 0"):
        config_of(training={"loss": {"kind": "mine.py:Absolute", "power": 0}})


@pytest.mark.parametrize(
    ("optimiser", "message"),
    [
        (
            {"kind": "torch.optim:SGD", "beta": 1},
            r"`training.optimiser.beta` \(=1\) is not an argument of torch.optim:SGD",
        ),
        (
            {"kind": "torch.nn:Linear"},
            r"`training.optimiser.kind` .*must derive from OptimiserConfig or torch.optim:Optimizer",
        ),
    ],
)
def test_what_is_no_optimiser_is_told(optimiser, message):
    with pytest.raises(UserError, match=message):
        config_of(training={"optimiser": optimiser})


def test_an_optimisers_arguments_at_their_defaults_are_no_part_of_the_identity():
    plain = config_of(training={"optimiser": {"kind": "torch.optim:SGD", "lr": 0.1}})
    same = config_of(training={"optimiser": {"kind": "torch.optim:SGD", "lr": 0.1, "momentum": 0}})
    other = config_of(training={"optimiser": {"kind": "torch.optim:SGD", "lr": 0.1, "momentum": 0.9}})
    assert plain.digest() == same.digest() != other.digest()


def test_a_source_that_has_changed_ends_the_run_before_any_work(folder, tmp_path):
    config = config_of()
    path = stop_after(4, config, tmp_path / "runs").path
    before = {
        file.name: file.read_bytes() for file in path.iterdir() if file.is_file() and file.name != "lock"
    }
    assert source_digests(config.tree()).keys() == {"mine.py:Net"}
    (folder / "mine.py").write_text(MINE + "\n# another thought\n")
    with pytest.raises(UserError, match=r"`mine.py` must not change after this process imported it"):
        train(config, tmp_path / "runs")
    forget_sources()
    with pytest.raises(
        UserError, match=r"`mine.py:Net` must be what `run-\w+` was made with, and has changed"
    ):
        train(config, tmp_path / "runs")
    assert {name: (path / name).read_bytes() for name in before} == before
    (folder / "mine.py").write_text(MINE)
    forget_sources()
    assert train(config, tmp_path / "runs").status["state"] == "done"


@pytest.mark.slow
def test_a_source_that_is_edited_in_one_process_is_never_recorded_for_the_one_that_ran(folder, tmp_path):
    run = train(config_of(name="first"), tmp_path / "runs")
    assert run.sources == {"mine.py:Net": hashlib.sha256(MINE.encode()).hexdigest()}
    before = config_of(name="third")
    (folder / "mine.py").write_text(MINE + "\n# another thought\n")
    with pytest.raises(UserError, match=r"`mine.py` must not change after this process imported it: put"):
        train(before, tmp_path / "runs")
    assert not list((tmp_path / "runs" / before.folder).glob("sources.json"))
    (folder / "mine.py").write_text(MINE)
    assert train(before, tmp_path / "runs").sources == run.sources


FOREIGN = """
import torch
from torch import nn


class Any(torch.optim.SGD):
    def __init__(self, parameters, **rest):
        super().__init__(parameters, **rest)


class Sparse(torch.optim.SGD):
    def step(self, closure=None):
        raise RuntimeError("gradients must be sparse\\nand are not")


class Failing(nn.Module):
    def __init__(self, width=4):
        raise KeyError("no such\\nthing")
"""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"training": {"optimiser": {"kind": "torch.optim:SGD", "momentum": "abc"}}},
            r"`training.optimiser` \(=torch.optim:SGD of lr=0.001, momentum=abc\) cannot be built: TypeError: ",
        ),
        (
            {"training": {"optimiser": {"kind": "torch.optim:LBFGS"}}},
            r"`training.optimiser` \(=torch.optim:LBFGS\) must step without a closure: TypeError: ",
        ),
        (
            {"training": {"optimiser": {"kind": "foreign.py:Sparse"}}},
            r"`training.optimiser` \(=foreign.py:Sparse\) must step without a closure: RuntimeError: gradients must",
        ),
        (
            {"network": {"kind": "foreign.py:Failing", "width": 3}},
            r"`network` \(=foreign.py:Failing of width=3\) cannot be built: KeyError: ",
        ),
    ],
    ids=["a wrong type", "by a closure", "fails as it steps", "fails as it is built"],
)
def test_an_error_of_a_constructor_is_reported_before_any_work(fields, message, folder, tmp_path):
    (folder / "foreign.py").write_text(FOREIGN)
    own = "foreign.py" in str(fields)
    with pytest.raises(RunFailed if own else UserError, match=message) as caught:
        train(config_of(**fields), tmp_path / "runs")
    assert len(str(caught.value).splitlines()) == 1
    assert ("(foreign.py:" in str(caught.value)) == own
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("attribute", "key", "names"),
    [
        ("", None, None),
        ("layer_names = ['enter']", None, ("enter",)),
        ("layer_names = ['enter']", "layer_names", ("leave",)),
        ("taps = ['enter']", None, ("enter",)),  # as kinds of finished studies say
        ("", "taps", ("leave",)),
    ],
)
def test_a_module_names_its_layers_by_an_attribute_or_a_key(folder, attribute, key, names):
    (folder / "mine.py").write_text(f"{MINE}\n\nclass Named(Net):\n    {attribute or 'pass'}\n")
    network = config_of(network={"kind": "mine.py:Named"} | ({key: ["leave"]} if key else {})).network
    assert network.layer_names == names
    assert network.arguments == {}


IMPORTED_FIRST = """
import os, sys, time
import phasescope
from pathlib import Path

source = Path("package/nets.py")
if "edit before import" in sys.argv:
    source.write_text(source.read_text().replace("width=4", "width=8"))
import package.nets
if "edit" in sys.argv:
    source.write_text(source.read_text().replace("width=4", "width=8"))
    os.utime(source, (time.time() + 5, time.time() + 5))
config = phasescope.load_config(overrides=["world.canvas=8"])
print(config.with_kinds(network=package.nets.Net).network.kind)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 0, "package.nets:Net"),
        (["edit before import"], 0, "package.nets:Net"),
        (["edit"], 1, "must be as this process imported it, and has been edited since"),
    ],
)
def test_a_package_that_was_edited_after_its_import_is_not_trained_under_the_new_files_hash(
    words, code, said, tmp_path
):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(MINE.replace("from beside import DEPTH\n", "DEPTH = 1\n"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    environment.pop("PYTHONPYCACHEPREFIX", None)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_FIRST, *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())


def test_a_source_in_a_folder_imports_others_by_their_paths(tmp_path, monkeypatch):
    """Also where the working folder is on no path, as in the workers of a study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [part for part in sys.path if part not in ("", str(tmp_path))])
    for folder, text in (("parts_of_it", "SIZE = 3"), ("kinds_of_it", "from parts_of_it.sizes import SIZE")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sizes.py").write_text(text)
    before = list(sys.path)
    assert load("kinds_of_it/sizes.py:SIZE") == 3
    assert sys.path == before
