"""Pages in Markdown, of studies and of findings, as HTML: one file that carries its images, or a page of the explorer."""

import base64
import re
from collections.abc import Mapping

from markupsafe import Markup

from phasescope.views.web.files import STATIC, style
from phasescope.views.web.inlined import environment

PAGE = "README.md"
"""a study's page, in its folder"""
TEMPLATE = "markdown.html.j2"
TYPES = {".png": "image/png", ".svg": "image/svg+xml"}

# What unfolds, as views/web/templates/findings.md.j2 writes it, once its tags are escaped as those of all text are.
UNFOLDS = re.compile(
    r"<p>&lt;details id=&quot;([a-z0-9]+)&quot;&gt;\n&lt;summary&gt;(.*)&lt;/summary&gt;</p>"
    r"|<p>&lt;/details&gt;</p>"
)
EMPHASIS = re.compile(r"&lt;(/?(?:b|em|code))&gt;")
DRAWING = re.compile(r'<p>(<img src="[^"]*\.svg")')


def markdown_html(markdown: str, unfolds: bool = False) -> str:
    """Return the elements of a page in Markdown; tags in its text are shown, and mean nothing.

    Args:
        unfolds: whether lines with the tags `details` and `summary` are elements: of pages that we generate alone.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    # Pages link to their headings, to which CommonMark gives no address, by the names that GitHub gives them.
    body = re.sub(r"<(h[23])>(.*?)</h", lambda it: f'<{it[1]} id="{anchor(it[2])}">{it[2]}</h', body)

    # What is wider than the screen scrolls in itself, also by keys.
    body = body.replace("<table>", '<div class="tablebox" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    body = DRAWING.sub(r'<p class="drawing" tabindex="0">\1', body)
    return UNFOLDS.sub(_unfolding, body) if unfolds else body


def _unfolding(tags: re.Match) -> str:
    key, row = tags.groups()
    if key is None:
        return "</details>"
    row = EMPHASIS.sub(r"<\1>", row)
    return f'<details id="{key}">\n<summary>{row}</summary>'


def markdown_page(
    markdown: str,
    title: str,
    images: Mapping[str, bytes],
    unfolds: bool = False,
    links: Mapping[str, str] | None = None,
) -> str:
    """Return a page in Markdown as one HTML file; a long table in it sorts by column, and filters by words.

    Args:
        images: PNG and SVG files by the address that the page has of them, which the file then carries.
        unfolds: see `markdown_html`.
        links: of the page's header, addresses by their words; without any it has no header.
    """
    body = carried(markdown_html(markdown, unfolds), images)
    page = environment().get_template(TEMPLATE)
    script = (STATIC / "reading.js").read_text(encoding="utf-8")
    return page.render(
        title=title,
        body=Markup(body),
        style=Markup(style()),
        script=Markup(script),
        served=False,
        links=links or {},
    )


def carried(body: str, images: Mapping[str, bytes]) -> str:
    """Return elements with the images that they name as data URLs."""
    for name, image in images.items():
        kind = TYPES[name[name.rindex(".") :]]
        encoded = base64.b64encode(image).decode("ascii")
        body = body.replace(f'src="{name}"', f'src="data:{kind};base64,{encoded}"')
    return body


def served_page(body: str, title: str) -> str:
    """Return a page of the explorer, with its header and style, that shows elements of `markdown_html`."""
    return environment().get_template(TEMPLATE).render(title=title, body=Markup(body), served=True)


def anchor(heading: str) -> str:
    """Return the name by which pages link to a heading, which is the one that GitHub gives it: without dots."""
    return re.sub(r"<[^>]*>|&\w+;|[^\w\- ]", "", heading).lower().replace(" ", "-")
