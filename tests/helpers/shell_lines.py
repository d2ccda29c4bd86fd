"""Lines of the docs that a reader gives to a shell."""

import shlex
import subprocess
import sys
from pathlib import Path


def run(line: str, within: Path) -> str:
    """A line of a shell block; `./lab run` is the command in this environment."""
    words = shlex.split(line)
    if words[:2] == ["./lab", "run"]:
        words[:2] = [sys.executable, "-m", "phasescope"]
    elif words[:2] == ["./lab", "python"]:
        words[:2] = [sys.executable]
    found = subprocess.run(words, cwd=within, capture_output=True, text=True)
    assert found.returncode == 0, f"{line}\n{found.stderr}"
    return found.stdout
