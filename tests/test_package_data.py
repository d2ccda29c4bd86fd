"""The wheel tells type checkers that its annotations count (PEP 561)."""

import subprocess
import tomllib
from pathlib import Path

import phasescope

ROOT = Path(__file__).parents[1]
MARKER = Path("src") / "phasescope" / "py.typed"


def test_the_package_is_marked_as_typed():
    assert (Path(phasescope.__file__).parent / "py.typed").is_file()


def test_the_wheel_holds_the_marker():
    """It holds all files of the package that git does not ignore."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["src/phasescope"]}
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", str(MARKER)], cwd=ROOT, capture_output=True
    )
    assert ignored.returncode == 1  # 0: it is ignored, 128: there is no git
