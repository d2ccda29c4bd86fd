"""A run as one file and back: the same files, or, whatever was done to the archive, one line and nothing left behind."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_runs import make_run

from phasescope.cli import main
from phasescope.core.errors import UserError
from phasescope.runs.importing import import_run
from phasescope.runs.store import Run, hold
from phasescope.runs.store import archive as archives
from phasescope.runs.store.archive import KEPT, MANIFEST, write_archive


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] in KEPT
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = make_run(tmp_path_factory.mktemp("runs"), "seed=3")
    snapshot = made.path / "snapshots" / "00000000"
    snapshot.mkdir(exist_ok=True)
    (snapshot / "weights.safetensors").write_bytes(bytes(range(256)) * 3000)
    (made.path / "lock").touch()
    (made.path / "report.html").write_text("a page")
    (made.path / "snapshots" / ".00000001.7.aside").mkdir()
    (made.path / "snapshots" / ".00000001.7.aside" / "torn").touch()
    return made


@pytest.fixture(scope="module")
def archive(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(run, tmp_path_factory.mktemp("out") / "run.zip")


def test_a_run_comes_back_with_the_same_digests_and_without_what_is_no_record(run, archive, tmp_path):
    found = import_run(archive, tmp_path / "elsewhere" / "runs")
    assert found.path == tmp_path / "elsewhere" / "runs" / run.path.name
    assert digests(found.path) == {
        path: one for path, one in digests(run.path).items() if ".aside" not in path
    }
    assert {path.name for path in found.path.iterdir()} <= {*KEPT}
    assert found.config == run.config
    assert found.metrics == run.metrics


def test_the_same_run_gives_the_same_bytes(run, archive, tmp_path):
    assert write_archive(run, tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.zip"]


def test_nothing_is_overwritten(run, archive, tmp_path):
    import_run(archive, tmp_path)
    before = digests(tmp_path / run.path.name)
    with pytest.raises(UserError, match=r"^`.*` must not be there: nothing is overwritten"):
        import_run(archive, tmp_path)
    assert digests(tmp_path / run.path.name) == before


def test_a_run_that_is_being_written_is_not_archived(tmp_path):
    made = make_run(tmp_path / "runs", state="running")
    with (
        hold(made.path, made.config),
        pytest.raises(UserError, match=r"must be whole and at rest to be archived, and is running"),
    ):
        write_archive(made, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


Entries = dict[str, bytes]


def manifest_of(entries: Entries) -> dict[str, Any]:
    return json.loads(entries[MANIFEST])


def retold(entries: Entries, change: Callable[[dict[str, Any]], Any]) -> Entries:
    told = manifest_of(entries)
    change(told)
    return {**entries, MANIFEST: json.dumps(told).encode()}


def added(entries: Entries, within: str, content: bytes = b"x") -> Entries:
    """A file that the manifest tells of as it should."""
    kept = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    name = manifest_of(entries)["run"]
    return retold({**entries, f"{name}/{within}": content}, lambda told: told["files"].update({within: kept}))


def changed(entries: Entries, end: str, content: bytes) -> Entries:
    """A file of which the manifest tells the new digest too."""
    within = next(name for name in manifest_of(entries)["files"] if name.endswith(end))
    return added(entries, within, content)


def tampered(entries: Entries) -> Entries:
    name = next(name for name in entries if name.endswith("weights.safetensors"))
    return {**entries, name: b"\xff" + entries[name][1:]}


HOSTILE: dict[str, Callable[[Entries], Entries]] = {
    "no manifest": lambda entries: {name: one for name, one in entries.items() if name != MANIFEST},
    "a manifest that is none": lambda entries: {**entries, MANIFEST: b"[1]"},
    "no JSON": lambda entries: {**entries, MANIFEST: b"{"},
    "a file changed": tampered,
    "a file longer": lambda entries: {
        name: one + b"x" * (name.endswith("status.json")) for name, one in entries.items()
    },
    "a file gone": lambda entries: {name: one for name, one in entries.items() if not name.endswith("status.json")},
    "above its folder": lambda entries: added(entries, "../evil.txt"),
    "above, within": lambda entries: added(entries, "snapshots/../../../evil.txt"),
    "absolute": lambda entries: added(entries, "/tmp/evil.txt"),
    "backslashes": lambda entries: added(entries, "snapshots\\..\\evil.txt"),
    "hidden": lambda entries: added(entries, "snapshots/.hidden"),
    "no file of a run": lambda entries: added(entries, "lock"),
    "a file as a folder": lambda entries: added(entries, "status.json/x"),
    "its name": lambda entries: retold(entries, lambda told: told.update(run="../up")),
    "an absolute name": lambda entries: retold(entries, lambda told: told.update(run="/tmp/up")),
    "another configuration": lambda entries: changed(entries, "config.yaml", b"name: run\nseed: 4\n"),
    "no configuration": lambda entries: changed(entries, "config.yaml", b"[1, 2]"),
    "no status": lambda entries: changed(entries, "status.json", b"{}"),
    "torn metrics": lambda entries: changed(entries, "metrics.jsonl", b"{}\n"),
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_an_archive_that_is_not_what_it_says_is_refused_in_a_line(attack, archive, tmp_path, capsys):
    with zipfile.ZipFile(archive) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as file:
        for name, content in HOSTILE[attack](entries).items():
            file.writestr(name, content)
    refused(tmp_path, capsys)


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2, and nothing is left behind, in the folder of runs or above it."""
    runs = folder / "within" / "runs"
    assert main(["import", str(folder / "hostile.zip"), "--runs", str(runs)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("phasescope: `")
    assert told.err.count("\n") == 1
    left = [path for path in folder.rglob("*") if path.is_file() and path.name != "hostile.zip"]
    assert left == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99, 0.9999])
def test_a_truncated_archive_is_refused(share, archive, tmp_path, capsys):
    content = archive.read_bytes()
    (tmp_path / "hostile.zip").write_bytes(content[: int(len(content) * share)])
    refused(tmp_path, capsys)


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_an_archive_with_a_flipped_bit_is_refused_or_the_same(place, run, archive, tmp_path, capsys):
    content = bytearray(archive.read_bytes())
    content[len(content) * place // 100] ^= 16
    (tmp_path / "hostile.zip").write_bytes(content)
    try:
        found = import_run(tmp_path / "hostile.zip", tmp_path / "runs")
    except UserError:
        (tmp_path / "runs").exists() and (tmp_path / "runs").rmdir()
        refused(tmp_path, capsys)
    else:
        assert digests(found.path).items() <= digests(run.path).items()


def test_a_link_in_an_archive_is_unpacked_as_a_plain_file(archive, tmp_path):
    with zipfile.ZipFile(archive) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    weights = next(name for name in entries if name.endswith("weights.safetensors"))
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as file:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = ((stat.S_IFLNK if name == weights else stat.S_IFREG) | 0o644) << 16
            file.writestr(entry, content)
    found = import_run(tmp_path / "hostile.zip", tmp_path / "runs")
    assert not any(path.is_symlink() for path in found.path.rglob("*"))
    assert digests(found.path)[weights.partition("/")[2]]


def test_what_unpacks_to_more_than_it_says_is_not_unpacked(archive, tmp_path, capsys):
    """The size in the zip's own directory is a lie too: what counts is what comes out."""
    with zipfile.ZipFile(archive) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    weights = next(name for name in entries if name.endswith("weights.safetensors"))
    entries[weights] = bytes(50_000_000)
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    content = (tmp_path / "hostile.zip").read_bytes()
    honest, lie = struct.pack("<L", 50_000_000), struct.pack("<L", 768_000)
    (tmp_path / "hostile.zip").write_bytes(content.replace(honest, lie))
    refused(tmp_path, capsys)


def test_a_run_that_appears_while_an_archive_is_unpacked_stays(run, archive, tmp_path, monkeypatch):
    """Who writes into a folder of that name meanwhile loses nothing."""
    theirs = tmp_path / "runs" / run.path.name / "theirs"
    copy = archives._copy

    def meanwhile(*given):
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text("theirs")
        return copy(*given)

    monkeypatch.setattr(archives, "_copy", meanwhile)
    with pytest.raises(UserError, match="must not be there: nothing is overwritten"):
        import_run(archive, tmp_path / "runs")
    assert theirs.read_text() == "theirs"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.path.name]


@pytest.mark.parametrize("end", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_whatever_ends_an_import_leaves_nothing(end, archive, tmp_path, monkeypatch):
    def ended(*given):
        raise end

    monkeypatch.setattr(archives, "_copy", ended)
    with pytest.raises((KeyboardInterrupt, UserError, OSError)):
        import_run(archive, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


SLOW = """
import sys, time
from phasescope import cli
from phasescope.runs.store import archive

copy = archive._copy

def slowly(*given):
    print("copying", flush=True)
    kept = copy(*given)
    time.sleep(0.2)
    return kept

archive._copy = slowly
cli.command()
"""


def test_sigterm_ends_an_import_and_leaves_nothing(archive, tmp_path):
    command = [sys.executable, "-c", SLOW, "import", str(archive), "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "copying\n"
        process.terminate()
        assert process.wait() == 130
        assert process.stderr.read().splitlines()[-1] == "phasescope: interrupted"
    assert list((tmp_path / "runs").iterdir()) == []


def test_another_compression_is_refused_in_a_line(archive, tmp_path, capsys):
    with zipfile.ZipFile(archive) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    for compression in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(tmp_path / "hostile.zip", "w", compression) as file:
            for name, content in entries.items():
                file.writestr(name, content)
        content = bytearray((tmp_path / "hostile.zip").read_bytes())
        content[200:260] = bytes(60)
        (tmp_path / "hostile.zip").write_bytes(content)
        refused(tmp_path, capsys)


@pytest.mark.parametrize("link", ["checkpoint", "snapshots/00000010", "snapshots/more", "about.json"])
def test_no_link_is_followed_into_an_archive(link, tmp_path, capsys):
    made = make_run(tmp_path / "runs", "seed=3")
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh" / "id_rsa").write_text("secret")
    path = made.path / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(tmp_path / "ssh" / ("id_rsa" if link.endswith(".json") else ""))
    assert main(["export", str(made.path), "--archive", str(tmp_path / "run.zip")]) == 2
    assert "it is a link, which is not followed" in capsys.readouterr().err
    assert not (tmp_path / "run.zip").exists()
