"""A page in Markdown, such as a study's, as one HTML file that carries its images."""

import base64
import re
from collections.abc import Mapping

PAGE = "README.md"
"""a study's page, in its folder"""
CSS = (
    ":root{color-scheme:light dark;background:Canvas}body{max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "body{font:16px/1.5 system-ui,sans-serif}p code,li code{overflow-wrap:anywhere}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.2rem .6rem;text-align:left;"
    "border-bottom:1px solid #8884;vertical-align:top}img{max-width:100%;background:#fff}"
)


def markdown_page(markdown: str, title: str, images: Mapping[str, bytes]) -> str:
    """Return a page in Markdown as one HTML file.

    Args:
        images: PNG files by name, which the file then carries.
    """
    from html import escape

    from markdown_it import MarkdownIt

    # Sentences of a study may hold what looks like a tag: it is shown, and means nothing.
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    # Pages link to their headings, to which CommonMark gives no address, by the names that GitHub gives them.
    body = re.sub(r"<(h[23])>(.*?)</h", lambda it: f'<{it[1]} id="{anchor(it[2])}">{it[2]}</h', body)
    body = body.replace("<table>", '<table tabindex="0">')  # a wide one scrolls, also by keys
    for name, png in images.items():
        encoded = base64.b64encode(png).decode("ascii")
        body = body.replace(f'src="{name}"', f'src="data:image/png;base64,{encoded}"')
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{CSS}</style><main>{body}</main></html>\n'
    )


def anchor(heading: str) -> str:
    """Return the name by which pages link to a heading, which is the one that GitHub gives it: without dots."""
    return re.sub(r"<[^>]*>|&\w+;|[^\w\- ]", "", heading).lower().replace(" ", "-")
