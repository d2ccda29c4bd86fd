import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from helpers.large_run import write_large_run
from helpers.written_run import ALL_STEPS, PLACES, write_run
from phasescope import Run
from phasescope.cli import main
from phasescope.views.facts.terms import site_words
from tools.screenshots import wait_until

SECTIONS = {"view", "scores", "configuration", "provenance"}
LOADING = {"src", "href", "xlink:href", "srcset", "data", "poster", "action", "formaction", "background"}


class Page(HTMLParser):
    """What a page would load, its ids, and its text outside scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.text, self.styles, self._inside = "", "", ""
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._inside = tag if tag in ("script", "style") else ""
        self.tags.append(tag)
        for name, value in attributes:
            if name in LOADING:
                self.loads.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "style":
                self.styles += value or ""

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "style":
            self.styles += data
        elif not self._inside:
            self.text += data


def report_of(run: Run, out: Path | None = None) -> Path:
    """Have the command write the report of a run, by default into the run's folder."""
    assert main(["report", str(run.path), *(["--out", str(out)] if out else [])]) == 0
    return out or run.path / "report.html"


@pytest.fixture(scope="module")
def page_path(run, tmp_path_factory) -> Path:
    return report_of(run, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def page(page_path) -> Page:
    return Page(page_path.read_text())


def test_nothing_is_loaded_from_elsewhere(page, page_path):
    assert all(reference.startswith(("#", "data:")) for reference in page.loads)
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert re.findall(r"url\((?!#|&quot;#|\"#)[^)]*\)|@import", page.styles) == []
    assert "default-src 'none'" in page_path.read_text()[:1000]


def test_every_section_is_there_and_ids_are_unique(page):
    assert set(page.ids) >= SECTIONS
    assert len(page.ids) == len(set(page.ids))


def test_text_carries_the_runs_numbers(page, run):
    status, last = run.status, run.metrics[-1]
    for said in (
        run.name, status["host"], status["git_commit"], f"{last['images_seen']:,} images seen",
        f"{100 * last['outcomes']['grid']['correct']:.1f} %", "sigma_px: 1.0",
        f"{100 * status['observing_s'] / status['wall_s']:.0f} %",
    ):  # fmt: skip
        assert said in page.text


def test_every_score_stands_beside_its_nulls(page, run):
    text = page.text
    for place in PLACES:
        assert text.count(site_words(place)) >= 4
    for null in ("untrained network", "raw pixels", "permuted labels", "label embedding"):
        assert null in text


def carried(text: str) -> dict[str, bytes]:
    """The answers that a page carries, by address."""
    found = re.search(r'id="answers">(.*?)</script>', text, re.DOTALL)
    return {url: gzip.decompress(base64.b64decode(body)) for url, body in json.loads(found[1]).items()}


def unpacked(packet: bytes) -> dict:
    """The header of a packet, with its arrays."""
    length = int.from_bytes(packet[:4], "little")
    header, at = json.loads(packet[4 : 4 + length]), 4 + length
    for one in header["arrays"]:
        dtype, count = np.dtype(one["dtype"]), int(np.prod(one["shape"]))
        header[one["name"]] = np.frombuffer(packet, dtype, count, at).reshape(one["shape"])
        at += -(-count * dtype.itemsize // 4) * 4
    return header


def test_points_and_images_in_the_page_are_those_of_the_run(page_path, run):
    answers = carried(page_path.read_text())
    home = f"/api/runs/{run.name}"
    known = json.loads(answers[home])
    assert [snapshot["step"] for snapshot in known["snapshots"]] == ALL_STEPS
    assert known["sampling"] == {"error": "this file holds no network"}
    cloud = unpacked(answers[f"{home}/cloud?site=mid.600&projection=pca&of={len(ALL_STEPS)}"])
    latents = run.snapshots[-1].latents("mid", 600)
    centred = latents - latents.mean(axis=0)
    share = cloud["shares"][-1]
    scale = np.sqrt((centred**2).sum(axis=1).mean() * share)
    # the three components hold nearly all of these latents' variance: distances are theirs
    expected = np.linalg.norm(centred[:50, None] - centred[None, :50], axis=-1) / scale
    points = cloud["points"][-1, :50]
    there = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert share > 0.97
    np.testing.assert_allclose(there, expected, atol=0.35)
    shown = unpacked(answers[f"{home}/samples?step={ALL_STEPS[-1]}"])
    stored = run.snapshots[-1].samples()
    assert shown["of"] == len(stored["labels"])
    counts = {name: shown["split"].count(name) for name in shown["split"]}
    assert set(counts) == {"grid", "off_grid"}
    assert 9 <= counts["grid"] == counts["off_grid"] <= 36  # as many as fit: these images are noise
    for label, image in zip(shown["labels"], shown["images"], strict=True):
        (index,) = np.flatnonzero((stored["labels"].astype(np.float32) == label).all(axis=1))
        bright = np.clip((stored["images"][index, 0] + 1) * 127.5, 0, 255)
        np.testing.assert_allclose(image[..., 0], bright, atol=0.51)


@pytest.mark.slow
def test_size_stays_bounded_for_many_places_and_snapshots(run, tmp_path, monkeypatch):
    monkeypatch.setattr("phasescope.views.web.carried.MOST_CLOUD_BYTES", 10_000)
    monkeypatch.setattr("phasescope.views.web.carried.MOST_SNAPSHOTS", 5)
    text = report_of(run, tmp_path / "report.html").read_text()
    assert f"This file carries 5 of {len(ALL_STEPS)} snapshots" in text
    assert len({re.search(r"site=[^&]+", url)[0] for url in carried(text) if "/cloud?" in url}) == 1


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> str:
    """The report of a run of eight layers and forty snapshots, whose images and activations are noise."""
    run = write_large_run(tmp_path_factory.mktemp("large") / "run")
    return report_of(run).read_text()


def test_a_report_has_at_most_1_5_megabytes_whatever_the_run_has(large):
    assert len(large.encode()) <= 1_500_000


def test_a_large_run_is_thinned_and_not_emptied_and_the_file_says_what_it_carries(large):
    answers = carried(large)
    assert [url for url in answers if "/cloud?" in url]
    images = [unpacked(answers[url]) for url in answers if "/samples?" in url]
    assert images
    most = max(shown["split"].count("grid") for shown in images)
    assert most > 0

    (said,) = re.findall(r"This file carries[^<]*", large)
    assert "of 40 snapshots" in said
    assert f"at most {most} generated images" in said
    assert "what fits into 1.5 MB" in said


def test_what_is_no_data_of_the_run_takes_less_than_half_a_megabyte(page_path):
    """No library of millions of bytes lies beside a run of kilobytes."""
    text = page_path.read_text()
    found = re.search(r'id="answers">(.*?)</script>', text, re.DOTALL)
    assert len(text) - len(found[1]) < 500_000


@pytest.mark.slow
def test_default_place_is_the_runs_folder_and_nothing_is_left_aside(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:2])
    assert report_of(run).exists()
    assert not list(run.path.glob(".*aside"))


@pytest.mark.slow
@pytest.mark.parametrize(("state", "latents"), [("stopped", True), ("failed", False)])
def test_a_run_with_one_snapshot_has_a_report(tmp_path, state, latents):
    page = Page(report_of(write_run(tmp_path / "run", [0], state, latents)).read_text())
    assert set(page.ids) >= SECTIONS
    answers = carried((tmp_path / "run" / "report.html").read_text())
    assert any("/cloud?" in url for url in answers) == latents
    assert "at step 0 of" in page.text


def test_a_run_without_metrics_has_a_report(tmp_path):
    run = write_run(tmp_path / "run", [0])
    (run.path / "metrics.jsonl").unlink()
    assert "Nothing is recorded in this run so far" in Page(report_of(run).read_text()).text


@pytest.mark.slow
def test_missing_scores_leave_their_panels_out(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:3])
    lines = run.metrics
    for line in lines:
        del (
            line["p1_r2"],
            line["phase"]["representation_p1"],
            line["denoising"],
            line["outcomes"]["off_grid"],
        )
        line["trustworthiness"] = {}
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = Page(report_of(run).read_text()).text
    assert "UMAP" not in text
    assert "P1" not in text
    assert "trustworthiness" not in text.lower()


def open_page(browser, path: Path, width: int = 1280, scheme: str = "light"):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on(
        "request",
        lambda request: page.faults.append(request.url) if request.url.startswith(("http", "ws")) else None,
    )
    page.goto(path.as_uri(), timeout=300_000)
    wait_until(page, DRAWN, 300)
    return page


DRAWN = "document.querySelector('.cloud')?.placed?.length > 0 && document.querySelector('.tile') !== null"


@pytest.fixture(scope="module")
def wide(browser, page_path):
    """The page on a wide screen, opened once: to draw it takes seconds."""
    page = open_page(browser, page_path)
    yield page
    page.context.close()


STATE = """(() => { const scene = document.querySelector('.cloud'); return {
    x: scene.traces[0].x,
    colour: scene.traces[0].colours,
    camera: scene.camera,
    image: document.querySelector('.tile canvas').toDataURL(),
}; })()"""


def kept(page) -> dict:
    """Return the page's state, and keep it in the page, as `kept`, to wait for another."""
    return page.evaluate(f"window.kept = {STATE}")


@pytest.mark.slow
def test_the_scrubber_moves_points_and_images_and_keeps_the_camera(wide):
    page = wide
    page.focus(".cloud")
    untouched = kept(page)
    page.keyboard.press("ArrowRight")
    wait_until(page, f"JSON.stringify({STATE}.camera) !== JSON.stringify(kept.camera)")
    before = kept(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    wait_until(page, f"{STATE}.image !== kept.image && {STATE}.x.join() !== kept.x.join()")
    after = page.evaluate(STATE)
    assert before["camera"] != pytest.approx(untouched["camera"], rel=0.01)
    assert after["camera"] == pytest.approx(before["camera"], rel=1e-6)
    assert before["x"] != after["x"]
    assert before["image"] != after["image"]
    assert page.inner_text(".scrubber .at").endswith("step 0")
    page.keyboard.press("End")
    wait_until(page, f"{STATE}.image === kept.image && {STATE}.x.join() === kept.x.join()")
    assert page.faults == []


def test_colour_place_and_projection_can_be_chosen(wide, run):
    page = wide
    first = page.evaluate(STATE)
    page.select_option(".manifold label:has-text('colour') select", "y")
    second = kept(page)
    labels = run.snapshots[-1].latent_labels()
    for k, shown in enumerate((first, second)):
        values, colours = labels[: len(shown["colour"]), k].tolist(), shown["colour"]
        assert len(set(zip(values, colours, strict=True))) == len(set(values)), "a colour for each value"
        assert len(set(colours)) > 0.5 * len(set(values)), "and most values that differ can be told apart"
    page.select_option(".manifold label:has-text('activations at') select", "down3.600")
    page.select_option(".manifold label:has-text('projection') select", "umap")
    wait_until(page, f"{STATE}.x.join() !== kept.x.join()")
    assert page.evaluate(STATE)["x"] != second["x"]
    assert page.faults == []


@pytest.mark.some(1)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window_and_follows_the_scheme(request, browser, page_path, width):
    """Opened on a wide screen by day and on a narrow one by night; then day and night change."""
    page = request.getfixturevalue("wide") if width == 1280 else open_page(browser, page_path, width, "dark")
    for scheme in ("light", "dark") if width == 1280 else ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        light, dark = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (paper, ink))
        assert (light > dark) == (scheme == "light")
    assert page.locator(".histories svg.chart:visible").count() > 4
    assert page.faults == []
    if width != 1280:
        page.context.close()
