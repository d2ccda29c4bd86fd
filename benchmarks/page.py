"""The page of the results, README.md with its figures, of whatever records a folder holds: python -m benchmarks page

A part without records is left out; nothing stands in for it. `history.json` holds earlier commits, measured once.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.attention import KERNEL
from benchmarks.criterion import ACCURACY, QUANTITIES
from benchmarks.records import Record
from benchmarks.users import PARTS, WHOLE
from phasescope.core.errors import UserError
from phasescope.runs.store.files import write_aside

FILES = ("users", "pages", "throughput", "order", "scaling", "profile", "attention", "history")
STEPS = "steps in "
"""how throughput's sections of timed steps begin; a precision follows"""
SNAPSHOTS = "snapshots of "
GOALS = {"time_to_order": "In order", "time_to_phase_c": "In phase C of the samples"}
NUMERIC = re.compile(r"[\d.,%>x\[\]()<× -]*")

Columns = Mapping[str, Callable[[Any], object]]
Results = Mapping[str, Mapping[str, list[Record]]]
"""of each file its records by section, of a file without sections all in `records`"""


def write_page(out: Path) -> Path:
    """Write README.md and its figures to the folder `out` of results, and return its path.

    Raises:
        UserError: a file there is not what the benchmark writes.
    """
    from benchmarks.figures import write_figures

    results = read(out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "README.md"
    write_aside(path, render(results, write_figures(results, out)))
    return path


def read(out: Path) -> Results:
    """Return the records of a folder.

    Raises:
        UserError: a file is not what the benchmark writes.
    """
    return {name: _sections(out / f"{name}.json") for name in FILES}


def _sections(path: Path) -> dict[str, list[Record]]:
    try:
        found = json.loads(path.read_text())
        return found["sections"] if "sections" in found else {"records": found["records"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"`{path}` must be this benchmark's: {error!r}: move it away") from None


def there(records: Iterable[Record]) -> list[Record]:
    """Return the records of what could be measured."""
    return [record for record in records if record.get("missing") is None]


def steps_of(results: Results) -> dict[str, list[Record]]:
    """Return throughput's timed steps by precision, the matrix product among them."""
    sections = results["throughput"].items()
    return {name.removeprefix(STEPS): found for name, found in sections if name.startswith(STEPS)}


def render(results: Results, figures: Sequence[str]) -> str:
    """Return the page's text; `figures` are the names of those beside it."""
    blocks = ["# Speed", *_answer(results)]
    for title, section, figure in SECTIONS:
        if found := section(results):
            picture = [f"![{title}]({figure}.png)"] if figure in figures else []
            blocks += [f"## {title}", found[0], *picture, *found[1:]]
    blocks += [
        "`./lab bench` measures all this and writes this page; the JSON files beside it hold the records."
    ]
    return "\n\n".join(blocks) + "\n"


def _answer(results: Results) -> list[str]:
    """What the page says in a minute."""
    said = []
    for precision, records in steps_of(results).items():
        same = next((one for one in there(records) if one.get("kind") == "same shape"), None)
        if same and "ratio" in same:
            rival = same["against"].split(",")[0]
            said.append(
                f"- At equal operations a training step in {precision} is {spread(same['ratio'])} times as fast as that of "
                f"{rival}, the fastest of the libraries here."
            )
    if slower := [one for one in there(results["users"].get("trainings", [])) if "phasescope_ratio" in one]:
        listed = ", ".join(f"{spread(one['phasescope_ratio'])} of {one['name']}" for one in slower)
        said.append(
            f"- As a user would run it, at about equal size, `phasescope train` is as many times as fast: {listed}."
        )
    if observed := _observed(results):
        listed = ", ".join(f"{share(one['observing_share'])} of `{one['name']}`" for one in observed)
        said.append(f"- Snapshots take this share of a run's time: {listed}.")
    if (found := _races(results)) and {"fast", "recipe"} <= set(found):
        ours, theirs = (_median(found[name], "time_to_order", "wall_s") for name in ("fast", "recipe"))
        said.append(
            f"- From the start to ordered latents: {ours} s (`fast`), {theirs} s (diffusers' own recipe)."
        )
    return ["\n".join(said), "Brackets: the lowest and the highest of the rounds."] if said else []


def _users(results: Results) -> list[str]:
    columns: Columns = {
        "training": lambda one: one["name"],
        **RATE,
        "labels": lambda one: "x and y" if one["labels"] else "none",
        "phasescope / this": lambda one: spread(one.get("phasescope_ratio")),
    }
    lead = (
        "Whole trainings by each library's own script: data loading, averaged weights, clipping, logs. Batch and\n"
        "canvas are equal, float32, two threads; snapshots of phasescope are in the next table."
    )
    found = results["users"].get("trainings", [])
    return [lead, table(sorted(found, key=_rate), columns)] if found else []


def _observed(results: Results) -> list[Record]:
    sections = results["users"].items()
    return there(one for name, found in sections if name.startswith(SNAPSHOTS) for one in found)


def _snapshots(results: Results) -> list[str]:
    names = [*(name for name in PARTS if name != WHOLE), "other"]
    columns: Columns = {
        "preset": lambda one: f"`{one['name']}`",
        "ms a step": lambda one: number(1e3 * one["step_s"]["median"]),
        "steps": lambda one: f"{one['steps']:,}",
        "snapshots after the first": lambda one: one["snapshots"],
        "s the first, with references": lambda one: number(one["first_s"]),
        "s each [low, high]": lambda one: spread(one["snapshot_s"]),
        **{f"of which {name}": lambda one, name=name: _part(one, name) for name in names},
        "of the run's time": lambda one: share(one["observing_share"]),
    }
    lead = (
        "One thread. Samples are drawn and read, activations of all layers recorded, the denoising error measured against\n"
        "exact references, and activations measured. Fewer snapshots (`probing.snapshots.every`) take less, and\n"
        "`probing.observe=[]` leaves the samples alone."
    )
    records = _observed(results)
    return [lead, table(records, columns)] if records else []


def _part(record: Record, name: str) -> str:
    part = record["parts_s"].get(name, {}).get("median", 0.0)
    return share(part / record["snapshot_s"]["median"])


def _pages(results: Results) -> list[str]:
    columns: Columns = {
        "command": lambda one: f"{one['name']}",
        "CPU s": lambda one: spread(one.get("cpu_s")),
        "s": lambda one: spread(one["wall_s"]),
        "MB": lambda one: number(one.get("megabytes")),
    }
    lead = "Commands that answer, each in a process of its own. The explorer's time begins with the page's first question."
    records = results["pages"].get("commands", [])
    return [lead, table(records, columns)] if records else []


def _throughput(results: Results) -> list[str]:
    columns: Columns = {
        "training step": lambda one: one["name"],
        **RATE,
        "MFLOP forward an image": lambda one: number(one["forward_mflop"]),
        "of the matrix product's rate": lambda one: spread(one.get("peak_share"), share),
        "to the fastest peer": lambda one: spread(one.get("ratio")),
    }
    blocks = []
    for precision, records in steps_of(results).items():
        products = [record for record in records if record["kind"] == "matrix product"]
        rates = [f"{one['name']}: {spread(one['gflop_per_s'])} GFLOP/s." for one in there(products)]
        steps = [record for record in records if record not in products]
        blocks += [f"### {precision}", *rates, table(sorted(steps, key=_rate), columns)]
    lead = (
        "A training step alone: a batch that is already where the network is, forward, squared error of the noise,\n"
        "backward, fused AdamW; no clipping, no averages. Peers are in the quicker of two memory layouts. `in the\n"
        "shape of` has as many operations as the fastest peer, `phasescope` as many parameters (within 5 %), and\n"
        "`training the network of` is that peer's network in phasescope's loop. All of a precision take turns with the\n"
        "matrix product."
    )
    return [lead, *blocks] if blocks else []


def _races(results: Results) -> dict[str, list[Record]]:
    by_name: dict[str, list[Record]] = {}
    for record in results["order"].get("records", []):
        by_name.setdefault(record["contender"], []).append(record)
    return by_name


def _order(results: Results) -> list[str]:
    found = _races(results)
    columns: Columns = {
        "contender": lambda name: f"`{name}`",
        "seeds": lambda name: len(found[name]),
        **{
            f"{title}, {unit}": lambda name, goal=goal, quantity=quantity: _median(
                found[name], goal, quantity
            )
            for goal, title in GOALS.items()
            for quantity, unit in QUANTITIES.items()
        },
        "command of the first seed": lambda name: f"`{found[name][0]['command']}`",
    }
    lead = (
        f"Spent from the start of the process until each snapshot shows at least {share(ACCURACY)} correct images for\n"
        "labels of the training grid (phase C: mostly correct) and a probe R² whose interval lies above each baseline:\n"
        "medians over seeds [lowest, highest]; `>`: some seeds had not come there after so much. The recipe is that of\n"
        "diffusers' unconditional training on the same world, read by the same reader, and charged for its start and\n"
        "its steps alone."
    )
    return [lead, table(found, columns)] if found else []


def _median(records: Sequence[Record], goal: str, quantity: str) -> str:
    took = [(record[goal] or record["spent"])[quantity] for record in records]
    came = sum(record[goal] is not None for record in records)
    middle = statistics.median(took)
    between = f" [{number(min(took))}, {number(max(took))}]" if len(took) > 1 else ""
    return ("" if came == len(records) else "> ") + number(middle) + between


def _scaling(results: Results) -> list[str]:
    sections = dict(results["scaling"])
    together = there(sections.pop("two at once", []))
    columns: Columns = {
        "preset `small`, with": lambda one: one["name"],
        "threads": lambda one: one["threads"],
        **RATE,
    }
    blocks = [table([one for found in sections.values() for one in found], columns)]
    columns = {
        "at once": lambda one: f"{one['runs']} runs",
        "threads of each": lambda one: one["threads"],
        "images/s together": lambda one: spread(one["together_images_per_s"]),
        "images/s of one alone": lambda one: spread(one["alone_images_per_s"]),
        "times as many": lambda one: spread(one["ratio"]),
    }
    blocks += [table(together, columns)] if together else []
    return ["All but what is varied is the preset's.", *blocks] if any(results["scaling"].values()) else []


def _profile(results: Results) -> list[str]:
    records = sorted(results["profile"].get("records", []), key=lambda record: record["measured"])
    spent = {
        name for record in records for name, found in record["classes"].items() if found["share"] > 0.005
    }
    columns: Columns = {
        "run": lambda one: f"`{one['name']}`, {one['precision']}, threads: {one['threads']}",
        "commit": lambda one: f"`{one['git_commit']}`",
        "ms a step": lambda one: spread(one["step_ms"]),
        **{
            name: lambda one, name=name: share(one["classes"].get(name, {}).get("share"))
            for name in sorted(spent)
        },
        "of the matrix product's rate": lambda one: share(one["roofline"]["peak_share"]),
        "that, were matrix work done at it": lambda one: share(one["roofline"]["bound"]),
    }
    lead = (
        "Each operator's own time, in classes. The last column is what the step would reach if its matrix work ran at the\n"
        "rate of one large matrix product: all other work sets this bound."
    )
    return [lead, table(records, columns)] if records else []


def _attention(results: Results) -> list[str]:
    records = results["attention"].get("ways", [])
    columns: Columns = {
        "attention of `p1`": lambda one: one["name"],
        "ms a step [low, high]": lambda one: spread(one["ms"]),
        f"{KERNEL} / this": lambda one: spread(one["ratio"]),
    }
    lead = (
        "What was tried to make attention, which takes most of a step of `p1`, quicker on a CPU: forward and backward\n"
        "of its seven layers, one thread. Above 1 in the last column would be quicker than what is used. One head of\n"
        "twice the width is another network."
    )
    return [lead, table(records, columns)] if records else []


def _history(results: Results) -> list[str]:
    records = results["history"].get("commits", [])
    threads = next((one["step_ms"] for one in there(records)), {})
    columns: Columns = {
        "commit": lambda one: f"`{one['commit']}`",
        "what it changed": lambda one: one["what"],
        **{f"ms a step, threads: {n}": lambda one, n=n: spread(one["step_ms"][n]) for n in threads},
        "s a snapshot": lambda one: spread(one["snapshot_s"]),
        "loss": lambda one: number(one["loss"], 6),
    }
    lead = (
        "Preset `small` as each commit had it, by that commit's own code, all in turns on one machine; not measured again.\n"
        "Commits that agree in the loss of an early step compute the same."
    )
    return [lead, table(records, columns)] if records else []


def _machines(results: Results) -> list[str]:
    commits: dict[tuple[str, ...], set[str]] = {}
    for file, sections in results.items():
        for record in [one for found in sections.values() for one in found]:
            versions = ", ".join(
                f"{name} {version}" for name, version in record["versions"].items() if version
            )
            place = (
                file,
                f"{record['cores']} cores of {record['cpu']}",
                record.get("device") or "cpu",
                versions,
            )
            commits.setdefault(place, set()).add(f"`{record['git_commit']}`")
    names = ("part", "machine", "device", "versions")
    columns: Columns = {
        **{name: lambda place, at=at: place[at] for at, name in enumerate(names)},
        "commit": lambda place: ", ".join(sorted(commits[place])),
    }
    return ["Parts of different machines are not to be compared.", table(commits, columns)] if commits else []


RATE: Columns = {
    "parameters": lambda one: f"{one['parameters']:,}",
    "images/s": lambda one: spread(one["images_per_s"]),
    "rounds": lambda one: one["images_per_s"]["n"],
    "peak MB": lambda one: number(one["peak_mb"]),
}
SECTIONS: tuple[tuple[str, Callable[[Results], list[str]], str], ...] = (
    ("As a user would run it", _users, ""),
    ("What snapshots take", _snapshots, ""),
    ("Commands and pages", _pages, ""),
    ("A training step at equal work", _throughput, "throughput"),
    ("Time to order", _order, "order"),
    ("Scaling", _scaling, "scaling"),
    ("Where a step's time goes", _profile, ""),
    ("Attention on a CPU", _attention, ""),
    ("Earlier commits", _history, ""),
    ("Machines and versions", _machines, ""),
)
"""title, what writes it, and its figure"""


def _rate(record: Record) -> float:
    """Sort the quickest first, what is missing last."""
    return -record["images_per_s"]["median"] if record.get("images_per_s") else 0.0


def number(value: float | None, digits: int = 3) -> str:
    """Return a number of so many digits, or of all before its point; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def share(value: float | None) -> str:
    """Return a share from 0 to 1, as "67 %"."""
    return "-" if value is None else f"{100 * value:.0f} %"


def spread(found: Record | None, told: Callable[[float | None], str] = number) -> str:
    """Return a `timing.summary` as "17.3 [16.1, 19.0]"."""
    if found is None:
        return "-"
    return f"{told(found['median'])} [{told(found['low'])}, {told(found['high'])}]"


def table(records: Iterable[Any], columns: Columns) -> str:
    """Return a row for each record, of one that could not be measured why; numbers are set to the right."""
    first, *others = columns.values()
    rows = [
        [str(first(record)), *["-"] * (len(others) - 1), f"missing: {record['missing']}"]
        if isinstance(record, Mapping) and record.get("missing") is not None
        else [str(told(record)) for told in columns.values()]
        for record in records
    ]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in [list(columns), *rows]]
    rules = [
        "---:" if all(map(NUMERIC.fullmatch, column)) else "---" for column in zip(*cells[1:], strict=True)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [cells[0], rules, *cells[1:]])
