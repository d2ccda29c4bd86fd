"""`phasescope ls --where`: the runs of which a condition holds, or one line that says what is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from phasescope.runs.store import Run


def test_ls_lists_what_the_condition_holds_of(cli, trained: Run):
    runs = trained.path.parent
    whole = json.loads(cli("ls", "--json", "--runs", runs).out)
    for where, found in (
        ("world.sigma_px = 1 and state = 'done'", whole),
        ("outcomes.grid.correct >= 0 and order.mid.40.n = 64", whole),
        ("world.sigma_px = 2", []),
        ("state = 'killed'", []),
    ):
        outcome = cli("ls", "--where", where, "--json", "--runs", runs)
        assert (outcome.code, outcome.err) == (0, "")
        assert json.loads(outcome.out) == found
    assert cli("ls", "--where", "seed = 5", "--runs", runs).out == "no runs here\n"


@pytest.mark.parametrize(
    "where", ["world.sigm = 2", "seed =", "seed", "seed = 0; drop view runs", "true)) --"]
)
def test_a_bad_condition_is_one_line(where: str, cli, trained: Run):
    outcome = cli("ls", "--where", where, "--runs", trained.path.parent)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"phasescope: `--where` (={where}) must be a condition, as in ")


@pytest.mark.parametrize(
    ("more", "heavy"), [([], ["torch", "duckdb", "pandas", "sqlite3"]), (["--where", "seed = 0"], ["torch"])]
)
def test_listing_imports_only_what_it_needs(more: list[str], heavy: list[str], trained: Run):
    code = f"""
import sys
from phasescope.cli import main
code = main(sys.argv[1:])
print(code, [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    command = [sys.executable, "-c", code, "ls", "--runs", str(trained.path.parent), *more]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stderr.splitlines()[-1] == "0 []"
    assert trained.name in found.stdout


def test_exec_of_a_done_run_changes_nothing(cli, trained: Run, tmp_path: Path):
    before = {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")}
    assert cli("exec", trained.path) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")} == before
