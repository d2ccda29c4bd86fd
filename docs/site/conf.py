"""The site of the docs, built by Sphinx: ./lab docs."""

import re
from typing import Any

from docutils import nodes

import phasescope

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


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", escape_stars)
    app.connect("doctree-resolved", name_folders)


def escape_stars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Shapes have stars, as in (C, *spatial), and sizes strokes, as in |k|: neither is markup."""
    lines[:] = [re.sub(r"[*|]", r"\\\g<0>", line) for line in lines]


def name_folders(app: Any, tree: Any, page: str) -> None:
    """A link to a folder of the repository has nowhere to lead to: its name stays."""
    for link in list(tree.findall(nodes.reference)):
        if link.get("refid", link.get("refuri", "")).removeprefix("#").startswith("../"):
            link.replace_self(link.children)
