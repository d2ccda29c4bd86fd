"""Who is compared with whom, and that a record says all that its table needs."""

import json

import pytest

from benchmarks import machine, throughput
from benchmarks.throughput import Settings, best_modes, fastest, measure, told
from benchmarks.timing import Contender, Timing

SIGNED = {
    "host", "cpu", "cores", "versions", "git_commit", "measured", "threads", "device", "missing", "name",
}  # fmt: skip
QUICK = {"rounds": 2, "steps": 1, "turn_s": 0.0, "threads": 1, "batch": 4, "sizes": (128,)}
STEP_FIELDS = SIGNED | {
    "batch", "canvas", "precision", "parameters", "forward_mflop", "step_mflop", "images_per_s",
    "gflop_per_s", "peak_share", "peak_mb", "built_mb", "kind",
}  # fmt: skip


def mode(peer: str, precision: str, channels_last: bool, rate: float | None) -> dict:
    missing = None if rate else "not installed"
    record = {"peer": peer, "precision": precision, "channels_last": channels_last, "missing": missing}
    return record | ({"images_per_s": {"median": rate}} if rate else {})


def test_the_quicker_layout_is_a_peers_mode_and_the_quickest_mode_makes_the_fastest_peer():
    modes = [
        mode("a", "float32", False, 70.0),
        mode("a", "float32", True, 60.0),
        mode("a", "bfloat16", False, 90.0),
        mode("a", "bfloat16", True, 100.0),
        mode("b", "float32", False, 80.0),
        mode("b", "float32", True, 85.0),
        mode("c", "float32", False, None),
        mode("c", "float32", True, None),
    ]
    best = best_modes(modes)
    chosen = {(m["peer"], m["precision"]): m["channels_last"] for m in best}
    assert chosen == {
        ("a", "float32"): False,
        ("a", "bfloat16"): True,
        ("b", "float32"): True,
        ("c", "float32"): False,
    }
    assert fastest(best) == "a"
    assert fastest([m for m in best if m["peer"] == "c"]) is None


def test_shares_and_ratios_are_taken_round_by_round():
    """A round in which the machine is half as fast for all moves none of them."""
    facts = {"batch": 10, "step_mflop": 2000.0, "precision": "float32"}
    ours = Timing(Contender("ours", ""), facts, (0.1, 0.2, 0.1), 1.0, 2.0)
    theirs = Timing(Contender("theirs", ""), facts, (0.2, 0.4, 0.2), 1.0, 2.0)
    record = told(ours, "own", peak_rates=(400.0, 200.0, 400.0), against=theirs)
    assert record["ratio"] == {"median": 2.0, "low": 2.0, "high": 2.0, "n": 3}
    assert record["peak_share"]["low"] == record["peak_share"]["high"] == pytest.approx(0.5)
    assert record["images_per_s"] == {"median": 100.0, "low": 50.0, "high": 100.0, "n": 3}
    assert record["gflop_per_s"]["median"] == pytest.approx(200.0)
    assert record["against"] == "theirs"


def test_what_is_missing_is_told_with_its_reason(capsys):
    record = told(Timing(Contender("theirs", ""), missing="ModuleNotFoundError: No module named 'theirs'"))
    assert record["missing"] == "ModuleNotFoundError: No module named 'theirs'"
    assert "missing, ModuleNotFoundError" in capsys.readouterr().err


def test_the_best_product_is_the_peak_of_its_precision():
    rates = {"mm 1": 100.0, "onednn 1": 230.0, "onednn 2": 220.0}
    records = [
        {"precision": "float32", "name": name, "gflop_per_s": {"median": rate}}
        for name, rate in rates.items()
    ]
    records.append({"precision": "bfloat16", "name": "mm 1", "missing": "why"})
    assert {precision: found["name"] for precision, found in machine.peaks(records).items()} == {
        "float32": "onednn 1"
    }


@pytest.mark.parametrize(
    ("precision", "route"), [("float32", "mm"), ("float32", "onednn"), ("bfloat16", "mm")]
)
def test_operations_of_the_matrix_product_are_those_that_torch_counts(precision, route):
    from torch.utils.flop_counter import FlopCounterMode

    built = machine.matrix_product(precision, 64, route, "cpu")
    assert built.facts["gflop"] * 1e9 == pytest.approx(2 * 64**3)
    if route == "mm":
        with FlopCounterMode(display=False) as counter:
            built.advance(3)
        assert counter.get_total_flops() == 3 * 2 * 64**3
    else:
        built.advance(3)


@pytest.mark.slow
def test_measured(tmp_path):
    pytest.importorskip("azula")
    settings = Settings(**QUICK, peers=("azula",), precisions=("float32",))
    measure(tmp_path, settings)
    found = json.loads((tmp_path / "throughput.json").read_text())["sections"]
    assert set(found) == {"matrix product", "modes of azula", "steps in float32"}
    assert {record["channels_last"] for record in found["modes of azula"]} == {False, True}
    product, *steps = found["steps in float32"]
    assert {*SIGNED, "gflop_per_s", "kind"} <= set(product)
    assert [step["kind"] for step in steps] == ["peer", "own", "brought", "same shape"]
    for step in steps:
        assert step["missing"] is None
        assert set(step) >= STEP_FIELDS
        assert step["images_per_s"]["n"] == settings.rounds
        if step["kind"] != "peer":
            assert step["against"] == steps[0]["name"]
            assert step["ratio"]["n"] == settings.rounds
    peer, own, brought, alike = steps
    assert brought["parameters"] == peer["parameters"]
    assert brought["step_mflop"] == peer["step_mflop"]
    assert own["parameters"] == pytest.approx(peer["parameters"], rel=0.05)
    assert alike["forward_mflop"] == pytest.approx(peer["forward_mflop"], rel=0.05)


def test_a_second_call_measures_nothing_again(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(throughput.machine, "measure_peak", lambda *a, **k: calls.append("peak") or [])
    settings = Settings(**QUICK, peers=())
    measure(tmp_path, settings)
    measure(tmp_path, settings)
    assert calls == ["peak"]
