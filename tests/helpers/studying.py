"""A study's driver in a process of its own: executes folders by an engine, and merges each run's records as it is done.

    python studying.py ENGINE WORKERS RECORDS RUN_DIR...

Prints a line an event, and the ends at the end.
"""

import json
import sys
from pathlib import Path

from phasescope import Run
from phasescope.runs.engines.by_name import open_engine
from phasescope.runs.engines.engine import Event
from phasescope.runs.store.records import condense, merge_records, read_records


def main(engine: str, workers: str, records: str, *folders: str) -> int:
    def on_event(event: Event) -> None:
        print(event.kind, event.folder.name, event.error or "", flush=True)
        run = Run(event.folder)
        if (
            event.end
            and event.end.state == "done"
            and digest(run) not in set(read_records(Path(records))["digest"])
        ):
            merge_records(Path(records), condense(run))

    paths = [Path(folder) for folder in folders]
    ends = open_engine(engine, paths[0].parent, int(workers)).execute(paths, on_event)
    print(json.dumps({end.folder.name: [end.state, end.attempts, end.error] for end in ends.values()}))
    return 0


def digest(run: Run) -> str:
    return run.name.rpartition("-")[2]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
