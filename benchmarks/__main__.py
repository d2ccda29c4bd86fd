"""Measure speed, here and against peers, into JSON files, and write their page; the same command resumes where it stopped.

    python -m benchmarks [PART ...] [--out DIR]       inside an environment with the extra `bench`: ./lab bench does so

Parts: users, pages, throughput, attention, scaling, profile, order; all of them by default, under 40 minutes on two
cores. `page` measures nothing, `race` is `order` with more seeds, over two hours. Each prints what it measured, and how long
it took. Exit codes: 0 done, 1 something could not be measured, 2 the user's input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.page import write_page
from benchmarks.records import RESULTS, say
from phasescope.core.errors import RunFailed, UserError


def _part(module: str) -> Callable[[Path], object]:
    """What measures a part; its module is imported when it is called."""
    return lambda out: import_module(f"benchmarks.{module}").measure(out)


PARTS: dict[str, Callable[[Path], object]] = {
    name: _part(name) for name in ("users", "pages", "throughput", "attention", "scaling", "profile", "order")
}
ALONE: dict[str, Callable[[Path], object]] = {
    "race": lambda out: import_module("benchmarks.order").measure(out, long=True),
    "page": lambda out: None,
}
"""parts that are run only if they are named"""


def run_parts(names: Sequence[str], out: Path) -> Path:
    """Measure the parts `names` into the folder `out`, write the page of what is there, and return it.

    Raises:
        UserError: there is no such part, or a part's input is at fault.
        RunFailed: something could not be measured.
    """
    known = {**PARTS, **ALONE}
    for name in names:
        if name not in known:
            raise UserError(f"`PART` (={name}) must be one of {', '.join(known)}")
    for name in names or PARTS:
        began = time.monotonic()
        known[name](out)
        say(f"{name}: {(time.monotonic() - began) / 60:.1f} minutes")
    return write_page(out)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./lab bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all without it), race, page"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="folder of results")
    given = parser.parse_args(argv)
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a run that is timed ends as well
    try:
        print(run_parts(given.parts, given.out))
        return 0
    except KeyboardInterrupt:
        print("bench: interrupted; the same command resumes", file=sys.stderr)
        return 130
    except (UserError, RunFailed, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1 if isinstance(error, RunFailed) else 2
    finally:
        signal.signal(signal.SIGTERM, former)


if __name__ == "__main__":
    sys.exit(main())
