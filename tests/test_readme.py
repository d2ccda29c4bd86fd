"""What the README says of a run is what the run's record says."""

from __future__ import annotations

from pathlib import Path

from phasescope.store import open_run
from phasescope.views.record import Record
from phasescope.views.report.words import subject, verdict

ROOT = Path(__file__).parents[1]


def test_the_readme_tells_the_demo_as_its_record_does():
    (folder,) = (ROOT / "results" / "demo").glob("demo-*")
    record = Record(open_run(folder))
    told = "\n".join(f"- {sentence}" for sentence in [*verdict(record), subject(record)])
    readme = (ROOT / "README.md").read_text()
    between = readme.partition("<!-- measured -->\n")[2].partition("\n<!-- /measured -->")[0]
    assert between == told
