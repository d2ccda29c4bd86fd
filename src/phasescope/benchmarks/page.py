"""The page of the results: `README.md` and its figures, made from whatever the folder holds.

What a part says is computed from its records; where a part is not there, the page says so. The prose, which only explains,
is in `templates/page.md.j2`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from phasescope.benchmarks import tables
from phasescope.benchmarks.criterion import CRITERION
from phasescope.benchmarks.figures import write_figures
from phasescope.benchmarks.findings import findings
from phasescope.benchmarks.results import MEASURED, Record, Results, there
from phasescope.benchmarks.texts import markdown, share, spread
from phasescope.store.files import write_aside

PAGE = "README.md"


def write_page(out: Path) -> Path:
    """Write ``README.md``, ``throughput.png``, ``order.png`` and ``scaling.png`` to `out`, as far as there are data.

    Returns:
        The page's path.

    Raises:
        UserError: a file there is not what the benchmark writes.
    """
    results = Results.read(out)
    out.mkdir(parents=True, exist_ok=True)
    figures = write_figures(results, out)
    path = out / PAGE
    write_aside(path, render(results, {name: file.name for name, file in figures.items()}))
    return path


def render(results: Results, figures: dict[str, str]) -> str:
    """The page's text.

    Args:
        figures: names of files, by figure.
    """
    environment = Environment(
        loader=PackageLoader("phasescope.benchmarks"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    measured = [part for part in MEASURED if getattr(results, part)]
    return environment.get_template("page.md.j2").render(
        targets=targets(results),
        figures=figures,
        measured=measured,
        accuracy=share(CRITERION.accuracy),
        order=order(results),
        throughput=throughput(results),
        trainers=trainers(results),
        scaling=scaling(results),
        profiles=tables.profiles(results.records("profile")),
        history=tables.history(results) if results.section("history", "commits") else None,
        loss_after=((results.history or {}).get("settings") or {}).get("warmup"),
        pilots=tables.pilots(results) if results.pilots else None,
        hardware=tables.hardware(results, measured) if measured else None,
        commands=commands(results),
    )


def targets(results: Results) -> str:
    """The table of the targets, what was measured of each, and the verdict."""
    rows = [
        [str(found.point), found.target, found.says or "-", f"**{found.verdict}**"]
        for found in findings(results)
    ]
    return markdown(["", "target", "measured", "verdict"], rows)


def order(results: Results) -> dict[str, str] | None:
    """By goal its table."""
    if not results.order:
        return None
    return {words: tables.order(results, goal) for goal, words in tables.GOALS.items()}


def throughput(results: Results) -> dict[str, Any]:
    """By precision the rate of the matrix product, and the table of the steps."""
    found = {}
    for precision, records in results.steps().items():
        product = next((record for record in records if record["kind"] == "matrix product"), None)
        rate = product and product.get("gflop_per_s")
        told = f"{spread(rate, 'GFLOP/s', 'rounds')} ({product['name']})" if product and rate else None
        found[precision] = {"product": told, "table": tables.throughput(records)}
    return found


def trainers(results: Results) -> str | None:
    records = results.section("throughput", "trainers")
    return tables.trainers(records) if records else None


def scaling(results: Results) -> dict[str, Any] | None:
    """The tables by what is varied, and the line of two runs at once."""
    if not results.scaling:
        return None
    sections: dict[str, list[Record]] = dict(results.scaling["sections"])
    together = sections.pop("two at once", [])
    return {
        "tables": {name: tables.scaling(records) for name, records in sections.items() if records},
        "together": [
            f"{record['runs']} runs at once, threads of each: {record['threads']}: "
            f"{spread(record['together_images_per_s'], 'images/s', 'rounds')} together, "
            f"{spread(record['alone_images_per_s'], 'images/s', 'rounds')} alone, "
            f"{spread(record['ratio'], 'times', 'rounds')} as many."
            for record in there(together)
        ],
    }


def commands(results: Results) -> list[str]:
    """What each contender of the race ran, its seed left open."""
    found = {
        record["contender"]: re.sub(rf"\bseed([= ]){record['seed']}\b", r"seed\1SEED", record["command"])
        for record in results.records("order")
    }
    return list(found.values())
