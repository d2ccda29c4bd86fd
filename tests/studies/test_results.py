"""What is shipped under results/ and in docs/results.md: verdicts, figures and page are those of the records."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from phasescope.store.flat import config_columns
from phasescope.studies import studies
from phasescope.studies.core.claim import from_plain
from phasescope.studies.core.declaration import read_declaration
from phasescope.studies.core.looks import judge
from phasescope.studies.core.records import RECORDS, read_claims, read_frame
from phasescope.views.report.results import render_results

ROOT = Path(__file__).parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "results.md"
STUDIES = studies()
SHIPPED = [name for name in STUDIES if (RESULTS / name / RECORDS).exists()]


@pytest.mark.some(5)
@pytest.mark.parametrize("name", SHIPPED)
def test_verdicts_are_those_of_the_records(name):
    study, folder = STUDIES[name], RESULTS / name
    told = read_claims(folder)
    assert told is not None
    assert not told["stale"]
    for claim, verdict in zip(told["claims"], judge(study, read_frame(study, folder)), strict=True):
        again = verdict.to_dict()
        assert (claim["name"], claim["verdict"], claim["n"]) == (again["name"], again["verdict"], again["n"])
        for part in ("value", "low", "high", "threshold"):
            one, other = from_plain(claim[part]), from_plain(again[part])
            assert one == pytest.approx(other, rel=1e-6, abs=1e-9, nan_ok=True), (claim["name"], part)
            assert math.isnan(one) == math.isnan(other)


@pytest.mark.some(5)
@pytest.mark.parametrize("name", SHIPPED)
def test_runs_were_observed_as_their_study_declares(name):
    """What is outside a run's identity is in its records: numbers of images, labels and steps, places of latents."""
    frame, told = read_frame(STUDIES[name], RESULTS / name), read_declaration(RESULTS / name)
    assert told is not None
    assert told.observed is not None
    assert [cell for one in told.observed for cell in one.cells]
    compared = 0
    for one in told.observed:
        own = frame[frame["cell"].isin(one.cells)]
        for column, value in config_columns({"probing": one.plan}).items():
            seen = set(own[column].dropna()) - {"usual"} if column in own else set()
            assert seen <= {value}, column
            compared += len(seen)
    assert compared > 10


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_is_there(name):
    for figure in STUDIES[name].figures:
        assert (RESULTS / name / f"{figure.name}.png").stat().st_size > 1000


def test_the_pages_are_generated_from_records():
    assert PAGE.exists() == bool(SHIPPED)
    if SHIPPED:
        told = render_results(list(STUDIES.values()), RESULTS, PAGE)
        assert {path for path in told if path != PAGE} == {*PAGE.with_suffix("").iterdir()}
        for path, text in told.items():
            assert path.read_text() == text, path.name


def test_claims_are_printed_without_torch_pandas_or_umap():
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'pandas', 'umap'):\n"
        "            raise ModuleNotFoundError(f'No module named {name}', name=name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from phasescope.cli import main\n"
        f"code = main(['claims', '--results', {str(RESULTS)!r}])\n"
        "sys.exit(code)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert found.returncode == 0, found.stderr
    for name, study in STUDIES.items():
        assert name in found.stdout
        if name in SHIPPED:
            assert all(claim.name in found.stdout for claim in study.claims)
