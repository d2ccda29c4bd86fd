"""What a folder of results holds: each part's JSON as it was written, and the runs that lie beside it.

    results/speed/order.json, throughput.json, scaling.json, history.json, profile.json, pilots.jsonl
    results/demo/*/status.json, results/small/*/status.json

A part that is not there is None, or empty; nothing stands in for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from phasescope.benchmarks.pilots import read_pilots
from phasescope.errors import UserError

Record = dict[str, Any]

MEASURED = ("order", "throughput", "scaling", "history", "profile")
"""parts with a JSON file, as `Results` has them"""
STEPS = "steps in "
"""how throughput's sections of timed steps begin; a precision follows"""


@dataclass(frozen=True)
class Results:
    """All that the page is made from.

    Attributes:
        order, throughput, scaling, history, profile: a part's JSON; None where it was not measured.
        pilots: lines of `pilots.jsonl`.
        demo, small: states of the runs of these presets that lie beside the folder.
    """

    order: Record | None
    throughput: Record | None
    scaling: Record | None
    history: Record | None
    profile: Record | None
    pilots: list[Record]
    demo: list[Record]
    small: list[Record]

    @classmethod
    def read(cls, out: Path) -> Self:
        """Those of the folder `out`.

        Raises:
            UserError: a file is not what the benchmark writes.
        """
        return cls(
            *(_part(out / f"{name}.json") for name in MEASURED),
            pilots=read_pilots(out / "pilots.jsonl"),
            demo=_statuses(out.parent / "demo"),
            small=_statuses(out.parent / "small"),
        )

    def records(self, part: str) -> list[Record]:
        """All records of a part, in their order."""
        found: Record = getattr(self, part) or {}
        if "sections" in found:
            return [record for records in found["sections"].values() for record in records]
        return found.get("records", [])

    def section(self, part: str, name: str) -> list[Record]:
        """The records of one section; none where the part or the section is not there."""
        return ((getattr(self, part) or {}).get("sections") or {}).get(name, [])

    def steps(self) -> dict[str, list[Record]]:
        """Throughput's timed steps by precision, the matrix product among them."""
        sections = (self.throughput or {}).get("sections") or {}
        return {
            name.removeprefix(STEPS): records for name, records in sections.items() if name.startswith(STEPS)
        }


def there(records: Iterable[Record]) -> Iterator[Record]:
    """The records of what could be measured."""
    return (record for record in records if record.get("missing") is None)


def machines(records: Iterable[Record]) -> set[tuple[str, int]]:
    """Processors and numbers of cores on which records were measured."""
    return {(record["cpu"], record["cores"]) for record in records}


def _part(path: Path) -> Record | None:
    try:
        found = json.loads(path.read_text())
        if not ({"sections", "records"} & set(found)):
            raise ValueError("neither sections nor records")
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"`{path}` must be this benchmark's: {error}: move it away") from None


def _statuses(folder: Path) -> list[Record]:
    found = []
    for path in sorted(folder.glob("*/status.json")):
        try:
            found.append(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise UserError(f"`{path}` must be a run's: {error}") from None
    return [status for status in found if status.get("state") == "done"]
