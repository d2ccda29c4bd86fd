"""The site of the docs is built from scratch without a warning, and no link in it goes nowhere."""

import subprocess
import sys
import time
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("sphinx")
ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name in ("id", "name") and value:
                self.places.add(value)


page_of = cache(Page)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site") / "html"
    began = time.monotonic()
    words = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", "docs/site", "docs"]
    end = subprocess.run([sys.executable, *words, str(out)], cwd=ROOT, capture_output=True, text=True)
    print(f"built in {time.monotonic() - began:.0f} s")
    assert end.returncode == 0, end.stderr
    return out


def test_every_page_of_the_docs_is_there(site):
    docs = ROOT / "docs"
    pages = [*docs.rglob("*.md"), *(docs / "notebooks").glob("*.ipynb")]
    built = [path.relative_to(docs).with_suffix(".html") for path in pages]
    assert any(path.suffix == ".ipynb" for path in pages)
    assert [page for page in sorted(built) if not (site / page).is_file()] == []


def test_the_findings_and_every_page_of_a_study_are_there_and_linked(site):
    pages = [
        *(ROOT / "studies").glob("*/README.md"),
        *map((ROOT / "studies").joinpath, ("README.md", "claims.md", "statements.md")),
    ]
    built = [path.relative_to(ROOT).with_suffix(".html") for path in pages]
    assert [page for page in sorted(built) if not (site / page).is_file()] == []
    assert "s1" in page_of(site / "studies" / "README.html").places
    assert {f"studies/{page}.html" for page in ("README", "claims", "statements")} <= set(
        page_of(site / "studies.html").links
    )


def test_no_link_goes_nowhere(site):
    dead = []
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    for path in pages:
        for link in page_of(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not to.exists() or (
                parts.fragment
                and to.suffix == ".html"
                and unquote(parts.fragment) not in page_of(to).places | {""}
            ):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert len(pages) > 30
    assert dead == []


def test_nothing_is_loaded_from_elsewhere_but_what_sets_mathematics(site):
    for path in site.rglob("*.html"):
        loaded = [link for link in page_of(path).links if link.endswith(".js") and urlsplit(link).netloc]
        assert all("mathjax" in link for link in loaded), path


def test_the_reference_tells_what_is_public(site):
    import phasescope

    told = (
        page_of(site / "reference" / "python.html").places | page_of(site / "reference" / "kinds.html").places
    )
    names = {place.rpartition(".")[2] for place in told}
    packages = {"families", "measures", "networks", "studies", "worlds"}
    alone = {"Config", "RunConfig"}  # told by presets and words, field by field
    assert set(phasescope.__all__) - packages - alone <= names


def test_pages_of_findings_have_a_header_and_tables_that_sort(site):
    for page in ("studies/README.html", "studies/claims.html", "studies/p1/README.html"):
        text = (site / page).read_text(encoding="utf-8")
        links = page_of(site / page).links
        depth = "../" * page.count("/")
        assert f"{depth}index.html" in links, page
        assert any(link.endswith("claims.html") for link in links), page
        assert "aria-sort" in text, page
