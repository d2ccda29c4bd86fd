"""Trains a run in child after child, which die by SIGKILL: the k-th before it renames, removes or syncs for the k-th time.

    python dying.py FILE.yaml WHOLE_RUNS DYING_RUNS

WHOLE_RUNS gets the same run, undisturbed. Prints what each child died before; the last child ends by itself.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phasescope import load_config, train

OPERATIONS = ((os, "replace"), (os, "rename"), (os, "fsync"), (shutil, "rmtree"))


def mortal(operation: Callable[..., Any], done: list[str], survived: int) -> Callable[..., Any]:
    def act(*args: Any, **kwargs: Any) -> Any:
        done.append(operation.__name__)
        if len(done) > survived:
            print(operation.__name__, *(Path(a).name for a in args if not isinstance(a, int)), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return operation(*args, **kwargs)

    return act


def main(file: str, whole: str, dying: str) -> int:
    config = load_config(Path(file))
    train(config, whole)
    survived = 0
    while True:
        child = os.fork()
        if child == 0:
            done: list[str] = []
            for module, name in OPERATIONS:
                setattr(module, name, mortal(getattr(module, name), done, survived))
            train(config, dying)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)
        survived += 1


sys.exit(main(*sys.argv[1:]))
