"""The page of the results: `README.md` and its figures, tables of whatever the folder holds.

    results/speed/order.json, throughput.json, scaling.json, profile.json, history.json, pilots.jsonl

A part that is not there is left out; nothing stands in for it. `history.json` and `pilots.jsonl` are records of what was
once measured and tried: nothing here writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.criterion import ACCURACY, QUANTITIES, cost_ratio, median_cost
from benchmarks.pilots import outcome
from benchmarks.records import Record
from benchmarks.texts import Columns, interval, number, of_score, share, spread, table
from phasescope.errors import UserError
from phasescope.measures import Score
from phasescope.store.files import read_json_lines, write_aside

PAGE = "README.md"
PARTS = ("order", "throughput", "scaling", "profile", "history")
GOALS = {"time_to_order": "in order", "time_to_phase_c": "in phase C of behaviour"}
STEPS = "steps in "
"""how throughput's sections of timed steps begin; a precision follows"""


@dataclass(frozen=True)
class Results:
    """What a folder holds: of each part its records by section, of a part without sections all in one; and the pilots."""

    parts: dict[str, dict[str, list[Record]]]
    pilots: list[Record]

    @classmethod
    def read(cls, out: Path) -> Self:
        """Those of the folder `out`.

        Raises:
            UserError: a file is not what the benchmark writes.
        """
        return cls(
            {name: _part(out / f"{name}.json") for name in PARTS}, read_json_lines(out / "pilots.jsonl")
        )

    def section(self, part: str, name: str = "records") -> list[Record]:
        return self.parts[part].get(name, [])

    def steps(self) -> dict[str, list[Record]]:
        """Throughput's timed steps by precision, the matrix product among them."""
        sections = self.parts["throughput"].items()
        return {name.removeprefix(STEPS): found for name, found in sections if name.startswith(STEPS)}


def there(records: Iterable[Record]) -> list[Record]:
    """The records of what could be measured."""
    return [record for record in records if record.get("missing") is None]


def write_page(out: Path) -> None:
    """Write ``README.md``, ``throughput.png``, ``order.png`` and ``scaling.png`` to `out`, as far as there are data.

    Raises:
        UserError: a file there is not what the benchmark writes.
    """
    from benchmarks.figures import write_figures

    results = Results.read(out)
    out.mkdir(parents=True, exist_ok=True)
    write_aside(out / PAGE, render(results, write_figures(results, out)))


def render(results: Results, figures: dict[str, Path]) -> str:
    """The page's text."""
    blocks = [
        "# Speed",
        "Tables and figures of the JSON files beside this page, written by `./lab bench page`.",
    ]
    for name, (title, section) in SECTIONS.items():
        if found := section(results):
            picture = [f"![{title}]({figures[name].name})"] if name in figures else []
            blocks += [f"## {title}", found[0], *picture, *found[1:]]
    return "\n\n".join(blocks) + "\n"


def order(results: Results) -> list[str]:
    by_name: dict[str, list[Record]] = {}
    for record in results.section("order"):
        by_name.setdefault(record["contender"], []).append(record)
    blocks = [
        f"Spent from the start of the process until each snapshot shows at least {share(ACCURACY)} correct images for\n"
        "labels of the training grid, and an order of latents whose interval lies above each of its nulls. Medians and\n"
        "their intervals are Kaplan and Meier's (fewer than six seeds bound none); `>`: a lower limit. The recipe is that\n"
        "of diffusers' unconditional training, on the same world and by the same reader, charged for its start and its\n"
        "steps alone."
    ]
    for goal, words in GOALS.items():
        cells = [(name, quantity) for name in by_name for quantity in QUANTITIES]
        blocks += [f"Until {words}:", table(cells, _cost_columns(goal, by_name))]
    columns: Columns = {
        "contender": lambda name: name,
        "of its wall time, observing": lambda name: _shares(by_name[name]),
        "command of its first seed": lambda name: f"`{by_name[name][0]['command']}`",
    }
    return [*blocks, table(by_name, columns)] if by_name else []


def _shares(records: list[Record]) -> str:
    found = [record["observing_share"] for record in records if record.get("observing_share")]
    return f"{share(min(found))} to {share(max(found))}" if found else "not charged"


def _cost_columns(goal: str, by_name: dict[str, list[Record]]) -> Columns:
    """Of (contender, quantity)."""

    def seeds(name: str, quantity: str) -> str:
        took = [(record[goal] or record["spent"])[quantity] for record in by_name[name]]
        return f"{number(min(took))} to {number(max(took))}"

    def median(name: str, quantity: str) -> Score:
        return median_cost(by_name[name], goal, quantity)

    def ratio(name: str, quantity: str) -> str:
        recipe, others = by_name.get("recipe", []), by_name[name]
        if name == "recipe" or not recipe or not any(record[goal] for record in (*recipe, *others)):
            return "-"
        score = cost_ratio(recipe, others, goal, quantity)
        return f"{of_score(score)} ({interval(score)})"

    return {
        "contender": lambda cell: cell[0],
        "spent": lambda cell: QUANTITIES[cell[1]],
        "n seeds": lambda cell: len(by_name[cell[0]]),
        "failing": lambda cell: sum(record[goal] is None for record in by_name[cell[0]]),
        "median": lambda cell: of_score(median(*cell)),
        "95 % interval": lambda cell: interval(median(*cell)),
        "all seeds": lambda cell: seeds(*cell),
        "recipe / this (95 % interval)": lambda cell: ratio(*cell),
    }


RATE: Columns = {
    "parameters": lambda one: f"{one['parameters']:,}" if "parameters" in one else "-",
    "images/s [low, high]": lambda one: spread(one["images_per_s"]),
    "n rounds": lambda one: one["images_per_s"]["n"],
    "peak MB": lambda one: number(one.get("peak_mb")),
}


def throughput(results: Results) -> list[str]:
    columns: Columns = {
        "training step": lambda one: one["name"],
        **RATE,
        "MFLOP forward an image": lambda one: number(one["forward_mflop"]),
        "of the matrix product's rate": lambda one: spread(one.get("peak_share"), share),
        "to the fastest peer [low, high]": lambda one: spread(one.get("ratio")),
    }
    blocks = []
    for precision, records in results.steps().items():
        products = [record for record in records if record["kind"] == "matrix product"]
        rates = [f"{one['name']}: {spread(one['gflop_per_s'])} GFLOP/s." for one in there(products)]
        steps = [record for record in records if record not in products]
        blocks += [f"### {precision}", *rates, table(sorted(steps, key=_rate), columns)]
    if trainings := results.section("throughput", "trainers"):
        columns = {
            "whole training": lambda one: one["name"],
            **RATE,
            "labels": lambda one: "x and y" if one["labels"] else "none",
        }
        heading = "### Whole trainings, each library's own way (a record, not measured again)"
        blocks += [heading, table(sorted(trainings, key=_rate), columns)]
    lead = (
        "A training step: a batch that is already where the network is, forward, squared error of the noise, backward,\n"
        "fused AdamW; no clipping, no averages. Peers are in the quicker of two memory layouts. `phasescope` has as many\n"
        "parameters as they (within 5 %); `in the shape of` has as many operations as the fastest peer; `training the\n"
        "network of` is that peer's network in phasescope's loop. All of a precision take turns with the matrix product."
    )
    return [lead, *blocks] if blocks else []


def scaling(results: Results) -> list[str]:
    sections = dict(results.parts["scaling"])
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
        "n rounds": lambda one: one["ratio"]["n"],
    }
    blocks += [table(together, columns)] if together else []
    return (
        ["All but what is varied is the preset's.", *blocks] if any(results.parts["scaling"].values()) else []
    )


def profile(results: Results) -> list[str]:
    records = sorted(results.section("profile"), key=lambda record: record["measured"])
    spent = {name for record in records for name, found in record["classes"].items() if found["share"] > 0}
    columns: Columns = {
        "run": lambda one: (
            f"`{one['name']}`, {one['precision']}, batch {one['batch']}, threads: {one['threads']}"
        ),
        "commit": lambda one: f"`{one['git_commit']}`",
        "ms a step [low, high]": lambda one: spread(one["step_ms"]),
        **{
            name: lambda one, name=name: share(one["classes"].get(name, {}).get("share"))
            for name in sorted(spent)
        },
        "of the matrix product's rate": lambda one: share(one["roofline"]["peak_share"]),
        "that, were matrix work done at it": lambda one: share(one["roofline"]["bound"]),
    }
    lead = "Each operator's own time, in classes; the last column is the bound that all work but matrix products sets."
    return [lead, table(records, columns)] if records else []


def history(results: Results) -> list[str]:
    records = results.section("history", "commits")
    threads = next((one["step_ms"] for one in there(records)), {})
    columns: Columns = {
        "commit": lambda one: f"`{one['commit']}`",
        "what it changed": lambda one: one["what"],
        **{
            f"ms a step, threads: {n} [low, high]": lambda one, n=n: spread(one["step_ms"][n])
            for n in threads
        },
        "s a snapshot [low, high]": lambda one: spread(one["snapshot_s"]),
        "n rounds": lambda one: one["snapshot_s"]["n"],
        "loss": lambda one: number(one["loss"], 6),
    }
    lead = (
        "Preset `small` as each commit had it, in float32, by that commit's own code, all in turns on one machine.\n"
        "Commits that agree in the loss of an early step compute the same. These commits are not measured again."
    )
    return [lead, table(records, columns)] if records else []


def pilots(results: Results) -> list[str]:
    def until(pilot: Record, name: str) -> str:
        found = outcome(pilot)
        return ("" if found.reached else "not reached in ") + number(getattr(found, name))

    columns: Columns = {
        "tried": lambda one: one["question"],
        "images": lambda one: until(one, "images"),
        "CPU s": lambda one: until(one, "cpu_s"),
        "at the end, grid": lambda one: share(outcome(one).accuracy),
        "off grid": lambda one: share(outcome(one).off_grid),
        **{
            name: lambda one, name=name: one[name]
            for name in ("parameters", "batch", "threads", "seed", "cpu")
        },
        "words": lambda one: f"`{' '.join(one['words'])}`",
    }
    lead = (
        "One training each, n = 1 seed a row: they say where to look; none is a claim. `images` and `CPU s` are those from\n"
        f"which on each look finds at least {share(ACCURACY)} correct images for labels of the training grid."
    )
    return [lead, table(results.pilots, columns)] if results.pilots else []


def hardware(results: Results) -> list[str]:
    """Where and with what each part was measured."""
    commits: dict[tuple[str, ...], list[str]] = {}
    for part, sections in results.parts.items():
        for record in [one for found in sections.values() for one in found]:
            versions = ", ".join(
                f"{name} {version}" for name, version in record["versions"].items() if version
            )
            place = (
                part,
                f"{record['cores']} cores of {record['cpu']}",
                record.get("device") or "cpu",
                versions,
            )
            commits.setdefault(place, []).append(f"`{record['git_commit']}`")
    names = ("part", "machine", "device", "versions")
    columns: Columns = {
        **{name: lambda place, at=at: place[at] for at, name in enumerate(names)},
        "commit": lambda place: ", ".join(dict.fromkeys(commits[place])),
    }
    return [table(commits, columns)] if commits else []


SECTIONS = {
    "order": ("Time to order", order),
    "throughput": ("Throughput", throughput),
    "scaling": ("Scaling", scaling),
    "profile": ("Where a step's time goes", profile),
    "history": ("Earlier commits", history),
    "pilots": ("What was tried", pilots),
    "hardware": ("Hardware and versions", hardware),
}


def _rate(record: Record) -> float:
    """The quickest first, what is missing last."""
    return -record["images_per_s"]["median"] if record.get("images_per_s") else 0.0


def _part(path: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(path.read_text())
        return found["sections"] if "sections" in found else {"records": found["records"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"`{path}` must be this benchmark's: {error!r}: move it away") from None
