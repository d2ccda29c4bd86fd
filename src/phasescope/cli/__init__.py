"""The command line: verbs only; what they do is elsewhere.

Exit codes: 0 done (a run stopped by a signal too: it has its checkpoint), 1 a run failed, 2 the user's input,
130 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from phasescope.cli import carrying, networks, runs, studies
from phasescope.cli.parsing import call_of
from phasescope.errors import RunFailed, UserError
from phasescope.sources import place_of, told_of

VERBS = (
    runs.demo, runs.train, networks.predict, networks.designs, runs.observe, runs.exec, runs.sample, runs.ls,
    runs.show, runs.tag, carrying.compare, studies.report, studies.study, studies.sweep, studies.claims, networks.intervene,
    networks.clones, runs.explore, networks.measure, carrying.export, carrying.import_run,
)  # fmt: skip
LONGEST_LINE = 1200
"""characters of an error"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `phasescope`; returns its exit code."""
    words = [*(sys.argv[1:] if argv is None else argv)]
    traced = "--traceback" in words
    words = [word for word in words if word != "--traceback"]
    if words == ["--version"]:
        from importlib.metadata import version

        print(f"phasescope {version('phasescope')}")
        return 0
    call = None
    try:
        call = call_of(VERBS, words)
        code = call()
        sys.stdout.flush()
    except (UserError, RunFailed) as error:
        if traced:
            traceback.print_exception(error)
        return _fail(2 if isinstance(error, UserError) else 1, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(2, f"`{error.filename or 'output'}` cannot be used: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    except (Exception, SystemExit) as error:
        if isinstance(error.__context__, BrokenPipeError):  # rich ends the process if its reader leaves
            return 0
        if traced or call is None:  # `call_of` ends the process after `--help`
            raise
        if isinstance(error, SystemExit) or place_of(error):
            return _fail(1, f"your own code raised {told_of(error)}; --traceback shows the rest")
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error)):
            return _fail(1, f"more memory is needed than there is: {error}")  # torch's is a RuntimeError
        file, line, *_ = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {error} ({Path(file).name}:{line})"
        return _fail(
            1, f"{why}: a file of a run is damaged, or phasescope is at fault; --traceback shows the rest"
        )
    return code


def command() -> NoReturn:
    """The process: `main`, then its end. After one interrupt that reaches it further ones are ignored.

    SIGTERM is an interrupt too, so that what is half-written is removed.
    """
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is usual:
            signal.signal(number, _interrupt)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed, as by `>&-`: no file that is opened later may take its number.
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path may hold what the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _interrupt(*_: Any) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(code: int, why: str) -> int:
    line = " ".join("".join(one if one.isprintable() else " " for one in why).split())
    print(f"phasescope: {line[:LONGEST_LINE]}", file=sys.stderr)
    return code
