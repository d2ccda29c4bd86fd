"""The command line: verbs only; what they do is elsewhere.

Exit codes: 0 done (a run stopped by a signal too: it has its checkpoint), 1 a run failed, 2 the user's input,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import tyro
from tyro.conf import FlagCreatePairsOff

from phasescope.cli import runs, studies
from phasescope.errors import RunFailed, UserError

VERBS = (
    runs.demo,
    runs.train,
    runs.observe,
    runs.exec,
    runs.sample,
    runs.ls,
    runs.show,
    studies.report,
    studies.study,
    studies.claims,
    runs.explore,
    runs.measure,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `phasescope`; returns its exit code."""
    app = tyro.extras.SubcommandApp()
    for verb in VERBS:
        app.command(verb)
    try:
        code = app.cli(
            args=argv,
            prog="phasescope",
            description="Watch small generative models learn.",
            use_underscores=False,
            config=(FlagCreatePairsOff,),
        )
        sys.stdout.flush()
    except UserError as error:
        return _fail(2, str(error))
    except RunFailed as error:
        return _fail(1, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(2, f"`{error.filename or 'output'}` cannot be used: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    return code


def _fail(code: int, why: str) -> int:
    print(f"phasescope: {why}", file=sys.stderr)
    return code
