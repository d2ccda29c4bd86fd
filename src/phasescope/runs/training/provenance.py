"""Where, with which software and from which commit a process computes."""

import os
import platform
import socket
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from phasescope.core.git import commit_of, git

LIBRARIES = ("phasescope", "torch", "numpy", "scipy", "scikit-learn", "umap-learn")


@cache
def provenance() -> dict[str, Any]:
    """Return host, cpu, cores, versions, git commit of the source and process id."""
    return {
        "host": socket.gethostname(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in LIBRARIES},
        },
        "git_commit": _git_commit(),
        "pid": os.getpid(),
    }


def cpu_model() -> str:
    """Return the processor's name, with family and model where the system reports them."""
    # Family and model are added if Linux reports them: clouds sell many processors under one name.
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    entries = (line.partition(":") for line in first.splitlines())
    cpu = {key.strip(): value.strip() for key, _, value in entries}
    if "model name" not in cpu:
        return platform.machine()
    generation = [f"{key.removeprefix('cpu ')} {cpu[key]}" for key in ("cpu family", "model") if key in cpu]
    return f"{cpu['model name']} ({', '.join(generation)})" if generation else cpu["model name"]


def _git_commit() -> str | None:
    here = Path(__file__).parent
    # An installed package may lie inside the repository of another project.
    if git(here, "ls-files", "--error-unmatch", __file__) is None:
        return None
    return commit_of(here) or None
