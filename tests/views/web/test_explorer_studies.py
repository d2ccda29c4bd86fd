import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from helpers.example_study import claim, write_claims
from helpers.explored import explorer
from helpers.small_run import write_small_run
from phasescope.runs.store.records import condense, merge_records


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A study of four run folders: two settings, two seeds."""
    home = tmp_path_factory.mktemp("home")
    rows = []
    for dropout in (0.1, 0.3):
        for seed in (1, 2):
            cells = json.dumps([f"dropout={dropout}", "all"])
            recorded = condense(write_small_run(home / "runs", dropout, seed))
            rows += [{**row, "cells": cells} for row in recorded]
    merge_records(home / "results" / "example" / "records.parquet", rows)
    return home


@pytest.fixture
def results(written, tmp_path) -> Path:
    return Path(shutil.copytree(written / "results", tmp_path / "results"))


FINDINGS = ("/findings", "/claims", "/statements")


def asked(results: Path, address: str) -> Any:
    with explorer(results.parent / "runs", results) as client:
        return client.get(address)


def claims(folder: Path) -> None:
    write_claims(folder, [claim("one", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6))], 4)


def test_a_studys_page_is_its_readme_with_its_pictures_and_no_markup_of_its_own(results):
    (results / "example" / "README.md").write_text("# Example\n\n![a](a.png) <script>alert(1)</script>\n")
    (results / "example" / "a.png").write_bytes(b"png")
    page = asked(results, "/studies/example").text
    assert "<h1>Example</h1>" in page
    assert 'src="data:image/png;base64,cG5n"' in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_links_of_a_page_lead_to_its_headings_and_to_other_studies(results):
    (results / "other").mkdir()
    for name, other in (("example", "other"), ("other", "example")):
        links = f"[there](../{other}/README.md#so_it_is), [here](#what-it-isnt-now), [a study without a page](../planned)"
        text = f"# {name}\n\n{links}\n\n"
        (results / name / "README.md").write_text(f"{text}## What it isn't, now\n\n### so_it_is\n")
    page = asked(results, "/studies/example").text
    for link in re.findall(r'href="(/studies/[^"]+|#[^"]+)"', page):
        address, _, anchor = link.partition("#")
        there = asked(results, address or "/studies/example")
        assert there.status_code == 200
        assert f'id="{anchor}"' in there.text
    content = page.partition("<main")[2]
    assert content.count('href="') == 2


@pytest.mark.parametrize(
    "content", [{"records.parquet": b"no parquet"}, {"claims.json": b"{"}, {"claims.json": b"\xff"}]
)
def test_results_that_cannot_be_read_are_reported_and_the_others_shown(results, content):
    broken = results / "broken"
    broken.mkdir()
    for name, body in content.items():
        (broken / name).write_bytes(body)
    listed = {study["name"]: study for study in asked(results, "/api/studies").json()}
    assert "broken" in listed["broken"]["error"]
    assert listed["example"]["runs"] == 4


@pytest.mark.parametrize("name", ["none", "../results/example", "example/", "example"])
def test_a_page_is_looked_up_by_the_studys_name_alone_and_must_be_written(results, name):
    assert asked(results, f"/studies/{name}").status_code == 404


def test_a_recorded_run_is_known_by_its_study_and_its_cell(results, written):
    members = asked(results, "/api/members").json()
    assert {member["study"] for member in members.values()} == {"example"}
    for path in (written / "runs").iterdir():
        digest = path.name.rpartition("-")[2]
        assert members[digest]["cell"] in {f"dropout={dropout} and all" for dropout in (0.1, 0.3)}
    (results / "example" / "records.parquet").write_bytes(b"no parquet")
    assert asked(results, "/api/members").json() == {}


def test_studies_are_listed_from_their_claims_without_reading_records(results):
    claims(results / "example")
    (results / "example" / "records.parquet").write_bytes(b"no parquet")
    (listed,) = asked(results, "/api/studies").json()
    assert (listed["name"], listed["runs"], listed["verdicts"]) == ("example", 4, {"above the bar": 1})


SUMMARY = "<summary><b>S1</b> <em>agrees</em>: &lt;i&gt; <i>is text</i></summary>"
UNFOLDS = f'<details id="s1">\n{SUMMARY}\n\nText.\n\n</details>\n'
DRAWN = "![a](../docs/pictures/a.svg) [1](#s1) [2](claims.md#all-claims) [3](example/README.md) [4](../README.md)\n"


def write_findings(results: Path) -> None:
    (results / "README.md").write_text(f"# Findings\n\n{DRAWN}\n{UNFOLDS}")
    (results / "claims.md").write_text("# All claims\n\n[f](README.md#s1)\n")
    (results / "example" / "README.md").write_text(f"# Example\n\n[f](../README.md#s1)\n\n{UNFOLDS}")
    pictures = results.parent / "docs" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / "a.svg").write_text("<svg/>")


def test_the_page_of_findings_is_served_with_its_drawing_and_what_unfolds(results):
    write_findings(results)
    page = asked(results, "/findings").text
    assert '<details id="s1">\n<summary><b>S1</b> <em>agrees</em>' in page
    assert "<i>" not in page
    assert page.count("</details>") == 1
    drawing = asked(results, re.search(r'<img src="([^"]+)"', page)[1])
    assert (drawing.text, drawing.headers["content-type"]) == ("<svg/>", "image/svg+xml")
    links = re.findall(r'href="([^"]+)"', page.partition("<main")[2])
    assert links == ["/findings#s1", "/claims#all-claims", "/studies/example"]
    assert json.loads(asked(results, "/api/findings").text) in page


def test_what_unfolds_is_text_on_a_page_that_is_not_of_findings(results):
    write_findings(results)
    page = asked(results, "/studies/example").text
    assert "<details" not in page
    assert 'href="/findings#s1"' in page


def test_a_folder_of_studies_without_findings_has_none(results):
    (results / "README.md").write_text("# About something else\n")
    assert asked(results, "/api/findings").json() == ""
    for page in ("findings", "claims", "statements"):
        answer = asked(results, f"/{page}")
        assert (answer.status_code, page in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    "address", ["/pictures/b.svg", "/pictures/..%2Fa.txt", "/studies/example/..%2Fa.txt"]
)
def test_a_picture_is_looked_up_by_its_name_alone(results, address):
    write_findings(results)
    for folder in (results, results.parent / "docs"):
        (folder / "a.txt").write_text("a")
    assert asked(results, address).status_code == 404


def test_no_link_of_the_pages_of_studies_and_findings_is_dead():
    """Pages of the repository: addresses of the explorer answer, places within pages exist, and pictures are there."""
    folder = Path(__file__).parents[3] / "studies"
    studies = sorted(f"/studies/{path.parent.name}" for path in folder.glob("*/README.md"))
    with explorer(folder / "no runs", folder) as client:
        pages = {address: client.get(address).text for address in (*studies, *FINDINGS)}
        pictures = {source for page in pages.values() for source in re.findall(r'<img src="(/[^"]+)"', page)}
        missing = [picture for picture in sorted(pictures) if client.get(picture).status_code != 200]
    assert missing == []
    assert "/pictures/findings.svg" in pictures
    for address, page in pages.items():
        for link in re.findall(r'href="([^"]+)"', page):
            if re.match(r"https?:|data:|/#/|/static/", link):
                continue
            to, _, place = link.partition("#")
            there = pages.get(to or address)
            assert there is not None, f"{address}: {link}"
            assert not place or f'id="{place}"' in there, f"{address}: {link}"
