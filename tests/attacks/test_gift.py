"""An archive of a stranger's: its sources never run, whatever names them and whichever command or page reads the run."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from helpers.attacked_run import FIELDS as FIELDS_OF_A_RUN
from helpers.commands import call
from phasescope import Run, UserError, load_config
from phasescope.cli import COMMANDS

MARK = "ran"
NO_WORLD = "must derive from World"
"""what is said of a class that was imported, and is none that a world can be"""
EVIL = f"""
from pathlib import Path
(Path(__file__).resolve().parents[4] / "{MARK}").touch()
W = STUDY = object
"""
OWN_STUDY = """
from phasescope.studies import Cell, Study

STUDY = Study("own", "Does it?", "fast", [Cell("one", {})], 1)
"""
GIFT = "attacked-deadbeef"
WITHIN = f"runs/{GIFT}/snapshots/00000008"

Change = Callable[[dict[str, Any], str], Any]
FIELDS: dict[str, Change] = {
    "world": lambda tree, kind: tree.update(world={"kind": kind}),
    "family": lambda tree, kind: tree.update(family={"kind": kind}),
    "schedule": lambda tree, kind: tree["family"].update(schedule={"kind": kind}),
    "sampler": lambda tree, kind: tree["family"].update(sampler={"kind": kind}),
    "design": lambda tree, kind: tree["world"].update(design={"kind": kind}),
    "network": lambda tree, kind: tree.update(network={"kind": kind}),
    "loss": lambda tree, kind: tree["training"].update(loss={"kind": kind}),
    "optimiser": lambda tree, kind: tree["training"].update(optimiser={"kind": kind, "lr": 0.1}),
    "measure": lambda tree, kind: tree["probing"].update(measures=[kind]),
}  # fmt: skip
PLACES = {
    "relative": f"{WITHIN}/evil.py:W",
    "dotted": f"./{WITHIN}/evil.py:W",
    "upwards": f"runs/../{WITHIN}/evil.py:W",
    "absolute": "{here}/" + f"{WITHIN}/evil.py:W",
    "linked file": "mine.py:W",
    "linked folder": "kinds/evil.py:W",
    "upper case": f"{WITHIN}/EVIL.PY:W",
    "package": f"runs.{GIFT}.snapshots.00000008.evil:W",
    "package of words": "runs.gift.snapshots.evil:W",
    "package with code": "runs.gift.snapshots.inner.evil:W",
    "package through a link": "kinds.evil:W",
    "path as a module": f"{WITHIN}/evil:W",
}
VARIANTS = [
    *((field, "relative") for field in FIELDS),
    *(("network", place) for place in PLACES if place != "relative"),
]


@pytest.fixture
def here(whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the command, on sys.path: a run of built-in kinds, and links into what will be imported."""
    folder = tmp_path / "here"
    (folder / "runs").mkdir(parents=True)
    shutil.copytree(whole.path, folder / "runs" / whole.name)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(FIELDS_OF_A_RUN))
    (folder / "own.py").write_text(OWN_STUDY)
    (folder / "mine.py").symlink_to(f"{WITHIN}/evil.py")
    (folder / "kinds").symlink_to(WITHIN)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def exported(folder: Path, out: Path) -> Path:
    outcome = call(["export", str(folder), "--archive", str(out)])
    assert outcome.code == 0, outcome.err
    return out


def archive_of(whole: Run, kind: str, field: str, to: Path) -> Path:
    """An archive as an attacker builds it: a run's own, with sources in a snapshot and a configuration that names one."""
    made = to / GIFT
    shutil.copytree(whole.path, made)
    tree = yaml.safe_load((made / "config.yaml").read_text())
    FIELDS[field](tree, kind)
    (made / "config.yaml").write_text(yaml.safe_dump(tree))
    snapshot = made / "snapshots" / "00000008"
    for name in ("evil.py", "EVIL.PY", "__init__.py"):
        (snapshot / name).write_text(EVIL)
    inner = made / "snapshots" / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text(EVIL)
    (inner / "evil.py").write_text("W = object")
    (made / "snapshots" / "evil.py").write_text(EVIL)
    return exported(made, to / "gift.zip")


def commands(run: str) -> list[list[str]]:
    """Every command, first as it is asked of another run of built-in kinds, then of the stranger's."""
    tiny = ["tiny.yaml", "name=mine", "training.steps=2", "training.warmup=1"]
    return [
        ["train", *tiny],
        ["demo", "training.steps=0"],
        ["predict", "world.canvas=8"],
        ["designs", "world.canvas=8"],
        ["ls"],
        ["ls", "--where", "seed = 0", "--json"],
        ["study", "own.py", "--dry-run"],
        ["study", f"{WITHIN}/evil.py"],
        ["sweep", "training.batch=8,16", "training.steps=0", "--dry-run"],
        ["claims"],
        ["report", f"{WITHIN}/evil.py"],
        ["explore"],
        ["show", run],
        ["tag", run, "seen"],
        ["compare", run, "attacked-"],
        ["report", run],
        ["export", run, "--tables", "tables", "--archive", "again.zip"],
        ["import", "gift.zip"],
        ["observe", run, "latent_labels=30"],
        ["fork", run, "--at", "8", "training.optimiser.lr=0.1"],
        ["exec", f"runs/{run}"],
        ["sample", run, "--count", "1"],
        ["measure", run, "--only", "probe_r2"],
        ["intervene", run, "--layer", "mid", "--count", "8"],
        ["clones", run, "--images", "8", "--each", "1"],
    ]


@pytest.mark.some(1)
@pytest.mark.parametrize(("field", "place"), VARIANTS, ids=["-".join(one) for one in VARIANTS])
def test_nothing_of_a_strangers_archive_runs(field, place, whole, here: Path, tmp_path, monkeypatch):
    from starlette.testclient import TestClient

    from phasescope.views.web.server import create_app

    kind = PLACES[place].format(here=here)
    archive_of(whole, kind, field, tmp_path / "attacker").rename(here / "gift.zip")
    monkeypatch.setattr("phasescope.views.web.serve.serve", lambda *given: None)
    imported = call(["import", "gift.zip"])
    assert imported.code == 0, imported.err
    (here / "runs" / "gift").symlink_to(GIFT)
    asked = commands(GIFT)
    assert {words[0] for words in asked} == {*COMMANDS}
    for words in asked:
        outcome = call(words)
        assert outcome.code in (0, 2), (words, outcome.err)
        assert not (here / MARK).exists(), words
    for trust in (False, True):  # a source in a run's folder is never executed
        app = create_app(here / "runs", here / "results", trust)
        with TestClient(app, base_url="http://127.0.0.1:8421") as client:
            for path in ("", "/samples", "/cloud", "/points", "/generate?label=2,3", "/inside?label=2,3"):
                client.get(f"/api/runs/{GIFT}{path}")
            for path in ("/", "/api/runs", "/api/studies"):
                assert client.get(path).status_code == 200
    assert not (here / MARK).exists()


@pytest.mark.parametrize("place", PLACES)
def test_no_source_is_imported_out_of_a_runs_folder(place, here: Path, whole, tmp_path, monkeypatch):
    archive_of(whole, "mine.py:W", "network", tmp_path / "attacker").rename(here / "gift.zip")
    assert call(["import", "gift.zip"]).code == 0
    (here / "runs" / "gift").symlink_to(GIFT)
    with pytest.raises(UserError) as caught:
        load_config(overrides=[f"world.kind={PLACES[place].format(here=here)}"])
    assert "\n" not in str(caught.value)
    assert NO_WORLD not in str(caught.value)
    monkeypatch.chdir(tmp_path)  # its packages still lie on sys.path
    with pytest.raises(UserError):
        load_config(overrides=[f"world.kind={PLACES[place].format(here=here)}"])
    assert not (here / MARK).exists()


def test_a_source_is_named_as_a_kind_where_lists_of_sources_see_it(here: Path):
    with pytest.raises(UserError, match=r"`network` \(=mine.py:W\) must be named by the field `kind`"):
        load_config(overrides=["network=mine.py:W"])
    assert not (here / MARK).exists()


def test_a_source_must_lie_in_the_folder_of_the_command(here: Path, tmp_path: Path):
    (tmp_path / "outside.py").write_text("W = object")
    (here / "linked.py").symlink_to(tmp_path / "outside.py")
    for reference in ("../outside.py:W", f"{tmp_path}/outside.py:W", "linked.py:W"):
        with pytest.raises(UserError, match=r"must lie in .*, where the command runs"):
            load_config(overrides=[f"world.kind={reference}"])
    (here / "deep").mkdir()
    (here / "deep" / "own.py").write_text("W = object")
    for reference in ("deep/own.py:W", f"{here}/deep/own.py:W", "collections:OrderedDict"):
        with pytest.raises(UserError, match=NO_WORLD):
            load_config(overrides=[f"world.kind={reference}"])


@pytest.mark.parametrize("named", [str, str.encode])
def test_import_opens_no_data_file_that_an_archive_names(named, whole, here: Path, tmp_path, monkeypatch):
    data = here / "data.npz"
    np.savez(data, images=np.zeros((2, 8, 8), np.uint8), labels=np.eye(2))

    def opened(*given: object) -> None:
        raise AssertionError("a data file was opened")

    made = tmp_path / "attacker" / GIFT
    shutil.copytree(whole.path, made)
    tree = yaml.safe_load((made / "config.yaml").read_text())
    tree["world"] = {"kind": "arrays", "file": named(str(data))}
    (made / "config.yaml").write_text(yaml.safe_dump(tree))
    exported(made, here / "gift.zip")
    monkeypatch.setattr("phasescope.core.npz.open_npz", opened)
    monkeypatch.setattr("phasescope.worlds.images.npz.open_npz", opened)
    assert call(["import", "gift.zip"]).code == (0 if named is str else 2)
