"""How many files a kind touches: somebody's own world, family and study as shipped ones, in a copy of the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import phasescope
from helpers.own_kinds import OWN, RINGS
from helpers.tiny_run import fingerprint

SOURCE = Path(phasescope.__file__).parent
DESIGNS = "phasescope.worlds.designs"
PUBLIC_WORLD = "from phasescope import Factor, Factors, Outcome, Reader, World\n"
INNER_WORLD = (
    "from phasescope.core.factors import Factor, Factors\n"
    "from phasescope.worlds.base import Outcome, Reader, World\n"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's source, to be changed."""
    target = tmp_path / "src" / "phasescope"
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def touched(copy: Path) -> set[str]:
    """The files of the copy that are not as they were, or were not there."""
    original = {name: digest for name, digest in fingerprint(SOURCE).items() if "__pycache__" not in name}
    changed = {name: digest for name, digest in fingerprint(copy).items() if "__pycache__" not in name}
    return {name for name in original.keys() | changed.keys() if original.get(name) != changed.get(name)}


def ship(own: str, to: Path, kind: str | None = None, after: str = "") -> None:
    """Put a file of one's own among ours, with the name of its kind where it has one."""
    text = (OWN / own).read_text()
    if kind is not None:
        assert after in text
        text = text.replace(after, f'{after}\n    kind: Literal["{kind}"] = "{kind}"')
        text = text.replace("from typing import ", "from typing import Literal, ", 1)
    to.write_text(text)


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    file.write_text(text)


def run(copy: Path, within: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *words]
    found = subprocess.run(command, cwd=within, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.slow
def test_a_world_and_a_family_are_one_file_each(copy: Path, tmp_path: Path):
    ship("my_worlds.py", copy / "worlds" / "rings.py", "rings", "class Rings(World):")
    edit(
        copy / "worlds" / "rings.py",
        (PUBLIC_WORLD, INNER_WORLD),
        ("phasescope.worlds import Grid", f"{DESIGNS} import Grid"),
    )
    assert touched(copy) == {"worlds/rings.py"}

    ship(
        "my_families.py",
        copy / "models" / "families" / "decoder.py",
        "decoder",
        "class Decoder(FamilyConfig, Family):",
    )
    edit(
        copy / "models" / "families" / "decoder.py",
        ("from phasescope import Family", "from phasescope.models.families.base import Family"),
    )
    assert touched(copy) == {"worlds/rings.py", "models/families/decoder.py"}

    shutil.copy2(OWN / "my_networks.py", tmp_path)
    tree = {**RINGS, "world": {"kind": "rings"}, "family": {"kind": "decoder"}, "name": "shipped"}
    tree["probing"] = {**RINGS["probing"], "measures": [], "t": "usual"}
    (tmp_path / "shipped.yaml").write_text(yaml.safe_dump(tree))
    assert "done" in run(copy, tmp_path, "-m", "phasescope", "train", "shipped.yaml", "training.steps=20")

    for name in ("worlds/rings.py", "models/families/decoder.py"):
        (copy / name).unlink()
    assert touched(copy) == set()
