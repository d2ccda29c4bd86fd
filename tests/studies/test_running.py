"""A study from nothing to its page, with real runs of seconds; then what is there is not computed again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_study import ONE, OTHER, WORDS, read_norm, study

from phasescope.config import UserError
from phasescope.engines import Event
from phasescope.store.files import sha256
from phasescope.store.records import is_result, merge_records, read_estimators, read_records, some_columns
from phasescope.studies.core.declaration import declare, read_declaration
from phasescope.studies.core.looks import judge
from phasescope.studies.core.records import (
    CLAIMS,
    RECORDS,
    read_claims,
    read_frame,
)
from phasescope.studies.core.running import Survey, conduct, execute, judge_records, survey
from phasescope.studies.core.study import Amendment, Reading, Study
from phasescope.views.claim_words import FEW, amendment_words
from phasescope.views.figures.studies import write_figures
from phasescope.views.report.results import render_results, write_results
from phasescope.views.report.study_page import render_html, write_html
from phasescope.views.terminal.claims import print_claims, read_all

READING = Reading("norm", read_norm)


@dataclasses.dataclass
class Place:
    runs: Path
    results: Path

    def survey(self, of: Study, seeds: int | None = None, preset: str | None = None, look: int = 1) -> Survey:
        return survey(of, seeds, preset, self.runs, self.results, look)

    def conduct(self, of: Study, seeds: int | None = None) -> dict[str, dict[str, Any]]:
        """Its claims, by name, after a study was conducted whose runs are all there or fail."""
        conduct(self.survey(of, seeds), "local", lambda event: None)
        return self.claims(of)

    def claims(self, of: Study) -> dict[str, dict[str, Any]]:
        told = read_claims(self.results / of.name)
        assert told is not None
        return {claim["name"]: claim for claim in told["claims"]}

    def states(self, of: Study, seeds: int | None = None) -> list[str]:
        return [standing.state for standing in self.survey(of, seeds).standings]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Place:
    """The tiny study, run by the local engine: first one seed, then all."""
    folder = tmp_path_factory.mktemp("study")
    place = Place(folder / "runs", folder / "results")
    tiny = study(readings=(READING,))
    assert place.states(tiny) == ["absent"] * 3
    events: list[Event] = []
    assert execute(place.survey(tiny, seeds=1), "local", events.append) == []
    assert [event.kind for event in events].count("started") == 2
    assert place.states(tiny) == ["recorded", "recorded", "absent"]
    shutil.rmtree(place.runs)
    events.clear()
    assert execute(place.survey(tiny), "local", events.append) == []
    assert [event.kind for event in events].count("started") == 1
    folder = place.results / tiny.name
    assert judge_records(tiny, folder)
    write_figures(tiny, folder)
    return place


@pytest.fixture
def copy(done, tmp_path) -> Place:
    shutil.copytree(done.results, tmp_path / "results")
    return Place(tmp_path / "runs", tmp_path / "results")


def test_records_hold_every_run_its_cells_and_its_readings(done):
    frame = read_frame(study(), done.results / "tiny")
    assert frame.groupby("cell")["seed"].unique().map(sorted).to_dict() == {"one": [0, 1], "other": [0]}
    assert frame.groupby("digest")["step"].apply(sorted).map(list).map(tuple).unique().tolist() == [
        (0, 10, 20)
    ]
    assert frame["norm.mean"].notna().all()
    assert frame.groupby("cell")["config.world.sigma_px"].agg(["min", "max"]).to_numpy().tolist() == [
        [1, 1],
        [2, 2],
    ]


def test_what_is_recorded_is_not_run_again(copy):
    tiny = study(readings=(READING,))
    assert copy.states(tiny) == ["recorded"] * 3
    before = (copy.results / "tiny" / RECORDS).read_bytes()
    assert execute(copy.survey(tiny), "local", lambda event: pytest.fail(str(event))) == []
    assert (copy.results / "tiny" / RECORDS).read_bytes() == before
    assert not copy.runs.exists()


def test_another_study_takes_records_and_leaves_readings(copy):
    again = study("again")
    assert copy.states(again) == ["elsewhere"] * 3
    execute(copy.survey(again), "local", lambda event: pytest.fail(str(event)))
    assert copy.states(again) == ["recorded"] * 3
    mine, its = (read_records(copy.results / name / RECORDS) for name in ("again", "tiny"))
    results = [name for name in its if is_result(name) and name not in ("norm.mean", "readings")]
    assert set(its) - set(mine) == {"norm.mean", "readings"}
    assert not set(mine) - set(its)
    assert mine[results].equals(its[results])
    assert read_estimators(copy.results / "again" / RECORDS) == read_estimators(
        copy.results / "tiny" / RECORDS
    )


def test_a_reading_that_is_not_recorded_needs_the_run(copy, done):
    other = study("tiny", readings=(READING, Reading("more", read_norm)))
    assert copy.states(other) == ["absent"] * 3
    shutil.copytree(done.runs, copy.runs)
    by_seed = {
        standing.config.seed: standing.state
        for standing in copy.survey(other).standings
        if "one" in standing.cells
    }
    assert by_seed == {0: "absent", 1: "done"}


def test_a_run_that_was_done_outside_is_recorded(copy, done):
    shutil.copytree(done.runs, copy.runs)
    shutil.rmtree(copy.results)
    alone = study("alone", cells=(dataclasses.replace(ONE, seeds=2),))
    assert copy.states(alone) == ["absent", "done"]
    only = dataclasses.replace(copy.survey(alone), standings=copy.survey(alone).standings[1:])
    told: list[str] = []
    execute(only, "local", lambda event: pytest.fail(str(event)), told.append)
    assert len(told) == 1
    one, whole = read_records(copy.results / "alone" / RECORDS), read_records(done.results / "tiny" / RECORDS)
    its = whole[whole["digest"] == one["digest"].iloc[0]].reset_index(drop=True)
    results = [name for name in one if is_result(name) and name not in ("cells", "readings")]
    assert one[results].equals(its[results])


def test_a_run_in_two_cells_counts_in_both(copy):
    both = study("both", cells=(ONE, dataclasses.replace(ONE, name="same", seeds=1), OTHER))
    assert len(copy.survey(both).standings) == 3
    execute(copy.survey(both), "local", lambda event: pytest.fail(str(event)))
    frame = read_frame(both, copy.results / "both")
    assert frame.groupby("cell")["seed"].nunique().to_dict() == {"one": 2, "same": 1, "other": 1}


def test_a_later_cell_is_told_of_runs_that_are_recorded(copy):
    wider = study("tiny", cells=(ONE, dataclasses.replace(ONE, name="same", seeds=2), OTHER))
    assert copy.states(wider) == ["recorded"] * 3
    execute(copy.survey(wider), "local", lambda event: pytest.fail(str(event)))
    frame = read_frame(wider, copy.results / "tiny")
    assert frame.groupby("cell")["seed"].nunique().to_dict() == {"one": 2, "same": 2, "other": 1}


def test_what_was_recorded_under_another_configuration_counts_in_no_cell(copy):
    """A cell, a seed, but not the identity that the study gives them: else each seed would count twice."""
    tiny, path = study(readings=(READING,)), copy.results / "tiny" / RECORDS
    before = read_frame(tiny, path.parent)
    former = read_records(path).assign(digest=lambda frame: "0" * 4 + frame["digest"].str[4:])
    rows = [
        {str(key): value for key, value in row.items() if value == value} for row in former.to_dict("records")
    ]
    merge_records(path, [{**row, "order.mid.40.value": 9.0} for row in rows])
    assert len(read_records(path)) == 2 * len(former)
    assert read_frame(tiny, path.parent)[before.columns].equals(before)
    assert copy.states(tiny) == ["recorded"] * 3
    assert judge_records(tiny, path.parent)
    told = read_claims(path.parent)
    assert told is not None
    assert told["records"]["runs"] == 3


def test_a_run_that_fails_is_reported_and_the_others_are_kept(copy):
    broken = dataclasses.replace(ONE, name="broken", fields=(*WORDS, "training.precision=tf32"), seeds=1)
    mixed = study("mixed", cells=(broken, OTHER))
    failed = execute(copy.survey(mixed), "local", lambda event: None)
    assert [end.attempts for end in failed] == [2]
    assert "`training.precision` (=tf32)" in str(failed[0].error)
    assert set(read_frame(mixed, copy.results / "mixed")["cell"]) == {"other"}


def test_the_cost_is_that_of_runs_like_it(copy):
    found = copy.survey(study("new", cells=(dataclasses.replace(ONE, seeds=9),)))
    assert len(found.to_run) == 7
    ends = read_records(copy.results / "tiny" / RECORDS).groupby("digest")["cpu_s"].max()
    assert found.cost_s(found.to_run) == pytest.approx(7 * ends.mean())
    assert [standing.images for standing in found.to_run] == [160] * 7
    plain = dataclasses.replace(ONE, fields=(*WORDS, "world.sigma_px=1.5"))
    unknown = copy.survey(study("new", cells=(plain,)), seeds=1, preset="demo")
    assert len(unknown.to_run) == 1
    assert unknown.cost_s(unknown.to_run) is None


def test_claims_are_those_of_the_records(done):
    folder = done.results / "tiny"
    told = read_claims(folder)
    assert told is not None
    assert not told["stale"]
    assert told["records"] == {"sha256": sha256(folder / RECORDS), "runs": 3, "rows": 9}
    assert told["claims"] == json.loads(
        json.dumps([v.to_dict() for v in judge(study(), read_frame(study(), folder))])
    )
    assert {claim["name"]: claim["verdict"] for claim in told["claims"]} == {
        "right": "undecided",
        "low": "supported",
        "many": "undecided",
    }


def test_records_that_changed_make_claims_stale_and_no_page(copy):
    folder = copy.results / "tiny"
    records = folder / RECORDS
    records.write_bytes((done_bytes := records.read_bytes()) + b" ")
    assert read_claims(folder)["stale"]
    records.write_bytes(done_bytes)
    assert not read_claims(folder)["stale"]
    (folder / CLAIMS).unlink()
    assert read_claims(folder) is None
    with pytest.raises(UserError, match="judge them first"):
        render_results([study()], copy.results, copy.results / "page.md")


def test_the_page_says_what_claims_and_records_say(copy):
    page = copy.results.parent / "docs" / "results.md"
    write_results([study()], copy.results, page)
    of_study = page.parent / "results" / "tiny.md"
    text, whole = page.read_text(), of_study.read_text()
    told = read_claims(copy.results / "tiny")
    assert told is not None
    for claim in told["claims"]:
        assert claim["why"] in whole
        assert f"{claim['value']:.3g}" in text
        assert f"(results/tiny.md#{claim['name']})" in text
        assert f'<a id="{claim["name"]}"></a>' in whole
    assert "![Order](../../results/tiny/order.png)" in whole
    assert (of_study.parent / "../../results/tiny/order.png").exists()
    assert "3 runs." in whole
    assert "3 distinct runs" in text
    again = render_results([study()], copy.results, page)
    assert again == {page: text, of_study: whole}


def test_a_study_that_is_only_declared_keeps_no_page_waiting(copy):
    other = study("declared")
    declare(other, copy.results / "declared", 0)
    page = copy.results.parent / "docs" / "results.md"
    told = render_results([study(), other], copy.results, page)
    assert {path.name for path in told} == {"results.md", "tiny.md"}
    with pytest.raises(UserError, match="must hold the records of a study"):
        render_results([other], copy.results, page)


def test_pages_tell_what_was_declared_what_was_amended_and_how_controls_went(copy):
    folder = copy.results / "tiny"
    declare(study(), folder, 3)
    amended = dataclasses.replace(
        study(), seeds=3, amendments=(Amendment("2030-01-02", "Two were too few."),)
    )
    declare(amended, folder, 3)
    tried = {
        "study": "tiny",
        "name": "low",
        "power_supported": 0.95,
        "power_refuted": 0.8,
        "wrong": 0.03,
        "cannot": "",
    }
    untold = {**tried, "name": "many", "power_supported": None, "power_refuted": None, "wrong": None}
    (copy.results / "controls.json").write_text(json.dumps([tried, untold, {**tried, "study": "other"}]))
    write_results([amended], copy.results, judge=True)
    page = copy.results.parent / "docs" / "results.md"
    whole = render_results([amended], copy.results, page)[page.parent / "results" / "tiny.md"]
    html = render_html(amended, folder)
    for text in (whole, html):
        assert "when 3 of its runs were there: 2 cells, 3 seeds each" in text
        assert "2030-01-02: Two were too few." in text
    assert "`looks` was" in whole
    assert "| low | 95.0% | 80.0% | 3.0% |" in whole
    assert "<td>low</td><td>95.0%</td><td>80.0%</td><td>3.0%</td>" in html
    assert whole.count("95.0%") == 1


@pytest.mark.parametrize("damage", ["{", "[1]", "{}", '[{"study": "tiny"}]'])
def test_damaged_controls_are_told_of(copy, damage):
    (copy.results / "controls.json").write_text(damage)
    with pytest.raises(UserError, match=r"controls\.json"):
        render_html(study(), copy.results / "tiny")


def test_a_page_and_records_that_differ_are_told_apart(copy):
    page = copy.results.parent / "docs" / "results.md"
    write_results([study()], copy.results, page)
    records = copy.results / "tiny" / RECORDS
    first = read_records(records).iloc[0]
    change = {"digest": first["digest"], "step": int(first["step"]), "order.mid.40.value": 0.0}
    merge_records(records, [change])
    assert judge_records(study(), records.parent)
    of_study = page.parent / "results" / "tiny.md"
    assert render_results([study()], copy.results, page)[of_study] != of_study.read_text()


def test_a_study_s_report_is_one_page_that_asks_for_nothing(copy):
    path = write_html(study(), copy.results / "tiny")
    text = path.read_text()
    assert path.name == "report.html"
    assert "<svg" in text
    assert "It scores below 2." in text
    assert "src=" not in text
    assert "default-src 'none'" in text
    assert text == render_html(study(), copy.results / "tiny")


def test_no_seeds_are_refused(done):
    with pytest.raises(UserError, match="`--seeds` \\(=0\\)"):
        done.survey(study(), seeds=0)


def test_some_columns_are_those_of_the_whole(done):
    path = done.results / "tiny" / RECORDS
    whole, some = read_records(path), some_columns(path, ("digest", "cpu_s", "nothing"))
    assert some["digest"].tolist() == whole["digest"].tolist()
    assert some["cpu_s"].tolist() == whole["cpu_s"].tolist()
    assert set(some["nothing"].tolist()) == {None}
    (path.parent / "no.parquet").write_text("nothing")
    with pytest.raises(UserError, match="must be a Parquet file"):
        some_columns(path.parent / "no.parquet", ("digest",))
    (path.parent / "no.parquet").unlink()


def refused(place: Place, of: Study, message: str, **asked: Any) -> None:
    with pytest.raises(UserError, match=message):
        place.survey(of, **asked)


def test_a_study_is_declared_before_its_first_run_and_stands_by_it(copy):
    tiny = study(readings=(READING,))
    copy.conduct(tiny)
    told, declaration = read_claims(copy.results / "tiny"), read_declaration(copy.results / "tiny")
    assert told is not None
    assert declaration is not None
    assert told["declaration"] == {"date": declaration.date, "amended": []}
    assert declaration.recorded == 3
    before = {file: file.read_bytes() for file in (copy.results / "tiny").iterdir()}
    claims = (dataclasses.replace(tiny.claims[0], threshold=0.4), *tiny.claims[1:])
    changed = dataclasses.replace(tiny, claims=claims)
    with pytest.raises(UserError, match=r"`threshold` of the claim `right` was 0\.5 and is 0\.4"):
        conduct(copy.survey(changed), "no engine", lambda event: pytest.fail(str(event)))
    with pytest.raises(UserError, match=r"`threshold` of the claim `right` was 0\.5 and is 0\.4"):
        judge_records(changed, copy.results / "tiny")
    assert {file: file.read_bytes() for file in (copy.results / "tiny").iterdir()} == before


def test_of_many_changes_those_of_claims_are_told():
    of_claim = "`threshold` of the claim `right` was 0.5 and is 0.4"
    amended = {
        "date": "2026-12-01",
        "reason": "A slip.",
        "changed": [of_claim, *["a cell was another"] * FEW],
    }
    assert amendment_words([amended]) == [
        f"2026-12-01: A slip. ({of_claim}; {FEW} changes of cells and constants)"
    ]
    assert amendment_words([{**amended, "changed": [of_claim, "a cell was another"]}]) == [
        f"2026-12-01: A slip. ({of_claim}; a cell was another)"
    ]


def test_an_amendment_is_told_wherever_claims_are(copy, capsys):
    tiny = study(readings=(READING,))
    copy.conduct(tiny)
    claims = (dataclasses.replace(tiny.claims[0], threshold=0.4), *tiny.claims[1:])
    amended = dataclasses.replace(tiny, claims=claims, amendments=(Amendment("2026-12-01", "A slip."),))
    assert copy.conduct(amended)["right"]["threshold"] == 0.4
    words = "2026-12-01: A slip. (`threshold` of the claim `right` was 0.5 and is 0.4)"
    write_figures(amended, copy.results / "tiny")
    page = copy.results.parent / "results.md"
    assert (
        f"**Amended** {words}"
        in render_results([amended], copy.results, page)[page.parent / "results" / "tiny.md"]
    )
    assert "<strong>Amended</strong> 2026-12-01: A slip." in render_html(amended, copy.results / "tiny")
    print_claims(read_all([amended], copy.results))
    assert "amended 2026-12-01: A slip. (1 change)" in " ".join(capsys.readouterr().out.split())


def test_fewer_seeds_are_a_rehearsal_that_decides_nothing(copy):
    """Three runs of the four that are declared, whatever was asked for."""
    whole = dataclasses.replace(study("rehearsed"), seeds=3)
    found = copy.conduct(whole, seeds=2)
    assert {claim["verdict"] for claim in found.values()} == {"undecided"}
    assert {claim["look"] for claim in found.values()} == {0}
    assert {claim["why"] for claim in found.values()} == {"look 1 has 3 of 4 runs"}
    assert found["low"]["n"] == 2
    refused(copy, whole, r"`--seeds` \(=4\) must be at most 3: a study's seeds are declared", seeds=4)


def test_a_second_look_adds_its_seeds_when_the_first_is_whole_and_undecided(copy):
    tiny = study(readings=(READING,))
    twice = dataclasses.replace(tiny, more=2)
    refused(copy, tiny, r"`--look` \(=2\) must be 1: `tiny` declares no second look", look=2)
    refused(copy, twice, r"`--seeds` \(=1\) must be left out with `--look 2`", look=2, seeds=1)
    refused(
        copy,
        dataclasses.replace(twice, seeds=3),
        r"`--look` \(=2\) must wait for the first: 3 of 4 runs are recorded",
        look=2,
    )
    decided = dataclasses.replace(twice, claims=tuple(one for one in tiny.claims if one.name == "low"))
    refused(copy, decided, r"the first look has decided every claim of `tiny`", look=2)
    one = dataclasses.replace(tiny.claims[0], cells=("one",))
    found = copy.survey(dataclasses.replace(twice, claims=(one, tiny.claims[1])), look=2)
    assert [(s.cells, s.config.seed, s.state) for s in found.standings] == [
        (("one",), 0, "recorded"),
        (("other",), 0, "recorded"),
        (("one",), 1, "recorded"),
        (("one",), 2, "absent"),
        (("one",), 3, "absent"),
    ]
    assert copy.conduct(twice)["right"]["why"].endswith("; look 2 has 0 of 4 runs")


@pytest.mark.slow
def test_a_run_that_fails_for_good_leaves_its_claims_undecided_and_is_told_of(copy):
    broken = dataclasses.replace(ONE, name="broken", fields=(*WORDS, "training.precision=tf32"), seeds=1)
    tiny = study("broken")
    on_it = dataclasses.replace(tiny.claims[1], name="on it", cells=("one", "broken"))
    off_it = dataclasses.replace(tiny.claims[1], cells=("one",))
    mixed = dataclasses.replace(tiny, cells=(ONE, OTHER, broken), claims=(on_it, off_it))
    found = copy.conduct(mixed)
    assert (found["on it"]["verdict"], found["on it"]["why"]) == (
        "undecided",
        "look 1 has 2 of 3 runs; 1 failed",
    )
    assert found["low"]["verdict"] == "supported"
    assert judge_records(mixed, copy.results / "broken")
    assert copy.claims(mixed) == found
