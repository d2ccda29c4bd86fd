"""What is varied is what differs; two runs at once are held against one, in the same rounds."""

import json

from benchmarks import scaling
from benchmarks.scaling import Settings, measure
from benchmarks.timing import Timing
from phasescope import load_config


def test_only_what_is_varied_differs():
    base = load_config(overrides=["preset=small"]).tree()
    for varied, contenders in Settings().varied().items():
        for value, contender in contenders.items():
            tree = load_config(overrides=contender.arguments["words"]).tree()
            if varied == "batch":
                assert tree["training"].pop("batch") == value
            elif varied == "canvas":
                assert tree["world"].pop("canvas") == value
            elif varied == "increment":
                assert tree["world"]["design"].pop("dx") == tree["world"]["design"].pop("dy") == value
            else:
                assert contender.threads == value
            assert all(tree[part].items() <= base[part].items() for part in ("network", "training", "family"))


class Clock:
    """A worker of a machine on which each of two at once takes 1.25 times as long as one alone."""

    at_work = 0

    def __init__(self, contender):
        self.missing, self.facts, self.contender, self.built_mb = None, {"batch": 10}, contender, 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def start(self, steps):
        Clock.at_work += 1
        self.steps = steps

    def seconds(self):
        return self.steps * 1.25

    def run(self, steps):
        assert Clock.at_work in (0, 2)
        Clock.at_work = 0
        return steps * 1.0

    def steps_for(self, turn_s):
        return 4

    def peak_mb(self):
        return 100.0


def test_two_at_once_are_held_against_one_alone(monkeypatch):
    monkeypatch.setattr(scaling, "Worker", Clock)
    record = scaling._together(Settings(rounds=5))
    assert record["alone_images_per_s"]["median"] == 10.0
    assert record["together_images_per_s"]["median"] == 16.0
    assert record["ratio"] == {"median": 1.6, "low": 1.6, "high": 1.6, "n": 5}
    assert record["peak_mb"] == 200.0


def test_every_record_says_all_that_its_table_needs(tmp_path, monkeypatch):
    def timed(contenders, rounds, *_):
        facts = {"batch": 10, "parameters": 1, "forward_mflop": 1.0}
        return [Timing(contender, facts, (1.0,) * rounds, 1.0, 2.0) for contender in contenders]

    monkeypatch.setattr(scaling, "Worker", Clock)
    monkeypatch.setattr(scaling, "interleave", timed)
    measure(tmp_path)
    found = json.loads((tmp_path / "scaling.json").read_text())["sections"]
    counts = {varied: len(records) for varied, records in found.items()}
    assert counts == {"batch": 7, "canvas": 3, "increment": 4, "threads": 2, "two at once": 1}
    signed = {"host", "cpu", "versions", "git_commit", "measured", "threads", "device", "missing", "name"}
    for varied, records in found.items():
        for record in records:
            assert record["missing"] is None
            assert signed | {"batch", "peak_mb"} <= set(record)
            if varied != "two at once":
                assert record["images_per_s"]["n"] == 5
                assert record["varied"] == varied
    assert [record["value"] for record in found["batch"]] == [8, 16, 32, 64, 128, 256, 512]
