"""Where and with what a process runs."""

import os
import platform
import socket
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("phasescope", "torch", "numpy", "scipy", "scikit-learn", "umap-learn")


@cache
def provenance() -> dict[str, Any]:
    """Host, cpu, cores, versions, git commit of the source, process id."""
    return {
        "host": socket.gethostname(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in LIBRARIES},
        },
        "git_commit": _git_commit(),
        "pid": os.getpid(),
    }


def _cpu_model() -> str:
    """The first processor's name, with its family and model where Linux tells them: clouds sell many under one name."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    told = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    if "model name" not in told:
        return platform.machine()
    generation = [f"{key.removeprefix('cpu ')} {told[key]}" for key in ("cpu family", "model") if key in told]
    return f"{told['model name']} ({', '.join(generation)})" if generation else told["model name"]


def _git_commit() -> str | None:
    """The commit of this source; None where it is installed, be it inside a repository of something else."""
    if _git("ls-files", "--error-unmatch", __file__) is None:
        return None
    return _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(*words: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *words]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
