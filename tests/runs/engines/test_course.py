"""The course of many runs, whatever their workers do: resumed while they get on, given up at the second failure, told."""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from phasescope.core.errors import UserError
from phasescope.runs.config import load_config
from phasescope.runs.engines import Engine, Event, open_engine
from phasescope.runs.engines import base as base_module
from phasescope.runs.engines.workers import BUSY, LOG, LOST, Worker, cores
from phasescope.runs.store import Run, hold
from phasescope.runs.worker import prepare

Script = list[tuple[int, int, str]]
"""of each worker in turn: its exit code, and the step and state in which it leaves the run"""


class Scripted(Engine):
    """Workers that end at the second look, as their run's script says."""

    def __init__(self, scripts: dict[Path, Script], places: int = 2):
        super().__init__(places, look_every_s=0.0)
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
def folders(tmp_path: Path) -> list[Path]:
    return [prepare(load_config(words=[f"seed={seed}"]), tmp_path) for seed in range(5)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "QUEUE_EVERY_S", 0.0)


def follow(engine: Engine, folders: list[Path]) -> tuple[dict[Path, Any], list[Event]]:
    events: list[Event] = []
    return engine.execute(folders, events.append), events


def kinds(events: list[Event], folder: Path) -> list[str]:
    return [event.kind for event in events if event.folder == folder and event.kind != "progress"]


def test_all_are_done_and_no_more_at_a_time_than_there_are_places(folders: list[Path]):
    engine = Scripted({folder: [DONE] for folder in folders})
    ends, events = follow(engine, [*folders, folders[0]])
    assert {end.state for end in ends.values()} == {"done"}
    assert set(ends) == set(folders)
    assert engine.most == 2
    for folder in folders:
        assert kinds(events, folder) == ["started", "ended"]
        assert ends[folder].attempts == 1
    last = events[-1].tally
    assert (last.runs, last.done, last.failed, last.running) == (5, 5, 0, 0)
    assert (last.work_left, last.work_done) == (0.0, 5.0)
    assert last.eta_s == 0.0


def test_what_is_done_is_left_alone(folders: list[Path]):
    write_status(folders[0], 40, "done")
    before = (folders[0] / "status.json").stat().st_mtime_ns
    ends, events = follow(Scripted({}), folders[:1])
    assert (ends[folders[0]].state, ends[folders[0]].attempts) == ("done", 0)
    assert [event.kind for event in events] == ["ended"]
    assert events[0].end == ends[folders[0]]
    assert (folders[0] / "status.json").stat().st_mtime_ns == before


class Signalled(Scripted):
    """Of which a signal comes while a worker is being started; one worker does not hear that it should stop."""

    def __init__(self, folders: list[Path], number: int, times: int = 1):
        super().__init__({folder: [(0, 10, "stopped")] for folder in folders}, places=3)
        self.number, self.times, self.started = number, times, []

    def start(self, folder: Path) -> Worker:
        for _ in range(self.times if len(self.started) == 1 else 0):
            os.kill(os.getpid(), self.number)
        self.started.append(folder)
        return super().start(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_worker_is_started_stops_it_too_and_starts_no_further_one(
    number: int, folders: list[Path]
):
    former = {one: signal.signal(one, signal.default_int_handler) for one in base_module.SIGNALS}
    try:
        engine = Signalled(folders, number)
        with pytest.raises(KeyboardInterrupt):
            engine.execute(folders)
        assert engine.started == folders[:2]
        assert engine.stopped == folders[:2]
        assert {one: signal.getsignal(one) for one in former} == dict.fromkeys(
            former, signal.default_int_handler
        )
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


def test_a_second_signal_kills_what_does_not_stop(folders: list[Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        Actor, "poll", lambda self: None if self.engine.stopped.count(self.folder) < 2 else -9
    )
    monkeypatch.setattr(base_module, "STOP_PATIENCE_S", 600.0)
    engine = Signalled(folders, signal.SIGTERM, times=2)
    with pytest.raises(KeyboardInterrupt):
        engine.execute(folders)
    assert engine.stopped == 2 * folders[:2]


FAILURE = (1, 0, "failed")
CASES: dict[str, tuple[Script, str, int, str | None]] = {
    "fails at once, twice": ([FAILURE, FAILURE], "failed", 2, "`loss` (=nan)"),
    "fails once": ([FAILURE, DONE], "done", 2, None),
    "fails at the same step again": ([(1, 7, "failed")] * 2, "failed", 2, "`loss` (=nan)"),
    "killed and killed": ([(-9, 0, "running")] * 2, "failed", 2, "killed by SIGKILL at step 0"),
    "killed, and further each time": (
        [(-9, 10, "running"), (-9, 20, "running"), (0, 30, "stopped"), DONE], "done", 4, None,
    ),
    "further, then not": (
        [(-9, 10, "running"), (-9, 20, "running"), (-15, 20, "running")], "failed", 3, "SIGTERM at step 20",
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


def test_what_another_process_executes_is_waited_for(folders: list[Path], quick: None):
    """That its folder is held is seen before a worker is started; in the end it is done without one."""
    holding = ExitStack()
    holding.enter_context(hold(folders[0], Run(folders[0]).config))

    class Patient(Scripted):
        def start(self, folder: Path) -> Worker:
            assert folder != folders[0]
            return super().start(folder)

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind == "ended" and event.folder == folders[1]:
            write_status(folders[0], 20, "running")
        if event.kind == "progress" and event.folder == folders[0]:
            write_status(folders[0], 40, "done")
            holding.close()

    events: list[Event] = []
    ends = Patient({folders[1]: [DONE]}).execute(folders[:2], on_event)
    assert (ends[folders[0]].state, ends[folders[0]].attempts) == ("done", 0)
    assert kinds(events, folders[0]) == ["waiting", "ended"]
    assert next(event.error for event in events if event.kind == "waiting") == "another process executes it"


def test_what_another_process_left_is_taken_up(folders: list[Path], quick: None):
    holding = ExitStack()
    holding.enter_context(hold(folders[0], Run(folders[0]).config))

    def on_event(event: Event) -> None:
        if event.kind == "waiting":
            holding.close()

    ends = Scripted({folders[0]: [DONE]}).execute(folders[:1], on_event)
    assert (ends[folders[0]].state, ends[folders[0]].attempts) == ("done", 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_interrupts_stops_the_workers_and_is_passed_on(error: type[BaseException], folders: list[Path]):
    engine = Scripted({folder: [DONE] for folder in folders})

    def on_event(event: Event) -> None:
        if event.kind == "started" and event.folder == folders[1]:
            raise error

    with pytest.raises(error):
        engine.execute(folders, on_event)
    assert engine.stopped == folders[:2]


def test_the_time_that_is_left_follows_from_the_steps(folders: list[Path]):
    write_status(folders[0], 20, "stopped")
    engine = Scripted(
        {folders[0]: [(-9, 30, "running"), DONE], folders[1]: [DONE], folders[2]: [FAILURE] * 2}
    )
    _, events = follow(engine, folders[:3])
    first = events[0].tally
    assert first.eta_s is None
    assert first.work_left == 2.5
    for event in events:
        tally = event.tally
        if tally.eta_s is not None:
            assert tally.eta_s == pytest.approx(tally.elapsed_s / tally.work_done * tally.work_left)
    assert (events[-1].tally.done, events[-1].tally.failed) == (2, 1)
    assert events[-1].tally.work_done == 1.5


def test_bad_input(folders: list[Path], tmp_path: Path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(UserError, match=r"`folders` \(=.*notes\) must be folders of runs"):
        Scripted({}).execute([folders[0], tmp_path / "notes"])
    with pytest.raises(UserError, match=r"`workers` \(=0\) must be at least 1"):
        open_engine("local", tmp_path, workers=0)
    with pytest.raises(UserError, match=r"`engine` \(=cloud\) must be one of local, slurm, ray"):
        open_engine("cloud", tmp_path)
    assert open_engine("local", tmp_path).places == cores() >= 1


@pytest.mark.parametrize(("name", "library"), [("slurm", "submitit"), ("ray", "ray")])
def test_an_engine_whose_library_is_missing_says_so(name: str, library: str, tmp_path: Path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UserError, match=rf"`engine` \(={name}\) needs .*.\[{name}\]"):
        open_engine(name, tmp_path)


def test_a_prepared_folder_says_what_it_is(tmp_path: Path):
    config = load_config(words=["seed=3"])
    folder = prepare(config, tmp_path)
    run = Run(folder)
    assert folder == tmp_path / config.folder
    assert run.config == config.tree()
    assert run.status == {"state": "prepared", "step": 0, "steps": config.training.steps}
    with hold(folder, config.tree()) as writer:
        assert prepare(config, tmp_path) == folder
        writer.write_status({"state": "done"})
    assert prepare(config, tmp_path) == folder
    assert run.status["state"] == "done"


def test_a_folder_of_another_configuration_is_refused(tmp_path: Path):
    config = load_config(words=["seed=3"])
    other = load_config(words=["seed=4"])
    with hold(tmp_path / config.folder, other.tree()):
        pass
    with pytest.raises(UserError, match="nothing is overwritten"):
        prepare(config, tmp_path)
