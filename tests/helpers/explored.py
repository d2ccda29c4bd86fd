"""What the explorer answers, asked of its application without a socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from phasescope import Run
from phasescope.views.web.server import create_app


@contextmanager
def explorer(runs: Path, studies: Path | None = None) -> Iterator[TestClient]:
    app = create_app(runs, studies or runs / "no studies")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def page_of(run: Run) -> dict[str, Any]:
    """Return what the page of a run is sent."""
    with explorer(run.path.parent) as client:
        return client.get(f"/api/runs/{run.name}").json()
