"""What `phasescope bench` does: measure the parts that are asked for, one after the other, and write the page after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from phasescope.errors import UserError


def throughput(out: Path) -> None:
    from phasescope.benchmarks.throughput import measure

    measure(out)


def order(out: Path) -> None:
    from phasescope.benchmarks.order import measure

    measure(out)


def scaling(out: Path) -> None:
    from phasescope.benchmarks.scaling import measure

    measure(out)


def history(out: Path) -> None:
    from phasescope.benchmarks.history import measure

    measure(out)


def page(out: Path) -> None:
    """Nothing to measure: the page is written after each part."""


def profile(out: Path) -> None:
    from phasescope.benchmarks.profile import profile

    for precision in ("float32", "bfloat16"):
        profile(out, precision=precision)


PARTS: dict[str, Callable[[Path], None]] = {
    "throughput": throughput,
    "order": order,
    "scaling": scaling,
    "history": history,
    "page": page,
}
DEFAULT = ("throughput", "order", "scaling", "page")


def run_parts(names: Sequence[str], out: Path, with_profile: bool = False) -> Path:
    """Measure the parts `names` into the folder `out`, then the profile where it is asked for; returns the page's path.

    Without names, and without the profile, those of `DEFAULT`. The same command goes on after an interruption: each part
    knows which of its records still hold.

    Raises:
        UserError: there is no such part, or a part's input is at fault.
        RunFailed: something could not be measured.
    """
    from phasescope.benchmarks.page import PAGE, write_page

    for name in names:
        if name not in PARTS:
            raise UserError(f"`PART` (={name}) must be one of {', '.join(PARTS)}")
    measures = [PARTS[name] for name in names or (() if with_profile else DEFAULT)]
    for measure in [*measures, *([profile] if with_profile else [])]:
        measure(out)
        write_page(out)
    return out / PAGE
