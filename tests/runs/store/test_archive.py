"""A run as one file and back: the same files, or, whatever was done to the archive, one line and nothing left behind."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import phasescope
from phasescope import Run, find_run
from phasescope.cli import main
from phasescope.core.sources import RECORDS
from phasescope.runs.store import hold
from phasescope.runs.store.layout import BY_NAME, PARTS, names
from phasescope.runs.store.writer import read_state
from phasescope.runs.trained.importing import MOST_BYTES, _checked
from phasescope.worlds import ImageWorld

LEFT_OUT = {"lock", "config.json", "worker.log", "report.html"}
"""what each machine has of its own, or writes again"""


def write_archive(run: Run, out: Path) -> Path:
    assert main(["export", str(run.path), "--archive", str(out)]) == 0
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in LEFT_OUT and ".aside" not in str(path)
    }


def copy_of(run: Run, runs: Path) -> Run:
    return Run(shutil.copytree(run.path, runs / run.name))


@pytest.fixture(scope="module")
def run(golden: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The golden run with everything that a run may have: states, readings of the meter, what it continues, tags."""
    trained = copy_of(golden, tmp_path_factory.mktemp("runs"))
    (trained.path / "states").mkdir()
    shutil.copy2(
        trained.path / "checkpoint" / "state.safetensors", trained.path / "states" / "00000010.safetensors"
    )
    (trained.path / "meter.jsonl").write_text(
        '{"step": 0, "images_seen": 0, "bands": [], "deciding": null}\n'
    )
    (trained.path / "fork.json").write_text(
        '{"run": "0123456789abcdef", "name": "parent", "step": 0, "changes": {}}'
    )
    (trained.path / "tags.txt").write_text("a tag\n")
    (trained.path / "report.html").write_text("a page")
    (trained.path / "snapshots" / ".00000001.7.aside").mkdir()
    (trained.path / "snapshots" / ".00000001.7.aside" / "torn").touch()
    return trained


@pytest.fixture(scope="module")
def archive(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(run, tmp_path_factory.mktemp("out") / "run.zip")


def test_an_archived_run_comes_back_with_the_same_files(run, archive, tmp_path, capsys):
    words = ["import", str(archive), "--runs", str(tmp_path / "elsewhere" / "runs")]
    assert main(words) == 0
    imported = Run(tmp_path / "elsewhere" / "runs" / run.path.name)
    assert capsys.readouterr().out.splitlines()[-1] == str(imported.path)
    assert contents(imported.path) == contents(run.path)
    assert not {path.name for path in imported.path.iterdir()} & LEFT_OUT
    assert write_archive(imported, tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert main(words) == 2
    assert "must not exist: nothing is overwritten" in capsys.readouterr().err
    assert contents(imported.path) == contents(run.path)


def test_the_states_of_an_imported_run_are_those_that_it_kept(run, archive, tmp_path):
    assert main(["import", str(archive), "--runs", str(tmp_path)]) == 0
    imported = Run(tmp_path / run.path.name)
    assert {*imported.states} == {10}
    tensors, state = read_state(imported.states[10])
    expected, known = read_state(run.states[10])
    assert state == known
    assert all(np.array_equal(tensors[name], expected[name]) for name in {*tensors, *expected})


def sized(name: str, size: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"run-01234567/{name}")
    entry.file_size = size
    return entry


def test_every_file_of_a_run_is_bounded_and_known_to_an_import():
    assert {*RECORDS} <= {*BY_NAME}
    for name in names(lambda part: part.is_exported and part.kind != "folder"):
        most = BY_NAME[name].most_bytes
        assert _checked([sized(name, most)]) == "run-01234567"
        with pytest.raises(ValueError, match=r"may hold"):
            _checked([sized(name, most + 1)])
        assert most < MOST_BYTES or name == "world.npz", name
    for name in names(lambda part: part.is_exported and part.kind == "folder"):
        assert _checked([sized(f"{name}/a/b", 1)]) == "run-01234567"
        with pytest.raises(ValueError, match=r"is a folder of one"):
            _checked([sized(name, 1)])
    for name in names(lambda part: not part.is_exported):
        with pytest.raises(ValueError, match=r"is not a file of a run"):
            _checked([sized(name, 1)])


def test_a_run_writes_no_file_that_is_not_in_the_table(run):
    assert {path.name for path in run.path.iterdir()} - {"report.html"} <= {*BY_NAME}


def test_a_run_that_is_being_written_is_not_archived(run, tmp_path, capsys):
    shutil.copytree(run.path, tmp_path / run.name)
    with hold(tmp_path / run.name, run.config) as writer:
        writer.write_status({"state": "running"})
        assert main(["export", str(tmp_path / run.name), "--archive", str(tmp_path / "run.zip")]) == 2
    assert "must be complete and at rest to be archived, not running" in capsys.readouterr().err
    assert not (tmp_path / "run.zip").exists()


Entries = dict[str, bytes]


def without(entries: Entries, end: str) -> Entries:
    return {name: content for name, content in entries.items() if not name.endswith(end)}


def changed(entries: Entries, end: str, content: bytes) -> Entries:
    return {name: content if name.endswith(end) else old for name, old in entries.items()}


def added(entries: Entries, within: str) -> Entries:
    return {**entries, f"{next(iter(entries)).partition('/')[0]}/{within}": b"x"}


def renamed(entries: Entries, name: str) -> Entries:
    return {name + old[old.index("/") :]: content for old, content in entries.items()}


HOSTILE: dict[str, Callable[[Entries], Entries]] = {
    "no files": lambda entries: {},
    "no status": lambda entries: without(entries, "status.json"),
    "no configuration": lambda entries: without(entries, "/config.yaml"),
    "two runs": lambda entries: {**entries, "other/config.yaml": b"x"},
    "above its folder": lambda entries: added(entries, "../evil.txt"),
    "above, within": lambda entries: added(entries, "snapshots/../../../evil.txt"),
    "absolute": lambda entries: {**entries, "/tmp/evil.txt": b"x"},
    "backslashes": lambda entries: added(entries, "snapshots\\..\\evil.txt"),
    "hidden": lambda entries: added(entries, "snapshots/.hidden"),
    "no file of a run": lambda entries: added(entries, "lock"),
    "a file as a folder": lambda entries: added(entries, "status.json/x"),
    **{
        f"a file in the place of {name}": lambda entries, name=name: added(
            {path: content for path, content in entries.items() if f"/{name}/" not in path}, name
        )
        for name in ("snapshots", "checkpoint", "observations", "states")
    },
    "a vast configuration": lambda entries: changed(entries, "/config.yaml", b"a: " + b"[1, " * 10 + b" " * 2**21),
    "a vast status": lambda entries: changed(entries, "status.json", b'{"state": "done"}' + b" " * 2**23),
    **{
        f"very many lines of {part.name}": lambda entries, part=part: changed(
            entries, part.name, b'{"step":1}\n' * (part.most_lines + 1)
        )
        for part in PARTS if part.kind == "lines"
    },
    **{
        f"a very long line of {part.name}": lambda entries, part=part: changed(
            entries, part.name, b'{"step":1' + b" " * part.longest_line + b"}\n"
        )
        for part in PARTS if part.kind == "lines"
    },
    "its name": lambda entries: renamed(entries, ".."),
    "another name": lambda entries: renamed(entries, "tiny-00000000"),
    "another configuration": lambda entries: changed(entries, "/config.yaml", b"name: run\nseed: 4\n"),
    "an empty configuration": lambda entries: changed(entries, "/config.yaml", b"[1, 2]"),
    "an empty status": lambda entries: changed(entries, "status.json", b"{}"),
    "a fork that is a list": lambda entries: {**entries, next(iter(entries)).partition("/")[0] + "/fork.json": b"[1]"},
    "scalars without images": lambda entries: changed(entries, "scalars.jsonl", b'{"step": 1}\n'),
    "scalars at a step in words": lambda entries: changed(
        entries, "scalars.jsonl", b'{"step": "one", "images_seen": 1}\n'
    ),
    "a reading of the meter without bands": lambda entries: changed(
        entries, "meter.jsonl", b'{"step": 1, "images_seen": 1, "deciding": null}\n'
    ),
    "a reading of the meter with bands that are none": lambda entries: changed(
        entries, "meter.jsonl", b'{"step": 1, "images_seen": 1, "deciding": null, "bands": [1]}\n'
    ),
    "metrics without a step": lambda entries: changed(entries, "metrics.jsonl", b"{}\n"),
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
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("phasescope: `")
    assert printed.err.count("\n") == 1
    assert [path for path in folder.rglob("*") if path.is_file() and path.name != "hostile.zip"] == []


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9999])
def test_a_truncated_archive_is_refused(share, archive, tmp_path, capsys):
    content = archive.read_bytes()
    (tmp_path / "hostile.zip").write_bytes(content[: int(len(content) * share)])
    refused(tmp_path, capsys)


@pytest.mark.parametrize("place", range(0, 100, 15))
def test_an_archive_with_a_flipped_bit_is_refused_or_the_same(place, run, archive, tmp_path, capsys):
    content = bytearray(archive.read_bytes())
    content[len(content) * place // 100] ^= 16
    (tmp_path / "hostile.zip").write_bytes(content)
    if main(["import", str(tmp_path / "hostile.zip"), "--runs", str(tmp_path / "runs")]):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        capsys.readouterr()
        refused(tmp_path, capsys)
    else:
        (imported,) = (tmp_path / "runs").iterdir()
        assert contents(imported).items() <= contents(run.path).items()


def test_what_is_larger_than_a_run_may_be_is_not_unpacked(archive, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("phasescope.runs.trained.importing.MOST_BYTES", 1000)
    shutil.copy2(archive, tmp_path / "hostile.zip")
    refused(tmp_path, capsys)


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_whatever_ends_an_import_leaves_nothing(end, archive, tmp_path, monkeypatch):
    def ended(*given):
        raise end

    monkeypatch.setattr("phasescope.runs.trained.importing.shutil.copyfileobj", ended)
    code = main(["import", str(archive), "--runs", str(tmp_path / "runs")])
    assert code == (130 if end is KeyboardInterrupt else 2)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_appears_while_its_archive_is_unpacked_stays(run, archive, tmp_path, monkeypatch, capsys):
    def appear(path: Path) -> None:
        (tmp_path / "runs" / run.path.name / "mine").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr("phasescope.runs.store.files._to_disk", appear)
    assert main(["import", str(archive), "--runs", str(tmp_path / "runs")]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "runs").rglob("*")] == [run.path.name, "mine"]


@pytest.mark.parametrize("link", ["snapshots/00000011", "about.json"])
def test_no_link_is_followed_into_an_archive(link, run, tmp_path, capsys):
    shutil.copytree(run.path, tmp_path / run.name)
    (tmp_path / "id_rsa").write_text("secret")
    (tmp_path / run.name / link).unlink(missing_ok=True)
    (tmp_path / run.name / link).symlink_to(tmp_path / ("id_rsa" if link.endswith(".json") else ""))
    assert main(["export", str(tmp_path / run.name), "--archive", str(tmp_path / "run.zip")]) == 2
    assert "it is a link, which is not followed" in capsys.readouterr().err
    assert not (tmp_path / "run.zip").exists()


def test_no_file_that_has_another_name_elsewhere_goes_into_an_archive(run, tmp_path, capsys):
    shutil.copytree(run.path, tmp_path / run.name)
    (tmp_path / "id_rsa").write_text("secret")
    (tmp_path / run.name / "snapshots" / "notes.txt").hardlink_to(tmp_path / "id_rsa")
    assert main(["export", str(tmp_path / run.name), "--archive", str(tmp_path / "run.zip")]) == 2
    assert (
        "notes.txt` must be a file of the run alone: it has another name outside of it (a hard link)"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.some(1)
@pytest.mark.parametrize("words", [["export", "RUN", "--archive", "OUT"], ["tag", "RUN", "seen"]])
def test_a_full_disk_is_reported_with_the_files_name(words, run, tmp_path):
    """By a limit of a file's size, in a process of its own."""
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "tags.txt").write_text("before\n")
    names = {"RUN": str(tmp_path / "run"), "OUT": str(tmp_path / "run.zip")}
    code = (
        "import resource, sys; from phasescope.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *(names.get(word, word) for word in words)]
    end = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    written = names["OUT"] if "OUT" in words else f"{names['RUN']}/tags.txt"
    assert end.returncode == 2
    assert end.stderr.splitlines()[-1] == f"phasescope: `{written}` cannot be used: File too large"
    assert not (tmp_path / "run.zip").exists()
    assert (tmp_path / "run" / "tags.txt").read_text() == "before\n"


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mid = torch.nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x, t, labels):
        return self.mid(x)


def an_observation(folder: Path, golden: Run) -> Run:
    return phasescope.observe(copy_of(golden, folder), ["probing.bands=3"])


def a_watched_run_of_arrays(folder: Path, _: Run) -> Run:
    labels = np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), -1).reshape(-1, 2)
    images = np.random.default_rng(0).random((81, 8, 8)).astype(np.float32)
    fields = {"batch": 8, "latent_labels": 64, "variance_labels": 16, "p1": None}
    watcher = phasescope.watch(
        ImageWorld.from_arrays(images, labels), layers=["mid"], folder=folder / "watched", **fields
    )
    for step in (0, 5):
        watcher.record(Net(), step)
    return watcher.run


@pytest.mark.some(1)
@pytest.mark.parametrize("make", [an_observation, a_watched_run_of_arrays])
def test_an_archive_is_used_elsewhere_without_the_original(make, golden, tmp_path, monkeypatch, capsys):
    run = make(tmp_path / "runs", golden)
    assert main(["export", str(run.path), "--archive", str(tmp_path / "a.zip")]) == 0
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["import", str(tmp_path / "a.zip")]) == 0
    name = Path(capsys.readouterr().out.strip()).name
    for words in (["show", name], ["report", name], ["measure", name, "--only", "probe_r2"]):
        assert main([*words]) == 0, (words, capsys.readouterr().err)
    assert find_run(name).metrics
    assert main(["export", name, "--archive", "again.zip"]) == 0
    assert Path("again.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def test_data_that_is_needed_and_absent_is_asked_for_by_name(run, tmp_path, capsys):
    shutil.copytree(run.path, tmp_path / run.name)
    config = run.config | {"world": {"kind": "arrays", "file": "absent.npz"}}
    (tmp_path / run.name / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["measure", str(tmp_path / run.name)]) == 2
    error = capsys.readouterr().err
    assert "`absent.npz` must be a file that is there" in error
    assert error.count("\n") == 1
