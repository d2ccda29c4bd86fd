"""The page's tables, each a list of rows from the records; no number in them is typed."""

from __future__ import annotations

from collections.abc import Sequence

from phasescope.benchmarks.criterion import QUANTITIES
from phasescope.benchmarks.pilots import outcome
from phasescope.benchmarks.results import Record, Results
from phasescope.benchmarks.texts import in_brackets, markdown, number, of_median, share, span

GOALS = {"time_to_order": "in order", "time_to_phase_c": "in phase C of behaviour"}


def order(results: Results, goal: str) -> str:
    """What each contender spent until it was there, by quantity."""
    summary = (results.order or {})["summary"]
    rows = []
    for name, found in summary["contenders"].items():
        for quantity, unit in QUANTITIES.items():
            cost = found[goal][quantity]
            if cost is None:
                rows.append([name, unit, found["n"], *["-"] * 5])
                continue
            ratio = summary["ratios"].get(f"recipe / {name}", {}).get(quantity)
            against = [of_median(ratio)] if goal == "time_to_order" else []
            between = [span(*cost[ends]) for ends in ("range", "interval")]
            rows.append([name, unit, cost["n"], cost["censored"], of_median(cost), *between, *against])
    last = ["recipe / this"] if goal == "time_to_order" else []
    return markdown(
        ["contender", "spent", "n seeds", "failing", "median", "range", "95 % interval of the median", *last],
        rows,
    )


def throughput(records: Sequence[Record]) -> str:
    """The steps of one precision, the quickest first."""
    rows = []
    for record in sorted(records, key=_rate, reverse=True):
        if record["kind"] == "matrix product":
            continue
        if record["missing"] is not None:
            rows.append([record["name"], *["-"] * 6, f"missing: {record['missing']}"])
            continue
        rows.append(
            [
                record["name"],
                f"{record['parameters']:,}",
                number(record["forward_mflop"]),
                in_brackets(record["images_per_s"]),
                record["images_per_s"]["n"],
                share(record["peak_share"]["median"]) if "peak_share" in record else "-",
                number(record["peak_mb"]),
                in_brackets(record.get("ratio")),
            ]
        )
    return markdown(
        [
            "training step",
            "parameters",
            "MFLOP forward an image",
            "images/s [low, high]",
            "n rounds",
            "of the matrix product's rate",
            "peak MB",
            "to the fastest peer [low, high]",
        ],
        rows,
    )


def trainers(records: Sequence[Record]) -> str:
    """Whole trainings, as a user would run them."""
    rows = []
    for record in sorted(records, key=_rate, reverse=True):
        row = [record["name"], "x and y" if record["labels"] else "none"]
        if record["missing"] is not None:
            rows.append([*row, *["-"] * 4, f"missing: {record['missing']}"])
            continue
        found = record["images_per_s"]
        parameters = f"{record['parameters']:,}" if "parameters" in record else "-"
        remark = f"observing: {share(record['observing_share'])}" if "observing_share" in record else ""
        row += [parameters, in_brackets(found), str(found["n"]), number(record.get("peak_mb")), remark]
        rows.append(row)
    return markdown(
        ["trainer", "labels", "parameters", "images/s [low, high]", "n rounds", "peak MB", ""], rows
    )


def scaling(records: Sequence[Record]) -> str:
    """Images a second against what is varied."""
    rows = [
        [record["name"], record["threads"], *["-"] * 3, f"missing: {record['missing']}"]
        if record["missing"] is not None
        else [
            record["name"],
            record["threads"],
            f"{record['parameters']:,}",
            in_brackets(record["images_per_s"]),
            record["images_per_s"]["n"],
            number(record["peak_mb"]),
        ]
        for record in records
    ]
    return markdown(
        ["preset `small`, with", "threads", "parameters", "images/s [low, high]", "n rounds", "peak MB"], rows
    )


def profiles(records: Sequence[Record]) -> list[tuple[str, str]]:
    """For each run and precision its title and a table with a column a commit, in the order of measurement."""
    groups: dict[tuple, list[Record]] = {}
    for record in sorted(records, key=lambda record: record["measured"]):
        key = record["name"], record["precision"], record["batch"], record["threads"], record["device"]
        groups.setdefault(key, []).append(record)
    return [
        (f"`{name}`, {precision}, batch {batch}, threads: {threads}, {device}", _profile(group))
        for (name, precision, batch, threads, device), group in groups.items()
    ]


def _profile(group: Sequence[Record]) -> str:
    names = sorted(
        {name for record in group for name in record["classes"]},
        key=lambda name: -max(record["classes"].get(name, {"ms": 0.0})["ms"] for record in group),
    )
    rows = [
        [name, *(_share(record["classes"].get(name)) for record in group)]
        for name in names
        if any(record["classes"].get(name, {"share": 0.0})["share"] > 0 for record in group)
    ]
    rows.append(["a step, ms [low, high]", *(in_brackets(record["step_ms"]) for record in group)])
    for name, field in (
        ("share of the matrix product's rate", "peak_share"),
        ("that share, were matrix work done at that rate", "bound"),
    ):
        rows.append([name, *(share(record["roofline"][field]) for record in group)])
    return markdown(["own time, ms", *(f"`{record['git_commit']}`" for record in group)], rows)


def _share(spent: Record | None) -> str:
    return f"{number(spent['ms'])} ({share(spent['share'])})" if spent else "-"


def history(results: Results) -> str:
    """The record table: a row a commit."""
    records = results.section("history", "commits")
    threads = list(next((record["step_ms"] for record in records if "step_ms" in record), {}))
    rows = []
    for record in records:
        if record["missing"] is not None:
            blanks = ["-"] * (2 * len(threads) + 3)
            rows.append([f"`{record['commit']}`", record["what"], *blanks, f"missing: {record['missing']}"])
            continue
        row = [f"`{record['commit']}`", record["what"]]
        for count in threads:
            row += [
                in_brackets(record["step_ms"][count]),
                of_median(record.get("step_ratio", {}).get(count)),
            ]
        row += [in_brackets(record["snapshot_s"]), of_median(record.get("snapshot_ratio"))]
        rows.append([*row, str(record["snapshot_s"]["n"]), number(record["loss"], 6)])
    columns = [
        column
        for count in threads
        for column in (f"ms a step, threads: {count} [low, high]", "times as quick as the first")
    ]
    return markdown(
        [
            "commit",
            "what it changed",
            *columns,
            "s a snapshot [low, high]",
            "times as quick as the first",
            "n rounds",
            "loss",
        ],
        rows,
    )


def pilots(results: Results) -> str:
    """What was tried, in that order, and what it took or where it ended."""
    rows = []
    for pilot in results.pilots:
        found = outcome(pilot)
        spent = f"{found.images:,}", number(found.cpu_s)
        took = spent if found.reached else [f"not reached in {one}" for one in spent]
        rows.append(
            [
                pilot["question"],
                *took,
                f"{share(found.accuracy)} / {share(found.off_grid)}",
                1,
                f"{pilot['parameters']:,}",
                pilot["batch"],
                pilot["threads"],
                pilot["seed"],
                pilot["cpu"],
                pilot["name"],
                f"`{' '.join(pilot['words'])}`",
            ]
        )
    header = ["tried", "images", "CPU s", "at the end, grid / off grid", "n seeds"]
    return markdown([*header, "parameters", "batch", "threads", "seed", "cpu", "name", "words"], rows)


def hardware(results: Results, parts: Sequence[str]) -> str:
    """Where and with what each part was measured."""
    rows = []
    for part in parts:
        places: dict[tuple[str, str, str], list[str]] = {}
        for record in results.records(part):
            versions = ", ".join(
                f"{name} {version}" for name, version in record["versions"].items() if version
            )
            place = f"{record['cores']} cores of {record['cpu']}", record.get("device") or "cpu", versions
            places.setdefault(place, []).append(str(record["git_commit"]))
        for place, commits in places.items():
            rows.append([part, *place, ", ".join(f"`{commit}`" for commit in dict.fromkeys(commits))])
    return markdown(["part", "machine", "device", "versions", "commit"], rows)


def _rate(record: Record) -> float:
    return record["images_per_s"]["median"] if record.get("images_per_s") else -1.0
