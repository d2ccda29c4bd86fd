"""Many runs, whatever their workers do: resumed while they get on, given up at the second failure; and one worker."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.tiny import config_of
from phasescope import Run, UserError, load_config
from phasescope.cli import main
from phasescope.runs.engines import engine as engine_module
from phasescope.runs.engines.by_name import open_engine
from phasescope.runs.engines.engine import BUSY, LOG, LOST, Engine, Event, Worker
from phasescope.runs.engines.local import cores, run_process, start_process
from phasescope.runs.engines.worker import prepare
from phasescope.runs.store import hold

Script = list[tuple[int, int, str]]
"""of each worker in turn: its exit code, and the step and state in which it leaves the run"""


class Scripted(Engine):
    """Workers that end at the second look, as their run's script says."""

    def __init__(self, scripts: dict[Path, Script], places: int = 2):
        super().__init__(places)
        self.scripts = {folder: list(script) for folder, script in scripts.items()}
        self.alive = self.most = 0
        self.stopped: list[Path] = []

    def start(self, folder: Path) -> Worker:
        self.alive += 1
        self.most = max(self.most, self.alive)
        return Actor(self, folder, *self.scripts[folder].pop(0))


class Actor:
    def __init__(self, engine: Scripted, folder: Path, code: int, step: int, state: str):
        self.engine, self.folder, self.end, self.step, self.state = engine, folder, code, step, state
        self.looks = 0

    def poll(self) -> int | None:
        self.looks += 1
        if self.looks == 2:
            write_status(self.folder, self.step, self.state)
            self.engine.alive -= 1
        return self.end if self.looks >= 2 else None

    def terminate(self) -> None:
        self.engine.stopped.append(self.folder)

    kill = terminate


def write_status(folder: Path, step: int, state: str) -> None:
    (folder / "status.json").write_text(json.dumps({"state": state, "step": step, "steps": 40}))


DONE = (0, 40, "done")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(engine_module, "LOOK_EVERY_S", 0.0)
    return [prepare(load_config(overrides=[f"seed={seed}"]), tmp_path) for seed in range(5)]


def follow(engine: Engine, folders: list[Path]) -> tuple[dict[Path, Any], list[Event]]:
    events: list[Event] = []
    return engine.execute(folders, events.append), events


def kinds(events: list[Event], folder: Path) -> list[str]:
    return [event.kind for event in events if event.folder == folder]


def test_a_long_run_is_reported_from_time_to_time(folders: list[Path], monkeypatch):
    monkeypatch.setattr(engine_module, "REPORT_EVERY_S", 0.0)
    _, events = follow(Scripted({folders[0]: [DONE]}), folders[:1])
    assert kinds(events, folders[0]) == ["started", "running", "ended"]


def test_all_are_done_and_no_more_at_a_time_than_there_are_places(folders: list[Path]):
    write_status(folders[4], 40, "done")  # what is done is left alone
    engine = Scripted({folder: [DONE] for folder in folders[:4]})
    ends, events = follow(engine, [*folders, folders[0]])
    assert {folder: (end.state, end.attempts) for folder, end in ends.items()} == {
        **dict.fromkeys(folders, ("done", 1)), folders[4]: ("done", 0),
    }  # fmt: skip
    assert engine.most == 2
    assert kinds(events, folders[0]) == ["started", "ended"]
    assert kinds(events, folders[4]) == ["ended"]
    assert (events[-1].runs, events[-1].done, events[-1].failed, events[-1].running) == (5, 5, 0, 0)


class Signalled(Scripted):
    """A signal comes while its second worker is being started."""

    def __init__(self, folders: list[Path], number: int, times: int = 1):
        super().__init__({folder: [(0, 10, "stopped")] for folder in folders}, places=3)
        self.number, self.times, self.started = number, times, []

    def start(self, folder: Path) -> Worker:
        for _ in range(self.times if len(self.started) == 1 else 0):
            os.kill(os.getpid(), self.number)
        self.started.append(folder)
        return super().start(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_worker_is_started_stops_it_too_and_starts_no_further_one(number, folders):
    former = {each: signal.signal(each, signal.default_int_handler) for each in engine_module.SIGNALS}
    try:
        engine = Signalled(folders, number)
        with pytest.raises(KeyboardInterrupt):
            engine.execute(folders)
        assert engine.started == engine.stopped == folders[:2]
        assert {signal.getsignal(each) for each in former} == {signal.default_int_handler}
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


def test_a_second_signal_kills_what_does_not_stop(folders: list[Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Actor, "poll", lambda at: None if at.engine.stopped.count(at.folder) < 2 else -9)
    monkeypatch.setattr(engine_module, "STOP_PATIENCE_S", 600.0)
    engine = Signalled(folders, signal.SIGTERM, times=2)
    with pytest.raises(KeyboardInterrupt):
        engine.execute(folders)
    assert engine.stopped == 2 * folders[:2]


FAILURE = (1, 0, "failed")
CASES: dict[str, tuple[Script, str, int, str | None]] = {
    "fails at once, twice": ([FAILURE, FAILURE], "failed", 2, "`loss` (=nan)"),
    "fails once": ([FAILURE, DONE], "done", 2, None),
    "killed and killed": ([(-9, 0, "running")] * 2, "failed", 2, "killed by SIGKILL at step 0"),
    "killed, and further each time": (
        [(-9, 10, "running"), (-9, 20, "running"), (0, 30, "stopped"), DONE], "done", 4, None,
    ),
    "further than it was, not than ever": (
        [(-9, 20, "running"), (-9, 15, "running")], "failed", 2, "SIGKILL at step 15",
    ),
    "stopped by others": ([(0, 5, "stopped"), (0, 5, "stopped")], "failed", 2, "stopped at step 5"),
    "lost": ([(LOST, 0, "prepared")] * 2, "failed", 2, "the worker was lost at step 0"),
    "busy is no failure": ([(BUSY, 0, "prepared")] * 4 + [DONE], "done", 1, None),
    "killed after it was done": ([(-9, 40, "done")], "done", 1, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_run_is_resumed_while_it_gets_on_and_given_up_at_the_second_failure(case: str, folders: list[Path]):
    script, state, attempts, error = CASES[case]
    folder = folders[0]
    (folder / LOG).write_text("a warning\nphasescope: `loss` (=nan) must be finite\n\n")
    engine = Scripted({folder: script, folders[1]: [DONE]})
    ends, events = follow(engine, folders[:2])
    end = ends[folder]
    assert (end.state, end.attempts) == (state, attempts)
    assert error in end.error if error else end.error is None
    assert engine.scripts[folder] == []
    assert ends[folders[1]].state == "done"
    assert kinds(events, folder)[-1] == "ended"
    assert kinds(events, folder).count("retried") == attempts - 1
    assert all(event.error for event in events if event.kind == "retried")


@pytest.mark.parametrize("left", ["done", "stopped"])
def test_what_another_process_executes_is_waited_for_and_what_it_leaves_is_taken_up(left, folders):
    holding = ExitStack()
    holding.enter_context(hold(folders[0], Run(folders[0]).config))

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind == "ended" and event.folder == folders[1]:
            write_status(folders[0], 40, left)
            holding.close()

    events: list[Event] = []
    ends = Scripted({folder: [DONE] for folder in folders[:2]}).execute(folders[:2], on_event)
    assert (ends[folders[0]].state, ends[folders[0]].attempts) == ("done", int(left == "stopped"))
    assert kinds(events, folders[0])[0] == "waiting"


def test_a_run_that_another_process_ends_while_it_is_looked_at_is_not_begun_again(folders, monkeypatch):
    monkeypatch.setattr(
        "phasescope.runs.engines.engine.is_held", lambda folder: write_status(folder, 40, "done")
    )
    ends, events = follow(Scripted({}), folders[:1])
    assert (ends[folders[0]].state, ends[folders[0]].attempts) == ("done", 0)
    assert kinds(events, folders[0]) == ["ended"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_interrupts_stops_the_workers_and_is_passed_on(error: type[BaseException], folders: list[Path]):
    engine = Scripted({folder: [DONE] for folder in folders})

    def on_event(event: Event) -> None:
        if event.kind == "started" and event.folder == folders[1]:
            raise error

    with pytest.raises(error):
        engine.execute(folders, on_event)
    assert engine.stopped == folders[:2]


def test_bad_input(folders: list[Path], tmp_path: Path, monkeypatch):
    (tmp_path / "notes").mkdir()
    with pytest.raises(UserError, match=r"`folders` \(=.*notes\) must be folders of runs"):
        Scripted({}).execute([folders[0], tmp_path / "notes"])
    with pytest.raises(UserError, match=r"`workers` \(=0\) must be at least 1"):
        open_engine("local", tmp_path, workers=0)
    with pytest.raises(UserError, match=r"`engine` \(=cloud\) must be one of local, slurm, ray"):
        open_engine("cloud", tmp_path)
    assert open_engine("local", tmp_path).places == cores() >= 1
    for name, library in (("slurm", "submitit"), ("ray", "ray")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(UserError, match=rf"`engine` \(={name}\) needs .*.\[{name}\]"):
            open_engine(name, tmp_path)


def test_a_prepared_folder_is_made_once_and_one_of_another_configuration_is_refused(tmp_path: Path):
    config = load_config(overrides=["seed=3"])
    folder = prepare(config, tmp_path)
    assert folder == tmp_path / config.folder
    assert Run(folder).config == config.tree()
    assert Run(folder).status == {"state": "prepared", "step": 0, "steps": config.training.steps}
    with hold(folder, config.tree()) as writer:
        assert prepare(config, tmp_path) == folder
        writer.write_status({"state": "done"})
    assert prepare(config, tmp_path) == folder
    assert Run(folder).status["state"] == "done"
    other = load_config(overrides=["seed=4"])
    folder.rename(tmp_path / other.folder)
    with pytest.raises(UserError, match="nothing is overwritten"):
        prepare(other, tmp_path)


def said(capsys: pytest.CaptureFixture[str], folder: Path) -> tuple[int, str]:
    capsys.readouterr()
    return main(["exec", str(folder)]), capsys.readouterr().err


def test_exec_refuses_a_folder_that_is_no_runs_or_not_of_its_name(tmp_path: Path, capsys):
    folder = prepare(load_config(), tmp_path)
    assert said(capsys, tmp_path / "none") == (
        2, f"phasescope: `{tmp_path / 'none'}` must be a run's folder: it has no config.yaml\n",
    )  # fmt: skip
    renamed = folder.rename(tmp_path / "elsewhere")
    code, error = said(capsys, renamed)
    assert (code, f"must have its configuration's name: {load_config().folder}" in error) == (2, True)
    (renamed / "config.yaml").write_text(yaml.safe_dump({**load_config().tree(), "seed": -1}))
    code, error = said(capsys, renamed)
    assert (code, "`seed` (=-1)" in error) == (2, True)


@pytest.mark.slow
def test_what_is_done_or_anothers_is_left_alone_before_torch_is_imported(tmp_path: Path, capsys):
    """So a queue of jobs whose runs are done costs little."""
    config = config_of()
    folder = prepare(config, tmp_path)
    with hold(folder, config.tree()) as writer:
        assert said(capsys, folder) == (
            BUSY, f"phasescope: `{folder}` is being written by another process: wait for it, or stop it\n",
        )  # fmt: skip
        writer.write_status({"state": "done", "step": config.training.steps})
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code = "import sys; from phasescope.cli import main; code = main(sys.argv[1:]); print('torch' in sys.modules, code)"
    end = subprocess.run([sys.executable, "-c", code, "exec", str(folder)], capture_output=True, text=True)
    assert end.stdout == "False 0\n", end.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_run_that_fails_says_why_in_its_status_and_its_log(tmp_path: Path):
    folder = prepare(config_of(training={"optimiser": {"kind": "adamw", "lr": 1e30}}), tmp_path)
    assert run_process(folder) == 1
    assert "`loss` (=" in engine_module._why(folder, 1, 0)
    assert (Run(folder).status["state"], Run(folder).status["threads"]) == ("failed", 1)
    assert (folder / LOG).read_text().count("\n") == 1


def test_a_worker_that_is_asked_to_stop_leaves_a_checkpoint_and_no_lock(tmp_path: Path):
    run = Run(prepare(config_of(training={"steps": 100_000}), tmp_path))
    process = start_process(run.path)
    deadline = time.monotonic() + 600
    while run.status.get("step", 0) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 0
    assert run.status["state"] == "stopped"
    assert 1 <= run.status["step"] < 100_000
    with hold(run.path, run.config):
        pass  # nobody holds it any more
