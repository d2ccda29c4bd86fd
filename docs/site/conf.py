"""The site of the docs, built by Sphinx: ./lab docs."""

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from docutils import nodes

import phasescope
from phasescope.views.web.markdown import markdown_page

# At once: autodoc imports with TYPE_CHECKING set, which pydantic's models do not take.
for name in phasescope.__all__:
    getattr(phasescope, name)

project = "phasescope"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
root_doc = "index"
exclude_patterns = ["site", "figures", "**/__pycache__", "**/.ipynb_checkpoints"]
html_theme = "furo"
html_title = "phasescope"
html_show_copyright = False
html_copy_source = False
nb_execution_mode = "off"  # the tests execute them
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Anchors are in HTML, too; tests/test_site.py follows all links.
suppress_warnings = ["myst.xref_missing", "myst.header"]
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False


ROOT = Path(__file__).parents[2]
STUDIES = [
    *sorted(ROOT.glob("studies/*/README.md")),
    *(ROOT / "studies" / f"{page}.md" for page in ("README", "claims", "statements")),
]
STUDY_PAGES = {str(path.relative_to(ROOT)): path for path in STUDIES}
"""pages of findings and studies by their paths in the repository; in the site they have the same, but for their suffix"""
MAIN_PAGES = {"Findings": "README", "Statements": "statements", "All claims": "claims"}
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)#]*)(#[^)]*)?\)")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("source-read", link_studies)
    app.connect("doctree-resolved", name_folders)
    app.connect("build-finished", write_studies)


def escape_stars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Shapes have stars, as in (C, *spatial), and sizes strokes, as in |k|: neither is markup."""
    lines[:] = [re.sub(r"[*|]", r"\\\g<0>", line) for line in lines]


def name_folders(app: Any, tree: Any, page: str) -> None:
    """A link to a folder of the repository has nowhere to lead to: its name stays."""
    for link in list(tree.findall(nodes.reference)):
        if link.get("refid", link.get("refuri", "")).removeprefix("#").startswith("../"):
            link.replace_self(link.children)


def link_studies(app: Any, page: str, source: list[str]) -> None:
    """Lead links to pages of studies there: as HTML, since Sphinx knows its own pages alone."""
    if app.env.doc2path(page).endswith(".md"):
        source[0] = LINK.sub(lambda link: in_html(link, page), source[0])


def in_html(link: re.Match, page: str) -> str:
    address = in_site(link[2] + (link[3] or ""), join("docs", page))
    return f'<a href="{relpath(address, dirname(page) or ".")}">{link[1]}</a>' if address else link[0]


def in_site(target: str, page: str) -> str | None:
    """Return the address in the site of a page of studies, as the file `page` of the repository links to it; None for
    another file."""
    file, _, place = target.partition("#")
    path = normpath(join(dirname(page), file))
    path = path if path in STUDY_PAGES else join(path, "README.md")
    return (
        path.removesuffix(".md") + ".html" + (f"#{place}" if place else "") if path in STUDY_PAGES else None
    )


def write_studies(app: Any, error: Exception | None) -> None:
    """Write the pages of findings and studies, each one file, beside the pages of the docs."""
    if error is not None or app.builder.name != "html":
        return
    for page, path in STUDY_PAGES.items():

        def in_page(link: re.Match, page: str = page) -> str:
            address = in_site(link[2] + (link[3] or ""), page)
            return f"[{link[1]}]({relpath(address, dirname(page))})" if address else link[1]

        text = path.read_text(encoding="utf-8")
        pictures = {name: (path.parent / name).read_bytes() for name in PICTURE.findall(text)}
        home = relpath("index.html", dirname(page))
        links = {"Documentation": home} | {
            words: relpath(f"studies/{name}.html", dirname(page)) for words, name in MAIN_PAGES.items()
        }
        out = Path(app.outdir) / page.replace(".md", ".html")
        out.parent.mkdir(parents=True, exist_ok=True)
        title = path.parent.name if path.stem == "README" else path.stem
        out.write_text(
            markdown_page(
                LINK.sub(in_page, text),
                title=title,
                images=pictures,
                unfolds=path.parent.name == "studies",
                links=links,
            ),
            encoding="utf-8",
        )
